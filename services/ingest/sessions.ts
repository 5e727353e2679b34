import { encode } from '../../schemas/codec.ts';
import type { StartRequest } from '../../schemas/generated/http.ts';
import type { Heartbeat, SessionStarted } from '../../schemas/generated/records.ts';
import { validateSignal, validateStart, validateStop } from '../../schemas/validate.ts';
import { readJson } from '../../shared/http/body.ts';
import { type Call, ProblemError, type Reply, tenantOf } from '../../shared/http/call.ts';
import { refuseOther } from '../../shared/http/guard.ts';
import { idOf } from '../../shared/http/query.ts';
import { repeatIdOf } from '../../shared/http/repeats.ts';
import { REASON_QUERY, type Route } from '../../shared/http/route.ts';
import { SESSION_TOKEN_MS } from '../../shared/identity/tokens.ts';
import { formatPosition, positionOf } from '../../shared/log/position.ts';
import { askerFor, decisionOf, type Seen, signalledSession, stampFrom } from '../concurrency/view.ts';
import { claim } from './claim.ts';
import { MAX_BEAT_BYTES } from './heartbeats.ts';
import {
  append,
  auditedIfService,
  bearerOf,
  carriedBy,
  type Ingest,
  invalid,
  PLAYER_PROBLEMS,
  refuseMismatch,
  sessionTokenOf,
} from './ingest.ts';
import { stampBeat, stampSignal } from './stamp.ts';

export const sessionRoutes = (ingest: Ingest): readonly Route[] => [
  {
    method: 'POST',
    path: '/v1/sessions',
    operationId: 'startSession',
    summary: 'Start a stream: the first heartbeat, answered with the decision.',
    port: 'public',
    callers: ['session', 'player', 'service'],
    tokenInBody: true,
    touches: 'account-in-body',
    query: [REASON_QUERY],
    request: 'start-request',
    responses: { 201: 'start-response' },
    problems: ['STREAM_LIMIT_EXCEEDED', 'SESSION_ENDED', 'DECISION_UNAVAILABLE', ...PLAYER_PROBLEMS],
    handle: (call) => start(ingest, call),
  },
  {
    method: 'POST',
    path: '/v1/sessions/{sessionId}/stop',
    operationId: 'stopSession',
    summary: 'Stop a stream: its slot is free at once.',
    port: 'public',
    callers: ['session', 'player', 'service'],
    tokenInBody: true,
    touches: 'account-in-body',
    query: [REASON_QUERY],
    request: 'stop-request',
    responses: { 202: 'object' },
    problems: PLAYER_PROBLEMS,
    handle: (call) => stop(ingest, call),
  },
  {
    method: 'DELETE',
    path: '/v1/sessions/{sessionId}',
    operationId: 'endSession',
    summary: 'Stop a stream of the account, as from a list of streams.',
    port: 'public',
    callers: ['session', 'player', 'service'],
    touches: 'account-in-query',
    query: [{ name: 'accountId', description: 'The account of the session, where no token has it.' }, REASON_QUERY],
    responses: { 202: 'object' },
    problems: PLAYER_PROBLEMS,
    handle: (call) => stop(ingest, call),
  },
  {
    method: 'POST',
    path: '/v1/signals',
    operationId: 'signal',
    summary: 'A backend says that a silent player plays.',
    port: 'public',
    callers: ['service'],
    touches: 'account-in-body',
    request: 'signal-request',
    responses: { 201: 'decision' },
    problems: ['STREAM_LIMIT_EXCEEDED', 'SESSION_ENDED', 'DECISION_UNAVAILABLE', ...PLAYER_PROBLEMS],
    handle: (call) => signal(ingest, call),
  },
];

const start = async (ingest: Ingest, call: Call): Promise<Reply> => {
  const startedMs = ingest.clock();
  const body = await readJson(call.req, MAX_BEAT_BYTES);
  const inBody = isObject(body) && typeof body['sessionToken'] === 'string' ? body['sessionToken'] : undefined;
  const token = sessionTokenOf(ingest, call, inBody);
  const checked = validateStart(body, carriedBy(call, token));
  if (!checked.ok) throw invalid(checked.errors);
  const beat = checked.value;
  const mismatch = refuseMismatch(call, token, beat);
  if (mismatch !== null) throw mismatch;
  if (beat.state !== 'starting' && beat.state !== 'playing' && beat.state !== 'paused' && beat.state !== 'buffering') {
    throw invalid([{ path: '/state', code: 'ENUM', detail: 'a stream does not start by ending: send starting' }]);
  }
  for (const path of checked.dropped) ingest.count.dropped(path);

  const { tenant, claims } = bearerOf(call, token);
  const key = ingest.accountKey(tenant, beat.accountId);
  const requestId = repeatIdOf(call, beat.requestId, ingest.nextRequestId);
  // A start is made now: whatever age it claims, its viewer waits for the answer.
  const { ageMs: _, ...now } = beat;
  const stamped = (seen: Seen | null): Heartbeat =>
    stampBeat(now, {
      tenant,
      receivedAtMs: startedMs,
      source: 'player',
      networkKey: ingest.networkKey(call.req),
      lastDecision: seen === null ? null : stampFrom(seen, beat.sessionId, startedMs),
      claims,
      trace: call.trace ?? undefined,
      metadataKeys: ingest.metadataKeys,
    });
  const asker = askerFor(ingest, key, beat.profileId);
  const terminate = terminations(ingest, beat, key);
  const claiming = {
    call,
    key,
    startedMs,
    asker,
    sessionId: beat.sessionId,
    record: (seen: Seen | null): SessionStarted => ({
      requestId,
      origin: 'player',
      leaseMs: null,
      continuesSessionId: beat.continuesSessionId ?? null,
      terminate,
      beat: stamped(seen),
    }),
    decide: (seen: Seen) => decisionOf(seen, beat.sessionId, asker),
  };
  const begin = async (): Promise<Reply> => {
    const { decision } = await claim(ingest, claiming);
    const sessionToken = ingest.tokens.signSession({
      tenant,
      accountId: beat.accountId,
      profileId: beat.profileId,
      deviceId: beat.deviceId,
      deviceType: beat.deviceType,
      contentId: beat.contentId,
      contentType: beat.contentType,
      sessionId: beat.sessionId,
      claims,
      expiresAtMs: startedMs + SESSION_TOKEN_MS,
    });
    return { status: 201, body: { ...decision, sessionToken, nextHeartbeatMs: ingest.heartbeatIntervalMs } };
  };
  // Only a start that stops other sessions is more than the account's own.
  return terminate.length === 0
    ? begin()
    : auditedIfService(ingest, call, { action: 'startSession', about: key }, begin);
};

