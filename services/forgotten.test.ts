import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { LogEvent } from '../schemas/events.ts';
import type { Heartbeat } from '../schemas/generated/records.ts';
import { STATES, type StateName } from '../schemas/stores.ts';
import { TABLE_NAMES, TOMBSTONE_MS } from '../schemas/tables.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../schemas/time.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { Processor } from '../shared/runtime/processor.ts';
import { Crashed, testDriver, type TestDriver } from '../shared/runtime/test-driver.ts';
import { heartbeat, type Said } from '../shared/sessions/testing/heartbeat.ts';
import { BY_ID, type TableRow } from '../shared/table/table.ts';
import { policyOf, rules } from './concurrency/testing/household.ts';
import { ROOMS } from './rooms.ts';

const GONE = 'who-is-forgotten';
const STAYS = 'who-stays';
const POLICY = JSON.stringify(policyOf(rules(1, '{ id: ten, limit: 10 }')));

const processors = Object.values(ROOMS).flatMap((room) => room.folds({ ledgerMs: DAY_MS }));
const folds = processors.filter(({ input }) => input === 'heartbeats.v1');

type Home = { readonly driver: TestDriver<unknown>; readonly puts: TableRow[] };

const homeOf = (processor: Processor<unknown, unknown>): Home => {
  const driver = testDriver(processor);
  const puts: TableRow[] = [];
  const { put } = driver.table;
  driver.table.put = (rows) => {
    puts.push(...rows);
    put(rows);
  };
  const value = { version: 1, mode: 'enforce', policy: POLICY, activatedAtMs: 0, by: 'test' } as const;
  driver.append(null, { type: 'PolicyActivated', value });
  // What is opened only later begins with its window.
  driver.fold();
  return { driver, puts };
};

const say = ({ driver }: Home, key: string, sessionId: string, said: Said): void => {
  const value = heartbeat(sessionId, driver.now(), { deviceId: sessionId, profileId: `profile of ${key}`, ...said });
  driver.append(key, { type: 'Heartbeat', value });
};
const both = (home: Home, key: string, sessionId: string, said: Said): void => {
  say(home, key, sessionId, said);
  say(home, STAYS, sessionId, said);
};
const erased: LogEvent = { type: 'AccountErased', value: { requestId: 'r', tenant: 'tenant', receivedAtMs: 0 } };

/** One that was watched and has long left the state, one that has just ended, one that was put on pause, one that plays. */
const before = (home: Home, key: string): void => {
  const sessions: readonly (readonly [string, Heartbeat['state'], number])[] = [
    ['old', 'ended', 30 * MINUTE_MS],
    ['ended', 'ended', MINUTE_MS],
    ['paused', 'paused', 0],
    ['plays', 'playing', 0],
  ];
  for (const [session, last, pauseMs] of sessions) {
    for (let sequence = 0; sequence < 8; sequence++) {
      const state = sequence === 0 ? 'starting' : sequence === 7 ? last : 'playing';
      both(home, key, session, { sequence, contentId: `film ${session}`, state, positionMs: sequence * 10_000 });
      home.driver.advance(10 * SECOND_MS);
    }
    home.driver.advance(pauseMs);
  }
};

/** The one that plays goes on, the old one comes back, a queue is flushed, and a new one begins. */
const after = (home: Home): void => {
  const { driver } = home;
  for (let sequence = 8; sequence < 16; sequence++) {
    both(home, GONE, 'plays', { sequence, contentId: 'film plays', positionMs: sequence * 10_000 });
    driver.advance(10 * SECOND_MS);
  }
  for (let sequence = 8; sequence < 12; sequence++) {
    const ageMs = 20 * MINUTE_MS - sequence * 10_000;
    both(home, GONE, 'paused', { sequence, contentId: 'film paused', positionMs: sequence * 10_000, ageMs });
  }
  both(home, GONE, 'old', { sequence: 8, contentId: 'film old', state: 'ended', positionMs: 80_000 });
  for (let sequence = 0; sequence < 8; sequence++) {
    both(home, GONE, 'new', { sequence, contentId: 'film ended', positionMs: sequence * 10_000 });
    driver.advance(10 * SECOND_MS);
  }
  driver.advance(30 * MINUTE_MS);
};

