import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DecisionOutput } from '../../schemas/events.ts';
import { epochMs, liveMs } from '../../schemas/time.ts';
import type { Loaded, Row } from '../state/state.ts';
import { foldRecords, type Folded } from './fold.ts';
import type { Emit } from './processor.ts';
import { testDriver, type TestDriver } from './test-driver.ts';
import { type Count, counting, forget, poke, policy, tick } from './testing/counting.ts';
import { aScript, play, result } from './testing/script.ts';

/** What was said, as `key outcome live-time`. */
const said = (driver: TestDriver<unknown>): readonly string[] =>
  driver.outputs.map((o) => `${o.sessionId} ${o.outcome} ${o.decidedAtMs}`);

const folded = (
  loaded: Partial<Loaded>,
  ...records: readonly (readonly [key: string | null, live: number, event: ReturnType<typeof poke>])[]
): Folded<number> =>
  foldRecords({
    processor: counting,
    partition: 0,
    control: undefined,
    loaded: { rows: new Map(), due: [], ...loaded },
    kept: new Map(),
    records: records.map(([key, , event], offset) => ({ key, event, offset, appendedAtMs: epochMs(0) })),
    lives: records.map(([, live]) => liveMs(live)),
  });

const rowOf = (dueMs: number | null, state: unknown = { pokes: 1, fired: 0, everyMs: 1_000 }, version = 2): Row => ({
  state,
  version,
  dueMs: dueMs === null ? null : liveMs(dueMs),
});
const timers = (fold: Folded<number>): readonly string[] =>
  fold.effects.map(({ effect }) => `${saidBy(effect).sessionId} ${saidBy(effect).decidedAtMs}`);
/** All that this fold emits are decisions. */
const saidBy = ({ record }: Emit): DecisionOutput['value'] => record?.value as DecisionOutput['value'];

describe('a timer', () => {
  it('fires before the record that reaches its time, with the time at which it was due', () => {
    const driver = testDriver(counting);
    driver.append('a', poke(700));
    driver.setNow(driver.now() + 700);
    driver.append('b', poke());
    driver.fold();
    expect(said(driver)).toEqual(['a admitted 0', 'a expired 700', 'b admitted 700']);
  });

  it('does not fire 1 ms early', () => {
    const driver = testDriver(counting);
    driver.append('a', poke(700));
    driver.setNow(driver.now() + 699);
    driver.append('b', poke());
    driver.fold();
    expect(said(driver)).toEqual(['a admitted 0', 'b admitted 699']);
  });

  it('fires before its own key’s record', () => {
    const driver = testDriver(counting);
    driver.append('a', poke(700));
    driver.setNow(driver.now() + 700);
    driver.append('a', poke());
    driver.fold();
    expect(said(driver)).toEqual(['a admitted 0', 'a expired 700', 'a admitted 700']);
  });

  it('fires in (due, key) order with the others, whatever the order in which they were set', () => {
    const rows = new Map([
      ['c', rowOf(10)],
      ['a', rowOf(20)],
      ['b', rowOf(10)],
    ]);
    const due = [
      { key: 'b', dueMs: liveMs(10) },
      { key: 'c', dueMs: liveMs(10) },
      { key: 'a', dueMs: liveMs(20) },
    ];
    expect(timers(folded({ rows, due }, [null, 500, tick()]))).toEqual(['b 10', 'c 10', 'a 20']);
  });

  it('that is set within the batch fires within it, as often as it is due, between the others', () => {
    const fold = folded({}, ['a', 0, poke(1_000)], ['b', 500, poke(1_000)], [null, 3_400, tick()]);
    expect(timers(fold)).toEqual(['a 0', 'b 500', 'a 1000', 'b 1500', 'a 2000', 'b 2500', 'a 3000']);
    expect(fold.rows.get('a')).toBeNull();
    expect(fold.rows.get('b')).toMatchObject({ dueMs: 3_500 });
  });

  it('that was moved by a record fires at its new time only', () => {
    const fold = folded({}, ['a', 0, poke(1_000)], ['a', 900, poke(1_000)], [null, 1_899, tick()]);
    expect(timers(fold)).toEqual(['a 0', 'a 900']);
  });

  it('of a forgotten key does not fire', () => {
    const fold = folded({}, ['a', 0, poke(1_000)], ['a', 900, forget], [null, 5_000, tick()]);
    expect(timers(fold)).toEqual(['a 0']);
  });

  it('that is asked for in the past or at once fires 1 ms later', () => {
    const fold = folded({}, ['a', 100, poke(-5_000)], [null, 101, tick()]);
    expect(timers(fold)).toEqual(['a 100', 'a 101']);
  });
});

