import { describe, expect, it } from '@jest/globals';
import { decodeOutput, encodeEvent } from '../../schemas/codec.ts';
import type { LogEvent } from '../../schemas/events.ts';
import { epochMs } from '../../schemas/time.ts';
import { createMapBacking } from '../state/map-backing.ts';
import { createMemoryState, storeOver } from '../state/memory-state.ts';
import type { Commit, CommitOutcome, StateStore } from '../state/state.ts';
import { allUntil } from '../state/state.contract.ts';
import type { LoopEvent } from './partition.ts';
import { type FailedEvent, type RetryEvent, type RunningProcessor, runProcessor, type TakenEvent } from './run.ts';
import { counting, poke, policy } from './testing/counting.ts';
import { createListLog, type ListLog } from './testing/list-log.ts';

type Event = LoopEvent | FailedEvent | RetryEvent | TakenEvent;
type Bench = {
  readonly log: ListLog;
  readonly store: StateStore;
  readonly events: Event[];
  readonly pauses: number[];
  /** Called with each pause. */
  pausing: () => Promise<void>;
  readonly commits: Commit[];
  /** Called before each commit; what it answers takes the place of the store's answer. */
  beforeCommit: (commit: Commit) => Promise<CommitOutcome | undefined> | CommitOutcome | undefined;
  append(partition: number, ...events: readonly LogEvent[]): Promise<void>;
  run(): Promise<RunningProcessor>;
  count(partition: number): Promise<unknown>;
  /** Lets everything run that waits for nothing but promises. */
  settle(): Promise<void>;
  outputs(): readonly string[];
};

const bench = ({ partitions = 2, maxRecords = 100 } = {}): Bench => {
  let nowMs = 1_800_000_000_000;
  let owners = 0;
  const memory = createMemoryState({ backingOf: createMapBacking().backingOf, nonce: () => `owner-${(owners += 1)}` });
  const over = storeOver(memory, () => () => undefined);
  const log = createListLog({ partitions, maxRecords, clock: () => epochMs((nowMs += 1)) });
  const made: Bench = {
    log,
    events: [],
    pauses: [],
    pausing: async () => {},
    commits: [],
    beforeCommit: () => undefined,
    store: {
      ...over,
      commit: async (commit) => {
        const answer = await made.beforeCommit(commit);
        if (answer !== undefined) return answer;
        made.commits.push(commit);
        return over.commit(commit);
      },
      close: async () => over.endWaits(),
    },
    append: async (partition, ...events) => {
      const records = events.map((event) => ({
        key: event.type === 'PolicyActivated' ? null : 'a',
        value: encodeEvent(event),
      }));
      await log.append('heartbeats.v1', partition, records);
    },
    run: () =>
      runProcessor({
        processor: counting,
        parks: true,
        log,
        store: made.store,
        partitions,
        clock: () => epochMs(nowMs),
        pause: async (ms) => {
          made.pauses.push(ms);
          await made.pausing();
        },
        onEvent: (event) => made.events.push(event),
      }),
    count: async (partition) => (await made.store.read('concurrency', partition, ['a'])).rows[0]?.state,
    settle: async () => {
      for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => setImmediate(resolve));
    },
    outputs: () =>
      [...log.lists.entries()]
        .filter(([name]) => name.startsWith('stream-decisions'))
        .flatMap(([, list]) => list.map((r) => decodeOutput(r.value).value.id)),
  };
  return made;
};
const kinds = (b: Bench): readonly string[] => b.events.map((e) => e.kind);

describe('a running processor', () => {
  it('folds every partition that it is given, and what comes later', async () => {
    const b = bench();
    await b.append(0, poke(), poke());
    await b.append(1, poke());
    const running = await b.run();
    await b.settle();
    await b.append(1, poke());
    await b.settle();
    expect([await b.count(0), await b.count(1)]).toMatchObject([{ pokes: 2 }, { pokes: 2 }]);
    expect([...b.log.groupOffsets]).toEqual([
      [0, 2],
      [1, 2],
    ]);
    await running.close();
  });

  it('says where it is: warming with progress up to the end that the log had, then running', async () => {
    const b = bench({ partitions: 1, maxRecords: 1 });
    await b.append(0, poke(), poke(), poke(), poke());
    const seen: unknown[] = [];
    let running: RunningProcessor | null = null;
    b.beforeCommit = async () => {
      await b.settle();
      seen.push(...(running?.status() ?? []).map(({ state, offset, end, progress }) => [state, offset, end, progress]));
      return undefined;
    };
    running = await b.run();
    for (let i = 0; i < 10; i++) await b.settle();
    // Before the commit of record 4 the rebuild has reached its end, and the checkpoint that says so is on its way.
    expect(seen).toEqual([
      ['warming', 0, 4, 0],
      ['warming', 1, 4, 0.25],
      ['warming', 2, 4, 0.5],
      ['running', 3, 4, 1],
    ]);
    expect(running.status()).toMatchObject([{ state: 'running', offset: 4, end: 4, progress: 1, error: null }]);
    await running.close();
  });

  it('has nothing to say of partitions after it was closed, and folds no more', async () => {
    const b = bench({ partitions: 1 });
    const running = await b.run();
    await b.settle();
    await running.close();
    await b.append(0, poke());
    await b.settle();
    expect(running.status()).toEqual([]);
    expect(await b.count(0)).toBeUndefined();
  });
});

