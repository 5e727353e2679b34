import type { IngestRejection } from '../../schemas/generated/http.ts';
import { isBatch, validateBatch, validateHeartbeat } from '../../schemas/validate.ts';
import { type ProblemCode, PROBLEMS } from '../../shared/errors/problems.ts';
import { parseJson, readBody } from '../../shared/http/body.ts';
import { type Call, JSON_TYPE, ProblemError, sendProblem } from '../../shared/http/call.ts';
import { corsHeaders } from '../../shared/http/cors.ts';
import type { Route } from '../../shared/http/route.ts';
import type { SessionToken } from '../../shared/identity/tokens.ts';
import { submit, type Wanted } from './beat.ts';
import {
  carriedBy,
  DETAILS,
  type Ingest,
  invalid,
  PLAYER_PROBLEMS,
  refuseMismatch,
  refusal,
  sessionTokenOf,
} from './ingest.ts';
import type { Refusal } from './lanes.ts';

export const MAX_BEAT_BYTES = 4 * 1_024;
export const MAX_BATCH_BYTES = 64 * 1_024;

/** A batch counts as a call for every five of its beats: about what it costs. */
export const callsOf = (beats: number): number => Math.ceil(beats / 5);

/** The hot route: nothing here waits but for the log, unless the beat is itself a claim. */
export const heartbeatRoute = (ingest: Ingest): Route => ({
  method: 'POST',
  path: '/v1/heartbeats',
  operationId: 'sendHeartbeats',
  summary: 'One heartbeat, or up to 50, stored before they are answered.',
  port: 'public',
  callers: ['session', 'player', 'service'],
  tokenInBody: true,
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
  problems: PLAYER_PROBLEMS,
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
  const known = ingest.limits.refused(call, error);
  const problem = known instanceof ProblemError ? known : new ProblemError('INTERNAL', PROBLEMS.INTERNAL.title);
  ingest.count.rejected(problem.code);
  ingest.count.answered(PROBLEMS[problem.code].status);
  sendProblem(call, problem.code, problem.message, problem.details);
};

const takeOne = (ingest: Ingest, call: Call, body: unknown, wanted: Wanted): void => {
  const token = sessionTokenOf(ingest, call, tokenIn(body));
  const checked = validateHeartbeat(body, carriedBy(call, token));
  if (!checked.ok) throw invalid(checked.errors);
  const mismatch = refuseMismatch(call, token, checked.value);
  if (mismatch !== null) throw mismatch;
  submit(ingest, call, {
    beat: checked.value,
    dropped: checked.dropped,
    token,
    wanted,
    accepted: (result) => answer(ingest, call, `{"accepted":1,"rejected":[],"results":[${result}]}`, 1),
    refused: (why) => fail(ingest, call, refusal(why, call.requestId)),
  });
};

const takeBatch = (ingest: Ingest, call: Call, body: unknown, wanted: Wanted): void => {
  const envelope = validateBatch(body);
  if (!envelope.ok) throw invalid(envelope.errors);
  const { heartbeats } = envelope.value;
  const { sessionToken } = envelope.value;
  // Where the batch names nobody, each beat may for itself.
  const perBeat = sessionToken === undefined && heartbeats.some((one) => tokenIn(one) !== undefined);
  const token = perBeat ? call.session : sessionTokenOf(ingest, call, sessionToken);
  // Where each names its own session, each is counted as a call of it.
  if (!perBeat) ingest.limits.charge({ caller: call.caller, session: token }, callsOf(heartbeats.length) - 1);
  const rejected: IngestRejection[] = [];
  const results: string[] = [];
  let open = heartbeats.length;
  let answered = false;
  let refused: Refusal | null = null;

  const finish = (): void => {
    if (open > 0 || answered) return;
    answered = true;
    const accepted = results.filter((r) => r !== undefined);
    if (accepted.length > 0) {
      const list = JSON.stringify(rejected.sort((a, b) => a.index - b.index));
      const text = `{"accepted":${accepted.length},"rejected":${list},"results":[${accepted.join(',')}]}`;
      return answer(ingest, call, text, accepted.length);
    }
    if (refused !== null) return fail(ingest, call, refusal(refused, call.requestId));
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
  const reject = (index: number, code: ProblemCode, detail: string, path: string, retryable: boolean): void => {
    open -= 1;
    rejected.push({ index, code, detail, path, retryable });
    ingest.count.rejected(code);
  };

  for (let index = 0; index < heartbeats.length; index++) {
    const own = tokenIn(heartbeats[index]);
    let bearer: SessionToken | null;
    try {
      bearer = own === undefined && token !== null ? token : sessionTokenOf(ingest, call, own);
    } catch (error) {
      const code = error instanceof ProblemError ? error.code : 'INTERNAL';
      reject(index, code, error instanceof Error ? error.message : '', '/sessionToken', PROBLEMS[code].retryable);
      continue;
    }
    const checked = validateHeartbeat(heartbeats[index], carriedBy(call, bearer));
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
    const mismatch = refuseMismatch(call, bearer, checked.value);
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
        refused = why;
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

/** As a flat list, which Node writes without looking names up. */
const ANSWER_HEADERS = ['content-type', JSON_TYPE] as const;

const answer = (ingest: Ingest, { res, allowOrigin }: Call, text: string, beats: number): void => {
  ingest.count.accepted(beats);
  ingest.count.answered(202);
  if (res.destroyed) return;
  const headers = [...ANSWER_HEADERS, 'content-length', String(Buffer.byteLength(text)), ...corsHeaders(allowOrigin)];
  res.writeHead(202, headers);
  res.end(text);
};
