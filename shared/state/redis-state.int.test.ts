import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type OwnRedis, type OwnRedisNode, startOwnRedis } from '../../tools/stack/own-redis.ts';
import { liveMs } from '../../schemas/time.ts';
import { openRedisState, type RedisStateOptions } from './redis-state.ts';
import { allUntil, checkpointAt, rowOf, stateContract } from './state.contract.ts';
import type { Commit, Row, StateStore } from './state.ts';

const onError = (error: unknown): void => {
  throw error;
};

let alone: OwnRedis;
let single: OwnRedisNode;
let cluster: OwnRedis;
beforeAll(async () => {
  alone = await startOwnRedis({ mode: 'single' });
  single = alone.first;
  cluster = await startOwnRedis({ mode: 'cluster' });
});
afterAll(async () => {
  await alone?.stop();
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

const P = 'concurrency';
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const KEYS = Array.from({ length: 3_000 }, (_, i) => `key-${i}`);
const FILLING = 'x'.repeat(600);
const rowsAt = (n: number, keys: readonly string[]): ReadonlyMap<string, Row> =>
  new Map(keys.map((key) => [key, rowOf({ n, FILLING }, n)]));

const stores: StateStore[] = [];
const connected = async (server: RedisStateOptions['server'], options: Partial<RedisStateOptions> = {}) => {
  const store = await openRedisState({ server, onError, commandTimeoutMs: 1_000, ...options });
  stores.push(store);
  return store;
};
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});
const calls = async (command: string): Promise<number> => {
  const stats = await single.admin.info('commandstats');
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0);
};

describe('the Redis state store, read while it is written', () => {
  it('shows rows of the checkpoint’s offset, whatever the size of a commit, and none of a discarded past', async () => {
    const owning = await connected({ url: single.url });
    const reading = await connected({ url: single.url });
    // So a call of more than 1 MiB ends its connection; three thousand rows are two.
    await single.admin.config('SET', 'client-query-buffer-limit', '1100000');
    let writing = true;
    const seen = new Set<number | null>();
    const reader = (async () => {
      while (writing) {
        const { rows, checkpoint } = await reading.read(P, 7, KEYS);
        const n = checkpoint?.offset ?? null;
        seen.add(n);
        const versions = new Set(rows.map((row) => (row?.state as { n: number } | undefined)?.n ?? null));
        expect([...versions]).toEqual([n]);
      }
    })();
    try {
      let { owner } = await owning.open({ processor: P, partition: 7, discard: true });
      let from: number | null = null;
      for (let n = 1; n <= 12; n++) {
        const commit: Commit = { owner, from, to: checkpointAt(n), rows: rowsAt(n, KEYS) };
        expect(await owning.commit(commit)).toBe('committed');
        expect(await owning.commit(commit)).toBe('already');
        from = n;
        await sleep(5);
        if (n % 4 !== 0) continue;
        ({ owner } = await owning.open({ processor: P, partition: 7, discard: true }));
        from = null;
      }
    } finally {
      writing = false;
      await reader;
      await single.admin.config('SET', 'client-query-buffer-limit', '1gb');
    }
    expect(seen.size).toBeGreaterThan(3);
    expect(await single.admin.keys('*{concurrency:7}:*')).toEqual(['playbeat:{concurrency:7}:head']);
  });

  it('brings all that is due, however much, in calls that are short for Redis', async () => {
    const store = await connected({ url: single.url });
    const { owner } = await store.open({ processor: P, partition: 6, discard: true });
    const many = Array.from({ length: 9_000 }, (_, i) => `key-${i}`);
    const dueMs = (i: number): number => ((i * 7) % many.length) + 1;
    const rows = new Map(many.map((key, i) => [key, rowOf(FILLING, dueMs(i))]));
    expect(await store.commit({ owner, from: null, to: checkpointAt(1), rows })).toBe('committed');
    const later = new Map(many.slice(0, 5_000).map((key) => [key, rowOf(FILLING, 20_000)]));
    expect(await store.commit({ owner, from: 1, to: checkpointAt(2), rows: later })).toBe('committed');
    const keys = ['key-0', 'key-8999'];
    const due = many
      .map((key, i) => ({ key, dueMs: dueMs(i) }))
      .filter((one, i) => i >= 5_000 && one.dueMs <= 8_000)
      .sort((a, b) => a.dueMs - b.dueMs);
    const before = await calls('evalsha');
    const all = await store.load({ owner, from: 2, keys, ...allUntil(8_000) });
    expect((await calls('evalsha')) - before).toBeGreaterThanOrEqual(3);
    if (typeof all === 'string') throw new Error(all);
    expect(all).toMatchObject({ due, cutMs: null });
    expect(all.rows.size).toBe(new Set([...due.map(({ key }) => key), ...keys]).size);

    const enough = await store.load({ owner, from: 2, keys, neededUntilMs: liveMs(10), dueUntilMs: liveMs(8_000) });
    expect((await calls('evalsha')) - before).toBeLessThanOrEqual(9);
    if (typeof enough === 'string' || enough.cutMs === null) throw new Error('all of it came');
    const { cutMs } = enough;
    expect(cutMs).toBeGreaterThan(1_000);
    expect(cutMs).toBeLessThan(8_000);
    expect(enough.due.filter((one) => one.dueMs < cutMs)).toEqual(due.filter((one) => one.dueMs < cutMs));
  });

  it('brings all that is due at one time, which is how a hold leaves it, and what was moved to that time', async () => {
    const store = await connected({ url: single.url });
    const { owner } = await store.open({ processor: P, partition: 5, discard: true });
    const many = Array.from({ length: 7_000 }, (_, i) => `key-${i}`);
    const rows = new Map(many.map((key, i) => [key, rowOf(i, i % 3 === 0 ? 50 : 100)]));
    expect(await store.commit({ owner, from: null, to: checkpointAt(1), rows })).toBe('committed');
    // Of these the timers stand where they stood.
    const moved = new Map(many.flatMap((key, i) => (i % 6 === 0 ? [[key, rowOf(i, i % 12 === 0 ? 100 : 300)]] : [])));
    expect(await store.commit({ owner, from: 1, to: checkpointAt(2), rows: moved })).toBe('committed');
    const newest = new Map([...rows, ...moved]);
    const dueBy = (ms: number): string[] => many.filter((key) => (newest.get(key)?.dueMs ?? 0) <= ms).sort();
    for (const ms of [50, 100, 300]) {
      const loaded = await store.load({ owner, from: 2, keys: [], ...allUntil(ms) });
      if (typeof loaded === 'string') throw new Error(loaded);
      expect(loaded.cutMs).toBeNull();
      expect(loaded.due.map(({ key }) => key).sort()).toEqual(dueBy(ms));
    }
  });

  it('refuses a row that no call can carry, by its key, before anything is stored', async () => {
    const store = await connected({ url: single.url });
    const { owner } = await store.open({ processor: P, partition: 8, discard: true });
    const rows = new Map([['big', rowOf('x'.repeat(1_100_000))]]);
    const storing = store.commit({ owner, from: null, to: checkpointAt(1), rows });
    await expect(storing).rejects.toThrow('The row of big takes');
    expect((await store.read(P, 8, ['big'])).checkpoint).toBeNull();
  });

  it('asks once for all who wait for a partition, never when nobody does, and not for its own commits', async () => {
    const owning = await connected({ url: single.url });
    const reading = await connected({ url: single.url }, { pollMs: 10 });
    const { owner } = await owning.open({ processor: P, partition: 9, discard: true });
    const before = await calls('hget');
    const startedAt = performance.now();
    const waits = Array.from({ length: 300 }, (_, i) => reading.waitFor(P, 9, 5 + (i % 2), 10_000));
    await sleep(300);
    const asked = (await calls('hget')) - before;
    expect(asked).toBeLessThanOrEqual(1 + (performance.now() - startedAt) / 10);
    const commit = { owner, from: null, to: checkpointAt(6), rows: new Map() };
    await owning.commit(commit);
    expect(await Promise.all(waits)).toEqual(waits.map(() => true));
    await sleep(30);
    const idle = await calls('hget');
    await sleep(100);
    expect(await calls('hget')).toBe(idle);
  });
});

