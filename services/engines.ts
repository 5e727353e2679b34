import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TABLE_NAMES, type TableName } from '../schemas/tables.ts';
import { epochMs } from '../schemas/time.ts';
import type { DynamoConfig, KafkaConfig, RedisConfig, SaslConfig } from '../shared/config/cluster-config.ts';
import { type Config, isLoopback } from '../shared/config/config.ts';
import type { Secret } from '../shared/config/config-reader.ts';
import { openDataFolder } from '../shared/config/data-folder.ts';
import { openEmbeddedLog } from '../shared/log/embedded-log.ts';
import { type KafkaLogOptions, openKafkaLog } from '../shared/log/kafka-log.ts';
import { clientCredentials } from '../shared/identity/client-credentials.ts';
import type { KafkaSasl } from '../shared/log/kafka-log-sasl.ts';
import type { Log } from '../shared/log/log.ts';
import { openEmbeddedState } from '../shared/state/embedded-state.ts';
import { openRedisState, type RedisStateOptions } from '../shared/state/redis-state.ts';
import type { StateStore } from '../shared/state/state.ts';
import type { DynamoOptions } from '../shared/table/dynamo-connection.ts';
import { createDynamoTables, verifyDynamoTables } from '../shared/table/dynamo-tables.ts';
import { openDynamoTable } from '../shared/table/dynamo-table.ts';
import { openSqliteTable } from '../shared/table/sqlite-table.ts';
import type { Table } from '../shared/table/table.ts';
import { packed } from './packed.ts';
import { type RoleName, ROLES } from './roles.ts';

/** Where the log and the state of this process lie. The only place that chooses adapters. */
export type Engine = {
  readonly log: Log;
  readonly store: StateStore;
  /** Null where the roles of this process keep nothing durable. */
  readonly table: Table | null;
  /** Those of the catalogue that it has. */
  readonly tables: readonly TableName[];
  /** Deletes durable rows that have expired, where nobody else does. */
  sweep(): Promise<void>;
  readonly secrets: { readonly pepper: Uint8Array; readonly tokenKey: Uint8Array };
  /** This process folds every partition, and nobody else reads or writes. */
  readonly alone: boolean;
  /** Makes durable what is not yet, and lets go of it all. */
  close(): Promise<void>;
};

export type EngineParts = {
  readonly config: Config;
  readonly roles: readonly RoleName[];
  readonly nodeId: string;
  readonly clock: () => number;
  readonly onTrouble: (error: unknown) => void;
  readonly onCheckpointFailed: () => void;
};

export const openEngine = (parts: EngineParts): Promise<Engine> => {
  const { cluster } = parts.config;
  return cluster === null ? openEmbedded(parts) : openCluster(parts, cluster);
};

type Closers = (() => Promise<void> | void)[];

