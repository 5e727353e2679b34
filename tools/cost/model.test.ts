import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type Measured, measured } from './measured.ts';
import {
  brokersOf,
  costOf,
  egressUsd,
  firewallUsd,
  lcusOf,
  type Load,
  sentBytes,
  tasksOf,
  totalOf,
  valkeyNodes,
} from './model.ts';
import { viewing } from './viewing.ts';

const seen = viewing();
const rates = measured(seen);

/** Round numbers, to reckon with by hand. */
const EXAMPLE: Measured = {
  tasks: {
    ...{ ingestMicros: 100, recordMicros: 50, busy: 0.5, callsPerTask: 2_000 },
    ...{ leastIngest: 3, least: 2, folds: 4, otherRoles: 1 },
  },
  http: { upBytes: 600, downBytes: 400, carriedBytes: 100, handshakeBytes: 4_000, rules: 18 },
  log: { bytesPerBeat: 250, keptHours: 24 },
  valkey: {
    ...{ rowsPerBeat: 4, rowsPerSecond: 80_000, busy: 0.5, bytesPerBeat: 3_000 },
    ...{ bytesPerViewer: 4_000, nodeBytes: 14e9, leastShards: 2 },
  },
  viewing: { units: 60, keptByteMonths: 50_000 },
};
const load = (viewers: number, keepAlive = 1, mean = 1): Load => ({ viewers, keepAlive, mean });
const usd = (name: string, one: Load): number =>
  costOf(one, EXAMPLE).find((line) => line.name === name)?.usd ?? Number.NaN;

describe('machines, reckoned by hand', () => {
  it('are 20 tasks for 10,000 beats a second: 5 of ingest, 2 of each of 4 folds at least, 2 for the ledger', () => {
    // 10,000 * 100 us are 1 core, 2 at half; 10,000 / 2,000 are 5. 10,000 * 50 us / 0.5 are 1 for a fold, 2 at least.
    expect(tasksOf(load(100_000), EXAMPLE)).toBe(5 + 4 * 2 + 2);
    // 1,000,000 / 2,000; 1,000,000 * 50 us / 0.5.
    expect(tasksOf(load(10_000_000), EXAMPLE)).toBe(500 + 4 * 100 + 2);
    expect(tasksOf(load(1_000), EXAMPLE)).toBe(3 + 4 * 2 + 2);
  });

  it('are 4 nodes of Valkey at the least, and 20 for 400,000 rows a second', () => {
    expect(valkeyNodes(load(1_000), EXAMPLE)).toBe(4);
    // 400,000 / (80,000 * 0.5) are 10 shards with a replica each; memory would do with 4 GB / 7 GB.
    expect(valkeyNodes(load(1_000_000), EXAMPLE)).toBe(20);
  });

  it('are 3 brokers up to 46.8 MiB a second, then 6', () => {
    // 250 bytes * 100,000 a second are 23.8 MiB; * 200,000 are 47.7.
    expect([1_000_000, 2_000_000].map((viewers) => brokersOf(load(viewers), EXAMPLE))).toEqual([3, 6]);
  });
});

describe('the load balancer, by the greatest of four', () => {
  it('has 80 LCUs of rules for 10,000 beats a second that keep their connection', () => {
    // 18 rules, 10 of them free: 8 * 10,000 / 1,000. Bytes: 10,000 * 3,600 * 1,000 are 36 GB an hour; connections 33.
    expect(lcusOf(load(100_000), EXAMPLE)).toBe(80);
  });

  it('has 401 for the same that keep none, and 281 where 30 % do', () => {
    // 10,000 / 25 and 100,000 / 3,600 / 25 of new viewings.
    expect(lcusOf(load(100_000, 0), EXAMPLE)).toBeCloseTo(400 + 1.11, 1);
    expect(lcusOf(load(100_000, 0.3), EXAMPLE)).toBeCloseTo(280 + 1.11, 1);
  });
});

describe('a web firewall', () => {
  const guarded = { ...load(100_000), firewall: true };

  it('takes the beats to a load balancer with one rule: 36 LCUs of bytes for the 80 of rules, and 2.2 for all other calls', () => {
    // 100,000 viewers / 3,600 * 2 calls are 55.6 a second, each on a connection of its own: / 25.
    expect(lcusOf(guarded, EXAMPLE)).toBeCloseTo(36 + 2.22, 1);
    const hours = 730 * (2 * 0.0225 + lcusOf(guarded, EXAMPLE) * 0.008);
    expect(usd('load balancer', guarded)).toBeCloseTo(hours, 6);
  });

  it('costs 93 USD for the 146 million starts and stops of 100,000 viewers, and 15,768 for their beats', () => {
    expect(usd('web firewall', guarded)).toBeCloseTo(5 + 146 * 0.6, 6);
    expect(firewallUsd(26.28e9)).toBeCloseTo(5 + 26_280 * 0.6, 6);
    expect(usd('web firewall', load(100_000))).toBeNaN();
  });
});

