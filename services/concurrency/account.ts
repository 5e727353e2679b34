import type { Policy } from '../../schemas/generated/http.ts';
import type { Reason } from '../../schemas/reasons.ts';
import { MINUTE_MS } from '../../schemas/time.ts';
import { AS_IS, type Shape } from '../../shared/state/packing.ts';

/** What the concurrency fold keeps of one account. A session stands in it once, in the order of the newest claims. */
export type Account = { readonly tenant: string; readonly sessions: readonly Session[] };

/** Two statuses hold a slot. `late` is no status: it follows from live time, see `isLate`. */
export type Status = 'starting' | 'active' | 'denied' | 'evicted' | 'replaced' | 'displaced' | 'stopped' | 'gone';

/** What a session is matched, counted and shown by. It stays as it was when the session was judged. */
export type Claimant = {
  readonly sessionId: string;
  readonly profileId: string;
  readonly deviceId: string;
  readonly deviceName: string | null;
  readonly deviceType: string;
  readonly contentId: string;
  readonly contentType: 'live' | 'vod';
  readonly country: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly claims: Readonly<Record<string, string | number>>;
};

export type Session = Claimant & {
  readonly status: Status;
  /** `OK` while it holds a slot, else why it does not. */
  readonly reason: Reason;
  /** Whose claim took the slot. */
  readonly takenBy: {
    readonly sessionId: string;
    readonly deviceId: string;
    readonly deviceName: string | null;
  } | null;
  /** Started by a backend's signal, and no player has beaten for it yet. */
  readonly signal: boolean;
  /** Request id of its newest claim: a repeat of that claim changes nothing. */
  readonly requestId: string | null;
  /** The highest sequence seen. */
  readonly sequence: number;
  readonly startedAtMs: number;
  /** Position of its admission; a termination token is good for this admission only. */
  readonly admittedAt: string | null;
  readonly lastBeatAtMs: number;
  /** Live time of its last beat, less the beat's age. */
  readonly lastBeatLiveMs: number;
  readonly pausedSinceLiveMs: number | null;
  /** Until when a backend's signal speaks for it; 0 where none does, or its player has beaten since. */
  readonly vouchedUntilLiveMs: number;
  readonly leaseMs: number;
  readonly lateMs: number;
  readonly pausedHoldsMs: number;
  /** What its player was last told, as its newest beat says. */
  readonly told: Reason | null;
  readonly rule: string | null;
  readonly policyVersion: number;
  readonly limit: number | null;
};

const CLAIM: Shape<NonNullable<Session['takenBy']>> = { sessionId: AS_IS, deviceId: AS_IS, deviceName: AS_IS };
const SESSION: Shape<Session> = {
  sessionId: AS_IS,
  profileId: AS_IS,
  deviceId: AS_IS,
  deviceName: AS_IS,
  deviceType: AS_IS,
  contentId: AS_IS,
  contentType: AS_IS,
  country: AS_IS,
  metadata: AS_IS,
  claims: AS_IS,
  status: AS_IS,
  reason: AS_IS,
  rule: AS_IS,
  limit: AS_IS,
  requestId: AS_IS,
  takenBy: CLAIM,
  signal: AS_IS,
  sequence: AS_IS,
  startedAtMs: AS_IS,
  admittedAt: AS_IS,
  lastBeatAtMs: AS_IS,
  lastBeatLiveMs: AS_IS,
  pausedSinceLiveMs: AS_IS,
  vouchedUntilLiveMs: AS_IS,
  leaseMs: AS_IS,
  lateMs: AS_IS,
  pausedHoldsMs: AS_IS,
  told: AS_IS,
  policyVersion: AS_IS,
};
export const ACCOUNT: Shape<Account> = { tenant: AS_IS, sessions: [SESSION] };

/** The policy by which a partition decides, since its own record of activation. */
export type Control = {
  readonly version: number;
  readonly mode: 'enforce' | 'observe';
  readonly activatedAtMs: number;
  readonly policy: Policy;
};

/** More slot holders than any household has; it bounds the state of an account whatever the policy says. */
export const MAX_HOLDERS = 16;
/** Ended sessions remembered per account, oldest forgotten first. */
export const MAX_REMEMBERED = 64;
/** How long after its last beat an ended session is remembered. */
export const REMEMBERED_MS = 10 * MINUTE_MS;

export const holdsSlot = (session: Session): boolean => session.status === 'starting' || session.status === 'active';

/** Silent for two beats and 2 s, or paused for longer than a pause holds: a newcomer may have its slot. */
export const isLate = (session: Session, live: number): boolean =>
  isSilent(session, live) || isPausedTooLong(session, live);

export const isSilent = (session: Session, live: number): boolean =>
  live - session.lastBeatLiveMs >= session.lateMs && live >= session.vouchedUntilLiveMs;

/** When a session that says nothing more gives its slot back, in live time. */
export const lapsesAt = (session: Session): number =>
  Math.max(session.lastBeatLiveMs + session.leaseMs, session.vouchedUntilLiveMs);

export const isPausedTooLong = (session: Session, live: number): boolean =>
  session.pausedSinceLiveMs !== null && live - session.pausedSinceLiveMs >= session.pausedHoldsMs;
