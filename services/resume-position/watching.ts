import type { PlayerState } from '../../schemas/generated/records.ts';
import { SECOND_MS } from '../../schemas/time.ts';

/** So much has to be watched before a session counts: half a minute, or this part of the content where that is less. */
export const WATCHED_MS = 30 * SECOND_MS;
export const WATCHED_PART = 0.02;
/** Finished: this part of the content is behind, or no more than half a minute is left of it. */
export const FINISHED_PART = 0.95;
export const FINISHED_LEFT_MS = 30 * SECOND_MS;
/** Nobody watches faster: what moves on more quickly is winding. */
export const FASTEST_RATE = 4;

type Told = {
  readonly state: PlayerState;
  readonly positionMs: number;
  readonly playbackRate: number;
  readonly asOfMs: number;
};

/**
 * What was watched between two beats of a session: how far the position went forward since a beat that said `playing`,
 * and no further than the time between the two allows at the greater of their rates. So a jump forward is worth as much
 * as it took, and a jump back nothing.
 */
export const progressOf = (
  before: Told,
  beat: { readonly positionMs: number; readonly playbackRate: number | null; readonly occurredAtMs: number },
): number => {
  if (before.state !== 'playing') return 0;
  const elapsedMs = Math.max(0, beat.occurredAtMs - before.asOfMs);
  const rate = Math.min(FASTEST_RATE, Math.max(0, before.playbackRate, beat.playbackRate ?? 1));
  return Math.min(Math.max(0, beat.positionMs - before.positionMs), Math.round(elapsedMs * rate));
};

export const isWatched = ({ watchedMs, durationMs }: { watchedMs: number; durationMs: number | null }): boolean =>
  watchedMs >= (durationMs === null ? WATCHED_MS : Math.min(WATCHED_MS, durationMs * WATCHED_PART)) && watchedMs > 0;

/**
 * Whether nothing worth going on for is left: 95 %, or the last half minute (of a clip under a minute: its second half),
 * or the credits. Where nobody said how long the content is, its player's `ended` says it.
 */
export const isFinished = (viewing: {
  readonly state: PlayerState;
  readonly positionMs: number;
  readonly durationMs: number | null;
  readonly creditsMs: number | null;
}): boolean => {
  const { state, positionMs, durationMs, creditsMs } = viewing;
  if (creditsMs !== null && positionMs >= creditsMs) return true;
  if (durationMs === null) return state === 'ended';
  const left = durationMs - positionMs;
  return positionMs >= durationMs * FINISHED_PART || left <= Math.min(FINISHED_LEFT_MS, durationMs / 2);
};
