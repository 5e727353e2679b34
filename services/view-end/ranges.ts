/** A stretch of the content that was played, in its milliseconds. */
export type Range = readonly [fromMs: number, toMs: number];
/** In order, and apart from each other. */
export type Ranges = readonly Range[];

/**
 * So many stretches of one view are told apart: more than a film has when its viewer skips half a minute ahead every half
 * minute. One more closes the narrowest gap, whose content counts as played from then on.
 */
export const MAX_RANGES = 128;

export const withRange = (ranges: Ranges, [from, to]: Range): Ranges => {
  const before = ranges.filter(([, end]) => end < from);
  const after = ranges.filter(([start]) => start > to);
  const touched = ranges.slice(before.length, ranges.length - after.length);
  const joined: Range = [Math.min(from, touched[0]?.[0] ?? from), Math.max(to, touched.at(-1)?.[1] ?? to)];
  const all = [...before, joined, ...after];
  return all.length <= MAX_RANGES ? all : withoutNarrowestGap(all);
};

const withoutNarrowestGap = (ranges: Ranges): Ranges => {
  const gapBefore = (i: number): number => ranges[i]![0] - ranges[i - 1]![1];
  let at = 1;
  for (let i = 2; i < ranges.length; i++) if (gapBefore(i) < gapBefore(at)) at = i;
  return [...ranges.slice(0, at - 1), [ranges[at - 1]![0], ranges[at]![1]], ...ranges.slice(at + 1)];
};

export const lengthOf = (ranges: Ranges): number => ranges.reduce((sum, [from, to]) => sum + to - from, 0);
