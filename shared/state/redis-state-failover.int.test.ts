import { afterEach, describe, expect, it } from '@jest/globals';
import { startTcpProxy, type TcpProxy } from '../../tools/faults/tcp-proxy.ts';
import { type OwnRedis, type OwnRedisNode, startOwnRedis } from '../../tools/stack/own-redis.ts';
import type { RedisMode } from '../../tools/stack/redis.ts';
import { openRedisState, type RedisStateOptions } from './redis-state.ts';
import { StateUnavailable } from './state-errors.ts';
import { allUntil, checkpointAt, rowOf } from './state.contract.ts';
import type { CommitOutcome, Owner, Row, StateStore } from './state.ts';

const P = 'concurrency';
const HEAD = `playbeat:{${P}:0}:head`;
const STAGED = `playbeat:{${P}:0}:staged`;
const KEYS = ['a', 'b', 'c'];
/** A start of a cluster and a fail-over, on a busy machine. */
const PATIENCE_MS = 60_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await sleep(5);
};

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});
const started = async (mode: RedisMode): Promise<OwnRedis> => {
  const redis = await startOwnRedis({ mode });
  endings.push(redis.stop);
  return redis;
};
const behindProxy = async (node: OwnRedisNode): Promise<TcpProxy & { readonly url: string }> => {
  const proxy = await startTcpProxy({ to: node.port });
  endings.push(proxy.close);
  return { ...proxy, url: `redis://${proxy.address}` };
};
const connected = async (server: RedisStateOptions['server'], commandTimeoutMs = 400): Promise<StateStore> => {
  const store = await openRedisState({ server, onError: () => {}, commandTimeoutMs });
  endings.push(store.close);
  return store;
};

type Rows = readonly (readonly [string, Row])[];
/** Every row says of which offset it is: rows of two commits side by side would show. */
const rowsAt = (to: number): Rows => KEYS.map((key) => [key, rowOf(to, to)]);
const commit = async (
  store: StateStore,
  owner: Owner,
  { from, to, rows = rowsAt(to) }: { from: number | null; to: number; rows?: Rows },
): Promise<CommitOutcome> => await store.commit({ owner, from, to: checkpointAt(to), rows: new Map(rows) });
const open = async (store: StateStore): Promise<{ owner: Owner; offset: number | null }> => {
  const { owner, checkpoint } = await store.open({ processor: P, partition: 0, discard: false });
  return { owner, offset: checkpoint?.offset ?? null };
};
const whole = async (store: StateStore): Promise<number | null> => {
  const { rows, checkpoint } = await store.read(P, 0, KEYS);
  const offset = checkpoint?.offset ?? null;
  expect(rows.map((row) => row?.state ?? null)).toEqual(KEYS.map(() => offset));
  return offset;
};

/** From now on it has nothing of its primary, which goes on as if it had. */
const cutOff = async ({ admin }: OwnRedisNode): Promise<void> => {
  await admin.config('SET', 'masterauth', 'wrong');
  await admin.call('CLIENT', 'KILL', 'TYPE', 'master');
  await until(async () => (await admin.info('replication')).includes('master_link_status:down'));
};
const has = (node: OwnRedisNode, offset: number): Promise<void> =>
  until(async () => {
    // A replica of a cluster answers for itself only to whom it has been told so.
    await node.admin.readonly().catch(() => {});
    return (await node.admin.hget(HEAD, 'offset').catch(() => null)) === String(offset);
  });

/** An owner that commits without end, and opens again after whatever was no commit, as the loop does. */
const owning = (store: StateStore) => {
  const outcomes = new Map<string, number>();
  let offset: number | null = null;
  let ended = false;
  const run = async (): Promise<void> => {
    let owner: Owner | null = null;
    while (!ended) {
      try {
        if (owner === null) ({ owner, offset } = await open(store));
        const to: number = (offset ?? 0) + 1;
        const outcome = await commit(store, owner, { from: offset, to });
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (outcome === 'committed' || outcome === 'already') offset = to;
        else owner = null;
      } catch (error) {
        if (!(error instanceof StateUnavailable)) throw error;
        outcomes.set('unavailable', (outcomes.get('unavailable') ?? 0) + 1);
        owner = null;
      }
    }
  };
  const running = run();
  return {
    outcomes,
    reaches: (least: number) => until(async () => (offset ?? 0) >= least),
    offset: () => offset ?? 0,
    /** Something was no commit. */
    isStopped: () => until(async () => [...outcomes.keys()].some((outcome) => outcome !== 'committed')),
    end: async () => {
      ended = true;
      await running;
    },
  };
};

