import { describe, expect, it } from '@jest/globals';
import { decodeOutput, encodeEvent } from '../../schemas/codec.ts';
import type { LogEvent } from '../../schemas/events.ts';
import { epochMs } from '../../schemas/time.ts';
import type { Batch, LogRecord, NewRecord } from '../log/log.ts';
import { createMapBacking } from '../state/map-backing.ts';
import { createMemoryState, type MemoryState } from '../state/memory-state.ts';
import type { Commit, CommitOutcome } from '../state/state.ts';
import {
  Fenced,
  foldBatch,
  type LoopEvent,
  nextOffset,
  openPartition,
  type Partition,
  type Parts,
} from './partition.ts';
import { PartitionPaused } from './reading.ts';
import type { StepName, Steps } from './steps.ts';
import { counting, forget, poke, policy, tick } from './testing/counting.ts';
import { cutShort } from './testing/cut-short.ts';

type Bench = {
  readonly parts: Parts<unknown, unknown>;
  readonly memory: MemoryState;
  readonly steps: StepName[];
  readonly sent: { topic: string; partition: number; records: readonly NewRecord[] }[];
  readonly groupCommits: number[];
  readonly events: LoopEvent[];
  /** Answers to the next commits, instead of the store's. */
  readonly answers: CommitOutcome[];
  readonly commits: Commit[];
  /** The keys that each batch asked for. */
  readonly loads: (readonly string[])[];
  bounds: { first: number; end: number };
  rebuildFrom: number;
  run<T>(steps: Steps<T>): T;
  open(groupOffset?: number | null): Partition;
};

/** A loop over a store in memory, whose steps are seen and answered by hand. */
const bench = (memory?: MemoryState): Bench => {
  let owners = 0;
  const store =
    memory ?? createMemoryState({ backingOf: createMapBacking().backingOf, nonce: () => `owner-${(owners += 1)}` });
  const made: Bench = {
    memory: store,
    steps: [],
    sent: [],
    groupCommits: [],
    events: [],
    answers: [],
    commits: [],
    loads: [],
    bounds: { first: 0, end: 1_000 },
    rebuildFrom: 0,
    parts: {
      processor: counting as Parts<unknown, unknown>['processor'],
      partitions: 4,
      keptRows: 100,
      parks: true,
      onEvent: (event) => made.events.push(event),
      store: {
        open: (request) => store.open(request),
        load: (request) => {
          made.loads.push(request.keys);
          return store.load(request);
        },
        commit: (commit) => {
          made.commits.push(commit);
          return made.answers.shift() ?? store.commit(commit);
        },
      },
      log: {
        send: (topic, partition, records) => made.sent.push({ topic, partition, records }),
        bounds: () => made.bounds,
        rebuildFrom: () => made.rebuildFrom,
        commitGroup: (_partition, offset) => made.groupCommits.push(offset),
      },
    },
    run: (steps) => {
      let next = steps.next();
      while (!next.done) {
        made.steps.push(next.value.name);
        next = steps.next(next.value.run());
      }
      return next.value;
    },
    open: (groupOffset = null) => made.run(openPartition(made.parts, 0, groupOffset)),
  };
  return made;
};

const record = (offset: number, event: LogEvent, key: string | null = 'a', appendedAtMs = 0): LogRecord => ({
  offset,
  key: event.type === 'Tick' || event.type === 'PolicyActivated' ? null : key,
  value: encodeEvent(event),
  appendedAtMs: epochMs(1_000_000 + appendedAtMs),
});
const batch = (from: number, to: number, records: readonly LogRecord[]): Batch => ({
  topic: 'heartbeats.v1',
  partition: 0,
  from,
  to,
  records,
  end: to,
});
const pokes = (from: number, to: number): Batch =>
  batch(
    from,
    to,
    Array.from({ length: to - from }, (_, i) => record(from + i, poke())),
  );
