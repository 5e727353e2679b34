import { CONFIG_KEYS } from './config-keys.ts';
import type { Password, Reader } from './config-reader.ts';

/** Where the log and the state lie when one machine is not enough. */
export type ClusterConfig = {
  readonly kafka: KafkaConfig;
  readonly redis: RedisConfig;
  /** Null where no role of the installation keeps anything durable. */
  readonly dynamo: DynamoConfig | null;
};

export type DynamoConfig = {
  readonly region: string;
  readonly endpoint: string | null;
  readonly prefix: string;
  readonly createTables: boolean;
};

export type KafkaConfig = {
  readonly brokers: readonly string[];
  readonly tls: boolean;
  readonly caFile: string | null;
  readonly sasl: SaslConfig | null;
  readonly prefix: string;
  readonly replicas: number;
  readonly createTopics: boolean;
  readonly sessionTimeoutMs: number;
};

export type SaslConfig =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: Password;
    }
  | {
      readonly mechanism: 'oauthbearer';
      readonly tokenUrl: string;
      readonly clientId: string;
      readonly clientSecret: Password;
    }
  | { readonly mechanism: 'aws-msk-iam'; readonly region: string };

export type RedisConfig = {
  readonly urls: readonly string[];
  readonly cluster: boolean;
  readonly username: string | null;
  readonly password: Password | null;
  readonly caFile: string | null;
  readonly prefix: string;
};

/** Null where nothing of it is given: then everything is embedded. Half of it is an error. */
export const readClusterConfig = (reader: Reader): ClusterConfig | null => {
  const { errors, text, number, choice, list, password } = reader;
  const brokers = list('KAFKA_BROKERS');
  const urls = list('REDIS_URL');
  const mode = choice('REDIS_MODE', CONFIG_KEYS.REDIS_MODE.choices);
  const sasl = readSasl(reader);
  const tls = choice('KAFKA_TLS', CONFIG_KEYS.KAFKA_TLS.choices) === 'on';
  const config: ClusterConfig = {
    kafka: {
      brokers,
      tls,
      caFile: text('KAFKA_CA_FILE'),
      sasl,
      prefix: text('KAFKA_PREFIX') ?? '',
      replicas: number('KAFKA_REPLICAS'),
      createTopics: choice('KAFKA_CREATE_TOPICS', CONFIG_KEYS.KAFKA_CREATE_TOPICS.choices) !== 'off',
      sessionTimeoutMs: number('KAFKA_SESSION_TIMEOUT_MS'),
    },
    redis: {
      urls,
      cluster: mode === null ? urls.length > 1 : mode === 'cluster',
      username: text('REDIS_USERNAME'),
      password: password('REDIS_PASSWORD'),
      caFile: text('REDIS_CA_FILE'),
      prefix: text('REDIS_PREFIX') ?? CONFIG_KEYS.REDIS_PREFIX.default,
    },
    dynamo: readDynamo(reader),
  };
  if (mode === 'single' && urls.length > 1)
    errors.push('REDIS_MODE is single, and REDIS_URL has more than one address');
  if (brokers.length > 0 && urls.length === 0)
    errors.push('KAFKA_BROKERS is given and REDIS_URL is not: they go together');
  if (brokers.length === 0 && urls.length > 0)
    errors.push('REDIS_URL is given and KAFKA_BROKERS is not: they go together');
  if (!tls && sasl !== null && !sasl.mechanism.startsWith('scram'))
    errors.push(`KAFKA_SASL=${sasl.mechanism} sends the secret itself: it needs KAFKA_TLS=on`);
  return brokers.length > 0 && urls.length > 0 ? config : null;
};

/** DynamoDB Local takes any region; this one stands in its requests. */
const ANY_REGION = 'us-east-1';

const readDynamo = ({ text, choice }: Reader): DynamoConfig | null => {
  const region = text('DYNAMODB_REGION');
  const endpoint = text('DYNAMODB_ENDPOINT');
  const prefix = text('DYNAMODB_PREFIX') ?? CONFIG_KEYS.DYNAMODB_PREFIX.default;
  const createTables = choice('DYNAMODB_CREATE_TABLES', CONFIG_KEYS.DYNAMODB_CREATE_TABLES.choices) !== 'off';
  return region === null && endpoint === null ? null : { region: region ?? ANY_REGION, endpoint, prefix, createTables };
};

const readSasl = ({ errors, text, choice, password }: Reader): SaslConfig | null => {
  const mechanism = choice('KAFKA_SASL', CONFIG_KEYS.KAFKA_SASL.choices);
  const username = text('KAFKA_USERNAME');
  const secret = password('KAFKA_PASSWORD');
  const tokenUrl = text('KAFKA_TOKEN_URL');
  const region = text('KAFKA_REGION');
  if (mechanism === null) return null;
  if (mechanism === 'aws-msk-iam') {
    if (region !== null) return { mechanism, region };
    errors.push('KAFKA_SASL is aws-msk-iam: give it KAFKA_REGION');
    return null;
  }
  if (username === null || secret === null) {
    errors.push(`KAFKA_SASL is ${mechanism}: give it KAFKA_USERNAME and KAFKA_PASSWORD`);
    return null;
  }
  if (mechanism !== 'oauthbearer') return { mechanism, username, password: secret };
  if (tokenUrl !== null) return { mechanism, tokenUrl, clientId: username, clientSecret: secret };
  errors.push('KAFKA_SASL is oauthbearer: give it KAFKA_TOKEN_URL');
  return null;
};

export type RegistryConfig = {
  readonly url: string;
  readonly auth: { readonly username: string; readonly password: Password } | null;
};

export const readRegistryConfig = ({ errors, text, password }: Reader): RegistryConfig | null => {
  const url = text('SCHEMA_REGISTRY_URL');
  const username = text('SCHEMA_REGISTRY_USERNAME');
  const secret = password('SCHEMA_REGISTRY_PASSWORD');
  if ((username === null) !== (secret === null))
    errors.push('SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD go together');
  if (url === null) return null;
  return { url, auth: username === null || secret === null ? null : { username, password: secret } };
};
