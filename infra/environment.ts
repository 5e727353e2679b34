import { Secret as EcsSecret } from 'aws-cdk-lib/aws-ecs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { type RoleName, ROLES } from '../services/roles.ts';
import type { ConfigName } from '../shared/config/config-keys.ts';
import { ADMIN_PORT, PORT } from './ports.ts';
import { type Fact, readFact } from './published.ts';
import { generationOf, replicasOf } from './settings.ts';
import type { Stage } from './stages.ts';
import { VALKEY_PORT, VALKEY_USER } from './valkey.ts';

/** What a task is told: names of the catalogue alone, or it does not compile. */
export type Told = Readonly<Partial<Record<ConfigName, string>>>;

/** MSK allows no less. */
const SESSION_TIMEOUT_MS = 6_000;

export const environmentOf = (scope: Construct, stage: Stage, role: RoleName): Told => {
  const { region, identity, partitions } = stage.settings;
  return {
    HOST: '0.0.0.0',
    PORT: String(PORT),
    ADMIN_PORT: String(ADMIN_PORT),
    // The load balancer.
    TRUSTED_PROXIES: '1',
    AUTH_JWKS_URL: identity.jwksUrl,
    AUTH_ISSUER: identity.issuer,
    AUTH_AUDIENCE: identity.audience,
    PARTITIONS: String(partitions),
    LOG_GENERATION: String(generationOf(stage.settings)),
    KAFKA_BROKERS: readFact(scope, stage, 'platform/kafka-brokers'),
    KAFKA_TLS: 'on',
    KAFKA_SASL: 'aws-msk-iam',
    KAFKA_REGION: region,
    KAFKA_REPLICAS: String(replicasOf(stage.settings)),
    KAFKA_CREATE_TOPICS: 'off',
    KAFKA_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
    CLOUDWATCH_NAMESPACE: stage.prefix,
    SCHEMA_REGISTRY_URL: readFact(scope, stage, 'platform/registry-url'),
    REDIS_URL: `rediss://${readFact(scope, stage, 'data/valkey-address')}:${VALKEY_PORT}`,
    REDIS_MODE: 'cluster',
    REDIS_USERNAME: VALKEY_USER,
    ...(ROLES[role].tables.length === 0
      ? {}
      : { DYNAMODB_REGION: region, DYNAMODB_PREFIX: stage.prefix, DYNAMODB_CREATE_TABLES: 'off' }),
  };
};

const SECRETS = {
  ACCOUNT_KEY_PEPPER: 'data/pepper',
  SESSION_TOKEN_KEY: 'data/token-key',
  REDIS_PASSWORD: 'data/valkey-password',
} as const satisfies Partial<Record<ConfigName, Fact>>;
const PEPPERS: ConfigName = 'ACCOUNT_KEY_PEPPERS';

/** Read by ECS when a task starts; in no template and in no description of a task. */
export const secretsOf = (scope: Construct, stage: Stage): Record<string, EcsSecret> => {
  const { peppersArn } = stage.settings;
  const arns: Readonly<Record<string, string>> = {
    ...Object.fromEntries(Object.entries(SECRETS).map(([name, fact]) => [name, readFact(scope, stage, fact)])),
    ...(peppersArn === undefined ? {} : { [PEPPERS]: peppersArn }),
  };
  return Object.fromEntries(
    Object.entries(arns).map(([name, arn]) => [
      name,
      EcsSecret.fromSecretsManager(Secret.fromSecretCompleteArn(scope, `Secret-${name}`, arn)),
    ]),
  );
};
