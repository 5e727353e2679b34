/** What was seen of one process: minutes since the load began, and MiB. */
export type Seen = { readonly minute: number; readonly mib: number };

/** The straight line through what was seen from `fromMinute` on, by least squares; NaN for fewer than two of them. */
export const slopeOf = (seen: readonly Seen[], fromMinute: number): number => {
  const late = seen.filter(({ minute }) => minute >= fromMinute);
  const mean = (of: (one: Seen) => number): number => late.reduce((sum, one) => sum + of(one), 0) / late.length;
  const minutes = mean(({ minute }) => minute);
  const mib = mean((one) => one.mib);
  const sum = (of: (one: Seen) => number): number => late.reduce((total, one) => total + of(one), 0);
  return (
    sum((one) => (one.minute - minutes) * (one.mib - mib)) /
    sum(({ minute }) => (minute - minutes) * (minute - minutes))
  );
};
