import type { Policy } from '../../schemas/generated/http.ts';
import type { Heartbeat } from '../../schemas/generated/records.ts';

/** What the oracle knows of one session, by the records of the log and the outputs alone. */
export type Known = {
  readonly id: string;
  readonly beat: Heartbeat;
  holds: boolean;
  reason: string;
  /** Grows with each claim: who came first. */
  readonly order: number;
  readonly admittedAt: string | null;
  requestId: string | null;
  sequence: number;
  lastBeatMs: number;
  pausedSinceMs: number | null;
  /** Until when a backend's signal speaks for it, unless its player does. */
  vouchedUntilMs: number;
  readonly leaseMs: number;
  readonly lateMs: number;
  readonly pausedHoldsMs: number;
  readonly signal: boolean;
};

export type Rule = Policy['rules'][number];
export type InForce = {
  readonly version: number;
  readonly mode: 'enforce' | 'observe';
  readonly activatedAtMs: number;
  readonly policy: Policy;
};

export const DEFAULT_HOLD = { leaseMs: 35_000, lateMs: 22_000, pausedHoldsMs: 300_000 };

export const isSilent = (s: Known, liveMs: number): boolean =>
  liveMs - s.lastBeatMs >= s.lateMs && liveMs >= s.vouchedUntilMs;
export const hasLapsed = (s: Known, liveMs: number): boolean =>
  liveMs - s.lastBeatMs >= s.leaseMs && liveMs >= s.vouchedUntilMs;
export const isPausedOut = (s: Known, liveMs: number): boolean =>
  s.pausedSinceMs !== null && liveMs - s.pausedSinceMs >= s.pausedHoldsMs;
export const isLate = (s: Known, liveMs: number): boolean => isSilent(s, liveMs) || isPausedOut(s, liveMs);

export const ageOf = (beat: Heartbeat): number => Math.max(0, beat.receivedAtMs - beat.occurredAtMs);

export const speaksOf = ({ match }: Rule, beat: Heartbeat): boolean =>
  match.contentType === undefined || match.contentType.includes(beat.contentType);

/** Null: none. */
export const limitFor = ({ limit, limitWithoutClaim }: Rule, beat: Heartbeat): number | null => {
  if (limit === 'none') return null;
  if (typeof limit === 'number') return limit;
  const claimed = beat.claims[limit];
  return typeof claimed === 'number' ? claimed : (limitWithoutClaim ?? null);
};

export const unitFor = ({ countBy, sameDevice }: Rule, beat: Heartbeat): string => {
  if (countBy === 'devices' || (countBy === 'sessions' && sameDevice === 'share-slot')) return beat.deviceId;
  if (countBy === 'profiles') return beat.profileId;
  if (countBy === 'countries') return `${beat.country}`;
  return beat.sessionId;
};

/** Sessions by unit, but for the claimant's own. */
export const otherUnits = (rule: Rule, sessions: readonly Known[], beat: Heartbeat): readonly (readonly Known[])[] => {
  const units = new Map<string, Known[]>();
  for (const s of sessions) {
    if (!speaksOf(rule, s.beat)) continue;
    const unit = unitFor(rule, s.beat);
    const members = units.get(unit);
    if (members === undefined) units.set(unit, [s]);
    else members.push(s);
  }
  units.delete(unitFor(rule, beat));
  return [...units.values()];
};
