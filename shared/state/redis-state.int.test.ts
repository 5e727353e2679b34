import { afterAll, beforeAll } from '@jest/globals';
import { openRedisState } from './redis-state.ts';
import { type RedisCluster, type RedisServer, startRedis, startRedisCluster } from './redis-server.ts';
import { stateContract } from './state.contract.ts';

const onError = (error: unknown): void => {
  throw error;
};

let single: RedisServer;
let cluster: RedisCluster;
beforeAll(async () => {
  single = await startRedis();
  cluster = await startRedisCluster(3);
});
afterAll(async () => {
  await single?.stop();
  await cluster?.stop();
});

stateContract({
  name: 'the Redis state store on one server',
  make: async () => {
    await single.admin.flushall();
    return openRedisState({ server: { url: single.url }, onError, commandTimeoutMs: 1_000 });
  },
});

stateContract({
  name: 'the Redis state store on a cluster of three',
  make: async () => {
    await Promise.all(cluster.nodes.map(({ admin }) => admin.flushall()));
    return openRedisState({
      server: { cluster: cluster.nodes.map(({ url }) => url) },
      onError,
      commandTimeoutMs: 1_000,
    });
  },
});
