import type { Heartbeat } from '../../../schemas/generated/records.ts';

export type Said = Partial<Omit<Heartbeat, 'receivedAtMs' | 'occurredAtMs'>> & {
  /** How old the beat was when it arrived. */
  readonly ageMs?: number;
};

/** A beat of a television in a film, unless it is said otherwise. */
export const heartbeat = (sessionId: string, nowMs: number, { ageMs = 0, ...said }: Said): Heartbeat => ({
  tenant: 'tenant',
  sessionId,
  sequence: 0,
  profileId: 'parent',
  deviceId: 'tv',
  deviceType: 'tv',
  deviceName: null,
  contentId: 'film',
  contentType: 'vod',
  state: 'playing',
  positionMs: 0,
  durationMs: null,
  playbackRate: null,
  country: null,
  cdn: null,
  appVersion: null,
  player: null,
  seriesId: null,
  tracking: 'full',
  metadata: {},
  quality: null,
  ad: null,
  sentAtMs: nowMs,
  receivedAtMs: nowMs,
  occurredAtMs: nowMs - ageMs,
  clockSkewMs: 0,
  source: 'player',
  networkKey: null,
  lastDecision: null,
  claims: {},
  ...said,
});
