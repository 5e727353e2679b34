import type { Measured } from './measured.ts';
import { costOf, type Load, totalOf } from './model.ts';

/** Parts of the players that keep their connections: a column each. */
export const KEPT = [0, 0.3, 1] as const;
export const HEAD = ['USD a month', ...KEPT.map((kept) => `${kept * 100} % keep their connection`)];

/** A line for each thing that is paid, then the sum, then the sum for each viewer at the peak. */
export const rowsFor = (load: Omit<Load, 'keepAlive'>, measured: Measured): readonly (readonly string[])[] => {
  const columns = KEPT.map((keepAlive) => costOf({ ...load, keepAlive }, measured));
  const [first = []] = columns;
  const sums = columns.map(totalOf);
  return [
    ...first.map(({ name }, i) => [name, ...columns.map((lines) => rounded(lines[i]?.usd ?? 0))]),
    ['together', ...sums.map(rounded)],
    ['for each viewer at the peak', ...sums.map((usd) => (usd / load.viewers).toFixed(4))],
  ];
};

/** Three digits say all that such a sum can. */
export const rounded = (usd: number): string => Number(usd.toPrecision(3)).toLocaleString('en-GB');
