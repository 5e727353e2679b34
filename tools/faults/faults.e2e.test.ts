import { describe, expect, it } from '@jest/globals';
import { randomOf } from '../../services/testing/random.ts';
import { FAULT_NAMES, faultsInOrder } from './kinds.ts';
import { runOutage } from './outage.ts';
import { runRolling } from './rolling.ts';
import { runFaults } from './run.ts';
import { runStorm } from './storm.ts';
import { runWipe } from './wipe.ts';

/*
 * The short forms of the commands in this folder. What is too slow here is not judged: a test machine has other work.
 */
const PATIENCE_MS = 240_000;
/** A disk that others use, too, delays answers and refuses nothing. */
const UNHURRIED = { APPEND_TIMEOUT_MS: '5000' };

describe('a seed', () => {
  it('gives an order in which every fault comes once before any comes again', () => {
    const order = faultsInOrder(randomOf(4), FAULT_NAMES);
    const first = FAULT_NAMES.map(() => order.next().value);
    expect([...first].sort()).toEqual([...FAULT_NAMES].sort());
    expect(first).not.toEqual(FAULT_NAMES);
    const again = faultsInOrder(randomOf(4), FAULT_NAMES);
    expect(FAULT_NAMES.map(() => again.next().value)).toEqual(first);
  });
});

describe('a cluster that is broken', () => {
  it(
    'loses nothing, doubles nothing, and decides as the log says, while parts of every kind fail',
    async () => {
      const report = await runFaults({
        seconds: 45,
        seed: 7,
        accounts: 60,
        everyMs: 0,
        names: ['owner killed', 'Redis fails over', 'broker killed for 8 s', 'Redis wiped'],
      });
      expect(report.violations).toEqual([]);
      expect(report.faults.length).toBeGreaterThanOrEqual(2);
      expect(report.truth.decisionsChecked).toBeGreaterThan(100);
      expect(report.acknowledged).toBeGreaterThan(200);
    },
    PATIENCE_MS,
  );

  it(
    'stores nothing and forgets nobody while its only broker is away for 5 s',
    async () => {
      const report = await runOutage({ seconds: 5 });
      expect(report.violations).toEqual([]);
      expect(report.refused).toBeGreaterThan(0);
    },
    PATIENCE_MS,
  );

  it(
    'blocks nobody who runs when Redis is emptied, and lets nobody in who was refused',
    async () => {
      const report = await runWipe({ accounts: 500, rate: 200 });
      expect(report.violations).toEqual([]);
      expect(report.beatsMeanwhile).toBeGreaterThan(1_000);
    },
    PATIENCE_MS,
  );
});

describe('a cluster that is busy', () => {
  it(
    'keeps who watches through a storm of starts',
    async () => {
      const report = await runStorm({ steady: 20, times: 10, seconds: 5, env: UNHURRIED });
      expect(report.violations).toEqual([]);
      expect(report.decided + report.refused).toBe(report.starts);
    },
    PATIENCE_MS,
  );

  it(
    'answers no 5xx while every process is replaced, twice',
    async () => {
      const report = await runRolling({ previous: null, accounts: 40, env: UNHURRIED });
      expect(report.violations).toEqual([]);
      expect(report.replaced).toBe(8);
    },
    PATIENCE_MS,
  );
});
