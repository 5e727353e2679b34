import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { epochMs, liveMs } from '../../schemas/time.ts';
import type { Checkpoint, CommitOutcome, Loaded, Owner, Row, StateStore } from './state.ts';

/**
 * What every adapter of the state store promises. `make` answers with an empty store; the suite closes it. Calls are
 * awaited everywhere, so that an adapter may answer at once or later.
 */
export type StateContract = { readonly name: string; make(): Promise<StateStore> };

export const checkpointAt = (offset: number, control: unknown = { policy: 1 }): Checkpoint => ({
  offset,
  clock: { liveMs: liveMs(offset * 10), appendedAtMs: epochMs(1_700_000_000_000 + offset), heldUntilMs: epochMs(0) },
  control,
  rebuild: offset % 2 === 0 ? { from: 0, to: offset + 100 } : null,
});
export const rowOf = (state: unknown, due: number | null = null): Row => ({
  state,
  version: 1,
  dueMs: due === null ? null : liveMs(due),
});

const soonerThan = (
  before: ReadonlyMap<string, Row>,
  rows: Readonly<Record<string, Row | null>>,
): ReadonlySet<string> => {
  const sooner = Object.entries(rows).filter(([key, row]) => {
    const due = before.get(key)?.dueMs ?? null;
    return due === null || (row?.dueMs ?? 0) < due;
  });
  return new Set(sooner.map(([key]) => key));
};

/** Asks for all that is due. */
export const allUntil = (ms: number) => ({ neededUntilMs: liveMs(ms), dueUntilMs: liveMs(ms) });

/** What the owner of the newest checkpoint loads. */
export const loadNow = async (
  store: Pick<StateStore, 'read' | 'load'>,
  owner: Owner,
  { keys, due }: { readonly keys: readonly string[]; readonly due: number },
): Promise<Loaded> => {
  const { checkpoint } = await store.read(owner.processor, owner.partition, []);
  const loaded = await store.load({ owner, from: checkpoint?.offset ?? null, keys, ...allUntil(due) });
  if (typeof loaded === 'string') throw new Error(`not loaded: ${loaded}`);
  return loaded;
};

const P = 'concurrency';
const NEVER = 0;

