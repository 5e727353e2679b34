import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startProxy, type Proxy } from './redis-proxy.ts';
import { openRedisState, type RedisStateOptions } from './redis-state.ts';
import { type RedisServer, startRedis } from './redis-server.ts';
import { StateEvicts, StateFull, StateUnavailable } from './state-errors.ts';
import { checkpointAt, loadNow, rowOf } from './state.contract.ts';
import type { Owner, Row, StateStore } from './state.ts';

const P = 'concurrency';
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const commit = async (
  store: StateStore,
  owner: Owner,
  [from, to]: [number | null, number],
  rows: [string, Row][] = [],
) => await store.commit({ owner, from, to: checkpointAt(to), rows: new Map(rows) });
const open = async (store: StateStore, discard = false): Promise<Owner> =>
  (await store.open({ processor: P, partition: 0, discard })).owner;
const stored = async (store: StateStore): Promise<number | null> =>
  (await store.read(P, 0, [])).checkpoint?.offset ?? null;

let redis: RedisServer;
let proxy: Proxy;
const stores: StateStore[] = [];
const connected = async (url: string, options: Partial<RedisStateOptions> = {}): Promise<StateStore> => {
  const store = await openRedisState({ server: { url }, onError: () => {}, commandTimeoutMs: 200, ...options });
  stores.push(store);
  return store;
};
beforeAll(async () => {
  redis = await startRedis(['--repl-diskless-sync-delay', '0']);
  proxy = await startProxy(redis.port);
});
beforeEach(async () => {
  proxy.lead(redis.port);
  await redis.admin.flushall();
});
afterEach(async () => {
  proxy.requests('pass');
  proxy.answers('pass');
  for (const store of stores.splice(0)) await store.close();
});
afterAll(async () => {
  await proxy?.close();
  await redis?.stop();
});

describe('the Redis state store, when an answer is lost', () => {
  it('says `unknown` of a commit that was stored, and the next opening finds it', async () => {
    const store = await connected(proxy.url);
    const owner = await open(store);
    expect(await commit(store, owner, [null, 5], [['a', rowOf(1)]])).toBe('committed');
    proxy.answers('drop');
    expect(await commit(store, owner, [5, 6], [['a', rowOf(2)]])).toBe('unknown');
    proxy.answers('pass');
    proxy.cut();
    expect((await store.open({ processor: P, partition: 0, discard: false })).checkpoint).toEqual(checkpointAt(6));
    expect((await store.read(P, 0, ['a'])).rows).toEqual([rowOf(2)]);
  });

  it('says `already` of a commit that was stored, when the line comes back in time', async () => {
    const store = await connected(proxy.url, { commandTimeoutMs: 1_000 });
    const owner = await open(store);
    proxy.answers('drop');
    const committing = commit(store, owner, [null, 5], [['a', rowOf(1)]]);
    const direct = await connected(redis.url);
    while ((await stored(direct)) !== 5) await sleep(5);
    proxy.answers('pass');
    proxy.cut();
    expect(await committing).toBe('already');
    expect(await commit(store, owner, [5, 6])).toBe('committed');
  });

  it('says `unknown` of a commit that never arrived, and the next opening finds the one before', async () => {
    const store = await connected(proxy.url);
    const owner = await open(store);
    await commit(store, owner, [null, 5], [['a', rowOf(1)]]);
    proxy.requests('drop');
    expect(await commit(store, owner, [5, 6], [['a', rowOf(2)]])).toBe('unknown');
    proxy.requests('pass');
    proxy.cut();
    expect((await store.open({ processor: P, partition: 0, discard: false })).checkpoint).toEqual(checkpointAt(5));
  });

  it('lets no commit in that arrives after another owner has opened', async () => {
    const store = await connected(proxy.url);
    const owner = await open(store);
    await commit(store, owner, [null, 5], [['a', rowOf(1)]]);
    proxy.requests('hold');
    expect(await commit(store, owner, [5, 6], [['a', rowOf('zombie')]])).toBe('unknown');
    const direct = await connected(redis.url);
    const next = await open(direct);
    proxy.requests('pass');
    expect(await commit(store, owner, [5, 6], [['a', rowOf('zombie')]])).toBe('fenced');
    expect(await commit(direct, next, [5, 6], [['a', rowOf('next')]])).toBe('committed');
    expect((await direct.read(P, 0, ['a'])).rows).toEqual([rowOf('next')]);
  });

  it('rejects what it cannot do within twice the time-out, naming the server, and ends waits with false', async () => {
    const store = await connected(proxy.url);
    const owner = await open(store);
    proxy.requests('drop');
    const startedAt = performance.now();
    const request = { owner, from: null, keys: ['a'], dueUntilMs: checkpointAt(0).clock.liveMs };
    const [loading, reading, waiting] = await Promise.allSettled([
      store.load(request),
      store.read(P, 0, ['a']),
      store.waitFor(P, 0, 5, 300),
    ]);
    expect(performance.now() - startedAt).toBeLessThan(900);
    expect(loading).toMatchObject({ status: 'rejected', reason: { name: 'StateUnavailable' } });
    expect(reading).toMatchObject({ status: 'rejected', reason: { server: proxy.url } });
    expect(waiting).toEqual({ status: 'fulfilled', value: false });
  });
});