const rowsOf = ({ driver }: Home, key: string): readonly TableRow[] =>
  TABLE_NAMES.flatMap((table) => driver.table.list({ table, key, list: BY_ID, below: null, limit: 100 }).rows);
const known = (home: Home, key: string) => ({ state: home.driver.state(key), rows: rowsOf(home, key) });

/** Somebody else lived there before: at the same places of the log and at the same times. */
const asIfNobodyHadBeen = (processor: Processor<unknown, unknown>) => {
  const home = homeOf(processor);
  before(home, 'somebody else');
  home.driver.append('somebody else', erased);
  after(home);
  home.driver.fold();
  return { ...known(home, GONE), others: known(home, STAYS) };
};

describe.each(folds.map((processor) => [processor.name, processor] as const))('the fold of %s', (_name, processor) => {
  it('has nothing of an erased account, in its state or any table, and all of the others', () => {
    const home = homeOf(processor);
    before(home, GONE);
    home.driver.fold();
    const others = known(home, STAYS);
    const was = known(home, GONE);
    expect(was.state !== undefined || was.rows.length > 0).toBe(true);
    home.driver.append(GONE, erased);
    home.driver.fold();
    expect(known(home, GONE)).toEqual({ state: undefined, rows: [] });
    expect(known(home, STAYS)).toEqual(others);
    home.driver.advance(HOUR_MS);
    home.driver.fold();
    expect(known(home, GONE)).toEqual({ state: undefined, rows: [] });
  });

  it.each([1, 7, 400, Infinity])(
    'knows of what comes later as much as if nobody had been there, in batches of %d',
    (batch) => {
      const home = homeOf(processor);
      before(home, GONE);
      home.driver.append(GONE, erased);
      after(home);
      home.driver.fold({ batch });
      const { others, ...wanted } = asIfNobodyHadBeen(processor);
      expect(known(home, GONE)).toEqual(wanted);
      expect(known(home, STAYS)).toEqual(others);
    },
  );

  it('brings nothing back where puts of before come late, until no record of before can be folded again', () => {
    const home = homeOf(processor);
    before(home, GONE);
    home.driver.fold();
    const late = home.puts.splice(0).filter(({ key }) => key === GONE);
    home.driver.append(GONE, erased);
    after(home);
    home.driver.fold();
    const { rows } = known(home, GONE);
    home.driver.table.put(late);
    expect(known(home, GONE).rows).toEqual(rows);
    home.driver.setNow(home.driver.now() + TOMBSTONE_MS - HOUR_MS - HOUR_MS);
    home.driver.table.put(late);
    expect(known(home, GONE).rows).toEqual(rows);
    expect(TOMBSTONE_MS).toBe(2 * DAY_MS);
  });

  it('is the same wherever in the batch of the erasure the process ends, and after all state is lost', () => {
    const { others, ...wanted } = asIfNobodyHadBeen(processor);
    for (let step = 0; step < 9; step++) {
      for (const applied of [false, true]) {
        const home = homeOf(processor);
        before(home, GONE);
        home.driver.fold({ until: home.driver.log.length - 20 });
        home.driver.checkpoint();
        home.driver.append(GONE, erased);
        after(home);
        try {
          home.driver.fold({ crash: { step, applied } });
        } catch (error) {
          if (!(error instanceof Crashed)) throw error;
        }
        home.driver.crash();
        home.driver.fold();
        expect({ step, applied, ...known(home, GONE) }).toEqual({ step, applied, ...wanted });
        home.driver.wipe();
        home.driver.fold();
        expect(known(home, GONE).rows).toEqual(wanted.rows);
        expect(known(home, STAYS).rows).toEqual(others.rows);
      }
    }
  });

  it('knows as much as if nobody had been there, whatever was said before, wherever it was cut and killed', () => {
    const said = fc.record({
      session: fc.constantFrom('a', 'b', 'c'),
      content: fc.constantFrom('film', 'series'),
      state: fc.constantFrom('playing' as const, 'playing' as const, 'paused' as const, 'ended' as const),
      forward: fc.integer({ min: 0, max: 12 }),
      late: fc.constantFrom(0, 0, 0, 40, 3_000),
      silenceS: fc.constantFrom(1, 10, 10, 36, 700),
    });
    const days = fc.record({
      before: fc.array(said, { minLength: 1, maxLength: 25 }),
      after: fc.array(said, { maxLength: 25 }),
      batch: fc.constantFrom(1, 3, 50, 100_000),
      crash: fc.option(
        fc.record({ step: fc.nat(9), applied: fc.boolean(), atShare: fc.double({ min: 0, max: 1, noNaN: true }) }),
      ),
    });
    type Day = typeof days extends fc.Arbitrary<infer T> ? T : never;
    const lived = ({ before: first, after: then, batch, crash }: Day, whose: string) => {
      const home = homeOf(processor);
      const { driver } = home;
      const sequences = new Map<string, number>();
      const tell = (key: string, all: Day['before']): void => {
        for (const { session, content, state, forward, late, silenceS } of all) {
          const sequence = (sequences.get(session) ?? -1) + 1 + (forward % 3);
          sequences.set(session, sequence);
          const positionMs = forward * 10_000;
          both(home, key, session, { sequence, contentId: content, state, positionMs, ageMs: late * SECOND_MS });
          driver.advance(silenceS * SECOND_MS);
        }
      };
      tell(whose, first);
      driver.append(whose, erased);
      tell(GONE, then);
      driver.advance(20 * MINUTE_MS);
      if (crash !== null) {
        driver.fold({ batch, until: Math.floor(crash.atShare * driver.log.length) });
        driver.checkpoint();
        try {
          driver.fold({ batch, crash });
        } catch (error) {
          if (!(error instanceof Crashed)) throw error;
        }
        driver.crash();
      }
      driver.fold({ batch });
      return { gone: known(home, GONE), stays: known(home, STAYS) };
    };
    fc.assert(
      fc.property(days, (day) => {
        expect(lived(day, GONE)).toEqual(lived({ ...day, crash: null, batch: 100_000 }, 'somebody else'));
      }),
      { numRuns: 15 },
    );
  });

  it('forgets it a second time, with what came after the first', () => {
    const home = homeOf(processor);
    before(home, GONE);
    home.driver.append(GONE, erased);
    after(home);
    home.driver.append(GONE, erased);
    home.driver.fold({ batch: 50 });
    expect(known(home, GONE)).toEqual({ state: undefined, rows: [] });
  });
});

