import type { Decision, HeartbeatRequest, SignalRequest } from '../../schemas/generated/http.ts';
import type { SessionStarted, SessionStopRequested } from '../../schemas/generated/records.ts';
import type { Account } from '../../services/concurrency/account.ts';
import type { Seen } from '../../services/concurrency/view.ts';
import type { Prng } from '../players/prng.ts';
import type { Consumer } from './consumer-parts.ts';
import type { Engine } from './engine.ts';
import type { Mirror } from './mirror.ts';
import type { Schedule } from './schedule.ts';
import type { SimLog } from './sim-log.ts';
import type { Trace } from './trace.ts';
import { Violation } from './violation.ts';

/** What stands between the players and the log: it stamps, appends, ticks, and answers from the store. */
export type Ingest = {
  beat(beat: HeartbeatRequest, done: (reply: Reply) => void): void;
  start(start: Start, done: (reply: Reply) => void): void;
  signal(signal: SignalRequest): void;
  stop(sessionId: string, by: SessionStopRequested['by']): boolean;
  /** `down`: nobody is there. `log`: the node refuses, since it cannot store. `shed`: it refuses half of all. */
  trouble(kind: Trouble, ms: number): void;
  isDown(): boolean;
  policy(record: Parameters<Engine['encodeEvent']>[0]): void;
  /** Somebody may hold a slot: a tick each second, as on a real node. */
  tickLoop(): void;
};

export type Trouble = 'down' | 'log' | 'shed';
export type Start = {
  readonly beat: HeartbeatRequest;
  readonly requestId: string;
  readonly continues: string | null;
  readonly terminate: SessionStarted['terminate'];
};
/** `refused`: not stored. A decision is null where the view has none to give. */
export type Reply = { readonly refused: boolean; readonly decision: Decision | null };

export type IngestParts = {
  readonly engine: Engine;
  readonly rng: Prng;
  readonly schedule: Schedule;
  readonly log: SimLog;
  readonly consumer: Consumer;
  readonly mirror: Mirror;
  readonly trace: Trace;
  readonly key: string;
  readonly claims: Readonly<Record<string, string | number>>;
  /** Ticks come each second while anybody holds a slot, as on a real node. */
  readonly eachSecond: boolean;
};

const REFUSED: Reply = { refused: true, decision: null };
/** When a start that waits for its decision looks again; after the last it is undecided. */
const LOOKS_MS = [15, 60, 200, 500];
const SECOND_MS = 1_000;
/** A beat is missing. */
const SILENT_MS = 11 * SECOND_MS;

