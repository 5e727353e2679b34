import { describe, expect, it } from '@jest/globals';
import { reportBy } from './report.ts';
import type { Counted } from './row.ts';

const one = (said: Partial<Counted> = {}): Counted => ({
  tenant: 'tenant',
  outcome: 'admitted',
  reason: 'OK',
  rule: 'two-streams',
  observed: false,
  returned: false,
  holders: 1,
  deviceType: 'tv',
  contentId: 'film',
  ...said,
});

const NOTHING = {
  ...{ starts: 0, returns: 0, denials: 0, evictions: 0, displaced: 0, observed: 0, degraded: 0 },
  streamsAtOnce: {},
};
const totalOf = (...decisions: readonly Counted[]) => {
  const report = reportBy('rule');
  for (const decision of decisions) report.count(decision);
  return report.total();
};

describe('a report', () => {
  it.each([
    ['a start, as the second stream at once', one({ holders: 2 }), { starts: 1, streamsAtOnce: { 2: 1 } }],
    ['a return from silence', one({ returned: true }), { starts: 1, returns: 1, streamsAtOnce: { 1: 1 } }],
    ['a denial', one({ outcome: 'denied', reason: 'LIMIT_REACHED', holders: 2 }), { denials: 1 }],
    ['an eviction', one({ outcome: 'evicted', reason: 'EVICTED_BY_NEWER' }), { evictions: 1 }],
    ['a displacement', one({ outcome: 'displaced', reason: 'SILENT_TOO_LONG' }), { displaced: 1 }],
    ['what is only observed', one({ outcome: 'denied', reason: 'LIMIT_REACHED', observed: true }), { observed: 1 }],
    ['an answer of the fail mode that allows', one({ reason: 'SERVICE_DEGRADED', holders: 0 }), { degraded: 1 }],
    ['one that refuses', one({ reason: 'SERVICE_DEGRADED', outcome: 'denied', holders: 0 }), { degraded: 1 }],
    ['the stop that follows it', one({ reason: 'SERVICE_DEGRADED', outcome: 'stopped' }), {}],
    ['a replacement', one({ outcome: 'replaced', reason: 'REPLACED_ON_DEVICE' }), {}],
    ['a stop', one({ outcome: 'stopped', reason: 'STOPPED' }), {}],
    ['an expiry', one({ outcome: 'expired', reason: 'SILENT_TOO_LONG' }), {}],
  ] as const)('counts %s once', (_name, decision, counts) => {
    expect(totalOf(decision)).toEqual({ ...NOTHING, ...counts });
  });

  it('has a line for each rule, content or device type, most starts and denials first', () => {
    const decisions = [
      one({ rule: 'kids', contentId: 'cartoon', deviceType: 'phone' }),
      one({ rule: 'kids', contentId: 'film', deviceType: 'tv', outcome: 'denied' }),
      one({ rule: null, contentId: 'film', deviceType: 'tv' }),
    ];
    const linesBy = (by: 'rule' | 'content' | 'deviceType') => {
      const report = reportBy(by);
      for (const decision of decisions) report.count(decision);
      return report.lines().map(({ value, counts }) => [value, counts.starts, counts.denials]);
    };
    expect(linesBy('rule')).toEqual([
      ['kids', 1, 1],
      [null, 1, 0],
    ]);
    expect(linesBy('content')).toEqual([
      ['film', 1, 1],
      ['cartoon', 1, 0],
    ]);
    expect(linesBy('deviceType')).toEqual([
      ['tv', 1, 1],
      ['phone', 1, 0],
    ]);
  });
});