const countOf = ({ memory }: Bench, key = 'a'): unknown => memory.read('concurrency', 0, [key]).rows[0]?.state;
const offsetOf = ({ memory }: Bench): number | undefined => memory.read('concurrency', 0, []).checkpoint?.offset;

describe('a batch', () => {
  it('goes through load, send, commit and the group, in this order', () => {
    const b = bench();
    const partition = b.open();
    b.steps.length = 0;
    expect(b.run(foldBatch(b.parts, partition, pokes(0, 3)))).toBe(3);
    expect(b.steps).toEqual(['load', 'send', 'commit', 'commit-group']);
    expect(b.groupCommits).toEqual([3]);
    expect(offsetOf(b)).toBe(3);
  });

  it('below what the store has is skipped, and one that overlaps is folded from where the store is', () => {
    const b = bench();
    const partition = b.open();
    b.run(foldBatch(b.parts, partition, pokes(0, 5)));
    b.steps.length = 0;
    expect(b.run(foldBatch(b.parts, partition, pokes(0, 5)))).toBe(5);
    expect(b.run(foldBatch(b.parts, partition, pokes(0, 4)))).toBe(5);
    expect(b.steps).toEqual([]);
    expect(b.run(foldBatch(b.parts, partition, pokes(3, 7)))).toBe(7);
    expect(countOf(b)).toMatchObject({ pokes: 7 });
  });

  it('from beyond what the store has is asked for again from there, and changes nothing', () => {
    const b = bench();
    const partition = b.open();
    b.run(foldBatch(b.parts, partition, pokes(0, 5)));
    b.steps.length = 0;
    expect(b.run(foldBatch(b.parts, partition, pokes(6, 9)))).toBe(5);
    expect(b.steps).toEqual([]);
    expect(b.run(foldBatch(b.parts, partition, pokes(5, 9)))).toBe(9);
  });

  it('is judged by the offsets that it was fetched for: gaps between records are normal', () => {
    const b = bench();
    const partition = b.open();
    const gappy = batch(0, 20, [record(4, poke()), record(11, poke())]);
    expect(b.run(foldBatch(b.parts, partition, gappy))).toBe(20);
    expect(b.run(foldBatch(b.parts, partition, batch(20, 30, [])))).toBe(30);
    expect(countOf(b)).toMatchObject({ pokes: 2 });
  });

  it('of ticks alone is committed at most once a second', () => {
    const b = bench();
    const partition = b.open();
    b.run(foldBatch(b.parts, partition, batch(0, 1, [record(0, poke())])));
    b.commits.length = 0;
    for (let n = 1; n <= 30; n++) {
      b.run(foldBatch(b.parts, partition, batch(n, n + 1, [record(n, tick(), null, n * 100)])));
    }
    expect(b.commits.map((c) => c.to.offset)).toEqual([11, 21, 31]);
    expect(nextOffset(partition)).toBe(31);
  });

  it('of ticks alone is committed at once when a timer fires in it', () => {
    const b = bench();
    const partition = b.open();
    b.run(foldBatch(b.parts, partition, batch(0, 1, [record(0, poke(200))])));
    b.run(foldBatch(b.parts, partition, batch(1, 2, [record(1, tick(), null, 100)])));
    expect(offsetOf(b)).toBe(1);
    b.run(foldBatch(b.parts, partition, batch(2, 3, [record(2, tick(), null, 200)])));
    expect(offsetOf(b)).toBe(3);
  });

  it('of a policy alone is committed at once', () => {
    const b = bench();
    const partition = b.open();
    b.run(foldBatch(b.parts, partition, batch(0, 1, [record(0, poke())])));
    b.run(foldBatch(b.parts, partition, batch(1, 2, [record(1, policy(3))])));
    expect(b.memory.read('concurrency', 0, []).checkpoint).toMatchObject({ offset: 2, control: 3 });
  });
});

