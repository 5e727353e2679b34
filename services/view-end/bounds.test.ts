import { describe, expect, it } from '@jest/globals';
import { lengthOf, MAX_RANGES, type Ranges, withRange } from './ranges.ts';
import { closed, MAX_RUNS, NO_BEATS, type Tally, withBeat } from './tally.ts';
import { beatOf } from './testing/evening.ts';

describe('ranges', () => {
  const rangesOf = (...list: Ranges): Ranges => list.reduce<Ranges>(withRange, []);

  it('that overlap or touch become one, wherever the new one lies', () => {
    expect(rangesOf([10, 20], [30, 40], [20, 30])).toEqual([[10, 40]]);
    expect(rangesOf([30, 40], [10, 20], [5, 50])).toEqual([[5, 50]]);
    expect(rangesOf([30, 40], [10, 20], [50, 60])).toEqual([
      [10, 20],
      [30, 40],
      [50, 60],
    ]);
    expect(rangesOf([10, 40], [20, 30])).toEqual([[10, 40]]);
  });

  const apart = (n: number): Ranges =>
    rangesOf(...Array.from({ length: n }, (_, i) => [i * 100, i * 100 + 10] as const));

  it('are told apart up to 128', () => {
    expect([apart(MAX_RANGES).length, lengthOf(apart(MAX_RANGES))]).toEqual([128, 1_280]);
  });

  it('close the narrowest gap with the 129th', () => {
    const [last, narrow] = [
      [12_840, 12_850],
      [12_800, 12_810],
    ] as const;
    const ranges = withRange(withRange(apart(MAX_RANGES - 1), last), narrow);
    expect([ranges.length, lengthOf(ranges)]).toEqual([128, 129 * 10 + 30]);
    expect(ranges.at(-1)).toEqual([12_800, 12_850]);
  });
});

describe('runs', () => {
  const START = 1_800_000_000_000;
  const beat = (sequence: number) => {
    const nowMs = START + sequence * 10_000;
    return beatOf('tv', nowMs, { sequence, positionMs: sequence * 10_000 });
  };
  const tallyOf = (sequences: readonly number[]): Tally => sequences.reduce((t, s) => withBeat(t, beat(s)), NO_BEATS);
  const evens = (n: number): number[] => Array.from({ length: n }, (_, i) => 2 * i);
  const odds = (n: number): number[] => evens(n).map((s) => s + 1);

  it('up to 128 lose nothing: each gap is filled by the beat that comes last', () => {
    const tally = tallyOf(evens(MAX_RUNS));
    expect(tally.runs).toHaveLength(128);
    const whole = closed(odds(MAX_RUNS).reduce((t, s) => withBeat(t, beat(s)), tally));
    expect(whole).toEqual(closed(tallyOf(Array.from({ length: 256 }, (_, i) => i))));
    expect([whole.beats, whole.sums.watchedMs]).toEqual([256, 2_550_000]);
  });

  it('close the narrowest gap with the 129th: its beats are taken for lost, and come to nothing', () => {
    const tally = tallyOf([...evens(MAX_RUNS).map((s) => s * 2), 511, 513]);
    expect(tally.runs).toHaveLength(128);
    expect(withBeat(tally, beat(506)).beats).toBe(tally.beats + 1);
    for (const lost of [509, 510, 512]) expect(withBeat(tally, beat(lost))).toBe(tally);
    expect(closed(tally).sums.watchedMs).toBe(5_130_000);
  });
});
