import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { generateAuthTokenFromCredentialsProvider } from 'aws-msk-iam-sasl-signer-js';
import type { KafkaToken } from './kafka-log-sasl.ts';

export type MskTokens = {
  readonly region: string;
  /** Who the process is on AWS, now; left out, as the AWS tools find it: a task's role, the environment, a profile. */
  readonly credentials?: ReturnType<typeof defaultProvider>;
};

/**
 * Tokens for Amazon MSK: an address signed by who the process is on AWS, good for 15 minutes. Made without asking anybody, so
 * each connection has one of its own; the credentials are held, and renewed in time, by their provider.
 */
export const mskTokens = ({ region, credentials = defaultProvider() }: MskTokens): KafkaToken => {
  return async () => {
    const { token } = await generateAuthTokenFromCredentialsProvider({ region, awsCredentialsProvider: credentials });
    return token;
  };
};
