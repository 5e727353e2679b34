import { encode } from '../../schemas/codec.ts';
import type { Decision, HeartbeatRequest } from '../../schemas/generated/http.ts';
import type { Call } from '../../shared/http/call.ts';
import type { SessionToken } from '../../shared/identity/tokens.ts';
import { formatPosition, positionOf } from '../../shared/log/position.ts';
import {
  askerFor,
  decisionOf,
  decisionOpen,
  findSession,
  needsJudging,
  type Seen,
  stampFrom,
  verdictOf,
} from '../concurrency/view.ts';
import { bearerOf, type Ingest, seenAfter } from './ingest.ts';
import type { Refusal, Stored } from './lanes.ts';
import { stampBeat } from './stamp.ts';

/** Which decision the replies carry: the newest known, none, or the one that includes the beat. */
export type Wanted = 'latest' | 'none' | 'wait';

/** One valid beat on its way into the log, and how its sender hears of it. */
export type Submitted = {
  readonly beat: HeartbeatRequest;
  readonly dropped: readonly string[];
  readonly token: SessionToken | null;
  readonly wanted: Wanted;
  /** The result of this beat as JSON. */
  accepted(result: string): void;
  refused(why: Refusal): void;
};

export const submit = (ingest: Ingest, call: Call, submitted: Submitted): void => {
  const { beat, token, wanted, dropped } = submitted;
  const { tenant, claims } = bearerOf(call, token);
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
          networkKey: ingest.networkKey(call.req),
          lastDecision: seen === null ? null : stampFrom(seen, beat.sessionId, receivedAtMs),
          claims,
          trace: call.trace ?? undefined,
          metadataKeys: ingest.metadataKeys,
        }),
      ),
    stored: (stored) => {
      if (wanted === 'none') return submitted.accepted(resultOf(ingest, submitted, stored, null));
      const { seen } = stored;
      const session = seen === null ? undefined : findSession(seen, beat.sessionId);
      const isClaim = seen !== null && needsJudging(session) && asksForSlot(beat);
      if (wanted === 'latest' && !isClaim) {
        const decision = seen === null || session === undefined ? null : latest(ingest, seen, key, beat);
        return submitted.accepted(resultOf(ingest, submitted, stored, decision));
      }
      void decideAfter(ingest, stored, key, beat).then((decision) => {
        // Without a position it is nobody's decision but the fail mode's.
        if (isClaim && decision.position === null)
          ingest.answeredByFailMode({ key, tenant, claim: beat, stored, allowed: true });
        submitted.accepted(resultOf(ingest, submitted, stored, decision));
      });
    },
    refused: submitted.refused,
  });
};

/** Whether a beat asks for a slot: not when it ends, nor when it comes out of an offline queue. */
const asksForSlot = (beat: HeartbeatRequest): boolean =>
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
  const position = formatPosition(positionOf(stored.partition, stored.offset));
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