describe('an owner', () => {
  it('that was fenced never commits, and says so', () => {
    const b = bench();
    const old = b.open();
    b.run(foldBatch(b.parts, old, pokes(0, 2)));
    const fresh = b.open();
    expect(() => b.run(foldBatch(b.parts, old, pokes(2, 4)))).toThrow(Fenced);
    expect(offsetOf(b)).toBe(2);
    expect(b.groupCommits).toEqual([2]);
    expect(b.run(foldBatch(b.parts, fresh, pokes(2, 4)))).toBe(4);
  });

  it('takes "already" for "committed": an answer was lost', () => {
    const b = bench();
    const partition = b.open();
    b.answers.push('already');
    expect(b.run(foldBatch(b.parts, partition, pokes(0, 2)))).toBe(2);
    expect(b.groupCommits).toEqual([2]);
  });

  it('forgets all it knew after "rewound" and "unknown", opens again, and goes on from what the store has', () => {
    for (const outcome of ['rewound', 'unknown'] as const) {
      const b = bench();
      const partition = b.open();
      b.run(foldBatch(b.parts, partition, pokes(0, 2)));
      const { owner } = partition;
      b.answers.push(outcome);
      expect(b.run(foldBatch(b.parts, partition, pokes(2, 4)))).toBe(2);
      expect(b.events).toContainEqual({ kind: 'reopened', partition: 0, outcome });
      expect(partition.owner).not.toEqual(owner);
      expect(b.groupCommits).toEqual([2]);
      expect(b.run(foldBatch(b.parts, partition, pokes(2, 4)))).toBe(4);
      expect(countOf(b)).toMatchObject({ pokes: 4 });
    }
  });
});

describe('rows that an owner wrote', () => {
  const both = (from: number): Batch =>
    batch(from, from + 2, [record(from, poke(), 'a'), record(from + 1, poke(), 'b')]);

  it('are not read again, and are what the store has', () => {
    const b = bench();
    const partition = b.open();
    for (const from of [0, 2, 4]) b.run(foldBatch(b.parts, partition, both(from)));
    expect(b.loads).toEqual([['a', 'b'], [], []]);
    expect([countOf(b, 'a'), countOf(b, 'b')]).toMatchObject([{ pokes: 3 }, { pokes: 3 }]);
  });

  it('are kept as far as there is room, and read where there is none', () => {
    const b = bench();
    const parts = { ...b.parts, keptRows: 1 };
    const partition = b.open();
    for (const from of [0, 2, 4]) b.run(foldBatch(parts, partition, both(from)));
    expect(b.loads).toEqual([['a', 'b'], ['b'], ['b']]);
    expect([countOf(b, 'a'), countOf(b, 'b')]).toMatchObject([{ pokes: 3 }, { pokes: 3 }]);
  });

  it('are read again when it has opened again, and when they were forgotten', () => {
    const b = bench();
    const partition = b.open();
    b.run(foldBatch(b.parts, partition, both(0)));
    b.answers.push('unknown');
    b.run(foldBatch(b.parts, partition, both(2)));
    b.run(foldBatch(b.parts, partition, both(2)));
    b.run(foldBatch(b.parts, partition, batch(4, 5, [record(4, forget, 'a')])));
    b.run(foldBatch(b.parts, partition, both(5)));
    expect(b.loads).toEqual([['a', 'b'], [], ['a', 'b'], [], ['a']]);
    expect([countOf(b, 'a'), countOf(b, 'b')]).toMatchObject([{ pokes: 1 }, { pokes: 3 }]);
  });
});

describe('what nobody can read', () => {
  it('is set aside by the processor that is to do so, and left out by all others', () => {
    const broken: LogRecord = { ...record(0, poke()), value: new Uint8Array([1, 2, 3]) };
    for (const parks of [true, false]) {
      const b = bench();
      const partition = b.open();
      b.run(foldBatch({ ...b.parts, parks }, partition, batch(0, 2, [broken, record(1, poke())])));
      const topics = b.sent.map(({ topic }) => topic).sort();
      expect(topics).toEqual(parks ? ['heartbeats.v1.parked', 'stream-decisions.v1'] : ['stream-decisions.v1']);
      expect(nextOffset(partition)).toBe(2);
    }
  });
});

