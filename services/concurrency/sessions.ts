import type { Heartbeat } from '../../schemas/generated/records.ts';
import type { Reason } from '../../schemas/reasons.ts';
import { formatPosition } from '../../shared/log/position.ts';
import type { At } from '../../shared/runtime/processor.ts';
import { beatAgeMs, LATE_MS, LEASE_MS } from '../../shared/sessions/lifecycle.ts';
import {
  type Account,
  type Claimant,
  type Control,
  holdsSlot,
  MAX_REMEMBERED,
  type Session,
  type Status,
} from './account.ts';
import { holdOf } from './judge.ts';

export const newSession = (
  beat: Heartbeat,
  at: At<Control>,
  judged: Pick<Session, 'status' | 'reason' | 'rule' | 'limit' | 'requestId'>,
): Session => {
  const live = at.liveMs - beatAgeMs(beat);
  const holds = judged.status === 'starting' || judged.status === 'active';
  const claimant = claimantOf(beat);
  return {
    ...claimant,
    ...judged,
    takenBy: null,
    signal: false,
    sequence: beat.sequence,
    startedAtMs: beat.occurredAtMs,
    admittedAt: holds ? formatPosition(at.position) : null,
    lastBeatAtMs: beat.occurredAtMs,
    lastBeatLiveMs: live,
    pausedSinceLiveMs: holds && beat.state === 'paused' ? live : null,
    vouchedUntilLiveMs: 0,
    ...(at.control === undefined ? DEFAULT_HOLD : holdOf(at.control.policy, claimant)),
    told: judged.reason,
    policyVersion: at.control?.version ?? 0,
  };
};

/** Until the partition has seen a policy. A pause holds for five minutes. */
const DEFAULT_HOLD = { leaseMs: LEASE_MS, lateMs: LATE_MS, pausedHoldsMs: 300_000 };

export const claimantOf = (beat: Heartbeat): Claimant => ({
  sessionId: beat.sessionId,
  profileId: beat.profileId,
  deviceId: beat.deviceId,
  deviceName: beat.deviceName,
  deviceType: beat.deviceType,
  contentId: beat.contentId,
  contentType: beat.contentType,
  country: beat.country,
  metadata: beat.metadata,
  claims: beat.claims,
});

export const lateMsOf = (beat: Heartbeat, at: At<Control>): number =>
  at.control === undefined ? DEFAULT_HOLD.lateMs : holdOf(at.control.policy, claimantOf(beat)).lateMs;

export const ended = (session: Session, status: Status, reason: Reason): Session => ({
  ...session,
  status,
  reason,
  pausedSinceLiveMs: null,
});

export const mayComeBack = (session: Session): boolean => session.status === 'displaced' || session.status === 'gone';
export const mayTryAgain = (session: Session): boolean => session.status === 'denied' || mayComeBack(session);

/** What a session was, by what it was last told. `gone` stands for all that may come back. */
export const STATUS_TOLD: Readonly<Record<Reason, Status>> = {
  OK: 'active',
  SERVICE_DEGRADED: 'active', // told allow while the decision could not be had
  LIMIT_REACHED: 'denied',
  SESSION_CAP: 'denied',
  EVICTED_BY_NEWER: 'evicted',
  REPLACED_ON_DEVICE: 'replaced',
  TERMINATED_BY_USER: 'stopped',
  STOPPED: 'stopped',
  SILENT_TOO_LONG: 'gone',
  PAUSED_TOO_LONG: 'gone',
};

/** Ingest stamps reasons only; anything else would be another release's, and is as good as none. */
export const toldBy = (beat: Heartbeat): Reason | null =>
  beat.lastDecision !== null && Object.hasOwn(STATUS_TOLD, beat.lastDecision) ? (beat.lastDecision as Reason) : null;

/** The session that a backend's signal started for this player. */
export const signalled = (account: Account, beat: Heartbeat): readonly Session[] =>
  account.sessions.filter(
    (s) => s.signal && holdsSlot(s) && s.deviceId === beat.deviceId && s.contentId === beat.contentId,
  );

export const withSession = (account: Account, session: Session): Account => ({
  ...account,
  sessions: account.sessions.map((s) => (s.sessionId === session.sessionId ? session : s)),
});

/** Puts a claim last: sessions stand in the order of their newest claims. */
export const appended = (account: Account, tenant: string, session: Session): Account => ({
  tenant,
  sessions: [...account.sessions.filter((s) => s.sessionId !== session.sessionId), session],
});

/** Forgets the oldest of the ended sessions where there are too many. */
export const bounded = (account: Account): Account => {
  if (account.sessions.length <= MAX_REMEMBERED) return account;
  const over = account.sessions.filter((s) => !holdsSlot(s)).length - MAX_REMEMBERED;
  if (over <= 0) return account;
  const oldest = new Set(
    account.sessions
      .filter((s) => !holdsSlot(s))
      .sort((a, b) => a.lastBeatLiveMs - b.lastBeatLiveMs)
      .slice(0, over),
  );
  return { ...account, sessions: account.sessions.filter((s) => !oldest.has(s)) };
};
