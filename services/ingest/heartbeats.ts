import { encode } from '../../schemas/codec.ts';
import type { Decision, HeartbeatRequest, IngestRejection } from '../../schemas/generated/http.ts';
import { isBatch, validateBatch, validateHeartbeat } from '../../schemas/validate.ts';
import { PROBLEMS } from '../../shared/errors/problems.ts';
import { parseJson, readBody } from '../../shared/http/body.ts';
import { type Call, CORS, JSON_TYPE, ProblemError, sendProblem } from '../../shared/http/call.ts';
import type { Route } from '../../shared/http/route.ts';
import type { SessionToken } from '../../shared/identity/tokens.ts';
import { formatPosition, positionOf } from '../../shared/log/position.ts';
import {
  decisionOf,
  decisionOpen,
  findSession,
  lastDecisionOf,
  needsJudging,
  type Seen,
  verdictOf,
} from '../concurrency/view.ts';
import {
  askerFor,
  carriedBy,
  DETAILS,
  type Ingest,
  invalid,
  refuseMismatch,
  retryAfterMs,
  seenAfter,
  sessionTokenOf,
} from './ingest.ts';
import type { Refusal, Stored } from './lanes.ts';
import { stampBeat } from './stamp.ts';

export const MAX_BEAT_BYTES = 4 * 1_024;
export const MAX_BATCH_BYTES = 64 * 1_024;

/** Which decision the replies carry: the newest known, none, or the one that includes the beat. */
type Wanted = 'latest' | 'none' | 'wait';

/** The hot route: nothing here waits but for the log, unless the beat is itself a claim. */
export const heartbeatRoute = (ingest: Ingest): Route => ({
  method: 'POST',
  path: '/v1/heartbeats',
  operationId: 'sendHeartbeats',
  summary: 'One heartbeat, or up to 50, stored before they are answered.',
  port: 'public',
  touches: 'account-in-body',
  hot: true,
  query: [
    {
      name: 'decision',
      description: 'Which decision the reply carries: the newest known (default), none, or one that includes the beat.',
      values: ['latest', 'none', 'wait'],
    },
  ],
  request: 'heartbeat-batch',
  responses: { 202: 'ingest-response' },
  problems: [
    'VALIDATION_FAILED',
    'MALFORMED_JSON',
    'TOO_DEEP',
    'BODY_TOO_LARGE',
    'UNSUPPORTED_MEDIA_TYPE',
    'UNSUPPORTED_ENCODING',
    'SESSION_TOKEN_INVALID',
    'SESSION_TOKEN_EXPIRED',
    'SESSION_TOKEN_MISMATCH',
    'LOG_UNAVAILABLE',
    'OVERLOADED',
    'SHUTTING_DOWN',
  ],
  handle: (call) => {
    const wanted = wantedOf(call);
    readBody(call.req, MAX_BATCH_BYTES, (error, body) => {
      if (error !== null) return fail(ingest, call, error);
      try {
        const value = parseJson(body);
        if (isBatch(value)) return takeBatch(ingest, call, value, wanted);
        if (body.length > MAX_BEAT_BYTES) {
          throw new ProblemError('BODY_TOO_LARGE', `one heartbeat is larger than ${MAX_BEAT_BYTES} bytes`);
        }
        takeOne(ingest, call, value, wanted);
      } catch (problem) {
        fail(ingest, call, problem);
      }
    });
    return null;
  },
});

const wantedOf = ({ query }: Call): Wanted => {
  const text = query.get('decision') ?? 'latest';
  if (text === 'latest' || text === 'none' || text === 'wait') return text;
  throw invalid([{ path: '/decision', code: 'ENUM', detail: 'must be latest, none or wait' }]);
};

const fail = (ingest: Ingest, call: Call, error: unknown): void => {
  const problem = error instanceof ProblemError ? error : new ProblemError('INTERNAL', PROBLEMS.INTERNAL.title);
  ingest.count.rejected(problem.code);
  ingest.count.answered(PROBLEMS[problem.code].status);
  sendProblem(call, problem.code, problem.message, problem.details);
};

const takeOne = (ingest: Ingest, call: Call, body: unknown, wanted: Wanted): void => {
  const token = sessionTokenOf(ingest, call, tokenIn(body));
  const checked = validateHeartbeat(body, carriedBy(token));
  if (!checked.ok) throw invalid(checked.errors);
  const mismatch = refuseMismatch(token, checked.value);
  if (mismatch !== null) throw mismatch;
  submit(ingest, call, {
    beat: checked.value,
    dropped: checked.dropped,
    token,
    wanted,
    accepted: (result) => answer(ingest, call, `{"accepted":1,"rejected":[],"results":[${result}]}`, 1),
    refused: (why) =>
      fail(ingest, call, new ProblemError(why, DETAILS[why], { retryAfterMs: retryAfterMs(call.requestId) })),
  });
};

