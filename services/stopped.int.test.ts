import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Listed } from '../shared/table/table.ts';
import {
  GOES_ON_S,
  type Handed,
  type Lines,
  PARTITIONS,
  STANDS_STILL,
  type Standstill,
  standstill,
  STEP_S,
  STOPS_S,
} from './testing/standstill.ts';

/** What the log hands out at a time, to whoever makes its state anew as well. */
const FULL = 1_000;

/** The first lines that only one of them has. */
const unlike = (a: Lines, b: Lines): Lines => {
  const [inA, inB] = [new Set(a), new Set(b)];
  const lines = [...a.filter((line) => !inB.has(line)), ...b.filter((line) => !inA.has(line))];
  return lines.slice(0, 5).map((line) => line.slice(0, 1_000));
};

const batchesOf = (handed: readonly Handed[], group: string, partition: number): readonly number[] =>
  handed.filter((one) => one.group === group && one.partition === partition).map(({ records }) => records);
const sum = (numbers: readonly number[]): number => numbers.reduce((all, n) => all + n, 0);

describe('resume-position, view-end, trending and the ledger, stopped for 10 minutes under 200 households while concurrency runs', () => {
  let calm: Standstill;
  let stopped: Standstill;
  beforeAll(async () => {
    [calm, stopped] = await Promise.all([standstill({ stops: false }), standstill({ stops: true })]);
  }, 120_000);
  afterAll(() => Promise.all([calm?.close(), stopped?.close()]));

  it('leave concurrency alone: it decides the same 1,515 times at the same times, byte for byte, and has the same rows', () => {
    expect(stopped.decidedMeanwhile).toBe(1_515);
    expect(unlike(stopped.decided, calm.decided)).toEqual([]);
  });

  it('are handed nothing in that time, and concurrency one batch of each partition every 5 s', () => {
    const groups = stopped.meanwhile.map(({ group }) => group);
    expect(new Set(groups)).toEqual(new Set(['concurrency']));
    expect(groups).toHaveLength((PARTITIONS.length * (GOES_ON_S - STOPS_S)) / STEP_S);
  });

  it('catch up in batches of 1,000 and one with the rest, of 12,374 records each', () => {
    const missed = PARTITIONS.map((partition) => sum(batchesOf(stopped.meanwhile, 'concurrency', partition)));
    expect(sum(missed)).toBe(12_374);
    for (const group of STANDS_STILL)
      for (const [partition, records] of missed.entries()) {
        const full = Array<number>(Math.floor(records / FULL)).fill(FULL);
        expect(batchesOf(stopped.caughtUpWith, group, partition)).toEqual([...full, records % FULL]);
      }
  });

  it('have in the ledger each of the 1,515 decisions of those 10 minutes', () => {
    const kept = stopped.remembered.filter((line) => line.startsWith('decisions '));
    const rows = kept.flatMap((line) => (JSON.parse(line.replace(/^decisions \d+ /, '')) as Listed).rows);
    const decided = stopped.decided.filter((line) => line.startsWith('decision '));
    expect(rows.length).toBeGreaterThanOrEqual(decided.length);
    const caughtUp = PARTITIONS.map((partition) => sum(batchesOf(stopped.caughtUpWith, 'decision-ledger', partition)));
    expect(sum(caughtUp)).toBe(stopped.decidedMeanwhile);
  });

  it('have in the end what they would have had: rows, durable rows, decisions, view ends and moves', () => {
    expect(unlike(stopped.remembered, calm.remembered)).toEqual([]);
  });

  it('tell in the end the audiences that they would have told, of 12 films and 5 channels', () => {
    expect(stopped.told).toHaveLength(17);
    expect(unlike(stopped.told, calm.told)).toEqual([]);
  });
});