/** Opens part by part; what is open is closed again, last first, at the end or where one cannot be opened. */
const opened = async (open: (closers: Closers) => Promise<Omit<Engine, 'close'>>): Promise<Engine> => {
  const closers: Closers = [];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    return { ...(await open(closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
};

const openEmbedded = ({ config, clock, onTrouble, onCheckpointFailed }: EngineParts): Promise<Engine> =>
  opened(async (closers) => {
    const folder = openDataFolder(config.dataDir);
    closers.push(() => folder.close());
    const log = await openEmbeddedLog({
      folder: folder.path,
      partitions: config.partitions,
      generation: config.logGeneration,
      clock: () => epochMs(clock()),
      onTrouble,
    });
    closers.push(() => log.close());
    const store = await openEmbeddedState({
      folder: folder.path,
      checkpointMs: config.checkpointMs,
      packing: packed,
      onError: (error) => {
        onCheckpointFailed();
        onTrouble(error);
      },
    });
    closers.push(() => store.close());
    const table = await openSqliteTable({
      file: join(folder.path, 'tables.sqlite'),
      clock: () => epochMs(clock()),
    });
    closers.push(() => table.close());
    const secrets = {
      pepper: pepperOfFolder(folder.path, config),
      tokenKey: secretIn(folder.path, 'session-token-key', config.sessionTokenKey),
    };
    const sweep = async (): Promise<void> => void (await table.sweep());
    return { log, store, table, tables: TABLE_NAMES, sweep, secrets, alone: true };
  });

/** That of all tenants that have none of their own. */
export const pepperOfFolder = (folder: string, { accountKeyPepper }: Pick<Config, 'accountKeyPepper'>): Uint8Array =>
  secretIn(folder, 'account-key-pepper', accountKeyPepper);

/** A given secret, or one made in the data folder and readable by its owner alone. */
const secretIn = (folder: string, name: string, given: Secret | null): Uint8Array => {
  if (given !== null) return given.reveal();
  const file = join(folder, name);
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
  return Buffer.from(readFileSync(file, 'utf8'), 'base64url');
};

const openCluster = (
  { config, roles, nodeId, clock, onTrouble }: EngineParts,
  { kafka, redis, dynamo }: NonNullable<Config['cluster']>,
): Promise<Engine> =>
  opened(async (closers) => {
    const store = await openRedisState({ ...redisOptions(redis), packing: packed, onError: onTrouble });
    closers.push(() => store.close());
    const log = await openKafkaLog({
      ...(await kafkaOptions(kafka, nodeId)),
      partitions: config.partitions,
      generation: config.logGeneration,
      onTrouble,
    });
    closers.push(() => log.close());
    const durable = roles.filter((role) => ROLES[role].tables.length > 0);
    if (durable.length > 0 && dynamo === null)
      throw new TypeError(`${durable.join(' and ')} keep rows for long: give DYNAMODB_REGION or DYNAMODB_ENDPOINT`);
    const tables = durable.flatMap((role) => ROLES[role].tables);
    const table =
      durable.length === 0 || dynamo === null ? null : await openDynamo(dynamo, tables, { clock, onTrouble });
    closers.push(() => table?.close());
    const { accountKeyPepper, sessionTokenKey } = config;
    if (accountKeyPepper === null || sessionTokenKey === null) throw new TypeError('a cluster shares its secrets');
    const secrets = { pepper: accountKeyPepper.reveal(), tokenKey: sessionTokenKey.reveal() };
    return { log, store, table, tables, sweep: async () => {}, secrets, alone: false };
  });

export const dynamoOptions = ({ region, endpoint, prefix }: DynamoConfig): DynamoOptions => {
  // DynamoDB Local takes any credentials, but not none.
  const local = endpoint !== null && isLoopback(new URL(endpoint).hostname);
  const credentials = local ? { accessKeyId: 'local', secretAccessKey: 'local' } : null;
  return { region, endpoint, prefix, credentials };
};

const openDynamo = async (
  dynamo: DynamoConfig,
  tables: readonly TableName[],
  { clock, onTrouble }: Pick<EngineParts, 'clock' | 'onTrouble'>,
): Promise<Table> => {
  const options = { ...dynamoOptions(dynamo), onTrouble };
  if (dynamo.createTables) await createDynamoTables(options, tables);
  await verifyDynamoTables(options, tables);
  return openDynamoTable({ ...options, clock: () => epochMs(clock()) });
};

const certificates = (file: string | null) => (file === null ? {} : { ca: readFileSync(file) });

export const kafkaOptions = async (
  kafka: KafkaConfig,
  clientId: string,
): Promise<Omit<KafkaLogOptions, 'partitions'>> => ({
  clientId,
  brokers: kafka.brokers,
  replicas: kafka.replicas,
  sessionTimeoutMs: kafka.sessionTimeoutMs,
  prefix: kafka.prefix,
  createTopics: kafka.createTopics,
  ...(kafka.tls ? { ssl: certificates(kafka.caFile) } : {}),
  ...(kafka.sasl === null ? {} : { sasl: await saslOptions(kafka.sasl) }),
});

const saslOptions = async (sasl: SaslConfig): Promise<KafkaSasl> => {
  if (sasl.mechanism === 'aws-msk-iam') {
    // Loaded where it is wanted: who is not on AWS does not wait for its packages.
    const { mskTokens } = await import('../shared/log/kafka-log-iam.ts');
    return { mechanism: 'oauthbearer', token: mskTokens({ region: sasl.region }) };
  }
  if (sasl.mechanism !== 'oauthbearer') return { ...sasl, password: sasl.password.reveal() };
  const { tokenUrl, clientId, clientSecret } = sasl;
  const token = clientCredentials({ url: tokenUrl, clientId, clientSecret: clientSecret.reveal(), fetch });
  return { mechanism: 'oauthbearer', token };
};

export const redisOptions = (redis: RedisConfig): Omit<RedisStateOptions, 'onError'> & { readonly prefix: string } => ({
  server: redis.cluster ? { cluster: redis.urls } : { url: redis.urls[0] ?? '' },
  prefix: redis.prefix,
  ...(redis.username === null ? {} : { username: redis.username }),
  ...(redis.password === null ? {} : { password: redis.password.reveal() }),
  ...(redis.caFile === null ? {} : { tls: certificates(redis.caFile) }),
});
