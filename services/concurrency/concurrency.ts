import type {
  Heartbeat,
  PolicyActivated,
  SessionStarted,
  SessionStopRequested,
} from '../../schemas/generated/records.ts';
import { policyFromJson } from '../../schemas/policy.ts';
import type { Reason } from '../../schemas/reasons.ts';
import { MINUTE_MS } from '../../schemas/time.ts';
import type { At, Effect, Processor, Step } from '../../shared/runtime/processor.ts';
import { beatAgeMs, isFlushed, isOver, isRepeat, mayClaim } from '../../shared/sessions/lifecycle.ts';
import {
  ACCOUNT,
  type Account,
  type Control,
  holdsSlot,
  isPausedTooLong,
  isSilent,
  lapsesAt,
  REMEMBERED_MS,
  type Session,
  type Status,
} from './account.ts';
import { decided, observedDecision, type Outcome } from './decided.ts';
import { judge, type Power } from './judge.ts';
import {
  appended,
  bounded,
  claimantOf,
  ended,
  lateMsOf,
  mayComeBack,
  mayTryAgain,
  newSession,
  signalled,
  STATUS_TOLD,
  toldBy,
  withSession,
} from './sessions.ts';

type Here = At<Control>;

/** Who may stream: folds starts, beats and stops of an account into the sessions that hold its slots. */
export const concurrency: Processor<Account, Control> = {
  name: 'concurrency',
  input: 'heartbeats.v1',
  // A remembered session is forgotten 10 minutes after its last beat; the longest lease that a signal may ask for is 10 more.
  rebuildWindowMs: 20 * MINUTE_MS,
  stateVersion: 1,
  shape: ACCOUNT,
  upgrade: (state) => state as Account,
  onRecord: (account, event, at) => {
    const before = account ?? { tenant: '', sessions: [] };
    switch (event.type) {
      case 'SessionStarted':
        return onStart(before, event.value, at);
      case 'Heartbeat':
        return onBeat(before, event.value, at);
      case 'SessionStopRequested':
        return onStop(before, event.value, at);
      case 'AccountErased':
        return { state: undefined, effects: [{ emit: 'stream-decisions.v1', key: at.key, record: null }] };
      case 'Tick':
      case 'PolicyActivated':
      case 'ResumeHidden':
      case 'ResumeUndone':
      case 'AudienceMoved':
      case 'TimeRelayed':
      case 'StreamDecided':
        return step(before, [], at);
    }
  },
  onTimer: (account, at) => {
    const effects: Effect[] = [];
    const sessions = account.sessions.flatMap((s) => {
      if (holdsSlot(s) && lapsesAt(s) <= at.liveMs) return [ended(s, 'gone', 'SILENT_TOO_LONG')];
      return !holdsSlot(s) && s.lastBeatLiveMs + REMEMBERED_MS <= at.liveMs ? [] : [s];
    });
    const next = { ...account, sessions };
    for (const s of sessions) {
      if (s.status === 'gone' && !account.sessions.includes(s)) effects.push(decided(next, s, 'expired', at));
    }
    return step(next, effects, at);
  },
  onControl: (control, event) => (event.type === 'PolicyActivated' ? activated(control, event.value) : control),
};

const activated = (control: Control | undefined, record: PolicyActivated): Control => {
  if (control !== undefined && !supersedes(record, control)) return control;
  const { version, mode, activatedAtMs } = record;
  return { version, mode, activatedAtMs, policy: policyFromJson(record.policy) };
};

type Activated = Pick<PolicyActivated, 'version' | 'activatedAtMs'>;
/** Versions only grow; a repeat of the one in force changes nothing, and a switch of its mode is newer by its time. */
export const supersedes = (record: Activated, current: Activated): boolean =>
  record.version === current.version ? record.activatedAtMs > current.activatedAtMs : record.version > current.version;

const onStart = (account: Account, start: SessionStarted, at: Here): Step<Account> => {
  const { beat, requestId } = start;
  const known = account.sessions.find((s) => s.sessionId === beat.sessionId);
  if (known !== undefined) {
    if (known.requestId === requestId) return step(account, [], at);
    // A start sent again: its holder keeps the slot, lives, and answers to the newest request from now on.
    if (holdsSlot(known)) {
      const lastBeatLiveMs = Math.max(known.lastBeatLiveMs, at.liveMs - beatAgeMs(beat));
      const lastBeatAtMs = Math.max(known.lastBeatAtMs, beat.occurredAtMs);
      return step(withSession(account, { ...known, requestId, lastBeatLiveMs, lastBeatAtMs }), [], at);
    }
    // Whose slot somebody took, or who stopped, stays told so; an overtaken start must not bring it back.
    if (!mayTryAgain(known)) return step(account, [], at);
  }
  if (start.origin === 'signal') return onSignal(account, start, at);
  const continued = account.sessions.filter((s) => holdsSlot(s) && s.sessionId === start.continuesSessionId);
  const terminated = account.sessions.filter(
    (s) => holdsSlot(s) && start.terminate.some((t) => t.sessionId === s.sessionId && t.admittedAt === s.admittedAt),
  );
  return claim(account, { ...plainClaim(beat, 'full', at), takesOver: continued, requestId, terminated });
};