export const stateContract = ({ name, make }: StateContract): void => {
  describe(`${name} keeps the promises of the state store`, () => {
    let store: StateStore;
    beforeEach(async () => {
      store = await make();
    });
    afterEach(() => store.close());

    const open = async (partition = 0, discard = false): Promise<Owner> =>
      (await store.open({ processor: P, partition, discard })).owner;
    const commit = async (
      owner: Owner,
      from: number | null,
      to: number,
      rows: Readonly<Record<string, Row | null>> = {},
      before?: ReadonlyMap<string, Row>,
    ): Promise<CommitOutcome> =>
      await store.commit({
        owner,
        from,
        to: checkpointAt(to),
        rows: new Map(Object.entries(rows)),
        ...(before === undefined ? {} : { sooner: soonerThan(before, rows) }),
      });
    const load = (owner: Owner, keys: readonly string[], due = NEVER): Promise<Loaded> =>
      loadNow(store, owner, { keys, due });
    const dueKeys = async (owner: Owner, until: number): Promise<string[]> =>
      (await load(owner, [], until)).due.map(({ key, dueMs }) => `${key}@${dueMs}`);
    const read = async (keys: readonly string[], partition = 0) => await store.read(P, partition, keys);

    describe('opening', () => {
      it('a new partition has no checkpoint, no rows and no wake-ups', async () => {
        const opened = await store.open({ processor: P, partition: 0, discard: false });
        expect(opened.checkpoint).toBeNull();
        expect(await load(opened.owner, ['a'], 1_000_000)).toEqual({ rows: new Map(), due: [], cutMs: null });
        expect(await read(['a', 'b'])).toEqual({ rows: [null, null], checkpoint: null });
      });

      it('tells the checkpoint of the newest commit, control state and clock included', async () => {
        const owner = await open();
        const to = checkpointAt(7, { active: { limit: 3 }, seen: ['x'] });
        expect(await store.commit({ owner, from: null, to, rows: new Map() })).toBe('committed');
        expect((await store.open({ processor: P, partition: 0, discard: false })).checkpoint).toEqual(to);
      });

      it('keeps a control state that is undefined', async () => {
        const owner = await open();
        await store.commit({ owner, from: null, to: { ...checkpointAt(7), control: undefined }, rows: new Map() });
        const { checkpoint } = await store.open({ processor: P, partition: 0, discard: false });
        expect(checkpoint?.control).toBeUndefined();
      });

      it('fences the owner before: its commit changes nothing', async () => {
        const first = await open();
        await commit(first, null, 5, { a: rowOf(1) });
        const second = await open();
        expect(second.nonce).not.toBe(first.nonce);
        expect(await commit(first, 5, 6, { a: rowOf(2) })).toBe('fenced');
        expect(await read(['a'])).toEqual({ rows: [rowOf(1)], checkpoint: checkpointAt(5) });
        expect(await commit(second, 5, 6, { a: rowOf(3) })).toBe('committed');
      });

      it('fences an owner whose own commit is the newest', async () => {
        const first = await open();
        await commit(first, null, 5);
        await open();
        expect(await commit(first, null, 5)).toBe('fenced');
      });

      it('with discard forgets rows, wake-ups, offset and control state', async () => {
        await commit(await open(), null, 5, { a: rowOf(1, 100), b: rowOf(2) });
        const opened = await store.open({ processor: P, partition: 0, discard: true });
        expect(opened.checkpoint).toBeNull();
        expect(await load(opened.owner, ['a', 'b'], 1_000)).toEqual({ rows: new Map(), due: [], cutMs: null });
        expect(await read(['a'])).toEqual({ rows: [null], checkpoint: null });
        expect(await commit(opened.owner, null, 2, { b: rowOf(9) })).toBe('committed');
        expect(await read(['a', 'b'])).toEqual({ rows: [null, rowOf(9)], checkpoint: checkpointAt(2) });
      });
    });

    describe('loading', () => {
      const from = async (owner: Owner, offset: number | null) =>
        await store.load({ owner, from: offset, keys: ['a'], ...allUntil(NEVER) });

      it('hands no rows to an owner that was fenced, whose outputs would follow from newer rows than its offset', async () => {
        const first = await open();
        await commit(first, null, 5, { a: rowOf(1) });
        const second = await open();
        expect(await from(first, 5)).toBe('fenced');
        await commit(second, 5, 6, { a: rowOf(2) });
        expect(await from(first, 5)).toBe('fenced');
        expect(await from(second, 6)).toEqual({ rows: new Map([['a', rowOf(2)]]), due: [], cutMs: null });
      });

      it('hands no rows of another offset than the one asked for: the store went back, or was emptied', async () => {
        const owner = await open();
        expect(await from(owner, 5)).toBe('rewound');
        await commit(owner, null, 5, { a: rowOf(1) });
        expect(await from(owner, 4)).toBe('rewound');
        expect(await from(owner, 6)).toBe('rewound');
        expect(await from(owner, null)).toBe('rewound');
        expect(await from(owner, 5)).toEqual({ rows: new Map([['a', rowOf(1)]]), due: [], cutMs: null });
      });
    });

    describe('committing', () => {
      it('rows and checkpoint are visible together, when it resolves', async () => {
        const owner = await open();
        await commit(owner, null, 5, { a: rowOf({ n: 1 }), b: rowOf({ n: 1 }) });
        await commit(owner, 5, 9, { a: rowOf({ n: 2 }) });
        expect(await read(['a', 'b', 'c'])).toEqual({
          rows: [rowOf({ n: 2 }), rowOf({ n: 1 }), null],
          checkpoint: checkpointAt(9),
        });
      });

      it('a repeat by the same owner is `already`, and changes nothing', async () => {
        const owner = await open();
        expect(await commit(owner, null, 5, { a: rowOf(1) })).toBe('committed');
        expect(await commit(owner, null, 5, { a: rowOf(1) })).toBe('already');
        expect(await commit(owner, 5, 8, { a: rowOf(2) })).toBe('committed');
        expect(await commit(owner, 5, 8, { a: rowOf(2) })).toBe('already');
        expect(await read(['a'])).toEqual({ rows: [rowOf(2)], checkpoint: checkpointAt(8) });
      });

      it('from another offset than the stored one is `rewound`, and changes nothing', async () => {
        const owner = await open();
        expect(await commit(owner, 3, 5, { a: rowOf(1) })).toBe('rewound');
        await commit(owner, null, 5, { a: rowOf(1) });
        expect(await commit(owner, 4, 6, { a: rowOf(2) })).toBe('rewound');
        expect(await commit(owner, null, 6, { a: rowOf(2) })).toBe('rewound');
        expect(await commit(owner, 6, 7, { a: rowOf(2) })).toBe('rewound');
        expect(await read(['a'])).toEqual({ rows: [rowOf(1)], checkpoint: checkpointAt(5) });
      });

      it('what an earlier owner committed is not `already` for the next', async () => {
        await commit(await open(), null, 5, { a: rowOf(1) });
        expect(await commit(await open(), null, 5, { a: rowOf(1) })).toBe('rewound');
      });

      it('null forgets a key, its wake-up too, and the key can come back', async () => {
        const owner = await open();
        await commit(owner, null, 5, { a: rowOf(1, 100) });
        await commit(owner, 5, 6, { a: null, never: null });
        expect(await load(owner, ['a', 'never'], 1_000)).toEqual({ rows: new Map(), due: [], cutMs: null });
        await commit(owner, 6, 7, { a: rowOf(2, 200) });
        expect(await load(owner, ['a'], 1_000)).toEqual({
          rows: new Map([['a', rowOf(2, 200)]]),
          due: [{ key: 'a', dueMs: 200 }],
          cutMs: null,
        });
      });

      it('takes 10,000 rows in one step', async () => {
        const owner = await open();
        const keys = Array.from({ length: 10_000 }, (_, i) => `key-${i}`);
        await commit(owner, null, 5, Object.fromEntries(keys.map((key, i) => [key, rowOf({ i }, 1 + (i % 7))])));
        const view = await read(keys);
        expect(view.rows.map((row) => row?.state)).toEqual(keys.map((_, i) => ({ i })));
        expect((await load(owner, keys)).rows.size).toBe(10_000);
        expect((await load(owner, [], 3)).due).toHaveLength(3 * 1_429);
      });

      it('partitions and processors do not see each other', async () => {
        const zero = await open(0);
        const one = await open(1);
        const other = (await store.open({ processor: 'trending', partition: 0, discard: false })).owner;
        await commit(zero, null, 5, { a: rowOf('zero', 10) });
        await commit(one, null, 50, { a: rowOf('one', 20) });
        expect(await dueKeys(zero, 100)).toEqual(['a@10']);
        expect(await dueKeys(one, 100)).toEqual(['a@20']);
        expect(await dueKeys(other, 100)).toEqual([]);
        await open(0, true);
        expect(await read(['a'], 1)).toEqual({ rows: [rowOf('one', 20)], checkpoint: checkpointAt(50) });
        expect(await commit(one, 50, 51)).toBe('committed');
      });
    });

    describe('wake-ups', () => {
      it('come in order of due and then of key, by code unit, with their rows', async () => {
        const owner = await open();
        const keys = ['b', '\u{1F600}', 'a', 'B', '\uFF5E', 'é', 'ab'];
        await commit(owner, null, 1, {
          ...Object.fromEntries(keys.map((key) => [key, rowOf(key, 500)])),
          late: rowOf('late', 501),
          early: rowOf('early', 7),
          none: rowOf('none'),
        });
        const loaded = await load(owner, ['none'], 500);
        const inOrder = ['early', 'B', 'a', 'ab', 'b', 'é', '\u{1F600}', '\uFF5E'];
        expect(loaded.due.map(({ key }) => key)).toEqual(inOrder);
        expect([...loaded.rows.keys()].sort()).toEqual([...inOrder, 'none'].sort());
        expect(loaded.rows.get('early')).toEqual(rowOf('early', 7));
      });

      it('stay due until a commit moves them or forgets the key', async () => {
        const owner = await open();
        await commit(owner, null, 1, { a: rowOf(1, 10), b: rowOf(1, 10), c: rowOf(1, 10) });
        expect(await dueKeys(owner, 10)).toEqual(['a@10', 'b@10', 'c@10']);
        expect(await dueKeys(owner, 20)).toEqual(['a@10', 'b@10', 'c@10']);
        await commit(owner, 1, 2, { a: rowOf(2, 30), b: rowOf(2), c: null });
        expect(await dueKeys(owner, 29)).toEqual([]);
        expect(await dueKeys(owner, 30)).toEqual(['a@30']);
        expect(await dueKeys(owner, 29)).toEqual([]);
      });

      it('can be moved later, earlier, and to before what was due already', async () => {
        const owner = await open();
        await commit(owner, null, 1, { a: rowOf(1, 100), b: rowOf(1, 100) });
        await commit(owner, 1, 2, { a: rowOf(2, 300), b: rowOf(2, 50) });
        expect(await dueKeys(owner, 100)).toEqual(['b@50']);
        await commit(owner, 2, 3, { a: rowOf(3, 200), b: rowOf(3, 20) });
        expect(await dueKeys(owner, 199)).toEqual(['b@20']);
        expect(await dueKeys(owner, 200)).toEqual(['b@20', 'a@200']);
        await commit(owner, 3, 4, { a: rowOf(4), b: rowOf(4, 400) });
        expect(await dueKeys(owner, 399)).toEqual([]);
        expect(await dueKeys(owner, 1_000)).toEqual(['b@400']);
      });

      it('survive a change of owner', async () => {
        await commit(await open(), null, 1, { a: rowOf(1, 10) });
        expect(await dueKeys(await open(), 10)).toEqual(['a@10']);
      });
    });

    describe('waiting', () => {
      it('is answered at once where the offset is reached, or no time is given', async () => {
        const owner = await open();
        await commit(owner, null, 5);
        expect(await store.waitFor(P, 0, 5, 0)).toBe(true);
        expect(await store.waitFor(P, 0, 4, 0)).toBe(true);
        expect(await store.waitFor(P, 0, 6, 0)).toBe(false);
        expect(await store.waitFor(P, 1, 1, 0)).toBe(false);
      });

      it('ends with the commit that reaches the offset, and no sooner', async () => {
        const owner = await open();
        const answers: string[] = [];
        const waits = [5, 7, 9].map(async (offset) => {
          answers.push(`${offset} ${await store.waitFor(P, 0, offset, 20_000)}`);
        });
        await commit(owner, null, 6);
        await waits[0];
        expect(answers).toEqual(['5 true']);
        await commit(owner, 6, 9);
        await Promise.all(waits);
        expect(answers.sort()).toEqual(['5 true', '7 true', '9 true']);
      });

      it('is not ended by another partition, a refused commit, or an offset before', async () => {
        const owner = await open();
        const waiting = store.waitFor(P, 0, 9, 40);
        await commit(await open(1), null, 20);
        await commit(owner, 3, 20);
        await commit(owner, null, 8);
        expect(await waiting).toBe(false);
      });
    });

    it('closing twice is closing once', async () => {
      await store.close();
      await store.close();
    });

    it('any sequence of commits, loads, fences and discards agrees with a plain map', async () => {
      let partition = 100;
      const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'é', '\u{1F600}', 'a\nb', 'a\\nb', '\\\\');
      const due = fc.option(fc.integer({ min: 0, max: 40 }), { nil: null });
      const change = fc.tuple(key, fc.option(due, { nil: undefined }));
      const step = fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({
            do: fc.constant('commit' as const),
            changes: fc.array(change),
            stale: fc.nat(9),
            knows: fc.boolean(),
          }),
        },
        {
          weight: 4,
          arbitrary: fc.record({ do: fc.constant('load' as const), until: fc.nat(50), keys: fc.array(key) }),
        },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('open' as const), discard: fc.boolean() }) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
          partition += 1;
          let owner = await open(partition);
          let fenced: Owner | null = null;
          let rows = new Map<string, Row>();
          let offset: number | null = null;
          let n = 0;
          for (const now of steps) {
            n += 1;
            if (now.do === 'open') {
              fenced = owner;
              const opened = await store.open({ processor: P, partition, discard: now.discard });
              owner = opened.owner;
              if (now.discard) {
                rows = new Map();
                offset = null;
              }
              expect(opened.checkpoint).toEqual(offset === null ? null : checkpointAt(offset));
            } else if (now.do === 'commit') {
              const changes: Record<string, Row | null> = {};
              for (const [changed, at] of now.changes) changes[changed] = at === undefined ? null : rowOf({ n }, at);
              const to: number = (offset ?? 0) + 1 + (n % 3);
              if (now.stale === 0 && fenced !== null) {
                expect(await commit(fenced, offset, to, changes)).toBe('fenced');
              } else if (now.stale === 1) {
                expect(await commit(owner, to + 5, to + 6, changes)).toBe('rewound');
              } else {
                expect(await commit(owner, offset, to, changes, now.knows ? rows : undefined)).toBe('committed');
                offset = to;
                for (const [changed, row] of Object.entries(changes)) {
                  if (row === null) rows.delete(changed);
                  else rows.set(changed, row);
                }
              }
            } else {
              const isDue = ([, row]: [string, Row]): boolean => row.dueMs !== null && row.dueMs <= now.until;
              const dueNow = [...rows].filter(isDue).map(([k, row]) => ({ key: k, dueMs: row.dueMs! }));
              dueNow.sort((a, b) => a.dueMs - b.dueMs || (a.key < b.key ? -1 : 1));
              const asked = new Set([...now.keys, ...dueNow.map((d) => d.key)]);
              expect(await load(owner, now.keys, now.until)).toEqual({
                rows: new Map([...rows].filter(([k]) => asked.has(k))),
                due: dueNow,
                cutMs: null,
              });
            }
            expect(await read(['a', 'b', '\u{1F600}'], partition)).toEqual({
              rows: ['a', 'b', '\u{1F600}'].map((k) => rows.get(k) ?? null),
              checkpoint: offset === null ? null : checkpointAt(offset),
            });
          }
        }),
        { numRuns: 60 },
      );
    });
  });
};
