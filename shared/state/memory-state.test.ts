import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { liveMs } from '../../schemas/time.ts';
import { createMapBacking, type MapBacking } from './map-backing.ts';
import { createMemoryState, storeOver, type MemoryState } from './memory-state.ts';
import type { Loaded, Owner, Row } from './state.ts';
import { allUntil, checkpointAt, rowOf, stateContract } from './state.contract.ts';
import { createWakeUps, type Slot } from './wake-ups.ts';
import { createWaiters } from './waiters.ts';

const memoryOver = (backing: MapBacking): MemoryState => {
  let owners = 0;
  return createMemoryState({ backingOf: backing.backingOf, nonce: () => `owner-${(owners += 1)}` });
};

/** Time that passes as soon as the loop is idle: whoever waits has waited long enough then. */
const idleTimer = (_ms: number, run: () => void): (() => void) => {
  const immediate = setImmediate(run);
  return () => clearImmediate(immediate);
};

stateContract({
  name: 'the memory state',
  make: () => {
    const store = storeOver(memoryOver(createMapBacking()), idleTimer);
    return Promise.resolve({ ...store, close: () => Promise.resolve(store.endWaits()) });
  },
});

const open = (memory: MemoryState, discard = false): Owner =>
  memory.open({ processor: 'p', partition: 0, discard }).owner;
const commit = (memory: MemoryState, owner: Owner, from: number | null, to: number, rows: Record<string, Row | null>) =>
  memory.commit({ owner, from, to: checkpointAt(to), rows: new Map(Object.entries(rows)) });
const loaded = (memory: MemoryState, owner: Owner, wish: { keys: readonly string[]; until: number }): Loaded => {
  const from = view(memory, []).checkpoint?.offset ?? null;
  const answer = memory.load({ owner, from, keys: wish.keys, ...allUntil(wish.until) });
  if (typeof answer === 'string') throw new Error(`not loaded: ${answer}`);
  return answer;
};
const view = (memory: MemoryState, keys: readonly string[]) => memory.read('p', 0, keys);
const partition = (memory: MemoryState) => memory.partitions()[0]!;

describe('a snapshot', () => {
  it('holds what changed since the last, with the checkpoint it belongs to, and later commits do not reach it', () => {
    const memory = memoryOver(createMapBacking());
    const owner = open(memory);
    expect(partition(memory).snapshot()).toBeNull();
    commit(memory, owner, null, 1, { a: rowOf(1), b: rowOf(1) });
    commit(memory, owner, 1, 2, { a: rowOf(2) });
    const first = partition(memory).snapshot()!;
    commit(memory, owner, 2, 3, { a: rowOf(3) });
    expect(first.checkpoint).toEqual(checkpointAt(2));
    expect(first.rows).toEqual([
      { key: 'a', row: rowOf(2) },
      { key: 'b', row: rowOf(1) },
    ]);
    partition(memory).snapshotStored(first);
    expect(partition(memory).snapshot()).toMatchObject({ checkpoint: checkpointAt(3), rows: [{ key: 'a' }] });
  });

  it('is not taken while the one before is unanswered', () => {
    const memory = memoryOver(createMapBacking());
    const owner = open(memory);
    commit(memory, owner, null, 1, {});
    expect(partition(memory).snapshot()).not.toBeNull();
    commit(memory, owner, 1, 2, {});
    expect(partition(memory).snapshot()).toBeNull();
  });

  it('that failed goes into the next one, beneath newer changes', () => {
    const memory = memoryOver(createMapBacking());
    const owner = open(memory);
    commit(memory, owner, null, 1, { a: rowOf(1), b: rowOf(1), c: rowOf(1) });
    const failed = partition(memory).snapshot()!;
    commit(memory, owner, 1, 2, { b: rowOf(2), c: null });
    partition(memory).snapshotFailed(failed);
    const next = partition(memory).snapshot()!;
    expect(new Map(next.rows.map(({ key, row }) => [key, row]))).toEqual(
      new Map([
        ['a', rowOf(1)],
        ['b', rowOf(2)],
        ['c', null],
      ]),
    );
    expect(next.rows).toHaveLength(3);
  });

  it('after a discard says so until it is stored, and nothing of before comes back', () => {
    const backing = createMapBacking();
    const before = memoryOver(backing);
    commit(before, open(before), null, 1, { a: rowOf(1, 5), b: rowOf(1) });
    backing.store(partition(before).snapshot()!);

    const memory = memoryOver(backing);
    const owner = open(memory, true);
    const failed = partition(memory).snapshot()!;
    expect(failed).toMatchObject({ discard: true, checkpoint: null, rows: [] });
    partition(memory).snapshotFailed(failed);
    commit(memory, owner, null, 9, { b: rowOf(2) });
    expect(view(memory, ['a', 'b']).rows).toEqual([null, rowOf(2)]);
    const snapshot = partition(memory).snapshot()!;
    expect(snapshot.discard).toBe(true);
    backing.store(snapshot);
    partition(memory).snapshotStored(snapshot);
    expect(view(memoryOver(backing), ['a', 'b'])).toEqual({ rows: [null, rowOf(2)], checkpoint: checkpointAt(9) });
  });

  it('under way when a discard comes is dropped, whatever becomes of it', () => {
    const memory = memoryOver(createMapBacking());
    commit(memory, open(memory), null, 1, { a: rowOf(1) });
    const underWay = partition(memory).snapshot()!;
    open(memory, true);
    partition(memory).snapshotFailed(underWay);
    expect(partition(memory).snapshot()).toMatchObject({ discard: true, rows: [] });
  });
});