describe('the Redis state store, when the server changes', () => {
  it('goes on after the server has forgotten all scripts', async () => {
    const store = await connected(redis.url);
    const owner = await open(store);
    await redis.admin.script('FLUSH');
    expect(await commit(store, owner, [null, 5], [['a', rowOf(1, 10)]])).toBe('committed');
    await redis.admin.script('FLUSH');
    expect((await loadNow(store, owner, { keys: [], due: 10 })).due).toHaveLength(1);
  });

  it('finds nothing after a restart without data: `rewound` to its owner, null to whoever opens', async () => {
    const store = await connected(redis.url);
    const owner = await open(store);
    await commit(store, owner, [null, 5], [['a', rowOf(1)]]);
    await redis.restart();
    expect(await commit(store, owner, [5, 6])).toBe('rewound');
    expect(await store.read(P, 0, ['a'])).toEqual({ rows: [null], checkpoint: null });
    expect((await store.open({ processor: P, partition: 0, discard: false })).checkpoint).toBeNull();
    expect(await commit(store, owner, [null, 5])).toBe('fenced');
  });

  it('goes back with a replica that has not had the newest: rows and offset together', async () => {
    const replica = await startRedis(['--replicaof', '127.0.0.1', String(redis.port)]);
    try {
      const store = await connected(proxy.url);
      const first = await open(store);
      await commit(store, first, [null, 5], [['a', rowOf(1)]]);
      while ((await replica.admin.hget('playbeat:{concurrency:0}:head', 'offset')) !== '5') await sleep(10);
      await replica.admin.replicaof('NO', 'ONE');
      await commit(store, first, [5, 6], [['a', rowOf(2)]]);
      const second = await open(store);
      await commit(store, second, [6, 7], [['a', rowOf(3)]]);

      proxy.lead(replica.port);
      proxy.cut();
      // Not `fenced`, though the replica knows the first owner only: the second would wait for ever.
      expect(await commit(store, second, [7, 8])).toBe('rewound');
      expect((await store.open({ processor: P, partition: 0, discard: false })).checkpoint).toEqual(checkpointAt(5));
      expect((await store.read(P, 0, ['a'])).rows).toEqual([rowOf(1)]);
      expect(await commit(store, first, [5, 6])).toBe('fenced');
    } finally {
      await replica.stop();
    }
  });

  it('leaves a server that has become a replica, for the one that its name leads to now', async () => {
    const other = await startRedis();
    try {
      const store = await connected(proxy.url, { commandTimeoutMs: 1_000 });
      await redis.admin.replicaof('127.0.0.1', String(other.port));
      proxy.lead(other.port);
      const owner = await open(store);
      expect(await commit(store, owner, [null, 1])).toBe('committed');
      expect(await other.admin.dbsize()).toBe(1);
    } finally {
      await redis.admin.replicaof('NO', 'ONE');
      await other.stop();
    }
  });

  it('says that the server cannot be had, at start too', async () => {
    const away = await startRedis();
    const store = await connected(away.url);
    await away.stop();
    await expect(open(store)).rejects.toThrow(StateUnavailable);
    await expect(openRedisState({ server: { url: away.url }, onError: () => {} })).rejects.toThrow(away.url);
  });
});

describe('the Redis state store, with a server of bounded memory', () => {
  it('stores nothing more when it is full, says so by name, and goes on when there is room', async () => {
    const store = await connected(redis.url);
    const owner = await open(store);
    await commit(store, owner, [null, 5], [['a', rowOf(1)]]);
    await redis.admin.config('SET', 'maxmemory', '100kb');
    try {
      const full = commit(store, owner, [5, 6], [['a', rowOf(2)]]);
      await expect(full).rejects.toThrow(StateFull);
      await expect(full).rejects.toThrow(`at ${redis.url} is full`);
      expect(await store.read(P, 0, ['a'])).toEqual({ rows: [rowOf(1)], checkpoint: checkpointAt(5) });
    } finally {
      await redis.admin.config('SET', 'maxmemory', '0');
    }
    expect(await commit(store, owner, [5, 6], [['a', rowOf(2)]])).toBe('committed');
  });

  it('does not start on a server that would drop rows', async () => {
    await redis.admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    try {
      await expect(connected(redis.url)).rejects.toThrow(StateEvicts);
    } finally {
      await redis.admin.config('SET', 'maxmemory-policy', 'noeviction');
    }
  });

  it('starts as a user who may do nothing but what it does, and says what one lacks before anything is changed', async () => {
    const commands = 'info evalsha eval hget hmget hset hdel zadd zrem zrangebyscore unlink time'.split(' ');
    const grant = ['on', '>secret', '~playbeat:*', '-@all', ...commands.map((name) => `+${name}`)];
    await redis.admin.acl('SETUSER', 'playbeat', ...grant);
    const url = redis.url.replace('//', '//playbeat:secret@');
    const store = await connected(url);
    const owner = await open(store);
    expect(await commit(store, owner, [null, 5], [['a', rowOf(1, 10)]])).toBe('committed');
    expect((await loadNow(store, owner, { keys: ['a'], due: 10 })).due).toHaveLength(1);
    await redis.admin.acl('SETUSER', 'playbeat', '-zadd');
    await expect(open(store)).rejects.toThrow(/can't run this command/);
    await redis.admin.acl('DELUSER', 'playbeat');
    await expect(connected(url)).rejects.toThrow(/WRONGPASS/);
    await expect(connected(url)).rejects.not.toThrow(/secret/);
  });
});
