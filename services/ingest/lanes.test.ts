import { describe, expect, it } from '@jest/globals';
import { decode } from '../../schemas/codec.ts';
import { epochMs } from '../../schemas/time.ts';
import type { Appended, NewRecord } from '../../shared/log/log.ts';
import type { Seen } from '../concurrency/view.ts';
import { createLanes, type Item, type LanesOptions, type Refusal } from './lanes.ts';

const TIMEOUT_MS = 500;
type Append = {
  readonly partition: number;
  readonly records: readonly NewRecord[];
  answer(): void;
  fail(): void;
};

/** Lanes over a log that is answered by hand, a clock that is turned by hand, and turns of the loop taken by hand. */
const bench = (options: Partial<LanesOptions> = {}) => {
  let nowMs = 1_800_000_000_000;
  let offset = 100;
  const deferred: (() => void)[] = [];
  const appends: Append[] = [];
  const outcomes: string[] = [];
  const errors: unknown[] = [];
  const lanes = createLanes({
    topic: 'heartbeats.v1',
    partitions: 2,
    log: {
      append: (_topic, partition, records) =>
        new Promise<Appended>((resolve, reject) => {
          const answer = (): void => {
            const baseOffset = offset;
            offset += records.length;
            resolve({ partition, baseOffset, appendedAtMs: epochMs(nowMs) });
          };
          appends.push({ partition, records, answer, fail: () => reject(new Error('disk full')) });
        }),
    },
    read: (_partition, keys) => keys.map(() => null as unknown as Seen),
    source: 'node-1',
    maxQueued: 1_000,
    timeoutMs: TIMEOUT_MS,
    clock: () => nowMs,
    defer: (run) => void deferred.push(run),
    within: (_ms, promise) => promise,
    onAppended: () => undefined,
    onLogError: (_partition, error) => void errors.push(error),
    ...options,
  });
  const item = (name: string): Item => ({
    key: name,
    encode: () => Buffer.from(name),
    stored: ({ offset: at }) => void outcomes.push(`${name} stored at ${at}`),
    refused: (why: Refusal) => void outcomes.push(`${name} ${why}`),
  });
  return {
    lanes,
    appends,
    outcomes,
    errors,
    submit: (...names: readonly string[]) => names.forEach((name) => lanes.submit(0, item(name))),
    submitTo: (partition: number, name: string) => lanes.submit(partition, item(name)),
    answerAll: () => {
      for (const append of appends) append.answer();
    },
    /** Ends the turn of the loop, and lets promises settle. */
    next: async () => {
      for (let i = 0; i < 3; i++) {
        for (const run of deferred.splice(0)) run();
        for (let j = 0; j < 10; j++) await Promise.resolve();
      }
    },
    /** Time with a turn every 50 ms, and one at its end. */
    pass: (ms: number) => {
      for (const until = nowMs + ms; nowMs < until;) {
        nowMs = Math.min(until, nowMs + 50);
        lanes.turn();
      }
    },
    /** What went into the log, ticks as `tick` or `shedding tick`. */
    sent: () =>
      appends.map(({ records }) =>
        records.map(({ key, value }) => {
          if (key !== null) return key;
          const event = decode(value);
          return event.type === 'Tick' && event.value.shedding ? 'shedding tick' : 'tick';
        }),
      ),
  };
};

describe('a lane', () => {
  it('sends what comes in one turn of the loop in one append, in its order, and tells each its offset', async () => {
    const b = bench();
    b.submit('a', 'b', 'c');
    expect(b.appends).toEqual([]);
    await b.next();
    expect(b.sent()).toEqual([['a', 'b', 'c']]);
    b.appends[0]!.answer();
    await b.next();
    expect(b.outcomes).toEqual(['a stored at 100', 'b stored at 101', 'c stored at 102']);
    expect(b.lanes.queued()).toBe(0);
  });

  it('has two appends in flight, and what waits meanwhile goes together into the next', async () => {
    const b = bench();
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      b.submit(name);
      await b.next();
    }
    expect(b.sent()).toEqual([['a'], ['b']]);
    b.appends[0]!.answer();
    await b.next();
    expect(b.sent()).toEqual([['a'], ['b'], ['c', 'd', 'e']]);
  });

  it('does not wait for another lane', async () => {
    const b = bench();
    b.submitTo(0, 'a');
    b.submitTo(1, 'b');
    await b.next();
    expect(b.appends.map((a) => a.partition)).toEqual([0, 1]);
  });

  it('sends 2,000 records in one append at most', async () => {
    const b = bench({ maxQueued: 5_000 });
    b.submit(...Array.from({ length: 2_001 }, (_, i) => `beat-${i}`));
    await b.next();
    b.appends[0]!.answer();
    await b.next();
    expect(b.sent().map((group) => group.length)).toEqual([2_000, 1]);
  });

  it('goes without stamps where the accounts cannot be read within 50 ms', async () => {
    const waited: number[] = [];
    const b = bench({
      read: () => new Promise<readonly Seen[]>(() => undefined),
      within: async (ms) => {
        waited.push(ms);
        return null;
      },
    });
    b.submit('a');
    await b.next();
    expect(waited).toEqual([50]);
    expect(b.sent()).toEqual([['a']]);
  });
});

