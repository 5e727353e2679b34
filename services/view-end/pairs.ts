import { createHash } from 'node:crypto';
import type { Heartbeat } from '../../schemas/generated/records.ts';
import { SECOND_MS } from '../../schemas/time.ts';
import { LEASE_MS } from '../../shared/sessions/lifecycle.ts';
import { AS_IS, type Shape } from '../../shared/state/packing.ts';
import type { Range } from './ranges.ts';

/** What is needed of a beat to say what lies between it and its neighbours. */
export type Mark = {
  readonly sequence: number;
  readonly atMs: number;
  readonly state: Heartbeat['state'];
  /** Null for live, where a place in the content is a place in a window that moves. */
  readonly positionMs: number | null;
  /** How fast the content may move on, at least 1: some players say 0 while they buffer. */
  readonly rate: number;
  /** Null outside of advertisements, empty where the break has no name. It is only compared. */
  readonly breakId: string | null;
  /** What the session was last told. */
  readonly told: string | null;
  /** Since the beat before it. */
  readonly stallMs: number;
  readonly bitrateKbps: number | null;
};

export const MARK: Shape<Mark> = {
  sequence: AS_IS,
  atMs: AS_IS,
  state: AS_IS,
  positionMs: AS_IS,
  rate: AS_IS,
  breakId: AS_IS,
  told: AS_IS,
  stallMs: AS_IS,
  bitrateKbps: AS_IS,
};

export const markOf = (beat: Heartbeat): Mark => ({
  sequence: beat.sequence,
  atMs: beat.occurredAtMs,
  state: beat.state,
  positionMs: beat.contentType === 'vod' ? beat.positionMs : null,
  rate: Math.max(1, beat.playbackRate ?? 1),
  breakId: beat.ad === null ? null : shortened(beat.ad.breakId ?? ''),
  told: beat.lastDecision,
  // Whole numbers, so that sums do not depend on the order in which they are made.
  stallMs: Math.round(beat.quality?.stallMs ?? 0),
  bitrateKbps: beat.quality?.bitrateKbps == null ? null : Math.round(beat.quality.bitrateKbps),
});

/** Of 128 runs, a row has the marks of both ends: with a name of half a kilobyte in each it would be too large. */
const MAX_NAME = 16;
const shortened = (name: string): string =>
  name.length <= MAX_NAME ? name : createHash('sha256').update(name).digest('base64url').slice(0, MAX_NAME);

/** What is summed up over neighbouring beats: the same in whichever order the pairs are added. */
export type Sums = {
  readonly watchedMs: number;
  readonly adMs: number;
  /** Time whose bitrate is known, and the sum of bitrate by time. */
  readonly bitrateMs: number;
  readonly bitrateKbpsMs: number;
  readonly pauses: number;
  readonly seeks: number;
  readonly stalls: number;
  readonly adBreaks: number;
};
export const SUMS: Shape<Sums> = {
  watchedMs: AS_IS,
  adMs: AS_IS,
  bitrateMs: AS_IS,
  bitrateKbpsMs: AS_IS,
  pauses: AS_IS,
  seeks: AS_IS,
  stalls: AS_IS,
  adBreaks: AS_IS,
};

export const NO_SUMS: Sums = {
  watchedMs: 0,
  adMs: 0,
  bitrateMs: 0,
  bitrateKbpsMs: 0,
  pauses: 0,
  seeks: 0,
  stalls: 0,
  adBreaks: 0,
};

export const added = (a: Sums, b: Sums): Sums => ({
  watchedMs: a.watchedMs + b.watchedMs,
  adMs: a.adMs + b.adMs,
  bitrateMs: a.bitrateMs + b.bitrateMs,
  bitrateKbpsMs: a.bitrateKbpsMs + b.bitrateKbpsMs,
  pauses: a.pauses + b.pauses,
  seeks: a.seeks + b.seeks,
  stalls: a.stalls + b.stalls,
  adBreaks: a.adBreaks + b.adBreaks,
});

/** How far the content may be from where the time that went by has it, before the viewer is taken to have jumped. */
export const JUMP_MS = 2 * SECOND_MS;

export type Between = { readonly sums: Sums; readonly range: Range | null };

/** What happened from one beat to the next one known; null stands for the time before the first. */
export const between = (a: Mark | null, b: Mark): Between => {
  if (a === null) return { sums: { ...NO_SUMS, ...entered(null, b) }, range: null };
  const apartMs = Math.max(0, b.atMs - a.atMs);
  // Each beat that is missing may stand for a lease of time; more, and nobody knows whether anybody watched.
  const heard = apartMs <= LEASE_MS * (b.sequence - a.sequence);
  const playedMs = heard && a.state === 'playing' ? Math.max(0, apartMs - b.stallMs) : 0;
  const inAd = a.breakId !== null;
  const movedMs = a.positionMs === null || b.positionMs === null ? null : b.positionMs - a.positionMs;
  const mostMs = apartMs * Math.max(a.rate, b.rate) + JUMP_MS;
  const moved = heard && a.state === 'playing' && !inAd && movedMs !== null && movedMs > 0 && movedMs <= mostMs;
  const jumped = movedMs !== null && !inAd && b.breakId === null && (movedMs < -JUMP_MS || movedMs > mostMs);
  const announced = a.state === 'seeking' || b.state === 'seeking';
  const { seeks, ...rest } = entered(a, b);
  return {
    sums: {
      ...rest,
      seeks: seeks + (jumped && !announced ? 1 : 0),
      watchedMs: inAd ? 0 : playedMs,
      adMs: inAd ? playedMs : 0,
      bitrateMs: b.bitrateKbps === null ? 0 : playedMs,
      bitrateKbpsMs: (b.bitrateKbps ?? 0) * playedMs,
    },
    range: moved ? [a.positionMs!, b.positionMs!] : null,
  };
};

const entered = (a: Mark | null, b: Mark): Pick<Sums, 'pauses' | 'seeks' | 'stalls' | 'adBreaks'> => {
  const into = (state: Mark['state']): number => (b.state === state && a?.state !== state ? 1 : 0);
  return {
    pauses: into('paused'),
    seeks: into('seeking'),
    // Buffering at the start or after a jump is no stall.
    stalls: a?.state === 'playing' ? into('buffering') : 0,
    adBreaks: b.breakId !== null && b.breakId !== a?.breakId ? 1 : 0,
  };
};