describe('what leaves', () => {
  it('is 4,500 bytes more for a beat on a connection of its own', () => {
    const handshakes = (100_000 / 3_600 / 10_000) * 4_000;
    expect(sentBytes(load(100_000), EXAMPLE)).toBeCloseTo(500 + handshakes, 6);
    expect(sentBytes(load(100_000, 0), EXAMPLE)).toBeCloseTo(4_500 + handshakes, 6);
  });

  it('is free up to 100 GB, then cheaper the more it is', () => {
    expect(egressUsd(100)).toBe(0);
    expect(egressUsd(10_240)).toBeCloseTo(10_140 * 0.09, 6);
    expect(egressUsd(200_000)).toBeCloseTo(10_140 * 0.09 + 40_960 * 0.085 + 102_400 * 0.07 + 46_400 * 0.05, 6);
  });
});

describe('usage', () => {
  it('is 2,738 USD of writes for 100,000 viewers who never stop: 73 million hours of 60 units', () => {
    expect(usd('DynamoDB, writes', load(100_000))).toBeCloseTo((73e6 * 60 * 0.625) / 1e6, 6);
    expect(usd('DynamoDB, writes', load(100_000, 1, 0.4))).toBeCloseTo(0.4 * 2_737.5, 6);
  });

  it('is 1,226 USD between zones: 26.28 billion beats of two thirds of 2,500 and 3,000 bytes', () => {
    expect(usd('between zones', load(100_000))).toBeCloseTo(((26.28e9 * 2) / 3) * 5_500 * 1e-11, 3);
  });

  it('leaves the machines as they are where less is watched on average', () => {
    expect(usd('Fargate', load(100_000, 1, 0.4))).toBe(usd('Fargate', load(100_000)));
  });
});

describe('what was measured', () => {
  it('is what the scaling and the sizes of production say', () => {
    const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
    const { busy, callsPerTask, leastIngest, least } = rates.tasks;
    const scaling = read('infra/scaling.ts');
    expect(Number(/CPU_PERCENT = (\d+)/.exec(scaling)?.[1]) / 100).toBe(busy);
    expect(Number(/CALLS_PER_TARGET = ([\d_]+)/.exec(scaling)?.[1]?.replaceAll('_', '')) / 60).toBe(callsPerTask);
    const production = read('infra/stages.ts').split('prod:')[1] ?? '';
    const leastOf = (role: string): number => Number(new RegExp(`${role}: .*least: (\\d+)`).exec(production)?.[1]);
    expect([leastOf('every'), leastOf('ingest')]).toEqual([least, leastIngest]);
  });

  it('of an hour of viewing is 360 beats, 12 rows of where to go on, a view and a decision by account and by day', () => {
    const { beats, folds, tables } = seen;
    const puts = Object.fromEntries(Object.entries(tables).map(([name, of]) => [name, of.puts]));
    expect([beats, folds]).toEqual([360, 4]);
    expect(puts).toEqual({ 'resume-positions': 12, views: 1, decisions: 1, 'decisions-by-day': 1 });
    // Each of the 12 moves the row in two lists: 1 + 2 + 2, but for the first and for the one that leaves a list.
    expect(tables['resume-positions']?.units).toBe(58);
  });
});

/** What docs/reference/cost.md says, with players that keep their connections. Nobody makes it dearer without seeing it here. */
const HONEST = [
  { viewers: 100_000, always: 0.089, usual: 0.049 },
  { viewers: 1_000_000, always: 0.072, usual: 0.033 },
  { viewers: 10_000_000, always: 0.068, usual: 0.031 },
] as const;

describe('the promise of at most 0.04 USD a month for each viewer at the peak', () => {
  const each = (viewers: number, mean: number): number => totalOf(costOf(load(viewers, 1, mean), rates)) / viewers;

  it.each(HONEST)(
    'comes to $usual for $viewers viewers at 40 % of the peak on average, to $always where it never ends',
    ({ viewers, always, usual }) => {
      expect(each(viewers, 0.4)).toBeLessThanOrEqual(usual);
      expect(each(viewers, 1)).toBeLessThanOrEqual(always);
    },
  );

  it('is held from 1,000,000 viewers on at 40 % of the peak, and by none where it never ends', () => {
    expect(HONEST.filter(({ viewers }) => each(viewers, 0.4) <= 0.04).map(({ viewers }) => viewers)).toEqual([
      1_000_000, 10_000_000,
    ]);
    expect(HONEST.filter(({ viewers }) => each(viewers, 1) <= 0.04)).toEqual([]);
  });

  it('would be held where the peak never ends without the lists of resume positions and what is kept of them', () => {
    const lean = { ...rates, viewing: { units: rates.viewing.units - 46, keptByteMonths: 0 } };
    const usdEach = totalOf(costOf(load(10_000_000), lean)) / 10_000_000;
    expect(usdEach).toBeLessThanOrEqual(0.04);
  });
});
