import type { Decision, Policy } from '../../../schemas/generated/http.ts';
import type {
  Heartbeat,
  SessionStarted,
  SessionStopRequested,
  StreamDecided,
} from '../../../schemas/generated/records.ts';
import { parsePolicy } from '../../../schemas/policy.ts';
import { SECOND_MS } from '../../../schemas/time.ts';
import { testDriver, type TestDriver } from '../../../shared/runtime/test-driver.ts';
import { heartbeat } from '../../../shared/sessions/testing/heartbeat.ts';
import { type Account, holdsSlot, type Session } from '../account.ts';
import { concurrency } from '../concurrency.ts';
import { accountReader, type Asker, decisionOf, findSession, type Seen, stampFrom } from '../view.ts';

/** A household under the concurrency fold, told in the words of the domain; time is turned by hand. */
export type Household = {
  readonly driver: TestDriver<Account>;
  activate(yaml: string, how?: { readonly mode?: 'enforce' | 'observe'; readonly activatedAtMs?: number }): void;
  /** Answers what the session is told, as `told` does. */
  start(sessionId: string, said?: Said & Claiming): string;
  /** The session's next beat, unless it says which. */
  beat(sessionId: string, said?: Said): string;
  stop(sessionId: string, by?: SessionStopRequested['by'], requestId?: string): void;
  signal(signalId: string, said: Said & { readonly leaseMs: number; readonly requestId?: string }): string;
  erase(): void;
  /** Nobody says anything: ingest appends a tick each second. */
  silence(seconds: number): void;
  /** Somebody else on the partition takes a title off a list, so long after all that was before: ingest is away, and its ticks. */
  callNextDoor(afterMs: number): void;
  /** These beat every 10 s, and everybody else is silent. */
  watch(seconds: number, ...sessionIds: readonly string[]): void;
  /** `allow`, or `stop` and the reason. */
  told(sessionId: string): string;
  decision(sessionId: string, asker?: Partial<Asker>): Decision;
  session(sessionId: string): Session | undefined;
  seen(): Seen;
  /** Who holds a slot, oldest admission first. */
  holders(): readonly string[];
  /** What was decided since the last call. */
  decided(): readonly StreamDecided[];
  /** The same, as `outcome session reason`. */
  story(): readonly string[];
};

export type Who = Partial<
  Pick<
    Heartbeat,
    | 'deviceId'
    | 'deviceName'
    | 'deviceType'
    | 'profileId'
    | 'contentId'
    | 'contentType'
    | 'country'
    | 'metadata'
    | 'claims'
    | 'tracking'
  >
>;
export type Said = Who &
  Partial<Pick<Heartbeat, 'state' | 'sequence' | 'lastDecision'>> & {
    /** How old the beat was when it arrived. */
    readonly ageMs?: number;
  };
export type Claiming = Partial<Pick<SessionStarted, 'requestId' | 'continuesSessionId' | 'terminate'>>;

export const KEY = 'household';
export const METADATA_KEYS = ['studio'] as const;

/** A policy of these rules, in flow style: `{ id: two-streams, limit: 2 }`. */
export const rules = (version: number, ...written: readonly string[]): string =>
  `version: ${version}\nrules: [${written.join(', ')}]\n`;
export const TWO_STREAMS = rules(1, '{ id: two-streams, limit: 2 }');

export const policyOf = (yaml: string): Policy => {
  const parsed = parsePolicy(yaml, { metadataKeys: METADATA_KEYS });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.policy;
};

/** A beat of a device that has the name of its session, unless it is said otherwise. */
export const beatOf = (sessionId: string, nowMs: number, said: Said = {}): Heartbeat =>
  heartbeat(sessionId, nowMs, { deviceId: sessionId, clockSkewMs: said.ageMs ?? 0, ...said });

