import { MINUTE_MS } from '../../schemas/time.ts';
import type { Audience } from './audience.ts';
import { DAY_MINUTES, firstOf, QUARTER_MINUTES, WINDOWS, type WindowName } from './minutes.ts';
import { playedIn } from './windows.ts';

export type Series = {
  /** Accounts in the window. */
  readonly viewers: number;
  /** How many were counted in each minute of it, oldest first; of a day, in a minute of each quarter of an hour on average. */
  readonly series: { readonly atMs: number; readonly viewers: number }[];
};

/** The audience of a content over time, as its row has it. */
export const seriesOf = ({ stood, atMs }: Pick<Audience, 'stood' | 'atMs'>, window: WindowName): Series => {
  const minutes = WINDOWS.find(({ name }) => name === window)!.minutes;
  const now = Math.floor(atMs / MINUTE_MS);
  const every = minutes === DAY_MINUTES ? QUARTER_MINUTES : 1;
  const first = firstOf(minutes, now);
  const series: { atMs: number; viewers: number }[] = [];
  for (let from = first; from <= now; from += every) {
    const past = Math.min(every, now + 1 - from);
    series.push({ atMs: from * MINUTE_MS, viewers: Math.round(playedIn(stood, from, from + every) / past) });
  }
  let viewers = 0;
  for (const [from, counted] of stood.buckets) if (from >= first) viewers += counted;
  return { viewers, series };
};
