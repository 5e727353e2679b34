import { type App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { addBackup } from '../backup.ts';
import { addKafka } from '../kafka.ts';
import { readNetwork } from '../network-read.ts';
import { publish } from '../published.ts';
import type { Stage } from '../stages.ts';
import { addTables } from '../tables.ts';
import { addValkey } from '../valkey.ts';

/** Letters and digits alone are base64url; 64 of them are 48 bytes, of which 32 are asked for. */
const SECRET_LENGTH = 64;

/** What must outlive every other stack: nothing in it is deleted with it. */
export const dataStack = (app: App, stage: Stage): Stack => {
  const { account, region } = stage.settings;
  const stack = new Stack(app, `${stage.prefix}-data`, {
    env: { account, region },
    terminationProtection: stage.settings.protected,
  });
  const { vpc, subnets } = readNetwork(stack, stage);
  const place = { vpcId: vpc.vpcId, subnets };
  const secret = (id: string, name: string): Secret =>
    new Secret(stack, id, {
      secretName: `${stage.prefix}/${name}`,
      generateSecretString: { passwordLength: SECRET_LENGTH, excludePunctuation: true },
      removalPolicy: RemovalPolicy.RETAIN,
    });
  const kafka = addKafka(stack, stage, place);
  const valkey = addValkey(stack, stage, place);
  addBackup(stack, stage, addTables(stack, stage));
  publish(stack, stage, {
    'data/kafka-arn': kafka.cluster.ref,
    'data/kafka-group': kafka.group.attrGroupId,
    'data/valkey-address': valkey.store.attrConfigurationEndPointAddress,
    'data/valkey-group': valkey.group.attrGroupId,
    'data/valkey-password': valkey.password.secretArn,
    'data/pepper': secret('AccountKeyPepper', 'account-key-pepper').secretArn,
    'data/token-key': secret('SessionTokenKey', 'session-token-key').secretArn,
  });
  return stack;
};