describe('a fold', () => {
  it('hands back only the rows that changed, null for a key that is forgotten, nothing for one never known', () => {
    const rows = new Map([
      ['a', rowOf(null)],
      ['b', rowOf(null)],
    ]);
    const fold = folded({ rows }, ['a', 0, poke()], ['b', 0, forget], ['c', 0, forget]);
    expect([...fold.rows]).toEqual([
      ['a', { state: { pokes: 2, fired: 0, everyMs: 0 }, version: 2, dueMs: null }],
      ['b', null],
    ]);
  });

  it('makes a row of an older release readable, and writes it in the shape of this one', () => {
    const fold = folded({ rows: new Map([['a', rowOf(null, 41, 1)]]) }, ['a', 0, poke()]);
    expect(fold.rows.get('a')).toEqual({ state: { pokes: 42, fired: 0, everyMs: 0 }, version: 2, dueMs: null });
  });

  it('makes one readable for its timer too', () => {
    const due = [{ key: 'a', dueMs: liveMs(5) }];
    const fold = folded({ rows: new Map([['a', rowOf(5, 41, 1)]]), due }, [null, 5, tick()]);
    expect(fold.effects[0]?.effect.record?.value).toMatchObject({ holders: 41 });
  });

  it('takes control records in at their place: before them the old one decides, after them the new', () => {
    const fold = folded({}, ['a', 0, poke()], [null, 0, policy(7)], ['a', 0, poke()]);
    expect(fold.effects.map((e) => saidBy(e.effect).policyVersion)).toEqual([0, 7]);
    expect(fold.control).toBe(7);
  });

  it('says that a batch held nothing but ticks', () => {
    expect(folded({}, [null, 0, tick()], [null, 1, tick(true)]).ticksOnly).toBe(true);
    expect(folded({}, [null, 0, tick()], [null, 1, policy(1)]).ticksOnly).toBe(false);
  });

  it('numbers the effects of one record, its timers first', () => {
    const fold = folded({}, ['a', 0, poke(100)], ['b', 0, poke(100)], ['c', 150, poke()]);
    expect(fold.effects.map((e) => [saidBy(e.effect).sessionId, e.offset, e.index])).toEqual([
      ['a', 0, 0],
      ['b', 1, 0],
      ['a', 2, 0],
      ['b', 2, 1],
      ['c', 2, 2],
    ]);
  });
});

describe('the same log', () => {
  it('comes to the same state and outputs, cut into whatever batches', () => {
    fc.assert(
      fc.property(aScript, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (script, sizes) => {
        const whole = testDriver(counting);
        play(whole, script);
        whole.fold();
        const cut = testDriver(counting);
        play(cut, script);
        for (let i = 0, until = 0; until < cut.log.length; i++) {
          until += sizes[i % sizes.length]!;
          cut.fold({ until: Math.min(until, cut.log.length) });
        }
        expect(result(cut)).toEqual(result(whole));
      }),
    );
  });

  it('comes to the same for each key when keys change places within a millisecond', () => {
    const pokes = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(0, 500, 2_000)), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(pokes, { maxLength: 5 }), (rounds) => {
        const states = (
          inOrder: (round: readonly (readonly [string, number])[]) => readonly (readonly [string, number])[],
        ) => {
          const driver = testDriver(counting);
          for (const round of rounds) {
            for (const [key, wakeInMs] of inOrder(round)) driver.append(key, poke(wakeInMs));
            driver.advance(700);
          }
          driver.fold();
          return ['a', 'b', 'c'].map((key): Count | undefined => driver.state(key));
        };
        const byKey = (round: readonly (readonly [string, number])[]) =>
          [...round].sort(([a], [b]) => (a < b ? 1 : a > b ? -1 : 0));
        expect(states(byKey)).toEqual(states((round) => round));
      }),
    );
  });
});
