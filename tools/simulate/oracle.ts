import type {
  Heartbeat,
  SessionStarted,
  SessionStopRequested,
  StreamDecided,
} from '../../schemas/generated/records.ts';
import type { Policy } from '../../schemas/generated/http.ts';
import { ageOf, DEFAULT_HOLD, hasLapsed, type InForce, isPausedOut, isSilent, type Known, speaksOf } from './known.ts';
import { checkClaim } from './oracle-claims.ts';
import { createOracleClock } from './oracle-clock.ts';
import type { SimRecord } from './sim-log.ts';
import type { Trace } from './trace.ts';
import { type Invariant, Violation } from './violation.ts';

/**
 * Holds each output to the rules of the domain, without the product's own code: it is told what was decided, and says
 * whether that may be. It follows the log from the start of a history, which a loss of all state starts anew.
 */
export type Oracle = {
  /** `sessions`: what the fold keeps after the record. */
  record(record: SimRecord, outputs: readonly StreamDecided[], account: Kept | undefined): void;
};

type Kept = { readonly sessions: readonly { readonly sessionId: string; readonly reason: string }[] };

export type OracleParts = {
  readonly from: number;
  readonly trace: Trace;
  /** Whether this session's player had been heard and had tried to beat ever since, by the time of this record. */
  readonly wasSteady: (sessionId: string, offset: number) => boolean;
};

const REMEMBERED_MS = 600_000;
const MAX_REMEMBERED = 64;
const OVER = ['ended', 'stopped', 'failed'];
const RETURNABLE = ['SILENT_TOO_LONG', 'PAUSED_TOO_LONG'];
const REFUSED = ['LIMIT_REACHED', 'SESSION_CAP'];