export const createIngest = (parts: IngestParts): Ingest => {
  const { engine, rng, schedule, log, consumer, mirror, trace, key } = parts;
  const reader = engine.accountReader({ read: (_processor, _partition, keys) => consumer.read(keys) });
  let newestTrouble: { readonly kind: Trouble; readonly untilMs: number } | null = null;
  let lastAppendMs = 0;
  let lastTickMs = 0;
  let refusedSome = false;
  let turnAt = Number.POSITIVE_INFINITY;

  const append = (event: Parameters<SimLog['append']>[1], of: string | null = key): number => {
    lastAppendMs = schedule.now();
    const { offset } = log.append(of, event);
    trace.add('append', offset, brief(event));
    nextTurn(parts.eachSecond ? SECOND_MS : 4 * SECOND_MS);
    return offset;
  };
  const tick = (): void => {
    const shedding = refusedSome;
    refusedSome = false;
    lastTickMs = schedule.now();
    append({ type: 'Tick', value: { source: 'node', shedding, receivedAtMs: log.clock() } }, null);
    consumer.wake(rng.chance(0.2) ? 1 : rng.between(500, 4_000));
  };
  const troubleNow = (): Trouble | null =>
    newestTrouble === null || schedule.now() >= newestTrouble.untilMs ? null : newestTrouble.kind;
  const accepts = (): boolean => {
    const trouble = troubleNow();
    if (trouble === null) return true;
    if (trouble === 'down') return false;
    if (trouble === 'shed' && rng.chance(0.5)) return true;
    refusedSome = true;
    return false;
  };
  /** As each append does: a tick that is owed goes first. */
  const store = (event: Parameters<SimLog['append']>[1]): number => {
    if (refusedSome && schedule.now() - lastTickMs >= SECOND_MS) tick();
    return append(event);
  };

  const turn = (): void => {
    turnAt = Number.POSITIVE_INFINITY;
    const trouble = troubleNow();
    const stores = trouble === null || trouble === 'shed';
    const quiet = schedule.now() - lastAppendMs >= SECOND_MS;
    const account = stateNow();
    if (stores && (quiet || (refusedSome && schedule.now() - lastTickMs >= SECOND_MS))) tick();
    nextTurn(intervalMs(account));
  };
  const stateNow = (): Account | undefined => {
    mirror.advance();
    return mirror.stateAt(log.end());
  };
  /**
   * A node ticks each second. Live time is the same with ticks up to 5 s apart, so where nobody is silent, and no lease
   * can end, there are fewer; and with nobody known there is nothing that live time moves.
   */
  const intervalMs = (account: Account | undefined): number => {
    if (account === undefined) return 60 * SECOND_MS;
    const holders = account.sessions.filter((s) => s.status === 'active' || s.status === 'starting');
    if (holders.length === 0) return 5 * SECOND_MS;
    const since = mirror.live() - SILENT_MS;
    return parts.eachSecond || holders.some((s) => s.lastBeatLiveMs < since) ? SECOND_MS : 4 * SECOND_MS;
  };
  const nextTurn = (ms: number): void => {
    const at = schedule.now() + ms;
    if (at >= turnAt) return;
    turnAt = at;
    schedule.after(ms, () => {
      if (turnAt === at) turn();
    });
  };

  const look = (): Seen => {
    const seen = reader(0, [key]);
    if (seen instanceof Promise || seen[0] === undefined) throw new Error('the store of a simulation answers at once');
    return seen[0];
  };
  const decide = (seen: Seen, sessionId: string): Decision => {
    const decision = engine.decisionOf(seen, sessionId, {
      profileId: null,
      nowMs: log.clock(),
      terminationToken: (s) => JSON.stringify({ sessionId: s.sessionId, admittedAt: s.admittedAt }),
    });
    if (seen.checkpoint !== null) checkAnswer(seen.checkpoint.offset, sessionId, decision);
    return decision;
  };
  const checkAnswer = (offset: number, sessionId: string, { decision, reason }: Decision): void => {
    mirror.advance();
    const session = mirror.stateAt(offset)?.sessions.find((s) => s.sessionId === sessionId);
    const allowed = session === undefined || session.status === 'active' || session.status === 'starting';
    if (reason !== (session?.reason ?? 'OK') || (decision === 'allow') !== allowed) {
      throw new Violation('T5 answers', `${sessionId} was told ${reason} at ${offset}, and is ${session?.reason}`);
    }
  };

  const stamp = (seen: Seen | null, sessionId: string) => ({
    tenant: 'home',
    receivedAtMs: log.clock(),
    source: 'player',
    networkKey: null,
    lastDecision: seen === null ? null : engine.stampFrom(seen, sessionId, log.clock()),
    claims: parts.claims,
    metadataKeys: [],
  });

  const stop: Ingest['stop'] = (sessionId, by) => {
    if (!accepts()) return false;
    const requestId = `stop-${log.end()}`;
    store({ type: 'SessionStopRequested', value: { requestId, ...stopFacts(), sessionId, by } });
    consumer.wake(rng.between(1, 30));
    return true;
  };
  const stopFacts = () => ({ tenant: 'home', receivedAtMs: log.clock(), source: 'api' });

  /** Waits until the fold has reached the record, 500 ms at most. */
  const decideAfter = (offset: number, sessionId: string, done: (decision: Decision | null) => void): void => {
    consumer.wake(rng.between(1, 30));
    const lookAgain = (at: number): void => {
      const waited = LOOKS_MS[at];
      if (waited === undefined) return done(null);
      schedule.after(waited - (LOOKS_MS[at - 1] ?? 0), () => {
        const seen = look();
        if (seen.checkpoint === null || seen.checkpoint.offset <= offset) return lookAgain(at + 1);
        const decision = decide(seen, sessionId);
        if (decision.degraded && engine.findSession(seen, sessionId) === undefined) return done(null);
        done(decision);
      });
    };
    lookAgain(0);
  };

  return {
    beat: (beat, done) => {
      if (!accepts()) return done(REFUSED);
      const seen = rng.chance(0.02) ? null : look();
      const value = engine.stampBeat(beat, stamp(seen, beat.sessionId));
      const offset = store({ type: 'Heartbeat', value });
      consumer.wake(rng.chance(0.5) ? rng.between(1, 30) : rng.between(200, 2_000));
      const session = seen === null ? undefined : engine.findSession(seen, beat.sessionId);
      const over = beat.state === 'ended' || beat.state === 'stopped' || beat.state === 'failed';
      if (seen !== null && engine.needsJudging(session) && !over && (beat.ageMs ?? 0) < 5_000) {
        return decideAfter(offset, beat.sessionId, (decision) => done({ refused: false, decision }));
      }
      const decision = seen === null || session === undefined ? null : decide(seen, beat.sessionId);
      done({ refused: false, decision });
    },
    start: ({ beat, requestId, continues, terminate }, done) => {
      if (!accepts()) return done(REFUSED);
      const before = rng.chance(0.02) ? null : look();
      const stamped = engine.stampBeat(beat, stamp(before, beat.sessionId));
      const value = {
        requestId,
        origin: 'player' as const,
        leaseMs: null,
        continuesSessionId: continues,
        terminate,
        beat: stamped,
      };
      const offset = store({ type: 'SessionStarted', value });
      decideAfter(offset, beat.sessionId, (decision) => {
        if (decision !== null) return done({ refused: false, decision });
        // The fail mode answers; where it refuses, a stop follows, so that no ghost holds a slot.
        const seen = look();
        if (!engine.decidesClosed(seen, stamped)) return done({ refused: false, decision: null });
        if (accepts()) {
          const undecided = { requestId, ...stopFacts(), sessionId: beat.sessionId, by: 'undecided' as const };
          store({ type: 'SessionStopRequested', value: undecided });
        }
        done(REFUSED);
      });
    },
    signal: (signal) => {
      if (!accepts()) return;
      const { source: _, lastDecision: __, ...rest } = stamp(null, signal.signalId);
      const value = {
        requestId: `signal-${log.end()}`,
        origin: 'signal' as const,
        leaseMs: signal.leaseMs,
        continuesSessionId: null,
        terminate: [],
        beat: engine.stampSignal(signal, rest),
      };
      store({ type: 'SessionStarted', value });
      consumer.wake(rng.between(1, 30));
    },
    stop,
    trouble: (kind, ms) => {
      newestTrouble = { kind, untilMs: schedule.now() + ms };
      trace.add('trouble', kind, ms);
    },
    isDown: () => troubleNow() === 'down',
    policy: (record) => {
      append(record, null);
      consumer.wake(rng.between(1, 2_000));
    },
    tickLoop: () => nextTurn(SECOND_MS),
  };
};

