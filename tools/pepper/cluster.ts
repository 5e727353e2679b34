import { TABLES, type TableName } from '../../schemas/tables.ts';
import { epochMs } from '../../schemas/time.ts';
import { dynamoOptions, kafkaOptions, redisOptions } from '../../services/engines.ts';
import { groupsOf, ROLE_NAMES, ROLES } from '../../services/roles.ts';
import type { ClusterConfig } from '../../shared/config/cluster-config.ts';
import { type KafkaMove, openKafkaMove } from '../../shared/log/kafka-log-move.ts';
import type { LogSeen } from '../../shared/log/move.ts';
import { forgetRedisState } from '../../shared/state/redis-state-forget.ts';
import { openRedisState } from '../../shared/state/redis-state.ts';
import { openDynamoAccounts } from '../../shared/table/dynamo-accounts.ts';
import { openDynamoTable } from '../../shared/table/dynamo-table.ts';
import { type MoveOptions, type Parts, rolesIn } from './move.ts';

const onTrouble = (): void => {};

/** Kafka, Redis and DynamoDB, with the log of the installation open for as long as it works. */
export const withClusterParts = async (
  { config, clock }: Pick<MoveOptions, 'config' | 'clock'>,
  cluster: ClusterConfig,
  work: (parts: Parts) => Promise<void>,
): Promise<void> => {
  const { logGeneration: generation, partitions } = config;
  const log = await openKafkaMove({
    ...{ replicas: cluster.kafka.replicas, ...(await kafkaOptions(cluster.kafka, 'pepper')) },
    ...{ generation, partitions, groups: ROLE_NAMES.flatMap(groupsOf) },
  });
  try {
    await work(partsOf({ log, cluster, config, clock }));
  } finally {
    await log.close();
  }
};

type Open = Pick<MoveOptions, 'config' | 'clock'> & { readonly log: KafkaMove; readonly cluster: ClusterConfig };

const partsOf = ({ log, cluster: { redis, dynamo }, config, clock }: Open): Parts => ({
  look: async () => {
    const seen = await log.look();
    const tables = tablesIn(seen);
    if (dynamo === null && tables.length > 0)
      throw new Error(
        'rows are kept here for long: give DYNAMODB_REGION or DYNAMODB_ENDPOINT, as the services have it',
      );
    if (config.accountKeyPepper === null) throw new Error('ACCOUNT_KEY_PEPPER is needed: the one of the services');
    return { log: seen, rows: await rowsIn(dynamo, tables), pepper: config.accountKeyPepper.reveal() };
  },
  checkStopped: log.checkStopped,
  onTrouble,
  moveLog: async (keyOf) => {
    // A group that has crashed may have folded more than it has told Kafka.
    const store = await openRedisState({ ...redisOptions(redis), onError: onTrouble });
    try {
      return await log.move({
        keyOf,
        foldedTo: async (group, partition) => {
          const { checkpoint } = await store.read(group, partition, []);
          if (checkpoint === null) return null;
          const { offset, rebuild } = checkpoint;
          return rebuild === null || offset >= rebuild.to ? offset : null;
        },
      });
    } finally {
      await store.close();
    }
  },
  withRows: async (seen, rows) => {
    if (dynamo === null) return 0;
    const table = openDynamoTable({ ...dynamoOptions(dynamo), clock: () => epochMs(clock()) });
    const accounts = openDynamoAccounts(dynamoOptions(dynamo));
    try {
      return await rows({ table, tables: tablesIn(seen), remove: accounts.remove, ends: await log.ends() });
    } finally {
      await table.close();
      accounts.close();
    }
  },
  forgetBefore: async () => {
    await forgetRedisState(redisOptions(redis));
    // Last: as long as they are there, a service says that the move has not ended.
    await log.removeBefore();
  },
});

/** Those that have rows of accounts, of the roles that have ever run here. */
const tablesIn = (seen: LogSeen | null): readonly TableName[] =>
  rolesIn(seen?.groups ?? new Set())
    .flatMap((role): readonly TableName[] => ROLES[role].tables)
    .filter((name) => TABLES[name].rowsOf === 'account');

const rowsIn = async (
  dynamo: ClusterConfig['dynamo'],
  tables: readonly TableName[],
): Promise<ReadonlyMap<string, number>> => {
  const keys = new Map<string, number>();
  if (dynamo === null) return keys;
  const accounts = openDynamoAccounts(dynamoOptions(dynamo));
  try {
    for (const table of tables)
      for (const [key, count] of await accounts.rowsOfKeys(table)) keys.set(key, (keys.get(key) ?? 0) + count);
  } finally {
    accounts.close();
  }
  return keys;
};
