import { MINUTE_MS } from '../../schemas/time.ts';
import type { ContentAudience } from '../../schemas/generated/http.ts';
import { stateIn } from '../../shared/runtime/processor.ts';
import type { StateView } from '../../shared/state/state.ts';
import { type Audience, audience, type Relayed } from './audience.ts';
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

/**
 * The same of the content whose row was read. Its figures are of the time that its partition has come to: a row of which nobody
 * moves stands still, and the windows go on.
 */
export const audienceIn = ({ rows, checkpoint }: StateView, window: WindowName): ContentAudience => {
  // What the checkpoint holds is what this processor's onControl made.
  const relayed = checkpoint?.control as Relayed | undefined;
  const [row] = rows;
  const state = stateIn(audience, row);
  const asOfMs = Math.max(state?.atMs ?? 0, relayed?.atMs ?? 0);
  if (state === undefined) return { viewers: 0, series: [], asOfMs };
  return { ...seriesOf({ stood: state.stood, atMs: asOfMs }, window), asOfMs };
};
