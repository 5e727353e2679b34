import { describe, expect, it } from '@jest/globals';
import { epochMs, MINUTE_MS } from '../../schemas/time.ts';
import type { TableRow } from '../table/table.ts';
import type { Processor } from './processor.ts';
import { Crashed, testDriver } from './test-driver.ts';
import { poke } from './testing/counting.ts';

/** Counts the pokes of each key. The count goes to the table and out of the state after ten seconds, and is read back from there. */
const FORGETS_AFTER_MS = 10_000;
const rowOf = (key: string, count: number): TableRow => ({
  table: 'views',
  key,
  id: 'count',
  version: String(count).padStart(8, '0'),
  places: {},
  expiresAtMs: epochMs(Number.MAX_SAFE_INTEGER),
  item: { count },
});
const remembering: Processor<number, undefined> = {
  name: 'concurrency',
  input: 'heartbeats.v1',
  rebuildWindowMs: 20 * MINUTE_MS,
  stateVersion: 1,
  upgrade: () => {
    throw new Error('there is one version');
  },
  reads: (state, _record, key) => (state === undefined ? { table: 'views', key, id: 'count' } : null),
  onRecord: (state, _record, { stored }) => ({
    state: (state ?? Number(stored?.item['count'] ?? 0)) + 1,
    effects: [],
    wakeInMs: FORGETS_AFTER_MS,
  }),
  onTimer: (state, { key }) => ({ state: undefined, effects: [{ put: rowOf(key, state) }] }),
  onControl: () => undefined,
};

const driverOf = () => {
  const driver = testDriver(remembering);
  const poked = (key: string, times = 1): void => {
    for (let i = 0; i < times; i++) driver.append(key, poke());
  };
  const stored = (key: string): unknown => driver.table.get([{ table: 'views', key, id: 'count' }])[0]?.item['count'];
  return { driver, poked, stored };
};

describe('a row of the durable table', () => {
  it('stands there before the state that forgot it is committed, and is read where the state has none', () => {
    const { driver, poked, stored } = driverOf();
    poked('a', 3);
    driver.fold();
    expect([driver.state('a'), stored('a')]).toEqual([3, undefined]);
    driver.advance(FORGETS_AFTER_MS);
    driver.fold();
    expect([driver.state('a'), stored('a')]).toEqual([undefined, 3]);
    poked('a');
    driver.fold();
    expect(driver.state('a')).toBe(4);
  });

  it('is read, too, where what fires within the batch forgets it', () => {
    const { driver, poked } = driverOf();
    poked('a', 3);
    driver.fold();
    driver.advance(FORGETS_AFTER_MS);
    driver.fold({ until: driver.log.length - 1 });
    driver.checkpoint();
    poked('a', 2);
    driver.fold();
    expect(driver.state('a')).toBe(5);
  });

  it('is read once for all records of a key that has 33 of them in a batch, whatever the state has; of 32, for none', () => {
    for (const [records, reads] of [
      [32, []],
      [33, [1]],
    ] as const) {
      const { driver, poked } = driverOf();
      poked('a');
      driver.fold();
      const { get } = driver.table;
      const seen: number[] = [];
      driver.table.get = (keys) => {
        seen.push(keys.length);
        return get(keys);
      };
      poked('a', records);
      driver.fold();
      expect([records, seen, driver.state('a')]).toEqual([records, reads, records + 1]);
    }
  });

  it('is not lost and not counted twice, wherever in a batch the process ends', () => {
    for (let step = 0; step < 6; step++) {
      for (const applied of [false, true]) {
        const { driver, poked, stored } = driverOf();
        poked('a', 3);
        driver.fold();
        driver.checkpoint();
        driver.advance(FORGETS_AFTER_MS);
        try {
          driver.fold({ crash: { step, applied } });
        } catch (error) {
          if (!(error instanceof Crashed)) throw error;
        }
        driver.crash();
        driver.fold();
        expect({ step, applied, count: stored('a'), state: driver.state('a') }).toEqual({
          step,
          applied,
          count: 3,
          state: undefined,
        });
      }
    }
  });

  it('outlives the loss of all state and of what the log held of it', () => {
    const { driver, poked } = driverOf();
    poked('a', 3);
    driver.advance(FORGETS_AFTER_MS);
    driver.fold();
    driver.wipe();
    driver.trim(driver.log.length);
    poked('a');
    driver.fold();
    expect(driver.state('a')).toBe(4);
  });
});
