import { startDynamo } from './dynamodb.ts';
import { startOwnPart } from './own-part.ts';

/** A DynamoDB Local in memory that belongs to this process and ends with it, however that ends. */
export type OwnDynamo = {
  readonly endpoint: string;
  stop(): Promise<void>;
};

export const startOwnDynamo = async (): Promise<OwnDynamo> => {
  const { env, stop } = await startOwnPart('dynamodb', startDynamo);
  return { endpoint: env()['DYNAMODB_ENDPOINT'] ?? '', stop };
};
