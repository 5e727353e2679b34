import type { Decision } from './facts.ts';

/** Reads replies without trusting them: what is missing or of another type is undefined. */

type Fields = Readonly<Record<string, unknown>>;

export const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const list = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? value : undefined);
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

export function readDecision(value: unknown): Decision | undefined {
  const { decision, reason, degraded, active } = fields(value);
  if (decision !== 'allow' && decision !== 'stop') return undefined;
  const named = list(active)?.map((entry) => text(fields(entry)['sessionId']) ?? '(no sessionId)');
  return { allow: decision === 'allow', reason: text(reason) ?? '', degraded: degraded === true, active: named };
}

export type StartReply = {
  readonly sessionId: string | undefined;
  readonly sessionToken: string | undefined;
  readonly nextHeartbeatMs: number | undefined;
  readonly retryAfterMs: number | undefined;
};

export function readStart(body: unknown): StartReply {
  const { sessionId, sessionToken, nextHeartbeatMs, retryAfterMs } = fields(body);
  return {
    sessionId: text(sessionId),
    sessionToken: text(sessionToken),
    nextHeartbeatMs: number(nextHeartbeatMs),
    retryAfterMs: number(retryAfterMs),
  };
}

export type BeatResult = {
  readonly sessionId: string;
  readonly sequence: number;
  readonly nextHeartbeatMs: number | undefined;
  readonly decision: Decision | undefined;
};

export type BeatsReply = {
  readonly accepted: number | undefined;
  readonly rejected: readonly { readonly index: number; readonly code: string; readonly retryable: boolean }[];
  readonly results: readonly BeatResult[];
};

export function readBeats(body: unknown): BeatsReply {
  const { accepted, rejected, results } = fields(body);
  return {
    accepted: number(accepted),
    rejected: (list(rejected) ?? []).map((entry) => {
      const { index, code, retryable } = fields(entry);
      return { index: number(index) ?? -1, code: text(code) ?? '', retryable: retryable === true };
    }),
    results: (list(results) ?? []).map((entry) => {
      const { sessionId, sequence, nextHeartbeatMs, decision } = fields(entry);
      return {
        sessionId: text(sessionId) ?? '(no sessionId)',
        sequence: number(sequence) ?? -1,
        nextHeartbeatMs: number(nextHeartbeatMs),
        decision: readDecision(decision),
      };
    }),
  };
}

export function readSessionIds(body: unknown): readonly string[] {
  return (list(fields(body)['sessions']) ?? []).flatMap((entry) => text(fields(entry)['sessionId']) ?? []);
}