/** A backend speaks for a silent player: it extends that player's session where there is one. */
const onSignal = (account: Account, { beat, requestId, leaseMs }: SessionStarted, at: Here): Step<Account> => {
  const same = account.sessions.find(
    (s) => holdsSlot(s) && s.deviceId === beat.deviceId && s.contentId === beat.contentId,
  );
  if (same === undefined)
    return claim(account, { ...plainClaim(beat, 'signal', at), requestId, signalLeaseMs: leaseMs });
  const vouchedUntilLiveMs = Math.max(same.vouchedUntilLiveMs, at.liveMs + (leaseMs ?? same.leaseMs));
  return step(withSession(account, { ...same, vouchedUntilLiveMs }), [], at);
};

const onBeat = (account: Account, beat: Heartbeat, at: Here): Step<Account> => {
  const session = account.sessions.find((s) => s.sessionId === beat.sessionId);
  if (session === undefined) return onUnknownBeat(account, beat, at);
  if (isRepeat(session, beat)) return step(account, [], at);
  const { sequence } = beat;
  const told = toldBy(beat);
  const holds = holdsSlot(session);
  if (isOver(beat)) {
    if (holds) return end(account, { ...session, sequence, told }, { reason: 'STOPPED', at });
    return step(withSession(account, { ...session, sequence, told }), [], at);
  }
  if (isFlushed(beat, session.lateMs)) return step(withSession(account, { ...session, sequence, told }), [], at);
  if (!holds && mayComeBack(session)) return claim(account, plainClaim(beat, 'meek', at));
  const live = at.liveMs - beatAgeMs(beat);
  const heard: Session = {
    ...session,
    sequence,
    told,
    lastBeatAtMs: Math.max(session.lastBeatAtMs, beat.occurredAtMs),
    lastBeatLiveMs: Math.max(session.lastBeatLiveMs, live),
    status: session.status === 'starting' && beat.state !== 'starting' ? 'active' : session.status,
    pausedSinceLiveMs: holds && beat.state === 'paused' ? (session.pausedSinceLiveMs ?? live) : null,
    // The player speaks for itself again: if it is cut off now, its own lease counts.
    vouchedUntilLiveMs: 0,
  };
  return step(withSession(account, heard), [], at);
};

/** A beat of a session that the account does not know: after a lost start, a long sleep, or the loss of all state. */
const onUnknownBeat = (account: Account, beat: Heartbeat, at: Here): Step<Account> => {
  if (isOver(beat) || isFlushed(beat, lateMsOf(beat, at))) return step(account, [], at);
  const told = toldBy(beat);
  if (told === null && mayClaim(beat)) return claim(account, plainClaim(beat, 'full', at));
  // The slot was lost in silence, or its past is forgotten: judged like a newcomer that evicts nobody.
  if (told === null || STATUS_TOLD[told] === 'gone') return claim(account, plainClaim(beat, 'meek', at));
  // All state was lost: what the session was last told is what it is.
  const judged = { status: STATUS_TOLD[told], reason: told, rule: null, limit: null, requestId: null };
  return step(appended(account, beat.tenant, newSession(beat, at, judged)), [], at);
};

const onStop = (account: Account, stop: SessionStopRequested, at: Here): Step<Account> => {
  const session = account.sessions.find((s) => s.sessionId === stop.sessionId);
  if (session === undefined) return step(account, [], at);
  if (stop.by === 'undecided') return onUndecided(account, session, stop, at);
  const reason = stop.by === 'player' ? 'STOPPED' : 'TERMINATED_BY_USER';
  if (holdsSlot(session)) return end(account, session, { reason, at });
  // Who might come back from silence does not after a stop.
  return mayComeBack(session)
    ? step(withSession(account, ended(session, 'stopped', reason)), [], at)
    : step(account, [], at);
};

