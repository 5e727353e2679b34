import type { AudiencePlace } from '../../schemas/generated/records.ts';
import { DAY_MINUTES, firstOf, HOUR_MINUTES, QUARTER_MINUTES, quarterOf } from './minutes.ts';

/**
 * Where the accounts of one audience stand: each in the minute in which it was counted last, for as long as a window may
 * have it. Minutes become one bucket with the others of their quarter of an hour once the hour has left them behind: so
 * there are at most 75 minutes, the one that runs, and 97 quarters. Nothing is told apart within a bucket but its tallies.
 */
export type Stood = {
  /** Minutes before this one stand in quarters. */
  readonly merged: number;
  /** What the tallies' numbers stand for, by dimension. */
  readonly names: readonly (readonly string[])[];
  /** Which name is the first to be asked for its room when the next one comes. */
  readonly turn: number;
  /** In order of time; those in which nobody was are left out. */
  readonly buckets: readonly Bucket[];
};

/** Arrays, since there are many: as JSON a minute of four device types takes 50 bytes. */
export type Bucket = readonly [
  /** The minute that it begins with, since 1970. */
  from: number,
  counted: number,
  idle: number,
  /** How many accounts were counted in its minutes, whoever was counted again since: their sum over its minutes. */
  played: number,
  /** Of those counted, by dimension. */
  tallies: readonly Tally[],
];
/** Number of a name, accounts, number, accounts, … */
export type Tally = readonly number[];

/** By what an audience is told apart, in the order of the tallies, and how many names of each are known at a time. */
export const COUNTRY = 0;
export const DEVICE_TYPE = 1;
export const NETWORK = 2;
export const MAX_NAMES = [32, 16, 32] as const;

export const nobodyAt = (minute: number): Stood => ({
  merged: quarterOf(minute - HOUR_MINUTES),
  names: MAX_NAMES.map(() => []),
  turn: 0,
  buckets: [],
});

export const withPlace = (stood: Stood, place: AudiencePlace): Stood => {
  if (!place.counted) return changed(stood, place, 1);
  return changed(labelsOf(place).reduce<Stood>(named, stood), place, 1);
};

/** A place that nobody stands in is none to be taken away: it has run out, or it never was heard of. */
export const withoutPlace = (stood: Stood, place: AudiencePlace): Stood => changed(stood, place, -1);

const labelsOf = ({ country, deviceType, network }: AudiencePlace): readonly (string | null)[] => [
  country,
  deviceType,
  network,
];

const changed = (stood: Stood, place: AudiencePlace, by: 1 | -1): Stood => {
  const { merged, names, buckets } = stood;
  const from = place.minute < merged ? quarterOf(place.minute) : place.minute;
  const before = buckets.findLastIndex((bucket) => bucket[0] <= from);
  const found = buckets[before]?.[0] === from ? buckets[before] : undefined;
  if (found === undefined && by < 0) return stood;
  const [, counted, idle, played, tallies] = found ?? [from, 0, 0, 0, names.map((): Tally => [])];
  const next: Bucket = place.counted
    ? [
        from,
        Math.max(0, counted + by),
        idle,
        played + Math.max(0, by),
        labelsOf(place).map((label, d) => plus(tallies[d]!, label === null ? -1 : names[d]!.indexOf(label), by)),
      ]
    : [from, counted, Math.max(0, idle + by), played, tallies];
  return {
    ...stood,
    buckets: buckets.toSpliced(found === undefined ? before + 1 : before, found === undefined ? 0 : 1, next),
  };
};

/** Never below 0; -1 is no name's number. */
const plus = (tally: Tally, name: number, by: number): Tally => {
  if (name < 0) return tally;
  for (let i = 0; i < tally.length; i += 2) {
    if (tally[i] !== name) continue;
    const accounts = tally[i + 1]! + by;
    return accounts > 0 ? tally.with(i + 1, accounts) : tally.toSpliced(i, 2);
  }
  return by > 0 ? [...tally, name, by] : tally;
};