describe('an append that hangs', () => {
  it('is answered 503 at its timeout of 500 ms, not before, and once', async () => {
    const b = bench();
    b.submit('a');
    await b.next();
    b.pass(TIMEOUT_MS - 1);
    expect(b.outcomes).toEqual([]);
    b.pass(1);
    expect(b.outcomes).toEqual(['a LOG_UNAVAILABLE']);
    b.appends[0]!.answer();
    await b.next();
    expect(b.outcomes).toEqual(['a LOG_UNAVAILABLE']);
    expect(b.lanes.queued()).toBe(0);
  });

  it('has those behind it answered at their own timeout, and never sends them', async () => {
    const b = bench();
    for (const name of ['a', 'b']) {
      b.submit(name);
      await b.next();
    }
    b.pass(300);
    b.submit('c');
    b.pass(199);
    b.submit('d');
    b.pass(1);
    expect(b.outcomes).toEqual(['a LOG_UNAVAILABLE', 'b LOG_UNAVAILABLE']);
    b.pass(300);
    expect(b.outcomes.slice(2)).toEqual(['c LOG_UNAVAILABLE']);
    b.answerAll();
    await b.next();
    expect(b.sent().slice(2).flat()).toEqual(['shedding tick', 'd']);
  });

  it('has those that come later answered at once: no queue grows behind it', async () => {
    const b = bench();
    b.submit('a');
    await b.next();
    b.pass(TIMEOUT_MS);
    b.submit('late');
    expect(b.outcomes).toEqual(['a LOG_UNAVAILABLE', 'late LOG_UNAVAILABLE']);
    expect(b.lanes.queued()).toBe(0);
  });

  it('lets the lane go on as soon as it is answered', async () => {
    const b = bench();
    b.submit('a');
    await b.next();
    b.pass(5_000);
    b.answerAll();
    await b.next();
    b.submit('b');
    await b.next();
    b.answerAll();
    await b.next();
    expect(b.outcomes.at(-1)).toMatch(/^b stored/);
  });
});

describe('an append that fails', () => {
  it('refuses its group, says the error, and the next one works', async () => {
    const b = bench();
    b.submit('a', 'b');
    await b.next();
    b.appends[0]!.fail();
    await b.next();
    expect(b.outcomes).toEqual(['a LOG_UNAVAILABLE', 'b LOG_UNAVAILABLE']);
    expect(b.errors).toHaveLength(1);
    b.submit('c');
    await b.next();
    b.appends[1]!.answer();
    await b.next();
    expect(b.sent()[1]).toEqual(['shedding tick', 'c']);
    expect(b.outcomes.at(-1)).toBe('c stored at 101');
    expect(b.lanes.queued()).toBe(0);
  });

  it('is not tried again in a tight loop: a quiet lane asks the log once a second', async () => {
    const b = bench({ partitions: 1 });
    b.submit('a');
    await b.next();
    b.appends[0]!.fail();
    await b.next();
    for (let ms = 0; ms < 3_000; ms += 50) {
      b.pass(50);
      await b.next();
      b.appends.at(-1)!.fail();
      await b.next();
    }
    expect(b.appends.length).toBeGreaterThanOrEqual(3);
    expect(b.appends.length).toBeLessThanOrEqual(5);
  });

  it('says so in a later tick, when the tick that should have said it failed', async () => {
    const b = bench({ partitions: 1 });
    b.submit('a');
    await b.next();
    b.appends[0]!.fail();
    await b.next();
    b.pass(1_000);
    await b.next();
    b.appends[1]!.fail();
    await b.next();
    b.pass(1_000);
    await b.next();
    b.appends[2]!.answer();
    await b.next();
    b.pass(1_000);
    await b.next();
    expect(b.sent().slice(1)).toEqual([['shedding tick'], ['shedding tick'], ['tick']]);
  });
});

