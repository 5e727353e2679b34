import { describe, expect, it } from '@jest/globals';
import type { Heartbeat, SessionStarted } from '../../schemas/generated/records.ts';
import { DAY_MS } from '../../schemas/time.ts';
import { Crashed, testDriver, type TestDriver } from '../../shared/runtime/test-driver.ts';
import { heartbeat } from '../../shared/sessions/testing/heartbeat.ts';
import { archive, payloadId } from './archive.ts';

const KEY = 'household';
const START = {
  requestId: 'request',
  origin: 'player',
  leaseMs: null,
  continuesSessionId: null,
  terminate: [],
} as const satisfies Omit<SessionStarted, 'beat'>;

const beatOf = (driver: TestDriver<never>, said: Partial<Heartbeat> = {}): Heartbeat => ({
  ...heartbeat('session', driver.now(), {}),
  ...said,
});
const append = (driver: TestDriver<never>, said?: Partial<Heartbeat>): number =>
  driver.append(KEY, { type: 'Heartbeat', value: beatOf(driver, said) });
const kept = (driver: TestDriver<never>): readonly (Readonly<Record<string, unknown>> | null)[] =>
  driver.log.map(({ offset }) => {
    const id = payloadId({ generation: 1, partition: 0, offset });
    return driver.table.get([{ table: 'payloads', key: KEY, id }])[0]?.item ?? null;
  });

describe('the archive', () => {
  it('keeps each beat and start whole, by position, for 30 days after its append', () => {
    const driver = testDriver(archive);
    const value = { ...START, beat: beatOf(driver, { state: 'starting' }) };
    driver.append(KEY, { type: 'SessionStarted', value });
    driver.advance(10_000);
    append(driver, { sequence: 1, metadata: { campaign: 'spring' } });
    driver.fold();
    const items = kept(driver).filter((item) => item !== null);
    expect(items).toEqual([
      { type: 'SessionStarted', appendedAtMs: 1_800_000_000_000, value },
      {
        type: 'Heartbeat',
        appendedAtMs: driver.now(),
        value: beatOf(driver, { sequence: 1, metadata: { campaign: 'spring' } }),
      },
    ]);
    const [row] = driver.table.get([{ table: 'payloads', key: KEY, id: '1.0.0000000000000000' }]);
    expect(row?.expiresAtMs).toBe(1_800_000_000_000 + 30 * DAY_MS);
  });

  it('keeps nothing of sessions that are there for limits alone', () => {
    const driver = testDriver(archive);
    append(driver, { tracking: 'limits_only' });
    const beat = beatOf(driver, { tracking: 'limits_only', state: 'starting' });
    driver.append(KEY, { type: 'SessionStarted', value: { ...START, beat } });
    driver.fold();
    expect(kept(driver)).toEqual([null, null]);
  });

  it('has each of 40 beats after a crash at any step, and after the loss of all state', () => {
    for (let step = 0; step < 6; step++) {
      for (const applied of [false, true]) {
        const driver = testDriver(archive);
        for (let sequence = 0; sequence < 40; sequence++) append(driver, { sequence });
        driver.fold({ until: 20, batch: 7 });
        expect(() => driver.fold({ batch: 7, crash: { step, applied } })).toThrow(Crashed);
        driver.crash();
        if (applied) driver.wipe();
        driver.fold();
        expect(kept(driver).map((item) => (item?.['value'] as Heartbeat | undefined)?.sequence)).toEqual(
          Array.from({ length: 40 }, (_, sequence) => sequence),
        );
      }
    }
  });
});
