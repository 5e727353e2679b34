import { describe, expect, it } from '@jest/globals';
import type { StreamDecided } from '../../schemas/generated/records.ts';
import { DAY_MS } from '../../schemas/time.ts';
import { Crashed, testDriver, type TestDriver } from '../../shared/runtime/test-driver.ts';
import { BY_ID, type TableRow } from '../../shared/table/table.ts';
import { decisionLedger } from './decision-ledger.ts';
import { countedIn, dayKey, dayOf, keptIn, SHARDS } from './row.ts';

const KEY = 'household';
const START_MS = 1_800_000_000_000;

const ledgerOf = (keptDays = 90): TestDriver<never> => testDriver(decisionLedger({ keptMs: keptDays * DAY_MS }));

const decided = (offset: number, said: Partial<StreamDecided> = {}): StreamDecided => ({
  id: `concurrency:1.0.${offset}:0`,
  cause: `1.0.${offset}`,
  tenant: 'tenant',
  sessionId: `session-${offset}`,
  outcome: 'admitted',
  reason: 'OK',
  rule: 'two-streams',
  policyVersion: 1,
  limit: 2,
  observed: false,
  returned: false,
  bySessionId: null,
  holders: 1,
  deviceId: 'tv-of-the-living-room',
  deviceType: 'tv',
  contentId: 'film',
  contentType: 'vod',
  decidedAtMs: START_MS + offset,
  ...said,
});

const append = (driver: TestDriver<never>, value: StreamDecided, key = KEY): void =>
  void driver.append(key, { type: 'StreamDecided', value });
const kept = (driver: TestDriver<never>, key = KEY): readonly TableRow[] =>
  driver.table.list({ table: 'decisions', key, list: BY_ID, below: null, limit: 100 }).rows;
const ofDay = (driver: TestDriver<never>, ms: number): readonly TableRow[] =>
  Array.from({ length: SHARDS }, (_, shard) => dayKey(dayOf(ms), shard)).flatMap(
    (key) => driver.table.list({ table: 'decisions-by-day', key, list: BY_ID, below: null, limit: 100 }).rows,
  );

describe('the ledger', () => {
  it('keeps what was decided under the account key, with rule, policy version and position, and nobody’s ids', () => {
    const driver = ledgerOf();
    append(driver, decided(7, { outcome: 'denied', reason: 'LIMIT_REACHED', holders: 2 }));
    driver.fold();
    expect(kept(driver).map(keptIn)).toEqual([
      {
        sessionId: 'session-7',
        outcome: 'denied',
        reason: 'LIMIT_REACHED',
        rule: 'two-streams',
        policyVersion: 1,
        limit: 2,
        observed: false,
        returned: false,
        bySessionId: null,
        holders: 2,
        deviceType: 'tv',
        contentId: 'film',
        contentType: 'vod',
        decidedAtMs: START_MS + 7,
        position: '1.0.7',
      },
    ]);
    expect(JSON.stringify([kept(driver), ofDay(driver, START_MS)])).not.toContain('living-room');
  });

  it('counts each decision on its day, in a row that names no account and no session', () => {
    const driver = ledgerOf();
    append(driver, decided(1));
    append(driver, decided(2, { decidedAtMs: START_MS + DAY_MS }), 'neighbours');
    driver.fold();
    const [row, ...others] = ofDay(driver, START_MS);
    expect(others).toEqual([]);
    expect(countedIn(row!)).toEqual({
      tenant: 'tenant',
      outcome: 'admitted',
      reason: 'OK',
      rule: 'two-streams',
      observed: false,
      returned: false,
      holders: 1,
      deviceType: 'tv',
      contentId: 'film',
    });
    expect(JSON.stringify(row)).not.toMatch(/household|session-/);
    expect(ofDay(driver, START_MS + DAY_MS)).toHaveLength(1);
  });

  it('has a decision once that was sent three times, and the two of one cause both, in their order', () => {
    const driver = ledgerOf();
    const evicted = decided(99, { outcome: 'evicted', sessionId: 'old', bySessionId: 'new' });
    const admitted = decided(99, { id: 'concurrency:1.0.99:1', sessionId: 'new' });
    for (let n = 0; n < 3; n++) for (const one of [evicted, admitted]) append(driver, one);
    append(driver, decided(100, { decidedAtMs: START_MS + 99 }));
    driver.fold({ batch: 4 });
    expect(kept(driver).map((row) => keptIn(row).sessionId)).toEqual(['session-100', 'new', 'old']);
    expect(ofDay(driver, START_MS)).toHaveLength(3);
  });

  it.each([1, 90, 400])('keeps it for %p days after it was made, and not a millisecond longer', (days) => {
    const driver = ledgerOf(days);
    append(driver, decided(0));
    driver.fold();
    driver.setNow(START_MS + days * DAY_MS - 1);
    expect([kept(driver), ofDay(driver, START_MS)]).toMatchObject([[{}], [{}]]);
    driver.setNow(START_MS + days * DAY_MS);
    expect([kept(driver), ofDay(driver, START_MS)]).toEqual([[], []]);
  });

  it('has each of 40 decisions after a crash at any step, and after the loss of all state', () => {
    for (let step = 0; step < 6; step++) {
      for (const applied of [false, true]) {
        const driver = ledgerOf();
        for (let offset = 0; offset < 40; offset++) append(driver, decided(offset));
        driver.fold({ until: 20, batch: 7 });
        expect(() => driver.fold({ batch: 7, crash: { step, applied } })).toThrow(Crashed);
        driver.crash();
        if (applied) driver.wipe();
        driver.fold();
        const ids = Array.from({ length: 40 }, (_, n) => `session-${39 - n}`);
        expect(kept(driver).map((row) => keptIn(row).sessionId)).toEqual(ids);
        expect(ofDay(driver, START_MS)).toHaveLength(40);
      }
    }
  });

  it('spreads the accounts of a day over 16 keys, of which none has twice its share', () => {
    const driver = ledgerOf();
    for (let n = 0; n < 1_600; n++) append(driver, decided(n, { decidedAtMs: START_MS }), `account-${n}`);
    driver.fold();
    const rows = Array.from({ length: SHARDS }, (_, shard) => {
      const key = dayKey(dayOf(START_MS), shard);
      const first = driver.table.list({ table: 'decisions-by-day', key, list: BY_ID, below: null, limit: 100 });
      const rest = driver.table.list({ table: 'decisions-by-day', key, list: BY_ID, below: first.next, limit: 100 });
      return first.rows.length + (first.next === null ? 0 : rest.rows.length);
    });
    expect(rows.reduce((sum, n) => sum + n, 0)).toBe(1_600);
    expect(Math.max(...rows)).toBeLessThan(200);
  });

  it('has nothing of an account whose key comes without a value, whatever comes again of before; what was counted by day stays', () => {
    const driver = ledgerOf();
    for (let n = 0; n < 3; n++) append(driver, decided(n));
    append(driver, decided(3), 'another');
    driver.appendBytes(KEY, null);
    driver.fold();
    expect(kept(driver)).toEqual([]);
    expect(kept(driver, 'another')).toHaveLength(1);
    expect(ofDay(driver, START_MS)).toHaveLength(4);
    driver.wipe();
    driver.fold();
    expect(kept(driver)).toEqual([]);
    append(driver, decided(9));
    driver.fold();
    expect(kept(driver).map((row) => keptIn(row).sessionId)).toEqual(['session-9']);
  });
});