describe('more timers than a store brings at once', () => {
  const keys = ['a', 'b', 'c', 'd'];
  const started = batch(
    0,
    4,
    keys.map((key, i) => record(i, poke(1_000 + 10 * i), key)),
  );
  const later = batch(
    4,
    8,
    [1_005, 1_015, 1_020, 1_055].map((ms, i) => record(4 + i, tick(), null, ms)),
  );
  const folded = (batches: readonly Batch[], most: number) => {
    const b = bench();
    const load = cutShort((request) => b.memory.load(request), most);
    const parts = { ...b.parts, store: { ...b.parts.store, load } };
    const partition = b.open();
    for (const one of batches) b.run(foldBatch(parts, partition, one));
    const sent = b.sent.flatMap(({ records }) =>
      records.map(({ value }) => decodeOutput(value ?? new Uint8Array()).value),
    );
    return {
      sent,
      commits: b.commits.length,
      offset: nextOffset(partition),
      rows: b.memory.read('concurrency', 0, keys),
    };
  };

  it('are folded with their records, in steps that end between two of them', () => {
    const whole = folded([started, later], Number.POSITIVE_INFINITY);
    const cut = folded([started, later], 1);
    expect([whole.commits, cut.commits]).toEqual([2, 5]);
    expect({ ...cut, commits: 0 }).toEqual({ ...whole, commits: 0 });
    expect(whole.sent).toHaveLength(8);
  });

  it('let nothing be set aside twice, though the batch is folded in steps', () => {
    const broken: LogRecord = { ...record(8, tick(), null, 1_055), value: new Uint8Array([1, 2, 3]) };
    const b = bench();
    const load = cutShort((request) => b.memory.load(request), 1);
    const partition = b.open();
    const parts = { ...b.parts, store: { ...b.parts.store, load } };
    for (const one of [started, batch(4, 9, [...later.records, broken])]) b.run(foldBatch(parts, partition, one));
    expect([b.commits.length, nextOffset(partition)]).toEqual([5, 9]);
    expect(b.events.filter(({ kind }) => kind === 'parked')).toHaveLength(1);
    expect(b.sent.filter(({ topic }) => topic === 'heartbeats.v1.parked')).toHaveLength(1);
  });

  it('are folded all at once where one record lets them fire', () => {
    const cut = folded([started, batch(4, 5, [record(4, tick(), null, 1_055)])], 1);
    expect([cut.commits, cut.sent.length, cut.offset]).toEqual([2, 8, 5]);
  });
});

describe('taking a partition over', () => {
  it('goes on from the stored offset where the log holds it', () => {
    const b = bench();
    b.run(foldBatch(b.parts, b.open(), pokes(0, 5)));
    b.bounds = { first: 5, end: 5 };
    expect(nextOffset(b.open())).toBe(5);
    expect(b.events.filter((e) => e.kind === 'rebuild')).toHaveLength(1);
  });

  it('rebuilds from the processor’s window where nothing is stored', () => {
    const b = bench();
    b.rebuildFrom = 40;
    b.bounds = { first: 10, end: 100 };
    const partition = b.open();
    expect(nextOffset(partition)).toBe(40);
    expect(partition.rebuild).toEqual({ from: 40, to: 100 });
    expect(b.events).toEqual([{ kind: 'rebuild', partition: 0, from: 40, to: 100, lost: false }]);
  });

  it('discards and rebuilds where the log does not hold the stored offset: retention, or another log', () => {
    for (const bounds of [
      { first: 6, end: 100 },
      { first: 0, end: 4 },
    ]) {
      const b = bench();
      b.run(foldBatch(b.parts, b.open(), pokes(0, 5)));
      b.bounds = bounds;
      b.rebuildFrom = bounds.first;
      const partition = b.open();
      expect(nextOffset(partition)).toBe(bounds.first);
      expect(countOf(b)).toBeUndefined();
      expect(b.events.at(-1)).toMatchObject({ kind: 'rebuild', lost: true });
    }
  });

  it('is rebuilding until the end that the log had, and remembers that over a restart', () => {
    const b = bench();
    b.bounds = { first: 0, end: 4 };
    const first = b.open();
    b.run(foldBatch(b.parts, first, pokes(0, 2)));
    expect(b.memory.read('concurrency', 0, []).checkpoint?.rebuild).toEqual({ from: 0, to: 4 });
    b.bounds = { first: 0, end: 9 };
    const second = b.open();
    expect(second.rebuild).toEqual({ from: 0, to: 4 });
    b.run(foldBatch(b.parts, second, pokes(2, 4)));
    expect(second.rebuild).toBeNull();
    expect(b.memory.read('concurrency', 0, []).checkpoint?.rebuild).toBeNull();
  });
});

