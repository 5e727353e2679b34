import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTcpProxy, type TcpProxy } from '../../tools/faults/tcp-proxy.ts';
import { type OwnRedis, type OwnRedisNode, startOwnRedis } from '../../tools/stack/own-redis.ts';
import { openRedisState, type RedisStateOptions } from './redis-state.ts';
import { StateEvicts, StateFull, StateUnavailable } from './state-errors.ts';
import { allUntil, checkpointAt, loadNow, rowOf } from './state.contract.ts';
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
/** What it answers when it answers again. */
const eventually = async <T>(ask: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof StateUnavailable)) throw error;
      await sleep(10);
    }
  }
};
const stored = async (store: StateStore): Promise<number | null> =>
  (await store.read(P, 0, [])).checkpoint?.offset ?? null;

let alone: OwnRedis;
let redis: OwnRedisNode;
let proxy: TcpProxy;
let proxied: string;
const stores: StateStore[] = [];
const connected = async (url: string, options: Partial<RedisStateOptions> = {}): Promise<StateStore> => {
  const store = await openRedisState({ server: { url }, onError: () => {}, commandTimeoutMs: 200, ...options });
  stores.push(store);
  return store;
};
beforeAll(async () => {
  alone = await startOwnRedis({ mode: 'single' });
  redis = alone.first;
  proxy = await startTcpProxy({ to: redis.port });
  proxied = `redis://${proxy.address}`;
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
  await alone?.stop();
});

describe('the Redis state store, when an answer is lost', () => {
  it('says `unknown` of a commit that was stored, and the next opening finds it', async () => {
    const store = await connected(proxied);
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
    const store = await connected(proxied, { commandTimeoutMs: 1_000 });
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
    const store = await connected(proxied);
    const owner = await open(store);
    await commit(store, owner, [null, 5], [['a', rowOf(1)]]);
    proxy.requests('drop');
    expect(await commit(store, owner, [5, 6], [['a', rowOf(2)]])).toBe('unknown');
    proxy.requests('pass');
    proxy.cut();
    expect((await store.open({ processor: P, partition: 0, discard: false })).checkpoint).toEqual(checkpointAt(5));
  });

  it('lets no commit in that arrives after another owner has opened', async () => {
    const store = await connected(proxied);
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

  it('loads the same rows and wake-ups again, when the answer to a load was lost', async () => {
    const store = await connected(proxied);
    const owner = await open(store);
    const rows: [string, Row][] = [
      ['a', rowOf(1, 10)],
      ['b', rowOf(1, 20)],
    ];
    await commit(store, owner, [null, 5], rows);
    await commit(store, owner, [5, 6], [['a', rowOf(2, 30)]]);
    proxy.answers('drop');
    const request = { owner, from: 6, keys: ['a'], ...allUntil(20) };
    await expect(store.load(request)).rejects.toThrow(StateUnavailable);
    proxy.answers('pass');
    proxy.cut('reset');
    const loaded = {
      rows: new Map([...rows.slice(1), ['a', rowOf(2, 30)]]),
      due: [{ key: 'b', dueMs: 20 }],
      cutMs: null,
    };
    expect(await eventually(async () => store.load(request))).toEqual(loaded);
    expect(await store.load(request)).toEqual(loaded);
    expect(await commit(store, owner, [6, 7])).toBe('committed');
  });

  it('loads in one call, when the line comes back in time', async () => {
    const store = await connected(proxied, { commandTimeoutMs: 1_000 });
    const owner = await open(store);
    await commit(store, owner, [null, 5], [['a', rowOf(1, 10)]]);
    proxy.answers('drop');
    const loading = loadNow(await connected(redis.url), owner, { keys: ['a'], due: 10 });
    const proxiedLoading = store.load({ owner, from: 5, keys: ['a'], ...allUntil(10) });
    await sleep(50);
    proxy.answers('pass');
    proxy.cut('reset');
    expect(await proxiedLoading).toEqual(await loading);
  });

  it('rejects what it cannot do, naming the server, and ends waits with false', async () => {
    const store = await connected(proxied);
    const owner = await open(store);
    proxy.requests('drop');
    const request = { owner, from: null, keys: ['a'], ...allUntil(checkpointAt(0).clock.liveMs) };
    const [loading, reading, waiting] = await Promise.allSettled([
      store.load(request),
      store.read(P, 0, ['a']),
      store.waitFor(P, 0, 5, 300),
    ]);
    expect(loading).toMatchObject({ status: 'rejected', reason: { name: 'StateUnavailable' } });
    expect(reading).toMatchObject({ status: 'rejected', reason: { server: proxied } });
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

  it('leaves a server that has become a replica, for the one that its name leads to now', async () => {
    const other = await startOwnRedis({ mode: 'single' });
    try {
      const store = await connected(proxied, { commandTimeoutMs: 1_000 });
      await redis.admin.replicaof('127.0.0.1', String(other.first.port));
      proxy.lead(other.first.port);
      const owner = await open(store);
      expect(await commit(store, owner, [null, 1])).toBe('committed');
      expect(await other.first.admin.dbsize()).toBe(1);
    } finally {
      await redis.admin.replicaof('NO', 'ONE');
      await other.stop();
    }
  });

  it('says that the server cannot be had and why, at start too, and goes on when it is there', async () => {
    const store = await connected(proxied);
    proxy.refuse();
    proxy.cut('reset');
    await expect(open(store)).rejects.toThrow(StateUnavailable);
    await expect(connected(proxied)).rejects.toThrow(`${proxied} cannot be had (connect ECONNREFUSED`);
    const cluster = openRedisState({ server: { cluster: [proxied] }, onError: () => {} });
    await expect(cluster).rejects.toThrow('connect ECONNREFUSED');
    await proxy.accept();
    const owner = await open(store);
    expect(await commit(store, owner, [null, 1])).toBe('committed');
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
});