describe('the queue', () => {
  it('holds maxQueued records of all lanes, and refuses the next as overloaded', async () => {
    const b = bench({ maxQueued: 3 });
    b.submitTo(0, 'a');
    b.submitTo(1, 'b');
    b.submitTo(0, 'c');
    expect(b.outcomes).toEqual([]);
    b.submitTo(1, 'd');
    expect(b.outcomes).toEqual(['d OVERLOADED']);
    await b.next();
    b.submitTo(0, 'e');
    expect(b.outcomes).toEqual(['d OVERLOADED', 'e OVERLOADED']);
    for (const append of b.appends) append.answer();
    await b.next();
    b.submitTo(0, 'f');
    expect(b.outcomes).not.toContain('f OVERLOADED');
  });
});

describe('a tick', () => {
  it('is appended after 1 s of quiet, and each second of it', async () => {
    const b = bench({ partitions: 1 });
    b.pass(999);
    await b.next();
    expect(b.appends).toEqual([]);
    for (let n = 1; n <= 3; n++) {
      b.pass(n === 1 ? 1 : 1_000);
      await b.next();
      b.appends.at(-1)!.answer();
      await b.next();
    }
    expect(b.sent()).toEqual([['tick'], ['tick'], ['tick']]);
  });

  it('is not appended while beats come', async () => {
    const b = bench({ partitions: 1 });
    for (let n = 0; n < 50; n++) {
      b.submit(`beat-${n}`);
      await b.next();
      b.appends.at(-1)!.answer();
      await b.next();
      b.pass(100);
      await b.next();
    }
    expect(
      b
        .sent()
        .flat()
        .filter((name) => name.includes('tick')),
    ).toEqual([]);
  });

  it('that says shedding goes first after a refusal, in the lane that refused, at most one a second', async () => {
    const b = bench({ maxQueued: 1 });
    b.submitTo(1, 'taken');
    b.submitTo(0, 'refused');
    await b.next();
    b.appends[0]!.answer();
    await b.next();
    for (let n = 0; n < 20; n++) {
      b.submitTo(0, `beat-${n}`);
      b.submitTo(0, `more-${n}`);
      await b.next();
      b.answerAll();
      await b.next();
      b.pass(100);
    }
    const lane = b.appends.flatMap((a, i) => (a.partition === 0 ? [b.sent()[i]!] : []));
    expect(lane[0]).toEqual(['shedding tick', 'beat-0']);
    const ticks = lane.flat().filter((name) => name === 'shedding tick');
    expect(ticks.length).toBeGreaterThanOrEqual(2);
    expect(ticks.length).toBeLessThanOrEqual(3);
    expect(lane.flat()).not.toContain('tick');
    const other = b.appends.flatMap((a, i) => (a.partition === 1 ? b.sent()[i]! : []));
    expect(other).not.toContain('shedding tick');
  });
});

describe('draining', () => {
  it('refuses what comes, and resolves when what is in flight and waiting has been stored', async () => {
    const b = bench();
    b.submit('a');
    await b.next();
    b.submit('b');
    let drained = false;
    void b.lanes.drain().then(() => (drained = true));
    b.submit('c');
    expect(b.outcomes).toEqual(['c SHUTTING_DOWN']);
    b.appends[0]!.answer();
    await b.next();
    expect(drained).toBe(false);
    b.appends[1]!.answer();
    await b.next();
    expect(drained).toBe(true);
    // The refusal of c is owed a tick, at 101.
    expect(b.outcomes).toEqual(['c SHUTTING_DOWN', 'a stored at 100', 'b stored at 102']);
  });

  it('resolves at once where nothing is under way', async () => {
    const b = bench();
    await b.lanes.drain();
    expect(b.appends).toEqual([]);
  });

  it('resolves when what it waits for fails', async () => {
    const b = bench();
    b.submit('a');
    await b.next();
    const drained = b.lanes.drain();
    b.appends[0]!.fail();
    await drained;
    expect(b.outcomes).toEqual(['a LOG_UNAVAILABLE']);
  });
});
