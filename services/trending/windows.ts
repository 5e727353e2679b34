import type { AudienceWindow } from '../../schemas/generated/records.ts';
import { DAY_MINUTES, firstOf, WINDOWS } from './minutes.ts';
import { addTo, COUNTRY, DEVICE_TYPE, NETWORK, type Stood } from './stood.ts';

/** A network is suspicious from so many accounts on: no household has them, and most offices and campuses have fewer at one title. */
const CROWD = 10;
/** Beside so few viewers a minute as these nothing is a trend. */
const DAMPING = 10;

/** The figures of an audience, for each window. What stands in minutes that are still to come is in all of them. */
export const windowsOf = (stood: Stood, now: number): readonly AudienceWindow[] =>
  WINDOWS.map(({ minutes }) => {
    const first = firstOf(minutes, now);
    const accounts = stood.names.map((names) => names.map(() => 0));
    let audience = 0;
    let idle = 0;
    for (const [from, counted, still, , tallies] of stood.buckets) {
      if (from < first) continue;
      audience += counted;
      idle += still;
      tallies.forEach((tally, d) => addTo(accounts[d]!, tally));
    }
    const crowd = Math.max(0, ...accounts[NETWORK]!);
    return {
      audience,
      suspicious: idle + (crowd >= CROWD ? Math.min(crowd, audience) : 0),
      momentum: minutes === DAY_MINUTES ? null : momentumOf(stood, minutes, now),
      byCountry: byName(stood, accounts, COUNTRY),
      byDeviceType: byName(stood, accounts, DEVICE_TYPE),
    };
  });

const byName = (stood: Stood, accounts: readonly (readonly number[])[], dimension: number): Record<string, number> =>
  Object.fromEntries(
    stood.names[dimension]!.flatMap((name, i) => {
      const own = accounts[dimension]![i]!;
      return own > 0 ? [[name, own] as const] : [];
    }),
  );

/** Accounts a minute in the window to those of the day, by the whole minutes of both. */
const momentumOf = (stood: Stood, minutes: number, now: number): number => {
  const day = firstOf(DAY_MINUTES, now);
  const mean = playedIn(stood, now - minutes, now) / minutes;
  return (mean + DAMPING) / (playedIn(stood, day, now) / (now - day) + DAMPING);
};

/** The series' sum over the minutes from `first` on, before `end`. */
export const playedIn = ({ buckets }: Stood, first: number, end: number): number => {
  let sum = 0;
  for (const [from, , , played] of buckets) if (from >= first && from < end) sum += played;
  return sum;
};
