import { encode } from '../../schemas/codec.ts';
import type { Decision } from '../../schemas/generated/http.ts';
import type { SessionStarted } from '../../schemas/generated/records.ts';
import type { AccountKey } from '../../schemas/ids.ts';
import { type Call, ProblemError } from '../../shared/http/call.ts';
import { type Asker, decidesClosed, decisionOpen, findSession, type Seen } from '../concurrency/view.ts';
import { append, type Ingest, refusal, seenAfter } from './ingest.ts';
import type { Stored } from './lanes.ts';

export type Claim = {
  readonly call: Call;
  readonly key: AccountKey;
  readonly startedMs: number;
  readonly asker: Asker;
  readonly sessionId: string;
  record(seen: Seen | null): SessionStarted;
  decide(seen: Seen): Decision;
};

/**
 * Appends a claim and waits for the fold to reach it: the log's order decides who gets the last slot, so nobody needs a
 * lock. Throws the refusal as a problem with the decision's fields.
 */
export const claim = async (ingest: Ingest, claiming: Claim): Promise<{ readonly decision: Decision }> => {
  const { claims } = ingest;
  // Beats go on in a storm of starts: what cannot be decided soon is told to come back before it costs anything.
  if (claims.waiting >= claims.most) {
    const { requestId } = claiming.call;
    ingest.count.startRefused();
    throw refusal('OVERLOADED', requestId, 'too many starts are being decided; start again in a moment');
  }
  claims.waiting += 1;
  try {
    return await decide(ingest, claiming);
  } finally {
    claims.waiting -= 1;
  }
};

const decide = async (ingest: Ingest, claiming: Claim): Promise<{ readonly decision: Decision }> => {
  const { call, key, sessionId } = claiming;
  const partition = ingest.partitionOf(key);
  let sent: SessionStarted | null = null;
  const stored = await append(
    ingest,
    partition,
    {
      key,
      encode: (seen) => {
        sent = claiming.record(seen);
        return encode('SessionStarted', sent);
      },
    },
    call.requestId,
  ).catch((error: unknown) => {
    ingest.count.startRefused();
    throw error;
  });
  const seen = await seenAfter(ingest, stored, key).catch(() => null);
  const decision = seen === null ? null : claiming.decide(seen);
  if (seen === null || decision === null || (decision.degraded && findSession(seen, sessionId) === undefined)) {
    return { decision: await undecided(ingest, claiming, { stored, seen, sent }) };
  }
  const tookMs = ingest.clock() - claiming.startedMs;
  ingest.count.started(decision, tookMs);
  if (decision.decision === 'allow') return { decision };
  const refused = decision.reason === 'LIMIT_REACHED' || decision.reason === 'SESSION_CAP';
  const { retryAfterMs, ...extra } = decision;
  throw new ProblemError(
    refused ? 'STREAM_LIMIT_EXCEEDED' : 'SESSION_ENDED',
    refused
      ? `${decision.active?.length ?? 0} streams run, and the limit is ${decision.limit ?? 'none'}`
      : `this session has ended (${decision.reason}): start another with a session id of its own`,
    { extra, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  );
};

/** The fail mode answers. Where it refuses, a stop follows the claim into the log, so that no ghost holds a slot. */
const undecided = async (
  ingest: Ingest,
  { key, sessionId, startedMs, call }: Claim,
  { stored, seen, sent }: { stored: Stored; seen: Seen | null; sent: SessionStarted | null },
): Promise<Decision> => {
  const tookMs = ingest.clock() - startedMs;
  const basis = seen ?? stored.seen;
  const allowed = sent === null || basis === null || !decidesClosed(basis, sent.beat);
  if (sent !== null) ingest.answeredByFailMode({ key, tenant: sent.beat.tenant, claim: sent.beat, stored, allowed });
  const decision = allowed ? 'allow' : 'stop';
  ingest.count.started({ decision, reason: 'SERVICE_DEGRADED', degraded: true }, tookMs);
  if (allowed) return decisionOpen(sessionId, ingest.clock());
  const { requestId } = sent;
  const stop = {
    requestId,
    tenant: sent.beat.tenant,
    sessionId,
    by: 'undecided' as const,
    receivedAtMs: ingest.clock(),
    source: 'ingest',
    trace: sent.beat.trace,
  };
  const record = { key, encode: () => encode('SessionStopRequested', stop) };
  await append(ingest, stored.partition, record, call.requestId).catch(() => null);
  throw new ProblemError('DECISION_UNAVAILABLE', 'the decision could not be had in time, and the policy refuses then', {
    retryAfterMs: 1_000,
  });
};