describe('the Redis state store on a cluster that moves its slots', () => {
  const SLOT_OF = 'playbeat:{concurrency:3}:head';
  const tried = async () => {
    const store = await connected(
      { cluster: cluster.nodes.slice(0, 1).map(({ url }) => url) },
      { commandTimeoutMs: 1_000 },
    );
    const { owner } = await store.open({ processor: P, partition: 3, discard: true });
    const commit = async (from: number | null, to: number): Promise<string> =>
      await store.commit({ owner, from, to: checkpointAt(to), rows: rowsAt(to, ['a', 'b']) });
    expect(await commit(null, 1)).toBe('committed');
    const slot = Number(await cluster.nodes[0]!.admin.call('CLUSTER', 'KEYSLOT', SLOT_OF));
    const at = Math.floor(slot / (16_384 / 3));
    return { store, commit, slot, from: cluster.nodes[at]!, to: cluster.nodes[(at + 1) % 3]! };
  };

  it('follows a slot to another node; half way, where Redis says TRYAGAIN, it waits', async () => {
    const { store, commit, slot, from, to } = await tried();
    const [fromId, toId] = [
      String(await from.admin.call('CLUSTER', 'MYID')),
      String(await to.admin.call('CLUSTER', 'MYID')),
    ];
    const move = (kind: string) =>
      from.admin.call('MIGRATE', '127.0.0.1', to.port, `playbeat:{concurrency:3}:${kind}`, 0, 1_000);
    await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
    await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
    expect(await commit(1, 2)).toBe('committed');
    await move('head');
    await expect(commit(2, 3)).rejects.toThrow('cannot be had (Too many Cluster redirections');
    const committing = commit(2, 3);
    await sleep(100);
    await move('rows');
    await move('timers');
    expect(await committing).toBe('committed');
    expect(await commit(3, 4)).toBe('committed');
    for (const { admin } of [to, from]) await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId);
    expect(await commit(4, 5)).toBe('committed');
    expect((await store.read(P, 3, ['a'])).checkpoint).toEqual(checkpointAt(5));
  });

  it('rejects while nobody has the slot, CLUSTERDOWN, and goes on when somebody has', async () => {
    const { commit, slot } = await tried();
    const holds = async ({ admin }: OwnRedisNode): Promise<boolean> => {
      const answer = await admin.hget(SLOT_OF, 'offset').catch(() => null);
      return answer === '1';
    };
    const owners: boolean[] = [];
    for (const node of cluster.nodes) owners.push(await holds(node));
    const node = cluster.nodes[owners.indexOf(true)]!;
    await node.admin.call('CLUSTER', 'DELSLOTS', slot);
    await expect(commit(1, 2)).rejects.toThrow(/CLUSTERDOWN|cannot be had/);
    const committing = commit(1, 2);
    await sleep(100);
    await node.admin.call('CLUSTER', 'ADDSLOTS', slot);
    expect(['committed', 'already']).toContain(await committing);
  });
});
