import { NO_AD, NO_QUALITY } from '../../schemas/events.ts';
import type { HeartbeatRequest, SignalRequest } from '../../schemas/generated/http.ts';
import type { Heartbeat } from '../../schemas/generated/records.ts';
import type { Reason } from '../../schemas/reasons.ts';
import { DAY_MS } from '../../schemas/time.ts';

/** What ingest knows of a beat and its player does not. */
export type Stamp = {
  readonly tenant: string;
  readonly receivedAtMs: number;
  readonly source: string;
  readonly networkKey: string | null;
  readonly lastDecision: Reason | null;
  readonly claims: Heartbeat['claims'];
  readonly trace?: Heartbeat['trace'];
  /** The keys of `metadata` that this installation declares. */
  readonly metadataKeys: readonly string[];
};

/**
 * A beat as it goes into the log. The player's clock decides nothing; its age, measured by the player's monotonic clock,
 * can only make the beat older than its arrival.
 */
export const stampBeat = (beat: HeartbeatRequest, stamp: Stamp): Heartbeat => {
  const occurredAtMs = stamp.receivedAtMs - Math.round(beat.ageMs ?? 0);
  return {
    tenant: stamp.tenant,
    sessionId: beat.sessionId,
    sequence: beat.sequence,
    profileId: beat.profileId,
    deviceId: beat.deviceId,
    deviceType: beat.deviceType,
    deviceName: beat.deviceName ?? null,
    contentId: beat.contentId,
    contentType: beat.contentType,
    state: beat.state,
    positionMs: beat.positionMs ?? null,
    durationMs: beat.durationMs ?? null,
    playbackRate: beat.playbackRate ?? null,
    country: beat.country ?? null,
    cdn: beat.cdn ?? null,
    appVersion: beat.appVersion ?? null,
    player: beat.player ?? null,
    seriesId: beat.seriesId ?? null,
    tracking: beat.tracking === 'limits-only' ? 'limits_only' : 'full',
    metadata: beat.metadata === undefined ? NO_METADATA : declared(beat.metadata, stamp.metadataKeys),
    quality: beat.quality === undefined ? null : { ...NO_QUALITY, ...beat.quality },
    ad: beat.ad === undefined ? null : { ...NO_AD, ...beat.ad },
    sentAtMs: beat.sentAtMs,
    receivedAtMs: stamp.receivedAtMs,
    occurredAtMs,
    clockSkewMs: Math.max(-DAY_MS, Math.min(DAY_MS, beat.sentAtMs - occurredAtMs)),
    source: stamp.source,
    networkKey: stamp.networkKey,
    lastDecision: stamp.lastDecision,
    claims: stamp.claims,
    trace: stamp.trace,
  };
};

/** A backend's word for a silent player, as a beat of a session that has the signal's id. */
export const stampSignal = (signal: SignalRequest, stamp: Omit<Stamp, 'source' | 'lastDecision'>): Heartbeat =>
  stampBeat(
    {
      sessionId: signal.signalId,
      sequence: 0,
      accountId: signal.accountId,
      profileId: signal.profileId ?? '',
      deviceId: signal.deviceId,
      deviceType: signal.deviceType,
      contentId: signal.contentId,
      contentType: signal.contentType,
      state: 'playing',
      sentAtMs: stamp.receivedAtMs,
      tracking: 'limits-only',
      ...(signal.deviceName === undefined ? {} : { deviceName: signal.deviceName }),
      ...(signal.country === undefined ? {} : { country: signal.country }),
    },
    { ...stamp, source: signal.source, lastDecision: null },
  );

const NO_METADATA: Readonly<Record<string, string>> = {};
const declared = (metadata: Readonly<Record<string, string>>, keys: readonly string[]): Record<string, string> => {
  const kept: Record<string, string> = {};
  for (const key of keys) {
    const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
    if (value !== undefined) kept[key] = value;
  }
  return kept;
};
