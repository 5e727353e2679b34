import type { Stalls } from './stalls.ts';

/*
 * What replies let one know of a session. A session *possibly* holds a slot from the sending of its first claim until a
 * reply proves the opposite; it *certainly* holds one from the reply of its admission until something was sent that may
 * end it. A refusal is judged against the possible holders, an admission against the certain ones, so whatever happened
 * on the way between player and server is counted in the server's favour.
 */

/** Two missed beats and 2 s: from here on a session makes room for a newcomer. */
export const LATE_MS = 22_000;
/** No beat for so long: the slot is free for everyone. */
export const GONE_MS = 37_000;
const PAUSE_HOLDS_MS = 300_000;
/** What clocks and ticks may add before the server is blamed for a silent session. */
export const GRACE_MS = 2_000;
/** What two clocks may differ by within a lease. */
const CLOCK_MS = 250;
/** A call that the player gave up may be done so much later. */
export const STRAGGLER_MS = 5_000;
/** A decision that a beat is answered with may be so old; after that `allow` is about the present. */
export const SETTLED_MS = 6_000;

export type Session = {
  readonly id: string;
  readonly deviceId: string;
  readonly continues: string | undefined;
  readonly claimSentMs: number;
  startsOnTheWay: number;
  beatsOnTheWay: number;
  /** A start of it was lost and may yet be done. */
  ghost: boolean;
  admitted: boolean;
  denied: boolean;
  /** Holds nothing since then, by a reply. */
  freedMs: number | undefined;
  /** A stop or a last beat was sent. */
  ending: boolean;
  /** The reply to that stop. */
  stoppedMs: number | undefined;
  /** Another session got its slot: the next one on its device, or the one that continues it. */
  takenOver: boolean;
  /** A claim that would take its slot was sent and is not answered. */
  suspendedBy: string | undefined;
  /** The session whose slot this one takes, when that one certainly held it: then it cannot be refused. */
  rides: Session | undefined;
  toldStop: boolean;
  /** The last moment at which the server may have heard it. */
  heardMs: number;
  /** When its last acknowledged beat was sent. */
  ackedSentMs: number;
  unansweredSinceMs: number | undefined;
  /** It was silent for too long and came back: since the first beat after that silence. */
  returnedMs: number | undefined;
  pausedSentMs: number | undefined;
  pausedAckedMs: number | undefined;
  certain: boolean;
  certainUntilMs: number;
  /** `allow` proves anything only for a beat sent some seconds after this. */
  doubtMs: number;
};

export function newSession(claim: {
  readonly id: string;
  readonly deviceId: string;
  readonly continues: string | undefined;
  readonly claimSentMs: number;
}): Session {
  return {
    ...claim,
    startsOnTheWay: 0,
    beatsOnTheWay: 0,
    ghost: false,
    admitted: false,
    denied: false,
    freedMs: undefined,
    ending: false,
    stoppedMs: undefined,
    takenOver: false,
    suspendedBy: undefined,
    rides: undefined,
    toldStop: false,
    heardMs: claim.claimSentMs,
    ackedSentMs: claim.claimSentMs,
    unansweredSinceMs: undefined,
    returnedMs: undefined,
    pausedSentMs: undefined,
    pausedAckedMs: undefined,
    certain: false,
    certainUntilMs: 0,
    doubtMs: claim.claimSentMs,
  };
}

export type Span = {
  readonly fromMs: number;
  readonly toMs: number;
};

export const silentMs = (session: Session, atMs: number, stalls: Stalls): number =>
  atMs - session.heardMs - stalls.within(session.heardMs, atMs);

/** It had a claim within the span that no reply had ended before the span. */
export function isOpen(session: Session, span: Span): boolean {
  if (session.claimSentMs > span.toMs) return false;
  return session.freedMs === undefined || session.freedMs >= span.fromMs || session.ghost;
}

export function possiblyHolds(session: Session, span: Span, roomAfterMs: number, stalls: Stalls): boolean {
  if (!isOpen(session, span)) return false;
  if (session.startsOnTheWay > 0 || session.beatsOnTheWay > 0) return true;
  if (silentMs(session, span.fromMs, stalls) > roomAfterMs) return false;
  const paused = session.pausedAckedMs;
  if (paused === undefined) return true;
  return span.fromMs - paused - stalls.within(paused, span.fromMs) <= PAUSE_HOLDS_MS + GRACE_MS;
}

export const holdsUntil = (sentAtMs: number, ageMs: number): number => sentAtMs - ageMs + LATE_MS - CLOCK_MS;

export const pausedOut = (session: Session, atMs: number): boolean =>
  session.pausedSentMs !== undefined && atMs - session.pausedSentMs > PAUSE_HOLDS_MS - CLOCK_MS;

export const certainlyHolds = (session: Session, atMs: number): boolean =>
  session.certain && session.certainUntilMs > atMs && !pausedOut(session, atMs);

export const maybeSilent = (session: Session, atMs: number): boolean =>
  session.returnedMs !== undefined || atMs > holdsUntil(session.ackedSentMs, 0);

/** Whether the server may have had a reason, by the contract, to tell this session to stop. */
export function hasCauseToStop(session: Session, others: Iterable<Session>, atMs: number): boolean {
  if (session.ending || session.takenOver || session.suspendedBy !== undefined) return true;
  if (maybeSilent(session, atMs) || pausedOut(session, atMs)) return true;
  // A start of the same device that was lost, or is on the way, may have replaced it.
  for (const other of others) {
    if (other === session || other.deviceId !== session.deviceId) continue;
    if (other.ghost || other.startsOnTheWay > 0) return true;
  }
  return false;
}