const takeBatch = (ingest: Ingest, call: Call, body: unknown, wanted: Wanted): void => {
  const envelope = validateBatch(body);
  if (!envelope.ok) throw invalid(envelope.errors);
  const { heartbeats } = envelope.value;
  const token = sessionTokenOf(ingest, call, envelope.value.sessionToken);
  const rejected: IngestRejection[] = [];
  const results: string[] = [];
  let open = heartbeats.length;
  let answered = false;
  let refusal: Refusal | null = null;

  const finish = (): void => {
    if (open > 0 || answered) return;
    answered = true;
    const accepted = results.filter((r) => r !== undefined);
    if (accepted.length > 0) {
      const list = JSON.stringify(rejected.sort((a, b) => a.index - b.index));
      const text = `{"accepted":${accepted.length},"rejected":${list},"results":[${accepted.join(',')}]}`;
      return answer(ingest, call, text, accepted.length);
    }
    if (refusal !== null) {
      return fail(
        ingest,
        call,
        new ProblemError(refusal, DETAILS[refusal], { retryAfterMs: retryAfterMs(call.requestId) }),
      );
    }
    const errors = rejected.slice(0, 20).map(({ index, path, detail }) => ({
      path: `/heartbeats/${index}${path}`,
      code: 'TYPE' as const,
      detail,
    }));
    fail(
      ingest,
      call,
      new ProblemError('VALIDATION_FAILED', 'no heartbeat of the batch is valid', { errors, extra: { rejected } }),
    );
  };
  const reject = (index: number, code: string, detail: string, path: string, retryable: boolean): void => {
    open -= 1;
    rejected.push({ index, code, detail, path, retryable });
    ingest.count.rejected(code);
  };

  for (let index = 0; index < heartbeats.length; index++) {
    const own = tokenIn(heartbeats[index]);
    let bearer: SessionToken | null;
    try {
      bearer = own === undefined ? token : sessionTokenOf(ingest, call, own);
    } catch (error) {
      const code = error instanceof ProblemError ? error.code : 'INTERNAL';
      reject(index, code, error instanceof Error ? error.message : '', '/sessionToken', false);
      continue;
    }
    const checked = validateHeartbeat(heartbeats[index], carriedBy(bearer));
    if (!checked.ok) {
      const [first] = checked.errors;
      reject(
        index,
        'VALIDATION_FAILED',
        checked.errors.map((e) => `${e.path}: ${e.detail}`).join('; '),
        first?.path ?? '',
        false,
      );
      continue;
    }
    const mismatch = refuseMismatch(bearer, checked.value);
    if (mismatch !== null) {
      reject(index, mismatch.code, mismatch.message, '', false);
      continue;
    }
    submit(ingest, call, {
      beat: checked.value,
      dropped: checked.dropped,
      token: bearer,
      wanted,
      accepted: (result) => {
        open -= 1;
        results[index] = result;
        finish();
      },
      refused: (why) => {
        refusal = why;
        reject(index, why, DETAILS[why], '', true);
        finish();
      },
    });
  }
  finish();
};

const tokenIn = (body: unknown): string | undefined =>
  typeof body === 'object' && body !== null && 'sessionToken' in body && typeof body.sessionToken === 'string'
    ? body.sessionToken
    : undefined;

type Submitted = {
  readonly beat: HeartbeatRequest;
  readonly dropped: readonly string[];
  readonly token: SessionToken | null;
  readonly wanted: Wanted;
  /** The result of this beat as JSON. */
  accepted(result: string): void;
  refused(why: Refusal): void;
};

