import { type KafkaLogOptions, openKafkaLog } from '../shared/log/kafka-log.ts';
import type { Log } from '../shared/log/log.ts';
import { openRedisState, type RedisStateOptions } from '../shared/state/redis-state.ts';
import type { StateStore } from '../shared/state/state.ts';
import { startOwnKafka } from '../tools/stack/own-kafka.ts';
import { type OwnRedis, startOwnRedis } from '../tools/stack/own-redis.ts';
import { type Stage, type StageOptions, startSessions } from './http-parts.ts';
import { packing } from './folds.ts';
import { PARTITIONS } from './lives.ts';
import { canPin, CORES, keepTo, coreOf } from './proc.ts';
import { type Program, startLoad, startPlaybeat } from './processes.ts';
import { PEPPER } from './records.ts';

/** One broker and one Redis on the loopback. `KAFKA_BROKERS` names another Kafka, where topics named `bench-…` stay behind. */
export type ClusterParts = {
  /** What each process on them is told. */
  readonly env: Readonly<Record<string, string>>;
  readonly redis: OwnRedis['first'];
  openLog(more?: Partial<KafkaLogOptions>): Promise<Log>;
  openStore(more?: Partial<RedisStateOptions>): Promise<StateStore>;
  stop(): Promise<void>;
};

export const fail = (error: unknown): never => {
  throw error;
};

export const startParts = async ({ sessionTimeoutMs = 1_500 } = {}): Promise<ClusterParts> => {
  const given = process.env['KAFKA_BROKERS'];
  const kafka = given ? { brokers: given.split(','), stop: async () => {} } : await startOwnKafka(1);
  const redis = await startOwnRedis({ mode: 'single', settings: ['--maxmemory', '2gb'] }).catch(
    async (error: unknown) => {
      await kafka.stop();
      throw error;
    },
  );
  const { brokers } = kafka;
  const prefix = `bench-${process.pid}-${Date.now().toString(36)}-`;
  const secret = Buffer.from(PEPPER).toString('base64url');
  return {
    redis: redis.first,
    env: {
      // What is slow shows in the figures, and is not refused.
      APPEND_TIMEOUT_MS: '5000',
      KAFKA_BROKERS: brokers.join(','),
      KAFKA_PREFIX: prefix,
      KAFKA_SESSION_TIMEOUT_MS: String(sessionTimeoutMs),
      REDIS_URL: redis.first.url,
      PARTITIONS: String(PARTITIONS),
      ACCOUNT_KEY_PEPPER: secret,
      SESSION_TOKEN_KEY: secret,
    },
    openLog: (more = {}) =>
      openKafkaLog({ brokers, clientId: 'bench', prefix, partitions: PARTITIONS, sessionTimeoutMs, ...more }),
    openStore: (more = {}) => openRedisState({ server: { url: redis.first.url }, packing, onError: fail, ...more }),
    stop: async () => void (await Promise.all([redis.stop(), kafka.stop()])),
  };
};

export type ClusterStage = Stage & { readonly owner: Program; readonly parts: ClusterParts };

/**
 * One process of ingest and one owner on Kafka and Redis, with running sessions. Where it pins, ingest has a core to itself,
 * and all others share the rest.
 */
export const openClusterStage = async ({ pin, env = {} }: StageOptions): Promise<ClusterStage> => {
  const pinned = pin && canPin();
  if (pinned) keepTo(CORES.others);
  const parts = await startParts();
  const owner = await startPlaybeat({ core: null, roles: ['concurrency'], env: { ...parts.env, ...env } });
  const playbeat = await startPlaybeat({
    core: coreOf(pinned),
    roles: ['ingest'],
    env: { ...parts.env, ...env },
  });
  const load = startLoad(pinned);
  await startSessions(load, playbeat);
  const close = async (): Promise<void> => {
    await Promise.all([load.stop(), playbeat.stop()]);
    await owner.stop();
    await parts.stop();
  };
  return { pinned, load, playbeat, owner, parts, close };
};

export const usedBytes = async ({ admin }: OwnRedis['first']): Promise<number> =>
  Number(/^used_memory:(\d+)/m.exec(await admin.info('memory'))?.[1] ?? Number.NaN);