describe('rows that are only in the backing', () => {
  const stored = (rows: Record<string, Row | null>): MapBacking => {
    const backing = createMapBacking();
    const memory = memoryOver(backing);
    commit(memory, open(memory), null, 1, rows);
    backing.store(partition(memory).snapshot()!);
    return backing;
  };

  it('are found by key, and wake up in time, however far live time jumps', () => {
    const memory = memoryOver(
      stored({ a: rowOf('a', 10), b: rowOf('b', 90_000), c: rowOf('c', 1_500), d: rowOf('d') }),
    );
    const owner = open(memory);
    const load = (keys: string[], until: number) => loaded(memory, owner, { keys, until });
    expect(load(['d'], 9)).toEqual({ rows: new Map([['d', rowOf('d')]]), due: [], cutMs: null });
    expect(load([], 10).due).toEqual([{ key: 'a', dueMs: 10 }]);
    expect(load([], 1_500).due.map(({ key }) => key)).toEqual(['a', 'c']);
    expect(load([], 1_000_000).due.map(({ key }) => key)).toEqual(['a', 'c', 'b']);
  });

  it('do not come back after they were deleted, before and after the deletion is stored', () => {
    const backing = stored({ a: rowOf('a', 10), b: rowOf('b', 500) });
    const memory = memoryOver(backing);
    const owner = open(memory);
    // The slice that holds both is read before they are deleted.
    loaded(memory, owner, { keys: [], until: 1 });
    commit(memory, owner, 1, 2, { a: null, b: null });
    expect(loaded(memory, owner, { keys: ['a'], until: 10 })).toEqual({ rows: new Map(), due: [], cutMs: null });
    const snapshot = partition(memory).snapshot()!;
    backing.store(snapshot);
    partition(memory).snapshotStored(snapshot);
    expect(loaded(memory, owner, { keys: ['a', 'b'], until: 9_000 })).toEqual({
      rows: new Map(),
      due: [],
      cutMs: null,
    });
  });

  it('that were changed in memory wake up as memory says', () => {
    const memory = memoryOver(stored({ a: rowOf('a', 10), b: rowOf('b', 5_000) }));
    const owner = open(memory);
    commit(memory, owner, 1, 2, { a: rowOf('a', 6_000), b: rowOf('b', 20) });
    const due = (until: number) => loaded(memory, owner, { keys: [], until }).due.map(({ key }) => key);
    expect(due(100)).toEqual(['b']);
    expect(due(5_999)).toEqual(['b']);
    expect(due(6_000)).toEqual(['b', 'a']);
  });

  it('and any crash, failed snapshot or restart in between: the state is always one that was committed', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    const due = fc.option(fc.integer({ min: 0, max: 4_000 }), { nil: null });
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('commit'),
          changes: fc.array(fc.tuple(key, fc.option(due, { nil: undefined }))),
          until: fc.nat(4_500),
        }),
      },
      { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('store', 'lose', 'take', 'crash', 'discard') }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const backing = createMapBacking();
        let memory = memoryOver(backing);
        let owner = open(memory);
        let offset: number | null = null;
        let rows = new Map<string, Row>();
        let durable: { offset: number | null; rows: Map<string, Row> } = { offset, rows };
        let taken: { snapshot: ReturnType<ReturnType<typeof partition>['snapshot']>; then: typeof durable } | null =
          null;
        let n = 0;
        for (const now of steps) {
          n += 1;
          if ('changes' in now) {
            const changes = Object.fromEntries(
              now.changes.map(([k, at]) => [k, at === undefined ? null : rowOf(n, at)]),
            );
            expect(commit(memory, owner, offset, n, changes)).toBe('committed');
            offset = n;
            rows = new Map(rows);
            for (const [k, row] of Object.entries(changes))
              if (row === null) rows.delete(k);
              else rows.set(k, row);
            const expected = [...rows].filter(([, row]) => row.dueMs !== null && row.dueMs <= now.until);
            expected.sort(([a, x], [b, y]) => x.dueMs! - y.dueMs! || (a < b ? -1 : 1));
            const found = loaded(memory, owner, { keys: [...'abcdef'], until: now.until });
            expect(found.due).toEqual(expected.map(([k, row]) => ({ key: k, dueMs: row.dueMs })));
            expect(found.rows).toEqual(rows);
          } else if (now.do === 'discard') {
            // A real store has answered the snapshot under way before it takes the next: here it was stored.
            if (taken?.snapshot) {
              backing.store(taken.snapshot);
              durable = taken.then;
              taken = null;
            }
            owner = open(memory, true);
            offset = null;
            rows = new Map();
          } else if (now.do === 'take') {
            const snapshot = partition(memory).snapshot();
            if (snapshot !== null) taken = { snapshot, then: { offset, rows } };
          } else if (now.do === 'crash') {
            memory = memoryOver(backing);
            owner = open(memory);
            ({ offset, rows } = durable);
            taken = null;
          } else if (taken?.snapshot) {
            if (now.do === 'store') {
              backing.store(taken.snapshot);
              partition(memory).snapshotStored(taken.snapshot);
              durable = taken.then;
            } else partition(memory).snapshotFailed(taken.snapshot);
            taken = null;
          }
          expect(view(memory, [...'abcdef'])).toEqual({
            rows: [...'abcdef'].map((k) => rows.get(k) ?? null),
            checkpoint: offset === null ? null : checkpointAt(offset),
          });
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('the heap of wake-ups', () => {
  const slotOf = (key: string, due: number | null): Slot => ({
    cell: { key, row: rowOf(0, due) },
    epoch: 0,
    wakeUp: null,
  });

  it('has one entry per key after 1,000 beats that each move the wake-up back', () => {
    const wakeUps = createWakeUps();
    const slot = slotOf('a', 36_000);
    for (let beat = 0; beat < 1_000; beat += 1) {
      slot.cell.row = rowOf(0, 36_000 + beat * 10_000);
      wakeUps.arm(slot);
      wakeUps.due(liveMs(beat * 10_000));
    }
    expect(wakeUps.size()).toBe(1);
  });

  it('does not grow when far wake-ups are moved near again and again', () => {
    const wakeUps = createWakeUps();
    const slots = Array.from({ length: 100 }, (_, i) => slotOf(`k${i}`, null));
    for (let round = 0; round < 100; round += 1) {
      for (const slot of slots) {
        slot.cell.row = rowOf(0, 86_400_000 + round * 10);
        wakeUps.arm(slot);
        slot.cell.row = rowOf(0, round * 10 + 5);
        wakeUps.arm(slot);
      }
      expect(wakeUps.due(liveMs(round * 10 + 5))).toHaveLength(100);
    }
    expect(wakeUps.size()).toBeLessThanOrEqual(2 * 100 + 65);
  });
});

describe('waiters', () => {
  it('take no timer when no time is given, and give it back when they are answered', async () => {
    const timers = new Set<() => void>();
    const waiters = createWaiters((_ms, run) => {
      timers.add(run);
      return () => timers.delete(run);
    });
    const wait = (offset: number, timeoutMs: number) =>
      waiters.wait({ processor: 'p', partition: 0, offset, timeoutMs });
    expect(await wait(5, 0)).toBe(false);
    expect(timers.size).toBe(0);
    const answers = [wait(5, 10), wait(7, 10), wait(9, 10)];
    expect(timers.size).toBe(3);
    waiters.reached('p', 0, 6);
    expect(await answers[0]).toBe(true);
    expect(timers.size).toBe(2);
    [...timers][0]!();
    expect(await answers[1]).toBe(false);
    waiters.end();
    expect(await answers[2]).toBe(false);
    expect(await wait(9, 10)).toBe(false);
  });
});
