import type { View } from '../../schemas/generated/http.ts';
import type { Reason } from '../../schemas/reasons.ts';
import { LEASE_MS } from '../../shared/sessions/lifecycle.ts';
import type { Viewing } from './household.ts';
import type { Run } from './tally.ts';

/** How a viewing ended that is not open. */
export type Ending = {
  readonly endedAtMs: number;
  readonly reason: NonNullable<View['reason']>;
  readonly confidence: NonNullable<View['confidence']>;
};

/** `run`: all of its beats. */
export const endingOf = ({ stoppedAtMs }: Pick<Viewing, 'stoppedAtMs'>, { first, last, paused }: Run): Ending => {
  const why = whyOf(last, stoppedAtMs !== null);
  let endedAtMs = last.atMs;
  // Who paused and left has seen nothing since.
  if (why.reason === 'paused-out' && paused !== null) endedAtMs = paused.atMs;
  if (why.reason === 'stopped' && stoppedAtMs !== null && stoppedAtMs - last.atMs <= LEASE_MS)
    endedAtMs = Math.max(endedAtMs, stoppedAtMs);
  return { ...why, endedAtMs: Math.max(first.atMs, endedAtMs) };
};

type Why = Pick<Ending, 'reason' | 'confidence'>;
const certain = (reason: Why['reason']): Why => ({ reason, confidence: 'certain' });
const inferred = (reason: Why['reason']): Why => ({ reason, confidence: 'inferred' });

const whyOf = ({ state, told }: Run['last'], stopped: boolean): Why => {
  if (state === 'ended') return certain('finished');
  if (state === 'failed') return certain('failed');
  // A player that is told to stop says `stopped`, too: what it was told is why.
  if (is(told, 'EVICTED_BY_NEWER')) return certain('evicted');
  if (is(told, 'REPLACED_ON_DEVICE')) return certain('replaced');
  if (state === 'paused' && is(told, 'PAUSED_TOO_LONG')) return certain('paused-out');
  if (state === 'stopped' || stopped || is(told, 'STOPPED') || is(told, 'TERMINATED_BY_USER'))
    return certain('stopped');
  return inferred(state === 'paused' ? 'paused-out' : 'silent');
};

const is = (told: string | null, reason: Reason): boolean => told === reason;
