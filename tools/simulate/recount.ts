import type { AudienceCounted } from '../../schemas/generated/records.ts';
import type { Watched } from './watched.ts';

type Window = Pick<AudienceCounted['windows'][number], 'audience' | 'suspicious' | 'momentum' | 'byDeviceType'>;

const WINDOWS = [1, 5, 60, 1_440];
/** Those that a clock that was set back leaves exact: the others may go back to what stands in quarters of an hour by now. */
const SHORT = 2;

/** The first minute: as many whole ones before the one that runs; a day begins with the quarter of an hour that it begins in. */
const firstOf = (minutes: number, now: number): number =>
  minutes === 1_440 ? Math.floor((now - minutes) / 15) * 15 : now - minutes;

/** The figures of one content in the minute `now`, from all the beats that were watched of it. */
export const recounted = (watched: Iterable<Watched>, now: number): readonly Window[] => {
  const newest = new Map<string, Watched>();
  /** How many accounts came to each minute. */
  const came = new Map<number, number>();
  for (const one of watched) {
    const was = newest.get(one.account);
    // Whoever has watched is where that was: standing still moves nobody.
    if (was !== undefined && was.counted && (!one.counted || was.minute === one.minute)) continue;
    newest.set(one.account, one);
    if (one.counted) came.set(one.minute, (came.get(one.minute) ?? 0) + 1);
  }
  const mean = (first: number): number => {
    let sum = 0;
    for (const [minute, accounts] of came) if (minute >= first && minute < now) sum += accounts;
    return sum / (now - first);
  };
  const day = mean(firstOf(1_440, now));
  return WINDOWS.map((minutes) => {
    const first = firstOf(minutes, now);
    const inside = [...newest.values()].filter(({ minute }) => minute >= first);
    const byDeviceType: Record<string, number> = {};
    for (const { counted, deviceType } of inside)
      if (counted) byDeviceType[deviceType] = (byDeviceType[deviceType] ?? 0) + 1;
    return {
      audience: inside.filter(({ counted }) => counted).length,
      suspicious: inside.filter(({ counted }) => !counted).length,
      momentum: minutes === 1_440 ? null : (mean(first) + 10) / (day + 10),
      byDeviceType,
    };
  });
};

/**
 * `who`: all but the momentum, which is another each minute, and is told with what else has changed. `short`: the same of the
 * short windows.
 */
type What = 'all' | 'who' | 'short';

export const agree = (told: readonly Window[], wanted: readonly Window[], what: What): boolean =>
  told.every((window, i) => (what === 'short' && i >= SHORT) || sameWindow(window, wanted[i]!, what));

const sameWindow = (told: Window, wanted: Window, what: What): boolean =>
  told.audience === wanted.audience &&
  told.suspicious === wanted.suspicious &&
  (what !== 'all' || Math.abs((told.momentum ?? 0) - (wanted.momentum ?? 0)) < 1e-9) &&
  Object.entries({ ...told.byDeviceType, ...wanted.byDeviceType }).every(
    ([name]) => told.byDeviceType[name] === wanted.byDeviceType[name],
  );

export const briefly = (windows: readonly Window[]): string =>
  windows
    .map(({ audience, suspicious, momentum, byDeviceType }) =>
      [audience, suspicious, momentum?.toFixed(4), JSON.stringify(byDeviceType)].join(' '),
    )
    .join(' | ');
