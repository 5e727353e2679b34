import { ROWS, type RowId, type RowKind } from './catalogue.ts';
import type { BenchOptions } from './options.ts';

export type Round = { readonly ours: number; readonly baseline: number };

/** One line of the table. `ratio` is the median of the rounds' ratios: two neighbours in time share the machine's mood. */
export type Row = {
  readonly id: RowId;
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  readonly baseline: number;
  readonly ratio: number;
  readonly goal: RowKind['goal'];
  readonly reached: boolean | null;
  readonly rounds: readonly Round[];
  readonly notes: readonly string[];
};

/** Runs one or more rows that are measured together. */
export type Bench = (options: BenchOptions, say: (line: string) => void) => Promise<readonly Row[]>;

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

export const quantile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
};

/** Of times in ms. */
export const percentiles = (values: readonly number[]): string =>
  [0.5, 0.99, 0.999].map((q) => `p${100 * q} ${quantile(values, q).toFixed(1)} ms`).join(', ') + ` of ${values.length}`;

export const rowOf = (id: RowId, rounds: readonly Round[], notes: readonly string[]): Row => {
  const kind: RowKind = ROWS[id];
  const ours = median(rounds.map((r) => r.ours));
  const ratios = rounds.map((r) => r.ours / r.baseline);
  const ratio = median(ratios);
  const { goal } = kind;
  const range = `ratio of the rounds ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  return {
    id,
    what: kind.what,
    unit: kind.unit,
    ours,
    baseline: median(rounds.map((r) => r.baseline)),
    ratio,
    goal,
    reached: reaches(goal, { ours, ratio }),
    rounds,
    notes: rounds.length > 1 ? [range, ...notes] : notes,
  };
};

const reaches = (goal: RowKind['goal'], { ours, ratio }: { ours: number; ratio: number }): boolean | null => {
  if (goal === null) return null;
  if ('ratio' in goal) return ratio >= goal.ratio;
  return 'ratioAtMost' in goal ? ratio <= goal.ratioAtMost : ours <= goal.atMost;
};

export type Alternating = {
  readonly rounds: number;
  readonly say: (line: string) => void;
  readonly name: string;
  readonly ours: (round: number) => number | Promise<number>;
  readonly baseline: (round: number) => number | Promise<number>;
};

/** Ours, baseline, ours, baseline …, so that what else the machine does falls on both. */
export const alternate = async ({ rounds, say, name, ours, baseline }: Alternating): Promise<readonly Round[]> => {
  const done: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    const one = { ours: await ours(round), baseline: await baseline(round) };
    done.push(one);
    say(`${name} round ${round + 1}: ours ${figure(one.ours)}, baseline ${figure(one.baseline)}`);
  }
  return done;
};

/** Three digits are all that a measurement here is good for. */
export const figure = (value: number): string => {
  const rounded = Number(value.toPrecision(3));
  return rounded >= 1_000 ? rounded.toLocaleString('en-US') : value.toPrecision(3);
};

/** Events per second of a synchronous piece of work. */
export const rateOf = (events: number, work: () => void): number => {
  const started = performance.now();
  work();
  return (events * 1_000) / (performance.now() - started);
};
