import { Redis as Client } from 'ioredis';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKeeper } from './keeper.ts';
import { HOST, isRunning } from './processes.ts';
import { killNode, promoteNode, restartNode, startRedis, stopRedis, type Redis, type RedisOptions } from './redis.ts';

/** A Redis that belongs to this process and ends with it, however that ends. For tests and benches. */
export type OwnRedis = {
  /** The only one, or the primary, or a primary of the cluster. */
  readonly first: OwnRedisNode;
  /** Primaries, then their replicas in the same order. */
  readonly nodes: readonly OwnRedisNode[];
  /** The certificate of who signed the servers'; null without TLS. */
  readonly ca: string | null;
  stop(): Promise<void>;
};

export type OwnRedisNode = {
  readonly port: number;
  /** With TLS, where that was asked for. */
  readonly url: string;
  /** A connection for looking into it and for its settings; never with TLS. It comes back after a restart. */
  readonly admin: Client;
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on its port, after ending it where it runs. Nothing is kept: it comes back empty. */
  restart(): Promise<void>;
  /** A replica becomes a primary; what its own primary has not passed on is lost. */
  promote(): Promise<void>;
};

const RECONNECT_MS = 20;

const connectAdmin = (port: number): Client => {
  const retryStrategy = (): number => RECONNECT_MS;
  const admin = new Client({ port, host: HOST, lazyConnect: true, disconnectTimeout: 100, retryStrategy });
  return admin.on('error', () => {});
};

export const startOwnRedis = async (options: Omit<RedisOptions, 'folder' | 'onLaunch'>): Promise<OwnRedis> => {
  const folder = await mkdtemp(join(tmpdir(), 'playbeat-redis-'));
  const keeper = startKeeper(folder);
  const watch = async ({ nodes }: Redis): Promise<void> =>
    keeper.watch(nodes.filter((node) => isRunning(node.program)).map((node) => node.program.pid));
  const redis = await startRedis({ ...options, folder, onLaunch: watch }).catch(async (error: unknown) => {
    keeper.dismiss();
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const nodes = redis.nodes.map((node): OwnRedisNode => {
    const { port, tlsPort } = node;
    return {
      port,
      url: tlsPort === null ? `redis://${HOST}:${port}` : `rediss://${HOST}:${tlsPort}`,
      admin: connectAdmin(port),
      kill: async (signal) => {
        await killNode(node, signal);
        await watch(redis);
      },
      restart: async () => {
        await restartNode(node);
        await watch(redis);
      },
      promote: () => promoteNode(redis, node),
    };
  });
  return {
    first: nodes[0]!,
    nodes,
    ca: redis.certificates?.ca ?? null,
    stop: async () => {
      for (const { admin } of nodes) admin.disconnect();
      await stopRedis(redis);
      keeper.dismiss();
    },
  };
};