describe('an append of outputs that fails', () => {
  it('is tried again from what the store holds, after pauses that double from 100 ms to 5 s', async () => {
    const b = bench({ partitions: 1 });
    b.log.failAppends('stream-decisions.v1', 8);
    await b.append(0, poke(), poke());
    const running = await b.run();
    for (let i = 0; i < 10; i++) await b.settle();
    expect(b.commits).toHaveLength(1);
    expect(b.outputs()).toEqual(['concurrency:1.0.0:0', 'concurrency:1.0.1:0']);
    expect(kinds(b).filter((k) => k === 'retry')).toHaveLength(8);
    expect(running.status()).toMatchObject([{ state: 'running', offset: 2 }]);
    await running.close();
  });

  it('though the records are stored leaves them twice, with the same ids', async () => {
    const b = bench({ partitions: 1 });
    b.log.failAppends('stream-decisions.v1', 1, { stored: true });
    await b.append(0, poke());
    const running = await b.run();
    await b.settle();
    expect(b.outputs()).toEqual(['concurrency:1.0.0:0', 'concurrency:1.0.0:0']);
    expect(await b.count(0)).toMatchObject({ pokes: 1 });
    await running.close();
  });
});

describe('a store that cannot be had', () => {
  it('is asked again after 100, 200, 400 ms and so on, 5 s at most, and nothing is counted twice', async () => {
    const b = bench({ partitions: 1 });
    await b.append(0, poke());
    let failures = 0;
    b.beforeCommit = () => {
      if (failures >= 1) return undefined;
      failures += 1;
      throw new Error('no store');
    };
    const open = b.store.open;
    let closed = 9;
    const store = Object.assign(b.store, {
      open: (request: Parameters<typeof open>[0]) => {
        if (failures > 0 && (closed -= 1) > 0) throw new Error('no store');
        return open(request);
      },
    });
    expect(store).toBe(b.store);
    const running = await b.run();
    for (let i = 0; i < 5; i++) await b.settle();
    expect(b.pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    expect(await b.count(0)).toMatchObject({ pokes: 1 });
    await running.close();
  });
});

describe('a revoked partition', () => {
  it('is committed no more by the batch at work', async () => {
    const b = bench({ partitions: 1 });
    let proceed = (): void => undefined;
    const append = b.log.append;
    Object.assign(b.log, {
      append: async (...args: Parameters<typeof append>) => {
        if (args[0] === 'stream-decisions.v1') await new Promise<void>((resolve) => (proceed = resolve));
        return append(...args);
      },
    });
    const running = await b.run();
    await b.append(0, poke());
    await b.settle();
    await b.log.revoke(0);
    proceed();
    await b.settle();
    expect(b.commits).toEqual([]);
    expect(b.log.groupOffsets.size).toBe(0);
    expect(running.status()).toEqual([]);
    await running.close();
  });

  it('is folded on from the store when it comes back', async () => {
    const b = bench({ partitions: 1 });
    const running = await b.run();
    await b.append(0, poke());
    await b.settle();
    await b.log.revoke(0);
    await b.append(0, poke());
    await b.settle();
    expect(await b.count(0)).toMatchObject({ pokes: 1 });
    void b.log.assign(0);
    await b.settle();
    expect(await b.count(0)).toMatchObject({ pokes: 2 });
    await running.close();
  });

  it('is not retried after a failure that came at the same time', async () => {
    const b = bench({ partitions: 1 });
    b.beforeCommit = async () => {
      await b.log.revoke(0);
      throw new Error('no store');
    };
    const running = await b.run();
    await b.append(0, poke());
    for (let i = 0; i < 5; i++) await b.settle();
    expect(b.pauses).toEqual([]);
    expect(b.commits).toEqual([]);
    await running.close();
  });
});

describe('a replay', () => {
  it('comes to the same state, and tells nothing twice, with what came before, meanwhile and after', async () => {
    const b = bench({ maxRecords: 2 });
    await b.append(0, poke(), poke(), poke(), poke(), poke());
    await b.append(1, poke());
    const running = await b.run();
    await b.settle();
    expect(running.replay(null)).toEqual([
      { partition: 0, replay: 'begins' },
      { partition: 1, replay: 'begins' },
    ]);
    await b.append(0, poke());
    await b.settle();
    await b.append(0, poke());
    await b.settle();
    expect([await b.count(0), await b.count(1)]).toMatchObject([{ pokes: 7 }, { pokes: 1 }]);
    // Nothing has come to the other one, which waits for that with the state that it has.
    expect(b.events.filter((e) => e.kind === 'rebuild' && e.from === 0 && e.to === 6)).toHaveLength(1);
    expect(new Set(b.outputs()).size).toBe(b.outputs().length);
    expect(b.outputs()).toHaveLength(8);
    await running.close();
  });

  it('is left to itself where it runs already, is of one partition where one is named, and of none that has failed', async () => {
    const b = bench({ partitions: 2, maxRecords: 1 });
    await b.append(0, poke(), poke(), poke());
    const running = await b.run();
    await b.settle();
    const answers: unknown[] = [];
    b.beforeCommit = () => {
      answers.push(running.replay(0));
      return undefined;
    };
    expect(running.replay(0)).toEqual([{ partition: 0, replay: 'begins' }]);
    await b.append(0, poke());
    for (let i = 0; i < 10; i++) await b.settle();
    expect(answers.slice(0, 2)).toEqual([[{ partition: 0, replay: 'runs' }], [{ partition: 0, replay: 'runs' }]]);
    b.beforeCommit = () => undefined;
    await running.close();
    expect(running.replay(null)).toEqual([]);
  });
});

describe('a partition that cannot go on', () => {
  it('at an unknown schema is failed, with the place in its error, while the others go on', async () => {
    const b = bench();
    const running = await b.run();
    await b.append(0, poke());
    await b.log.append('heartbeats.v1', 0, [{ key: 'a', value: Buffer.from('\0\0\0\0\x01PB900') }]);
    await b.settle();
    await b.append(1, poke());
    await b.settle();
    expect(running.status()).toMatchObject([
      {
        partition: 0,
        state: 'failed',
        error: expect.stringMatching(/heartbeats\.v1 partition 0 offset 1: schema 900/),
      },
      { partition: 1, state: 'running', error: null },
    ]);
    expect(kinds(b)).toContain('failed');
    expect([await b.count(0), await b.count(1)]).toMatchObject([{ pokes: 1 }, { pokes: 1 }]);
    await running.close();
  });
});

describe('a partition that another owner has opened', () => {
  it('is taken back after a second when this process is still told that it is its own: the other one was late', async () => {
    const b = bench({ partitions: 1 });
    const running = await b.run();
    await b.settle();
    await b.store.open({ processor: 'concurrency', partition: 0, discard: false });
    await b.append(0, poke(), policy(1));
    for (let i = 0; i < 3; i++) await b.settle();
    expect(b.pauses).toEqual([1_000]);
    expect(await b.count(0)).toMatchObject({ pokes: 1 });
    expect(running.status()).toMatchObject([{ state: 'running', offset: 2 }]);
    await running.close();
  });

  it('is left to it when this process is told meanwhile that it has lost it', async () => {
    const b = bench({ partitions: 1 });
    const running = await b.run();
    await b.settle();
    const other = await b.store.open({ processor: 'concurrency', partition: 0, discard: false });
    b.pausing = () => b.log.revoke(0);
    await b.append(0, poke());
    for (let i = 0; i < 3; i++) await b.settle();
    expect(running.status()).toEqual([]);
    const request = { owner: other.owner, from: null, keys: [], ...allUntil(0) };
    expect(await b.store.load(request)).not.toBe('fenced');
    await running.close();
  });
});

describe('the opening of a partition', () => {
  it('is tried again while the store cannot be had', async () => {
    const b = bench({ partitions: 1 });
    await b.append(0, poke());
    const { open } = b.store;
    let closed = 3;
    Object.assign(b.store, {
      open: (request: Parameters<typeof open>[0]) => {
        if ((closed -= 1) >= 0) throw new Error('no store');
        return open(request);
      },
    });
    const running = await b.run();
    for (let i = 0; i < 5; i++) await b.settle();
    expect(b.pauses).toEqual([100, 200, 400]);
    expect(await b.count(0)).toMatchObject({ pokes: 1 });
    await running.close();
  });

  it('comes to nothing when the partition is taken away meanwhile', async () => {
    const b = bench({ partitions: 1 });
    const { bounds } = b.log;
    let proceed = (): void => undefined;
    Object.assign(b.log, {
      bounds: async (...args: Parameters<typeof bounds>) => {
        const found = await bounds(...args);
        await new Promise<void>((resolve) => (proceed = resolve));
        return found;
      },
    });
    const running = await b.run();
    await b.settle();
    proceed();
    await b.settle();
    await b.log.revoke(0);
    proceed();
    await b.settle();
    expect(running.status()).toEqual([]);
    await running.close();
  });
});
