import type { DecisionCounts, DecisionReport } from '../../schemas/generated/http.ts';
import type { Counted } from './row.ts';

/** What a report has a line for each of. */
export const REPORT_BY = ['rule', 'content', 'deviceType'] as const;
export type ReportBy = (typeof REPORT_BY)[number];

export type ReportLine = DecisionReport['lines'][number];

/** Adds up decisions, one after the other and in any order. */
export type Report = {
  count(one: Counted): void;
  total(): DecisionCounts;
  /** Those with most starts and denials first; null stands for decisions that no rule made. */
  lines(): ReportLine[];
};

export const reportBy = (by: ReportBy): Report => {
  const total = newCounts();
  const lines = new Map<string | null, Counts>();
  return {
    count: (one) => {
      const value = valueOf(by, one);
      const line = lines.get(value) ?? newCounts();
      lines.set(value, line);
      add(line, one);
      add(total, one);
    },
    total: () => total,
    lines: () => [...lines].map(([value, counts]) => ({ value, counts })).sort(mostFirst),
  };
};

const valueOf = (by: ReportBy, { rule, contentId, deviceType }: Counted): string | null =>
  by === 'rule' ? rule : by === 'content' ? contentId : deviceType;

const weight = ({ counts }: ReportLine): number => counts.starts + counts.denials;
export const mostFirst = (a: ReportLine, b: ReportLine): number =>
  weight(b) - weight(a) || ((a.value ?? '') < (b.value ?? '') ? -1 : 1);

type Counts = { -readonly [K in keyof DecisionCounts]: DecisionCounts[K] } & { streamsAtOnce: Record<string, number> };

const newCounts = (): Counts => ({
  starts: 0,
  returns: 0,
  denials: 0,
  evictions: 0,
  displaced: 0,
  observed: 0,
  degraded: 0,
  streamsAtOnce: {},
});

const add = (counts: Counts, one: Counted): void => {
  // Who was answered by the fail mode is decided about all the same, a little later: that is another row. So is the stop
  // that ends what was admitted then.
  if (one.reason === 'SERVICE_DEGRADED') {
    if (one.outcome !== 'stopped') counts.degraded += 1;
    return;
  }
  if (one.observed) {
    counts.observed += 1;
    return;
  }
  switch (one.outcome) {
    case 'admitted':
      counts.starts += 1;
      if (one.returned) counts.returns += 1;
      counts.streamsAtOnce[one.holders] = (counts.streamsAtOnce[one.holders] ?? 0) + 1;
      return;
    case 'denied':
      counts.denials += 1;
      return;
    case 'evicted':
      counts.evictions += 1;
      return;
    case 'displaced':
      counts.displaced += 1;
      return;
    case 'replaced':
    case 'stopped':
    case 'expired':
      return;
  }
};
