import type { RoleName } from '../services/roles.ts';
import { OBJECTIVES, type ObjectiveName } from '../shared/telemetry/objectives.ts';
import type { Alarm, Whole } from './alarm.ts';
import { balancer, heartbeats, own, type Series } from './series.ts';

/**
 * Burn rates of the SRE workbook (chapter 5): so many times as fast as would use up a month's faults in a month. The short window
 * lets the alarm end soon after the trouble. In place of its three days for tickets there is one, with the same tenth of the
 * month's faults: CloudWatch adds up over a day at most.
 */
const WINDOWS = [
  { name: 'fast', rate: 14.4, longMinutes: 60, shortMinutes: 5, severity: 'page' },
  { name: 'slow', rate: 6, longMinutes: 360, shortMinutes: 30, severity: 'page' },
  { name: 'creeping', rate: 3, longMinutes: 1_440, shortMinutes: 120, severity: 'ticket' },
] as const;
/** One fault among fewer than these says nothing about a share. */
export const LEAST_COUNTED = 200;
const COUNTED_BY: Readonly<Record<ObjectiveName, RoleName>> = {
  heartbeats: 'ingest',
  starts: 'ingest',
  freshness: 'concurrency',
};

const WAYS = { heartbeats, starts: balancer };
/** The window that is over soon enough for a deployment to be taken back by it. */
const NEWEST = 'fast-5m';

export const objectiveNames = Object.keys(OBJECTIVES) as ObjectiveName[];
/** Missed and met; of beats what the load balancer answered in the place of a service that was not there, too. */
export const objectiveSeries = (objective: ObjectiveName): Readonly<Record<string, Series>> => {
  const counted = (result: string): Series =>
    own('playbeat_objective_total', { role: COUNTED_BY[objective], objective, result });
  return {
    missed: counted('missed'),
    met: counted('met'),
    ...(objective === 'freshness' ? {} : { unreached: WAYS[objective]('HTTPCode_ELB_5XX_Count', 'Sum') }),
  };
};
const missedOf = (objective: ObjectiveName): string =>
  objective === 'freshness' ? 'FILL(missed,0)' : '(FILL(missed,0)+FILL(unreached,0))';
/** The share of what could have gone well that did not. */
export const missedShare = (objective: ObjectiveName, least = 0): string => {
  const missed = missedOf(objective);
  return `IF(${missed}+FILL(met,0)>${least},${missed}/(${missed}+FILL(met,0)),0)`;
};

export const burnParts: Readonly<Record<string, Alarm>> = Object.fromEntries(
  objectiveNames.flatMap((objective) =>
    WINDOWS.flatMap(({ name, rate, longMinutes, shortMinutes }) =>
      [longMinutes, shortMinutes].map((minutes): [string, Alarm] => [
        `${objective}-${name}-${minutes}m`,
        {
          severity: null,
          page: objective,
          says: `More than ${rate} times the faults that the objective leaves, over ${minutes} minutes.`,
          each: 'stage',
          series: objectiveSeries(objective),
          expression: missedShare(objective, LEAST_COUNTED),
          is: { over: rate * (1 - OBJECTIVES[objective].share) },
          minutes,
          of: [1, 1],
          silence: 'fine',
          ...(`${name}-${minutes}m` === NEWEST ? { takesBack: [COUNTED_BY[objective]] } : {}),
        },
      ]),
    ),
  ),
);

export const burns: Readonly<Record<string, Whole>> = Object.fromEntries(
  objectiveNames.flatMap((objective) =>
    WINDOWS.map(({ name, rate, longMinutes, shortMinutes, severity }): [string, Whole] => [
      `${objective}-${name}`,
      {
        severity,
        page: objective,
        says: `${OBJECTIVES[objective].says} It fails ${rate} times as often as it may.`,
        parts: [longMinutes, shortMinutes].map((minutes) => `${objective}-${name}-${minutes}m`),
      },
    ]),
  ),
);
