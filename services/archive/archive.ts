import type { LogEvent } from '../../schemas/events.ts';
import { TABLES } from '../../schemas/tables.ts';
import { DAY_MS, epochMs } from '../../schemas/time.ts';
import type { Position } from '../../shared/log/position.ts';
import type { At, Processor, Step } from '../../shared/runtime/processor.ts';
import { watchedBeat } from '../../shared/sessions/lifecycle.ts';
import type { TableRow } from '../../shared/table/table.ts';

/** Sorts as the log does. */
const OFFSET_DIGITS = 16;
export const payloadId = ({ generation, partition, offset }: Position): string =>
  `${generation}.${partition}.${String(offset).padStart(OFFSET_DIGITS, '0')}`;

/**
 * Keeps beats and starts as they were taken, for clickstream analysis, in the table `payloads`: a row for each, `{type, value, appendedAtMs}`
 * by account key and position. It has no state: a row is put before the commit that passes its record, and again, the
 * same, after a crash in between. Only processes that are told so run it.
 */
export const archive: Processor<never, undefined> = {
  name: 'archive',
  input: 'heartbeats.v1',
  // With nothing stored it begins with all that the log holds, and leaves out what it had said that it kept.
  rebuildWindowMs: DAY_MS,
  stateVersion: 1,
  upgrade: () => {
    throw new Error('the archive has no rows to upgrade');
  },
  onRecord: (_state, event, at): Step<never> => {
    if (event.type === 'AccountErased') return { state: undefined, effects: [{ erase: 'payloads' }] };
    // Sessions that are there for limits alone are nobody's clicks.
    return { state: undefined, effects: watchedBeat(event) === null ? [] : [{ put: rowOf(event, at) }] };
  },
  onTimer: () => ({ state: undefined, effects: [] }),
  onControl: () => undefined,
};

const rowOf = ({ type, value }: LogEvent, { key, position, appendedAtMs }: At<undefined>): TableRow => ({
  table: 'payloads',
  key,
  id: payloadId(position),
  version: '',
  places: {},
  expiresAtMs: epochMs(appendedAtMs + TABLES.payloads.retentionMs),
  item: { type, appendedAtMs, value },
});