describe('the Redis state store, when a replica is promoted', () => {
  it('goes back with a replica that has not had the newest: rows and offset together', async () => {
    const [primary, replica] = (await started('replica')).nodes as [OwnRedisNode, OwnRedisNode];
    const proxy = await behindProxy(primary);
    const store = await connected({ url: proxy.url });
    const { owner: first } = await open(store);
    await commit(store, first, { from: null, to: 5 });
    await has(replica, 5);
    await replica.promote();
    await commit(store, first, { from: 5, to: 6 });
    const { owner: second } = await open(store);
    await commit(store, second, { from: 6, to: 7 });

    proxy.lead(replica.port);
    proxy.cut();
    // Not `fenced`, though the replica knows the first owner only: the second would wait for ever.
    expect(await commit(store, second, { from: 7, to: 8 })).toBe('rewound');
    expect((await open(store)).offset).toBe(5);
    expect(await whole(store)).toBe(5);
    expect(await commit(store, first, { from: 5, to: 6 })).toBe('fenced');
  });

  it('goes on where its name leads to the promoted one under load; what that one lacks is folded again', async () => {
    const [primary, replica] = (await started('replica')).nodes as [OwnRedisNode, OwnRedisNode];
    const proxy = await behindProxy(primary);
    const store = await connected({ url: proxy.url });
    const owner = owning(store);
    await owner.reaches(100);
    await replica.promote();
    const promotedAt = owner.offset();
    await owner.reaches(promotedAt + 20);
    proxy.lead(replica.port);
    proxy.cut('reset');
    await owner.isStopped();
    await primary.kill();
    await owner.reaches(promotedAt + 200);
    await owner.end();
    expect(await whole(store)).toBe(owner.offset());
    expect(owner.outcomes.get('fenced')).toBeUndefined();
  });

  it(
    'goes back on a cluster with a replica that takes over without the newest: `rewound`, and the checkpoint before',
    async () => {
      const { nodes } = await started('cluster-replicas');
      const store = await connected({ cluster: nodes.slice(0, 1).map(({ url }) => url) }, 1_000);
      const { owner } = await open(store);
      await commit(store, owner, { from: null, to: 5 });
      const slot = Number(await nodes[0]!.admin.call('CLUSTER', 'KEYSLOT', HEAD));
      const replica = nodes[3 + Math.floor(slot / (16_384 / 3))]!;
      await has(replica, 5);
      await cutOff(replica);
      expect(await commit(store, owner, { from: 5, to: 6 })).toBe('committed');
      await replica.promote();
      let [from, outcome]: [number, CommitOutcome] = [6, 'committed'];
      // Until the old one has heard of it, it goes on taking commits that are lost.
      for (; outcome === 'committed'; from++) outcome = await commit(store, owner, { from, to: from + 1 });
      expect(outcome).toBe('rewound');
      expect(await store.load({ owner, from: 6, keys: KEYS, ...allUntil(100) })).toBe('rewound');
      expect(await whole(store)).toBe(5);
      const next = await open(store);
      expect(next.offset).toBe(5);
      expect(await commit(store, next.owner, { from: 5, to: 6 })).toBe('committed');
      expect(await whole(store)).toBe(6);
    },
    PATIENCE_MS,
  );

  it(
    'waits on a cluster whose primary was killed under load, until its replica is elected, and goes on with no half commit',
    async () => {
      const { nodes } = await started('cluster-replicas');
      const store = await connected({ cluster: nodes.map(({ url }) => url) });
      const owner = owning(store);
      await owner.reaches(100);
      const slot = Number(await nodes[0]!.admin.call('CLUSTER', 'KEYSLOT', HEAD));
      const at = Math.floor(slot / (16_384 / 3));
      await nodes[at]!.kill();
      const killedAt = owner.offset();
      await owner.isStopped();
      await owner.reaches(killedAt + 100);
      expect(await nodes[3 + at]!.admin.info('replication')).toContain('role:master');
      await owner.end();
      expect(await whole(store)).toBe(owner.offset());
      expect(owner.outcomes.get('fenced')).toBeUndefined();
    },
    PATIENCE_MS,
  );
});

describe('the Redis state store, when the server changes between the parts of a large commit', () => {
  const LARGE = Array.from({ length: 3_500 }, (_, i) => `large-${i}`);
  const FILLING = 'x'.repeat(600);
  const largeRows: Rows = LARGE.map((key) => [key, rowOf({ FILLING })]);
  const count = async (store: StateStore): Promise<number> =>
    (await store.read(P, 0, LARGE)).rows.filter((row) => row !== null).length;
  /** Part 1 of the commit is on the server, part 2 is still on the line, when the next server takes over. */
  const between = async (proxy: TcpProxy, from: OwnRedisNode, to: OwnRedisNode): Promise<void> => {
    proxy.requests({ latencyMs: 150 });
    await until(async () => (await from.admin.hexists(STAGED, '1')) === 1);
    proxy.requests('hold');
    expect(await from.admin.hlen(STAGED)).toBe(2);
    proxy.lead(to.port);
    proxy.cut('reset');
    proxy.requests('pass');
  };

  it('says `rewound` on an empty one, and leaves nothing of the commit there', async () => {
    const [first, second] = [(await started('single')).first, (await started('single')).first];
    const proxy = await behindProxy(first);
    const store = await connected({ url: proxy.url }, 1_000);
    const { owner } = await open(store);
    await commit(store, owner, { from: null, to: 5 });
    const committing = commit(store, owner, { from: 5, to: 6, rows: largeRows });
    await between(proxy, first, second);
    expect(await committing).toBe('rewound');
    expect(await second.admin.dbsize()).toBe(0);
    expect(await count(await connected({ url: first.url }))).toBe(0);
    const next = await open(store);
    expect(next.offset).toBeNull();
    expect(await commit(store, next.owner, { from: null, to: 6, rows: largeRows })).toBe('committed');
    expect(await count(store)).toBe(3_500);
  });

  it('brings all parts again to a promoted one that has the checkpoint and lacks the first part', async () => {
    const [primary, replica] = (await started('replica')).nodes as [OwnRedisNode, OwnRedisNode];
    const proxy = await behindProxy(primary);
    const store = await connected({ url: proxy.url }, 1_000);
    const { owner } = await open(store);
    await commit(store, owner, { from: null, to: 5 });
    await has(replica, 5);
    await replica.promote();
    const committing = commit(store, owner, { from: 5, to: 6, rows: largeRows });
    await between(proxy, primary, replica);
    expect(await committing).toBe('committed');
    expect(await count(store)).toBe(3_500);
    expect(await replica.admin.exists(STAGED)).toBe(0);
    expect((await open(store)).offset).toBe(6);
  });
});