export const household = (yaml: string | null = TWO_STREAMS): Household => {
  const driver = testDriver(concurrency);
  const reader = accountReader({ read: (_processor, _partition, keys) => driver.view(keys) });
  const players = new Map<string, { who: Who; sequence: number }>();
  let requests = 0;
  let told = 0;

  const seen = (): Seen => {
    const answer = reader(0, [KEY]);
    if (answer instanceof Promise) throw new Error('the store in memory answers at once');
    return answer[0]!;
  };
  const session = (id: string): Session | undefined => findSession(seen(), id);
  const decision = (id: string, asker: Partial<Asker> = {}): Decision =>
    decisionOf(seen(), id, {
      profileId: null,
      nowMs: driver.now(),
      terminationToken: (s) => `token of ${s.sessionId} at ${s.admittedAt}`,
      ...asker,
    });
  const toldNow = (id: string): string => {
    const answer = decision(id);
    return answer.decision === 'allow' ? 'allow' : `stop ${answer.reason}`;
  };
  const nextRequest = (): string => `request-${(requests += 1)}`;

  /** As ingest does: a player goes on with its own numbers, and what it was last told is stamped on its beat. */
  const spoken = (id: string, { sequence, ageMs, state, lastDecision, ...who }: Said, first: number): Heartbeat => {
    const player = players.get(id) ?? { who: {}, sequence: first - 1 };
    const number = sequence ?? player.sequence + 1;
    players.set(id, { who: { ...player.who, ...who }, sequence: Math.max(player.sequence, number) });
    return beatOf(id, driver.now(), {
      ...player.who,
      ...who,
      sequence: number,
      state: state ?? 'playing',
      ageMs: ageMs ?? 0,
      lastDecision: lastDecision === undefined ? stampFrom(seen(), id, driver.now()) : lastDecision,
    });
  };
  const append = (...record: Parameters<typeof driver.append>): void => {
    driver.append(...record);
    driver.fold();
  };
  const started = (beat: Heartbeat, claim: Partial<SessionStarted>): void =>
    append(KEY, {
      type: 'SessionStarted',
      value: {
        requestId: nextRequest(),
        origin: 'player',
        leaseMs: null,
        continuesSessionId: null,
        terminate: [],
        beat,
        ...claim,
      },
    });

  const activate: Household['activate'] = (text, { mode = 'enforce', activatedAtMs = driver.now() } = {}) => {
    const policy = policyOf(text);
    const value = { version: policy.version, mode, policy: JSON.stringify(policy), activatedAtMs, by: 'test' };
    append(null, { type: 'PolicyActivated', value });
  };
  const beat: Household['beat'] = (id, said = {}) => {
    append(KEY, { type: 'Heartbeat', value: spoken(id, said, 1) });
    return toldNow(id);
  };
  const silence = (seconds: number): void => {
    driver.advance(Math.round(seconds * SECOND_MS));
    driver.fold();
  };
  if (yaml !== null) activate(yaml);

  return {
    driver,
    activate,
    beat,
    silence,
    seen,
    session,
    decision,
    told: toldNow,
    start: (id, { requestId, continuesSessionId, terminate, ...said } = {}) => {
      const value = spoken(id, { state: 'starting', ...said }, 0);
      const claim = { requestId: requestId ?? nextRequest() };
      started(value, { ...claim, continuesSessionId: continuesSessionId ?? null, terminate: terminate ?? [] });
      return toldNow(id);
    },
    stop: (sessionId, by = 'player', requestId = nextRequest()) => {
      const value = { requestId, tenant: 'tenant', sessionId, by, receivedAtMs: driver.now(), source: 'test' };
      append(KEY, { type: 'SessionStopRequested', value });
    },
    signal: (id, { leaseMs, requestId, ageMs: _, ...said }) => {
      started(beatOf(id, driver.now(), said), { origin: 'signal', leaseMs, requestId: requestId ?? nextRequest() });
      return toldNow(id);
    },
    erase: () =>
      append(KEY, {
        type: 'AccountErased',
        value: { requestId: nextRequest(), tenant: 'tenant', receivedAtMs: driver.now() },
      }),
    callNextDoor: (afterMs) => {
      const nowMs = driver.now() + afterMs;
      driver.setNow(nowMs);
      const title = { profileId: 'p', contentId: 'c', receivedAtMs: nowMs, occurredAtMs: nowMs };
      const value = { requestId: nextRequest(), tenant: 'tenant', source: 'api', ...title };
      append('neighbours', { type: 'ResumeHidden', value });
    },
    watch: (seconds, ...ids) => {
      for (let left = seconds; left > 0; left -= 10) {
        silence(Math.min(10, left));
        if (left >= 10) for (const id of ids) beat(id);
      }
    },
    holders: () => (seen().account?.sessions ?? []).filter(holdsSlot).map((s) => s.sessionId),
    decided: () => driver.outputs.slice(told, (told = driver.outputs.length)),
    story: () =>
      driver.outputs
        .slice(told, (told = driver.outputs.length))
        .map((d) => `${d.outcome} ${d.sessionId} ${d.reason}${d.observed ? ' observed' : ''}`),
  };
};
