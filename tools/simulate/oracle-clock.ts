import type { LogEvent } from '../../schemas/events.ts';

/** Whatever comes from players, or from ingest itself, shows that they can be heard; a call to another service does not. */
const CALLS: readonly LogEvent['type'][] = ['PolicyActivated', 'AccountErased', 'ResumeHidden', 'ResumeUndone'];
const MAX_STEP_MS = 5_000;
const HOLD_MS = 12_000;

/**
 * Live time as the domain has it: it grows by the difference of append times, at least 0, at most 5 s; a span that ends
 * at a tick of a node that sheds adds none, and neither do the 12 s after it. Calls are passed over.
 */
export const createOracleClock = (): { step(appendedAtMs: number, event: LogEvent): number } => {
  let live = 0;
  let before: number | null = null;
  let holdUntil = Number.NEGATIVE_INFINITY;
  return {
    step: (appendedAtMs, event) => {
      if (CALLS.includes(event.type)) return live;
      const shedding = event.type === 'Tick' && event.value.shedding;
      const span = before === null ? 0 : appendedAtMs - before;
      holdUntil = Math.min(holdUntil, appendedAtMs + HOLD_MS);
      if (!shedding && appendedAtMs > holdUntil) live += span < 0 ? 0 : span > MAX_STEP_MS ? MAX_STEP_MS : span;
      if (shedding) holdUntil = appendedAtMs + HOLD_MS;
      before = appendedAtMs;
      return live;
    },
  };
};