describe('the catalogue of what is kept', () => {
  it('has the state of each processor, and says whose rows it has', () => {
    expect(processors.map(({ name }) => name).sort()).toEqual(Object.keys(STATES).sort());
    for (const processor of folds) {
      const home = homeOf(processor);
      before(home, GONE);
      home.driver.fold();
      const { rowsOf: whose } = STATES[processor.name as StateName];
      expect([processor.name, home.driver.state(GONE) !== undefined]).toEqual([processor.name, whose === 'account']);
    }
  });

  it('says of each topic that the folds send to whether accounts are its keys', () => {
    for (const processor of folds) {
      const home = homeOf(processor);
      before(home, GONE);
      after(home);
      home.driver.fold();
      const told = home.driver.sent.filter(({ value }) => value !== null);
      for (const { topic, key } of told)
        expect([topic, key === GONE || key === STAYS]).toEqual([topic, TOPICS[topic].account === 'key']);
    }
  });
});

describe('what the folds send of an erased account', () => {
  it('is a record without a value under its key in each topic that is keyed by accounts, and nowhere else', () => {
    const tombstones = folds.flatMap((processor) => {
      const home = homeOf(processor);
      before(home, GONE);
      home.driver.append(GONE, erased);
      home.driver.fold();
      return home.driver.sent.filter(({ value }) => value === null).map(({ topic, key }) => `${topic} ${key}`);
    });
    expect(tombstones).toEqual([`stream-decisions.v1 ${GONE}`, `view-ends.v1 ${GONE}`]);
  });
});
