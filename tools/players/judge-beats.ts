import {
  GONE_MS,
  GRACE_MS,
  hasCauseToStop,
  holdsUntil,
  LATE_MS,
  maybeSilent,
  pausedOut,
  SETTLED_MS,
  STRAGGLER_MS,
  type Session,
} from './certainty.ts';
import { LAST_STATES, release, type Account, type Court, type Of } from './court.ts';
import { judgeRefusal } from './refusals.ts';

const SILENCE_REASONS: readonly string[] = ['SILENT_TOO_LONG', 'PAUSED_TOO_LONG'];

type Told = Of<'beat-answered'> | Of<'check-answered'>;

export function onBeatSent(account: Account, fact: Of<'beat-sent'>): void {
  const session = account.sessions.get(fact.sessionId);
  if (session === undefined) return;
  session.beatsOnTheWay += 1;
  session.unansweredSinceMs ??= fact.atMs;
  if (!fact.fresh) return;
  if (LAST_STATES.includes(fact.state)) {
    session.ending = true;
    session.certain = false;
  }
  if (fact.state === 'paused') session.pausedSentMs ??= fact.atMs;
  else {
    if (pausedOut(session, fact.atMs)) {
      session.returnedMs ??= fact.atMs;
      session.doubtMs = fact.atMs;
      session.certain = false;
    }
    session.pausedSentMs = session.pausedAckedMs = undefined;
  }
}

function onToldStop(court: Court, account: Account, session: Session, fact: Told): void {
  const reason = fact.decision?.reason ?? '';
  if (!session.admitted || session.toldStop) return;
  session.toldStop = true;
  if (!hasCauseToStop(session, account.sessions.values(), fact.atMs)) {
    court.blame(account, 'stopped-without-cause', fact, reason);
  } else if (SILENCE_REASONS.includes(reason)) {
    court.counts.displaced += 1;
  } else if (reason === 'LIMIT_REACHED' && !session.ending && !session.takenOver && !account.degraded) {
    const span = { fromMs: session.returnedMs ?? fact.sentAtMs, toMs: fact.atMs };
    // Who comes back may have to wait until the silent ones are gone.
    const refused = { session, span, sessions: account.sessions.values(), roomAfterMs: GONE_MS + GRACE_MS };
    court.convict(account, judgeRefusal(account, refused, court));
  }
  session.certain = false;
  // Told that it was silent, by a decision older than its beat: the beat itself may have got it a slot again.
  if (!SILENCE_REASONS.includes(reason)) release(session, fact.atMs);
}

export function onDecision(court: Court, account: Account, session: Session, fact: Told): void {
  const { decision, sentAtMs } = fact;
  if (decision === undefined) return;
  if (decision.degraded) court.counts.degraded += 1;
  else if (!decision.allow) onToldStop(court, account, session, fact);
  else if (session.stoppedMs !== undefined && sentAtMs > session.stoppedMs + STRAGGLER_MS) {
    if (!session.toldStop) court.blame(account, 'revived', fact, `stopped at ${Math.round(session.stoppedMs)} ms`);
    session.toldStop = true;
  } else if (
    fact.type === 'beat-answered' &&
    !session.certain &&
    session.admitted &&
    session.freedMs === undefined &&
    !session.ending &&
    sentAtMs > session.doubtMs + SETTLED_MS
  ) {
    if (session.returnedMs !== undefined) court.counts.returned += 1;
    session.certainUntilMs = holdsUntil(sentAtMs, fact.ageMs);
    court.becomeCertain(account, session, fact);
  }
}

export function onBeatAnswered(court: Court, account: Account, fact: Of<'beat-answered'>): void {
  if (fact.answered?.sessionId !== fact.sessionId || fact.answered.sequence !== fact.sequence) {
    const { answered } = fact;
    const instead = answered === undefined ? 'nothing' : `${answered.sessionId} #${answered.sequence}`;
    court.blame(account, 'wrong-answer', fact, `sent #${fact.sequence}, answered: ${instead}`);
  }
  const session = account.sessions.get(fact.sessionId);
  if (session === undefined) return;
  session.beatsOnTheWay -= 1;
  if (fact.ageMs <= LATE_MS + GRACE_MS) session.heardMs = Math.max(session.heardMs, fact.atMs);
  if (maybeSilent(session, fact.atMs) && session.returnedMs === undefined) {
    session.returnedMs = session.unansweredSinceMs ?? fact.sentAtMs;
    session.doubtMs = fact.atMs;
    session.certain = false;
  }
  if (session.beatsOnTheWay === 0) session.unansweredSinceMs = undefined;
  if (fact.fresh) {
    session.ackedSentMs = Math.max(session.ackedSentMs, fact.sentAtMs - fact.ageMs);
    session.certainUntilMs = Math.max(session.certainUntilMs, holdsUntil(fact.sentAtMs, fact.ageMs));
    if (fact.state === 'paused' && session.pausedSentMs !== undefined) session.pausedAckedMs ??= fact.atMs;
    if (LAST_STATES.includes(fact.state)) {
      session.stoppedMs ??= fact.atMs;
      release(session, fact.atMs);
    }
  }
  onDecision(court, account, session, fact);
}