/** Its claim was answered 503, so it must not hold a slot; forgotten, so that the same start sent again is judged anew. */
const onUndecided = (account: Account, session: Session, stop: SessionStopRequested, at: Here): Step<Account> => {
  if (session.requestId !== stop.requestId) return step(account, [], at);
  const next = { ...account, sessions: account.sessions.filter((s) => s !== session) };
  if (!holdsSlot(session)) return step(next, [], at);
  return step(next, [decided(next, ended(session, 'stopped', 'SERVICE_DEGRADED'), 'stopped', at)], at);
};

type Claiming = {
  readonly beat: Heartbeat;
  readonly power: Power;
  readonly at: Here;
  readonly requestId: string | null;
  readonly takesOver: readonly Session[];
  /** Sessions that the claim's owner asked to stop, whether or not the claim is admitted. */
  readonly terminated: readonly Session[];
  readonly signalLeaseMs: number | null;
};

const plainClaim = (beat: Heartbeat, power: Power, at: Here): Claiming => ({
  beat,
  power,
  at,
  requestId: null,
  takesOver: [],
  terminated: [],
  signalLeaseMs: null,
});

const claim = (before: Account, claiming: Claiming): Step<Account> => {
  const { beat, at, power, requestId, signalLeaseMs } = claiming;
  const { control } = at;
  // Before the first policy nothing is judged: the session stays unknown, and its next beat says what it was told.
  if (control === undefined) return step(before, [], at);
  const takenBy = { sessionId: beat.sessionId, deviceId: beat.deviceId, deviceName: beat.deviceName };
  const known = before.sessions.find((s) => s.sessionId === beat.sessionId);
  let account: Account = before;
  const out: [Session, Outcome][] = [];
  const lose = (session: Session, status: Outcome & Status, reason: Reason): void => {
    const lost = { ...ended(session, status, reason), takenBy };
    account = withSession(account, lost);
    out.push([lost, status]);
  };
  for (const session of claiming.terminated) lose(session, 'stopped', 'TERMINATED_BY_USER');
  const asked = [...claiming.takesOver, ...(power === 'signal' ? [] : signalled(before, beat))];
  const takesOver = asked.filter((s) => !claiming.terminated.includes(s));
  const verdict = judge(control, account.sessions, { claimant: claimantOf(beat), power, takesOver }, at.liveMs);
  for (const { session, how, rule, limit } of verdict.losers) {
    const lost = rule === null ? session : { ...session, rule: rule.id, limit, policyVersion: control.version };
    lose(lost, how, LOST_BY[how](session, at.liveMs));
  }

  const { admitted, reason, rule, limit } = verdict;
  const status = !admitted ? 'denied' : beat.state === 'starting' ? 'starting' : 'active';
  const judged = newSession(beat, at, { status, reason, rule: rule?.id ?? null, limit, requestId });
  const lease = signalLeaseMs === null ? {} : { leaseMs: signalLeaseMs, lateMs: signalLeaseMs };
  const session = { ...judged, ...lease, signal: power === 'signal' };
  account = appended(account, beat.tenant, session);
  out.push([session, admitted ? 'admitted' : 'denied']);

  const final = account;
  const returned = known?.status === 'displaced';
  const effects = out.map(([s, outcome]) => decided(final, s, outcome, at, { returned: returned && s === session }));
  for (const watched of verdict.observed) effects.push(observedDecision(final, session, watched, at));
  return step(final, effects, at);
};

const LOST_BY = {
  replaced: () => 'REPLACED_ON_DEVICE',
  evicted: () => 'EVICTED_BY_NEWER',
  displaced: (s, live) => (!isSilent(s, live) && isPausedTooLong(s, live) ? 'PAUSED_TOO_LONG' : 'SILENT_TOO_LONG'),
} as const satisfies Record<string, (s: Session, live: number) => Reason>;

const end = (account: Account, session: Session, { reason, at }: { reason: Reason; at: Here }): Step<Account> => {
  const stopped = ended(session, 'stopped', reason);
  const next = withSession(account, stopped);
  return step(next, [decided(next, stopped, 'stopped', at)], at);
};

const step = (next: Account, effects: readonly Effect[], at: Here): Step<Account> => {
  const account = bounded(next);
  if (account.sessions.length === 0) return { state: undefined, effects };
  let due = Number.POSITIVE_INFINITY;
  for (const s of account.sessions) {
    due = Math.min(due, holdsSlot(s) ? lapsesAt(s) : s.lastBeatLiveMs + REMEMBERED_MS);
  }
  return { state: account, effects, wakeInMs: due - at.liveMs };
};