export const createOracle = ({ trace, wasSteady }: OracleParts): Oracle => {
  const clock = createOracleClock();
  let sessions: Known[] = [];
  let inForce: InForce | null = null;
  let claims = 0;
  let live = 0;
  let offset = 0;
  let left: StreamDecided[] = [];

  const fail = (invariant: Invariant, detail: string): never => {
    throw new Violation(invariant, `offset ${offset}, live ${live}: ${detail}`);
  };
  const find = (id: string): Known | undefined => sessions.find((s) => s.id === id);
  const take = (fits: (output: StreamDecided) => boolean): readonly StreamDecided[] => {
    const taken = left.filter(fits);
    left = left.filter((o) => !fits(o));
    return taken;
  };
  const end = (s: Known, reason: string): void => {
    s.holds = false;
    s.reason = reason;
    s.pausedSinceMs = null;
  };
  const mustNotBeSteady = (s: Known, how: string): void => {
    if (!s.signal && wasSteady(s.id, offset)) fail('T6 expiry', `${s.id} was ${how}, and its player had never stopped`);
  };

  const leases = (): void => {
    for (const { sessionId } of take((o) => o.outcome === 'expired')) {
      const s = find(sessionId);
      if (s === undefined || !s.holds || !hasLapsed(s, live)) {
        return fail(
          'T2 lease',
          `${sessionId} expired ${s === undefined ? '' : `${live - s.lastBeatMs} ms`} after its last beat`,
        );
      }
      mustNotBeSteady(s, 'expired');
      end(s, 'SILENT_TOO_LONG');
    }
    for (const s of sessions) {
      if (s.holds && hasLapsed(s, live)) {
        fail('T2 lease', `${s.id} holds a slot ${live - s.lastBeatMs} ms after its last beat`);
      }
    }
    sessions = sessions.filter((s) => s.holds || live - s.lastBeatMs < REMEMBERED_MS);
    forgetOldest();
  };

  const holdFor = (beat: Heartbeat) =>
    inForce === null ? DEFAULT_HOLD : (inForce.policy.rules.find((r) => speaksOf(r, beat)) ?? inForce.policy.defaults);

  const remember = (
    beat: Heartbeat,
    s: Pick<Known, 'holds' | 'reason' | 'requestId'>,
    leaseMs: number | null,
  ): void => {
    const hold = holdFor(beat);
    const lastBeatMs = live - ageOf(beat);
    sessions = sessions.filter((other) => other.id !== beat.sessionId);
    sessions.push({
      ...s,
      id: beat.sessionId,
      beat,
      order: (claims += 1),
      admittedAt: s.holds ? `1.0.${offset}` : null,
      sequence: beat.sequence,
      lastBeatMs,
      pausedSinceMs: s.holds && beat.state === 'paused' ? lastBeatMs : null,
      vouchedUntilMs: 0,
      leaseMs: leaseMs ?? hold.leaseMs,
      lateMs: leaseMs ?? hold.lateMs,
      pausedHoldsMs: hold.pausedHoldsMs,
      signal: leaseMs !== null,
    });
  };
  const forgetOldest = (): void => {
    if (sessions.length <= MAX_REMEMBERED) return;
    const ended = sessions.filter((e) => !e.holds).sort((a, b) => a.lastBeatMs - b.lastBeatMs);
    const forgotten = new Set(ended.slice(0, Math.max(0, ended.length - MAX_REMEMBERED)));
    sessions = sessions.filter((e) => !forgotten.has(e));
  };

  type Claim = { full: boolean; takesOver: readonly Known[]; requestId: string | null; leaseMs: number | null };
  const judged = (beat: Heartbeat, { full, requestId, leaseMs, ...claim }: Claim): void => {
    if (inForce === null) return; // nothing is judged before the first policy
    const observed = take((o) => o.observed);
    const verdicts = take(
      (o) => o.sessionId === beat.sessionId && (o.outcome === 'admitted' || o.outcome === 'denied'),
    );
    const [verdict] = verdicts;
    if (verdict === undefined || verdicts.length > 1) {
      return fail('T1 claims', `the claim of ${beat.sessionId} has ${verdicts.length} verdicts`);
    }
    const lost = take((o) => o.outcome === 'replaced' || o.outcome === 'displaced' || o.outcome === 'evicted');
    const holders = sessions.filter((s) => s.holds && s.id !== beat.sessionId);
    // What a backend's signal started for a player is that player's as soon as it speaks for itself.
    const { deviceId, contentId } = beat;
    const isOwn = (s: Known): boolean => s.signal && s.beat.deviceId === deviceId && s.beat.contentId === contentId;
    const takesOver = holders.filter((s) => claim.takesOver.includes(s) || (leaseMs === null && isOwn(s)));
    const losers = lost.map(({ sessionId, outcome }) => {
      const session = holders.find((s) => s.id === sessionId);
      if (session === undefined) return fail('T1 order', `${sessionId} was ${outcome}, and held no slot`);
      return { session, outcome };
    });
    const { outcome, reason, rule } = verdict;
    checkClaim({
      inForce,
      liveMs: live,
      holders,
      beat,
      full,
      takesOver,
      admitted: outcome === 'admitted',
      reason,
      rule,
      losers,
      observed,
    });
    for (const { session, outcome: how } of losers) {
      const paused = !isSilent(session, live) && isPausedOut(session, live);
      if (how === 'displaced' && !paused) mustNotBeSteady(session, how);
      const reasons: Readonly<Record<string, string>> = { replaced: 'REPLACED_ON_DEVICE', evicted: 'EVICTED_BY_NEWER' };
      end(session, reasons[how] ?? (paused ? 'PAUSED_TOO_LONG' : 'SILENT_TOO_LONG'));
    }
    remember(beat, { holds: outcome === 'admitted', reason, requestId }, leaseMs);
  };
  const plain = { takesOver: [], requestId: null, leaseMs: null };

  const onStart = ({ beat, requestId, origin, leaseMs, continuesSessionId, terminate }: SessionStarted): void => {
    const known = find(beat.sessionId);
    if (known !== undefined) {
      if (known.requestId === requestId) return;
      if (known.holds) {
        // Sent again: it lives, and answers to the newest request.
        known.requestId = requestId;
        known.lastBeatMs = Math.max(known.lastBeatMs, live - ageOf(beat));
        return;
      }
      if (!RETURNABLE.includes(known.reason) && !REFUSED.includes(known.reason)) return;
    }
    if (origin === 'signal') {
      const same = sessions.find(
        (s) => s.holds && s.beat.deviceId === beat.deviceId && s.beat.contentId === beat.contentId,
      );
      if (same === undefined) return judged(beat, { ...plain, full: false, requestId, leaseMs });
      same.vouchedUntilMs = Math.max(same.vouchedUntilMs, live + (leaseMs ?? same.leaseMs));
      return;
    }
    const takesOver = sessions.filter((s) => s.id === continuesSessionId);
    if (inForce !== null) {
      for (const s of sessions) {
        if (s.holds && terminate.some((t) => t.sessionId === s.id && t.admittedAt === s.admittedAt))
          stopped(s, 'TERMINATED_BY_USER');
      }
    }
    judged(beat, { full: true, takesOver, requestId, leaseMs: null });
  };

  const onBeat = (beat: Heartbeat): void => {
    const s = find(beat.sessionId);
    const over = OVER.includes(beat.state);
    const age = ageOf(beat);
    if (s === undefined) return onUnknown(beat, over || age > holdFor(beat).lateMs);
    if (beat.sequence <= s.sequence) return;
    s.sequence = beat.sequence;
    if (over) {
      if (s.holds) stopped(s, 'STOPPED');
      return;
    }
    if (age > s.lateMs) return;
    if (!s.holds && RETURNABLE.includes(s.reason)) return judged(beat, { ...plain, full: false });
    s.lastBeatMs = Math.max(s.lastBeatMs, live - age);
    s.vouchedUntilMs = 0;
    s.pausedSinceMs = s.holds && beat.state === 'paused' ? (s.pausedSinceMs ?? live - age) : null;
  };
  const onUnknown = (beat: Heartbeat, idle: boolean): void => {
    if (idle) return;
    const told = beat.lastDecision;
    if (told === null && beat.sequence <= 3) return judged(beat, { ...plain, full: true });
    if (told === null || RETURNABLE.includes(told)) return judged(beat, { ...plain, full: false });
    // All state was lost: it is what it was told.
    remember(beat, { holds: told === 'OK' || told === 'SERVICE_DEGRADED', reason: told, requestId: null }, null);
    trace.add('restored', beat.sessionId, told);
  };

  const stopped = (s: Known, reason: string): void => {
    const [output] = take((o) => o.outcome === 'stopped' && o.sessionId === s.id);
    if (output?.reason !== reason) fail('T2 stop', `${s.id} was stopped (${reason}), and its slot is not free`);
    end(s, reason);
  };
  const onStop = ({ sessionId, by, requestId }: SessionStopRequested): void => {
    const s = find(sessionId);
    if (s === undefined) return;
    const reason = by === 'player' ? 'STOPPED' : 'TERMINATED_BY_USER';
    if (by === 'undecided') {
      if (s.requestId !== requestId) return;
      if (s.holds) stopped(s, 'SERVICE_DEGRADED');
      sessions = sessions.filter((other) => other !== s);
    } else if (s.holds) stopped(s, reason);
    else if (RETURNABLE.includes(s.reason)) s.reason = reason;
  };

  return {
    record: (record, outputs, account) => {
      const { event, appendedAtMs } = record;
      offset = record.offset;
      live = clock.step(appendedAtMs, event);
      left = [...outputs];
      for (const { sessionId, outcome, reason, bySessionId } of outputs) {
        trace.add('decided', offset, sessionId, outcome, reason, bySessionId ?? '');
      }
      leases();
      if (event.type === 'Heartbeat') onBeat(event.value);
      if (event.type === 'SessionStarted') onStart(event.value);
      if (event.type === 'SessionStopRequested') onStop(event.value);
      if (event.type === 'PolicyActivated') {
        const { version, mode, activatedAtMs, policy } = event.value;
        const newer =
          inForce === null ||
          version > inForce.version ||
          (version === inForce.version && activatedAtMs > inForce.activatedAtMs);
        if (newer) inForce = { version, mode, activatedAtMs, policy: JSON.parse(policy) as Policy };
      }
      forgetOldest();
      if (left.length > 0) fail('T1 claims', `nothing asks for ${JSON.stringify(left[0])}`);
      if (event.type === 'Tick' && outputs.length === 0) return;
      const kept = (account?.sessions ?? []).map((s) => `${s.sessionId} ${s.reason}`).join();
      const wanted = sessions.map((s) => `${s.id} ${s.reason}`).join();
      if (kept !== wanted) fail('T1 claims', `the fold keeps [${kept}], not [${wanted}]`);
    },
  };
};
