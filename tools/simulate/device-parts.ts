import type { HeartbeatRequest } from '../../schemas/generated/http.ts';
import type { Prng } from '../players/prng.ts';
import type { Attempts } from './attempts.ts';
import type { Ingest } from './ingest.ts';
import type { Schedule } from './schedule.ts';

/** One device with its player and whoever holds its remote control. */
export type Device = {
  readonly id: string;
  /** What plays on it now. */
  playing(): Playback | null;
  /** Starts something else here, taking over a session of another device. */
  takeOver(playback: Playback): void;
  begin(): void;
};

export type Playback = {
  readonly sessionId: string;
  readonly contentId: string;
  readonly contentType: 'live' | 'vod';
  readonly profileId: string;
  sequence: number;
  state: HeartbeatRequest['state'];
  /** Sends beats. */
  on: boolean;
  /** Beats go into a queue, to be sent later. */
  offline: { readonly beat: HeartbeatRequest; readonly atMs: number }[] | null;
  retries: number;
  /** Where in the content, and as of when. */
  positionMs: number;
  movedAtMs: number;
};

export type DeviceParts = {
  readonly rng: Prng;
  readonly schedule: Schedule;
  readonly ingest: Ingest;
  readonly attempts: Attempts;
  readonly id: string;
  readonly deviceType: string;
  readonly profiles: number;
  /** Goes on beating when it is told to stop. */
  readonly stubborn: boolean;
  readonly others: () => readonly Device[];
  /** How long nobody watches here, by the time of day. */
  readonly idleMs: () => number;
};