const submit = (ingest: Ingest, call: Call, submitted: Submitted): void => {
  const { beat, token, wanted, dropped } = submitted;
  const tenant = token?.tenant ?? ingest.tenant;
  const key = ingest.accountKey(tenant, beat.accountId);
  const receivedAtMs = ingest.clock();
  if (dropped.length > 0) for (const path of dropped) ingest.count.dropped(path);
  ingest.lanes.submit(ingest.partitionOf(key), {
    key,
    encode: (seen) =>
      encode(
        'Heartbeat',
        stampBeat(beat, {
          tenant,
          receivedAtMs,
          source: 'player',
          networkKey: ingest.networkKey(call.req.socket.remoteAddress),
          lastDecision: seen === null ? null : lastDecisionOf(findSession(seen, beat.sessionId)),
          claims: token?.claims ?? NO_CLAIMS,
          metadataKeys: ingest.metadataKeys,
        }),
      ),
    stored: (stored) => {
      if (wanted === 'none') return submitted.accepted(resultOf(ingest, submitted, stored, null));
      const { seen } = stored;
      const session = seen === null ? undefined : findSession(seen, beat.sessionId);
      const isClaim = seen !== null && needsJudging(session) && claims(beat);
      if (wanted === 'latest' && !isClaim) {
        const decision = seen === null || session === undefined ? null : latest(ingest, seen, key, beat);
        return submitted.accepted(resultOf(ingest, submitted, stored, decision));
      }
      void decideAfter(ingest, stored, key, beat).then((decision) =>
        submitted.accepted(resultOf(ingest, submitted, stored, decision)),
      );
    },
    refused: submitted.refused,
  });
};

const NO_CLAIMS: SessionToken['claims'] = {};

/** Whether a beat asks for a slot: not when it ends, nor when it comes out of an offline queue. */
const claims = (beat: HeartbeatRequest): boolean =>
  beat.state !== 'ended' && beat.state !== 'stopped' && beat.state !== 'failed' && (beat.ageMs ?? 0) < 5_000;

/** The newest known decision; it names who holds the slots only when it is a stop, or not what the player knows. */
const latest = (ingest: Ingest, seen: Seen, key: string, beat: HeartbeatRequest): Decision => {
  const session = findSession(seen, beat.sessionId);
  const { sessionId } = beat;
  const verdict = verdictOf(seen, session, { sessionId, nowMs: ingest.clock() });
  if (verdict.degraded) ingest.count.degraded();
  if (verdict.decision === 'allow' && session?.told === session?.reason) return verdict;
  return decisionOf(seen, sessionId, askerFor(ingest, key, beat.profileId));
};

/** The decision that includes the beat. If it cannot be had in time the stream goes on: the beat is stored anyway. */
const decideAfter = async (ingest: Ingest, stored: Stored, key: string, beat: HeartbeatRequest): Promise<Decision> => {
  const seen = await seenAfter(ingest, stored, key).catch(() => null);
  if (seen !== null) return decisionOf(seen, beat.sessionId, askerFor(ingest, key, beat.profileId));
  ingest.count.degraded();
  return decisionOpen(beat.sessionId, ingest.clock());
};

const resultOf = (ingest: Ingest, { beat, dropped }: Submitted, stored: Stored, decision: Decision | null): string => {
  const position = formatPosition(positionOf('heartbeats.v1', stored.partition, stored.offset));
  const extra = dropped.length === 0 ? '' : `,"dropped":${JSON.stringify(dropped)}`;
  const sessionId = JSON.stringify(beat.sessionId);
  const decided = decision === null ? '' : `,"decision":${decisionText(decision, sessionId)}`;
  return (
    `{"sessionId":${sessionId},"sequence":${beat.sequence},"position":"${position}",` +
    `"nextHeartbeatMs":${ingest.heartbeatIntervalMs}${extra}${decided}}`
  );
};

/** Most replies carry a decision without a list; written out, since they are a tenth of what a beat costs. */
const decisionText = (d: Decision, sessionId: string): string =>
  d.active !== undefined || d.position === null || d.rule === null
    ? JSON.stringify(d)
    : // Rules and reasons are plain words, and a position is digits and dots: nothing there needs escaping.
      `{"sessionId":${sessionId},"decision":"${d.decision}","reason":"${d.reason}","rule":"${d.rule}",` +
      `"policyVersion":${d.policyVersion},"limit":${d.limit},"degraded":${d.degraded},"asOfMs":${d.asOfMs},` +
      `"position":"${d.position}"}`;

/** As a flat list, which Node writes without looking names up. */
const ANSWER_HEADERS = ['content-type', JSON_TYPE, ...Object.entries(CORS).flat()];

const answer = (ingest: Ingest, { res }: Call, text: string, beats: number): void => {
  ingest.count.accepted(beats);
  ingest.count.answered(202);
  if (res.destroyed) return;
  res.writeHead(202, [...ANSWER_HEADERS, 'content-length', String(Buffer.byteLength(text))]);
  res.end(text);
};