const signal = async (ingest: Ingest, call: Call): Promise<Reply> => {
  const startedMs = ingest.clock();
  const checked = validateSignal(await readJson(call.req, MAX_BEAT_BYTES));
  if (!checked.ok) throw invalid(checked.errors);
  const body = checked.value;
  for (const path of checked.dropped) ingest.count.dropped(path);
  const tenant = tenantOf(call);
  const key = ingest.accountKey(tenant, body.accountId);
  // Backends are trusted services: they may see what runs, whoever watches it.
  const asker = askerFor(ingest, key, null);
  const { decision } = await claim(ingest, {
    call,
    key,
    startedMs,
    asker,
    sessionId: body.signalId,
    record: () => ({
      requestId: ingest.nextRequestId(),
      origin: 'signal',
      leaseMs: body.leaseMs,
      continuesSessionId: null,
      terminate: [],
      beat: stampSignal(body, {
        tenant,
        receivedAtMs: startedMs,
        networkKey: null,
        claims: {},
        trace: call.trace ?? undefined,
        metadataKeys: ingest.metadataKeys,
      }),
    }),
    decide: (seen) => decisionOf(seen, signalledSession(seen, body)?.sessionId ?? body.signalId, asker),
  });
  return { status: 201, body: decision };
};

/** The sessions whose termination tokens came along. A token of another account, or not ours, is refused. */
const terminations = (ingest: Ingest, beat: StartRequest, accountKey: string): SessionStarted['terminate'] =>
  (beat.terminate ?? []).map((text, index) => {
    const token = ingest.tokens.readTermination(text);
    if (token === null || token.accountKey !== accountKey) {
      throw invalid([
        { path: `/terminate/${index}`, code: 'FORMAT', detail: 'is no termination token of this account' },
      ]);
    }
    return { sessionId: token.sessionId, admittedAt: token.admittedAt };
  });

const stop = async (ingest: Ingest, call: Call): Promise<Reply> => {
  const sessionId = idOf('sessionId', call.params['sessionId'] ?? '');
  const body = call.req.method === 'DELETE' ? undefined : await readJson(call.req, MAX_BEAT_BYTES);
  const checked = validateStop(body);
  if (!checked.ok) throw invalid(checked.errors);
  const token = sessionTokenOf(ingest, call, checked.value.sessionToken);
  const own = (token ?? call.caller)?.accountId ?? undefined;
  const asked = checked.value.accountId ?? call.query.get('accountId') ?? own;
  if (asked === undefined) {
    throw invalid([{ path: '/accountId', code: 'REQUIRED', detail: 'is required where no session token has it' }]);
  }
  const accountId = idOf('accountId', asked);
  if (token !== null && (token.accountId !== accountId || token.sessionId !== sessionId)) {
    throw new ProblemError('SESSION_TOKEN_MISMATCH', 'the session token is for another session');
  }
  if (token === null || call.caller !== null) refuseOther(call, accountId);
  const { tenant } = bearerOf(call, token);
  const key = ingest.accountKey(tenant, accountId);
  const by = checked.value.by ?? (call.req.method === 'DELETE' ? 'user' : 'player');
  const requestId = repeatIdOf(call, checked.value.requestId, ingest.nextRequestId);
  const trace = call.trace ?? undefined;
  const record = { requestId, tenant, sessionId, by, receivedAtMs: ingest.clock(), source: 'api', trace };
  const partition = ingest.partitionOf(key);
  const action = call.req.method === 'DELETE' ? 'endSession' : 'stopSession';
  return auditedIfService(ingest, call, { action, about: key }, async () => {
    const stored = await append(
      ingest,
      partition,
      { key, encode: () => encode('SessionStopRequested', record) },
      call.requestId,
    );
    // Answered once it is folded, so that whoever asks next finds the slot free; if that takes long, it is stored anyway.
    await ingest.decided(partition, stored.offset + 1);
    const position = formatPosition(positionOf(stored.partition, stored.offset));
    return { status: 202, body: { sessionId, position } };
  });
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
