import {
  certainlyHolds,
  GRACE_MS,
  hasCauseToStop,
  holdsUntil,
  LATE_MS,
  newSession,
  STRAGGLER_MS,
  type Session,
} from './certainty.ts';
import { release, type Account, type Court, type Of } from './court.ts';
import { findUnexplained, judgeRefusal } from './refusals.ts';

export function onStartSent(account: Account, fact: Of<'start-sent'>): void {
  account.known.add(fact.sessionId);
  let session = account.sessions.get(fact.sessionId);
  if (session === undefined) {
    const { sessionId: id, deviceId, continues, atMs: claimSentMs } = fact;
    session = newSession({ id, deviceId, continues, claimSentMs });
    for (const other of account.sessions.values()) {
      if (other.deviceId !== deviceId && other.id !== continues) continue;
      if (certainlyHolds(other, fact.atMs)) session.rides = other;
      if (other.freedMs === undefined) other.suspendedBy = id;
    }
    account.sessions.set(id, session);
  }
  session.startsOnTheWay += 1;
  for (const other of account.sessions.values()) {
    if (other.suspendedBy !== session.id) continue;
    other.certain = false;
    other.doubtMs = Infinity;
  }
}

function onAdmitted(court: Court, account: Account, session: Session, fact: Of<'start-answered'>): void {
  court.counts.admitted += 1;
  session.admitted = true;
  session.ghost = false;
  session.heardMs = Math.max(session.heardMs, fact.atMs);
  for (const other of account.sessions.values()) {
    if (other === session || (other.deviceId !== session.deviceId && other.id !== session.continues)) continue;
    other.takenOver = true;
    release(other, fact.atMs);
  }
  if (fact.decision.degraded) {
    account.degraded = true;
    session.doubtMs = fact.atMs;
    session.returnedMs = fact.atMs; // nothing proves that the log admitted it as well
    return;
  }
  if (session.ending) return;
  session.certainUntilMs = holdsUntil(session.claimSentMs, 0);
  court.becomeCertain(account, session, fact);
}

function onDenied(court: Court, account: Account, session: Session, fact: Of<'start-answered'>): void {
  court.counts.denied += 1;
  session.denied = true;
  release(session, fact.atMs);
  const restored = [...account.sessions.values()].filter(({ suspendedBy }) => suspendedBy === session.id);
  for (const other of restored) {
    other.suspendedBy = undefined;
    other.doubtMs = fact.atMs;
    if (other.admitted && !hasCauseToStop(other, account.sessions.values(), fact.atMs))
      court.becomeCertain(account, other, fact);
  }
  if (fact.decision.degraded) return;

  const missing = findUnexplained(fact.decision, account.known);
  if (missing !== undefined) court.blame(account, 'unexplained-refusal', fact, missing);

  const ride = session.rides;
  if (ride !== undefined && restored.includes(ride) && certainlyHolds(ride, fact.atMs) && !account.degraded) {
    const kind = ride.id === session.continues ? 'hand-over-refused' : 'zapping-refused';
    return court.blame(account, kind, fact, `${ride.id} held a slot that ${session.id} takes over`);
  }
  const span = { fromMs: fact.sentAtMs, toMs: fact.atMs };
  const refused = { session, span, sessions: account.sessions.values(), roomAfterMs: LATE_MS + GRACE_MS };
  court.convict(account, judgeRefusal(account, refused, court));
}

export function onStartAnswered(court: Court, account: Account, fact: Of<'start-answered'>): void {
  const session = account.sessions.get(fact.sessionId);
  if (session === undefined) return;
  session.startsOnTheWay -= 1;
  if (fact.decision.degraded) court.counts.degraded += 1;
  if (fact.decision.allow && fact.answeredSessionId !== session.id)
    court.blame(account, 'wrong-answer', fact, `answered about ${fact.answeredSessionId ?? 'no session'}`);
  if (fact.repeat) {
    session.heardMs = Math.max(session.heardMs, fact.atMs);
    const mayDiffer = fact.decision.degraded || hasCauseToStop(session, account.sessions.values(), fact.atMs);
    if (!fact.decision.allow && !mayDiffer) court.blame(account, 'repeat-differs', fact, fact.decision.reason);
    return;
  }
  court.counts.startsDecided += 1;
  if (fact.decision.allow) onAdmitted(court, account, session, fact);
  else onDenied(court, account, session, fact);
  court.settle(account, session);
}

/** A start that got no answer may be done or not, now or a little later. */
export function onStartLost(court: Court, account: Account, fact: Of<'call-lost'>): void {
  const session = account.sessions.get(fact.sessionId);
  if (session === undefined) return;
  session.heardMs = Math.max(session.heardMs, fact.atMs + STRAGGLER_MS);
  session.startsOnTheWay -= 1;
  session.ghost = !session.admitted;
  for (const other of account.sessions.values())
    if (other.suspendedBy === session.id) other.doubtMs = fact.atMs + STRAGGLER_MS;
  court.settle(account, session);
}

export function onStartRefused(court: Court, account: Account, fact: Of<'call-refused'>): void {
  const session = account.sessions.get(fact.sessionId);
  if (session === undefined) return;
  session.startsOnTheWay -= 1;
  session.denied = true;
  release(session, fact.atMs);
  for (const other of account.sessions.values()) {
    if (other.suspendedBy !== session.id) continue;
    other.suspendedBy = undefined;
    other.doubtMs = fact.atMs;
  }
  court.settle(account, session);
}