/** Gives the name a number. Where there is none left, the name that the fewest accounts have makes room, and is forgotten. */
const named = (stood: Stood, name: string | null, dimension: number): Stood => {
  const names = stood.names[dimension]!;
  if (name === null || names.includes(name)) return stood;
  const most = MAX_NAMES[dimension]!;
  if (names.length < most) return { ...stood, names: stood.names.with(dimension, [...names, name]) };

  const accounts = new Array<number>(most).fill(0);
  for (const [, , , , tallies] of stood.buckets) addTo(accounts, tallies[dimension]!);
  let least = stood.turn % most;
  for (let i = 0; i < most; i += 1) {
    const one = (stood.turn + i) % most;
    if (accounts[one]! < accounts[least]!) least = one;
  }
  return {
    ...stood,
    names: stood.names.with(dimension, names.with(least, name)),
    turn: least + 1,
    buckets: accounts[least] === 0 ? stood.buckets : stood.buckets.map((bucket) => without(bucket, dimension, least)),
  };
};

/** Adds a tally to the accounts of each number. */
export const addTo = (accounts: number[], tally: Tally): void => {
  for (let i = 0; i < tally.length; i += 2) accounts[tally[i]!]! += tally[i + 1]!;
};

const without = (bucket: Bucket, dimension: number, name: number): Bucket => {
  const [from, counted, idle, played, tallies] = bucket;
  const tally = tallies[dimension]!;
  const left = plus(tally, name, Number.NEGATIVE_INFINITY);
  return left === tally ? bucket : [from, counted, idle, played, tallies.with(dimension, left)];
};

/** The very same where nothing has run out, and no quarter is over. */
export const upTo = (stood: Stood, minute: number): Stood => {
  const first = firstOf(DAY_MINUTES, minute);
  const merged = Math.max(stood.merged, quarterOf(minute - HOUR_MINUTES));
  if (merged === stood.merged && (stood.buckets[0]?.[0] ?? first) >= first) return stood;
  const buckets: Bucket[] = [];
  for (const bucket of stood.buckets) {
    if (bucket[0] < first) continue;
    const from = bucket[0] < merged ? quarterOf(bucket[0]) : bucket[0];
    const last = buckets.at(-1);
    if (last?.[0] === from) buckets[buckets.length - 1] = joined(last, bucket);
    else buckets.push(bucket[0] === from ? bucket : [from, bucket[1], bucket[2], bucket[3], bucket[4]]);
  }
  return { ...stood, merged, buckets };
};

const joined = (a: Bucket, b: Bucket): Bucket => [
  a[0],
  a[1] + b[1],
  a[2] + b[2],
  a[3] + b[3],
  a[4].map((tally, d) => {
    let sum = tally;
    for (let i = 0; i < b[4][d]!.length; i += 2) sum = plus(sum, b[4][d]![i]!, b[4][d]![i + 1]!);
    return sum;
  }),
];

/** The newest minute in which anybody stands; null where nobody does. */
export const newestIn = ({ buckets }: Stood): number | null => buckets.at(-1)?.[0] ?? null;

export const isAnybodyIn = ({ buckets }: Stood): boolean => buckets.some(([, counted, idle]) => counted + idle > 0);

/** The next minute with which somebody leaves a window, if nobody moves; infinite where nobody is in any. */
export const nextLeaving = ({ buckets }: Stood, minute: number): number => {
  let next = Number.POSITIVE_INFINITY;
  for (const [from, counted, idle] of buckets) {
    if (counted + idle === 0) continue;
    const ends = [from + 2, from + 6, from + HOUR_MINUTES + 1, quarterOf(from) + DAY_MINUTES + QUARTER_MINUTES];
    for (const end of ends) if (end > minute && end < next) next = end;
  }
  return next;
};