const brief = (event: Parameters<SimLog['append']>[1]): string => {
  switch (event.type) {
    case 'Heartbeat': {
      const { sessionId, sequence, state, lastDecision, receivedAtMs, occurredAtMs } = event.value;
      return `beat ${sessionId} #${sequence} ${state} told ${lastDecision} age ${receivedAtMs - occurredAtMs}`;
    }
    case 'SessionStarted': {
      const { requestId, origin, continuesSessionId, terminate, beat } = event.value;
      const rest = `${continuesSessionId ?? ''} ${terminate.map((t) => t.sessionId).join()}`;
      return `start ${beat.sessionId} on ${beat.deviceId} ${beat.contentType} ${origin} ${requestId} ${rest}`;
    }
    case 'SessionStopRequested':
      return `stop ${event.value.sessionId} by ${event.value.by}`;
    case 'Tick':
      return event.value.shedding ? 'tick shedding' : 'tick';
    case 'PolicyActivated':
      return `policy ${event.value.version} ${event.value.mode} ${event.value.policy}`;
    case 'AccountErased':
      return 'erased';
    case 'ResumeHidden':
    case 'ResumeUndone':
      return `${event.type} ${event.value.contentId}`;
    case 'AudienceMoved':
    case 'TimeRelayed':
    case 'StreamDecided':
      return event.type;
  }
};
