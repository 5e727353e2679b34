import type { Alarm, Whole } from './alarm.ts';
import { LEAST_COUNTED, objectiveSeries } from './burn-rates.ts';
import { own } from './series.ts';

const denied = own('playbeat_decisions_total', { role: 'ingest', outcome: 'stop', reason: 'LIMIT_REACHED' });
const started = objectiveSeries('starts')['met']!;

/** CloudWatch has no look at a week ago in an alarm: the band is what it expects at this hour of the week, from two weeks. */
export const denialParts: Readonly<Record<string, Alarm>> = {
  'denials-unusual': {
    severity: null,
    page: 'denials',
    says: 'The share of refused starts is above its band.',
    each: 'stage',
    series: { denied, started },
    expression: 'IF(FILL(started,0)>0,FILL(denied,0)/started,0)',
    is: 'above its band',
    minutes: 15,
    of: [2, 2],
    silence: 'fine',
  },
  'denials-many': {
    severity: null,
    page: 'denials',
    says: 'More than one start of fifty is refused, of at least two hundred.',
    each: 'stage',
    series: { denied, started },
    expression: `IF(FILL(started,0)>${LEAST_COUNTED},FILL(denied,0)/started,0)`,
    is: { over: 0.02 },
    minutes: 15,
    of: [2, 2],
    silence: 'fine',
  },
};

export const denials: Readonly<Record<string, Whole>> = {
  denials: {
    severity: 'page',
    says: 'Far more starts are refused than at this hour of the last weeks.',
    parts: ['denials-unusual', 'denials-many'],
  },
};
