import type { LogEvent } from '../../schemas/events.ts';
import { DAY_MS } from '../../schemas/time.ts';
import type { Effect, Processor } from '../../shared/runtime/processor.ts';
import { LEDGER, rowsOf } from './row.ts';

export type LedgerOptions = {
  /** How long a decision is kept after it was made. */
  readonly keptMs: number;
};

/**
 * Keeps each decision: a row by account, for support, and a row by day, for reports. It has no state: a row is put before the
 * commit that passes its record, and again, the same, after a crash in between.
 */
export const decisionLedger = ({ keptMs }: LedgerOptions): Processor<never, undefined> => ({
  name: 'decision-ledger',
  input: 'stream-decisions.v1',
  // With nothing stored it begins with all that the log holds, and leaves out what it had said that it kept.
  rebuildWindowMs: DAY_MS,
  stateVersion: 1,
  upgrade: () => {
    throw new Error('the ledger has no state to upgrade');
  },
  onRecord: (_state, event, { key }) => ({ state: undefined, effects: effectsOf(event, key, keptMs) }),
  onTimer: () => ({ state: undefined, effects: [] }),
  onControl: () => undefined,
});

/** Of an erased account the rows of its key go; those by day are nobody's. */
const effectsOf = (event: LogEvent, key: string, keptMs: number): readonly Effect[] => {
  if (event.type === 'AccountErased') return [{ erase: LEDGER }];
  return event.type === 'StreamDecided' ? rowsOf(event.value, key, keptMs).map((row) => ({ put: row })) : [];
};