describe('outputs', () => {
  it('go to the partition of their key, and a repeat has the same ids and bytes', () => {
    const b = bench();
    b.run(foldBatch(b.parts, b.open(), pokes(0, 3)));
    const again = bench();
    again.run(foldBatch(again.parts, again.open(), pokes(0, 3)));
    expect(again.sent).toEqual(b.sent);
    expect(b.sent).toMatchObject([{ topic: 'stream-decisions.v1' }]);
  });

  it('caused below the group offset are not sent again, those from it on are', () => {
    const b = bench();
    const partition = b.open(2);
    b.run(foldBatch(b.parts, partition, pokes(0, 3)));
    expect(b.sent.map((s) => s.records.length)).toEqual([1]);
    expect(b.groupCommits).toEqual([3]);
  });

  it('of a batch wholly below the group offset are not sent, and the group is not moved back', () => {
    const b = bench();
    b.run(foldBatch(b.parts, b.open(10), pokes(0, 3)));
    expect(b.sent).toEqual([]);
    expect(b.groupCommits).toEqual([]);
  });
});

describe('a record that stops the partition', () => {
  const stopping = (value: Uint8Array, key: string | null = 'a'): Batch =>
    batch(0, 3, [record(0, poke()), { offset: 1, key, value, appendedAtMs: epochMs(1_000_000) }, record(2, poke())]);
  const marked = (mark: string, ...bytes: readonly number[]): Uint8Array =>
    Uint8Array.of(0, 0, 0, 0, 77, ...Buffer.from(mark), ...bytes);

  it.each([
    [
      'is of a schema of ours that this release does not know',
      marked('PB900'),
      /offset 1: schema 900 was made by a newer release/,
    ],
    ['is a policy that cannot be read', marked('PB005', 255), /offset 1: the body of a PolicyActivated is broken/],
    ['is a tick that cannot be read', marked('PB004', 255), /offset 1: the body of a Tick is/],
  ])('%s: what comes before it is committed, it is not passed', (_name, value, message) => {
    const b = bench();
    const partition = b.open();
    expect(() => b.run(foldBatch(b.parts, partition, stopping(value)))).toThrow(PartitionPaused);
    expect(() => b.run(foldBatch(b.parts, b.open(), stopping(value)))).toThrow(message);
    expect(offsetOf(b)).toBe(1);
    expect(countOf(b)).toMatchObject({ pokes: 1 });
  });

  it('makes the fold throw: nothing of its batch is committed or sent', () => {
    const b = bench();
    const throwing = {
      ...b.parts.processor,
      onRecord: () => {
        throw new Error('cannot deal with it');
      },
    };
    const partition = b.open();
    const parts = { ...b.parts, processor: throwing };
    expect(() => b.run(foldBatch(parts, partition, batch(0, 1, [record(0, poke())])))).toThrow(
      /partition 0 .*cannot deal/,
    );
    expect(b.sent).toEqual([]);
    expect(offsetOf(b)).toBeUndefined();
    expect(b.run(foldBatch(b.parts, partition, pokes(0, 1)))).toBe(1);
  });
});
