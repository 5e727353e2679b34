import { liveMs } from '../../schemas/time.ts';
import { StateRowTooLarge } from './state-errors.ts';
import type { Checkpoint, Commit, Due, Row } from './state.ts';

/** What one call of a script may carry: Redis does nothing else meanwhile. */
export const CALL_BYTES = 1024 * 1024;
/** For the lengths that Redis' protocol writes before each argument, and the arguments of no great length. */
const ARGUMENT_BYTES = 12;
const HEAD_BYTES = 1024;

/** Whole state machines lie in a text: the first field is what the script that loads reads. */
const rowText = ({ dueMs, version, state }: Row): string => JSON.stringify([dueMs, version, state]);
export const rowOfText = (text: string): Row => {
  const [dueMs, version, state] = JSON.parse(text) as [number | null, number, unknown];
  return { state, version, dueMs: dueMs === null ? null : liveMs(dueMs) };
};

export const checkpointText = (checkpoint: Checkpoint): string => JSON.stringify(checkpoint);
export const checkpointOfText = (text: string): Checkpoint => {
  const parsed = JSON.parse(text) as Omit<Checkpoint, 'control'> & { readonly control?: unknown };
  return { ...parsed, control: parsed.control };
};

/** In (due, key) order by code unit, which is not the order of the bytes that Redis keeps keys in. */
export const dueOf = (keys: readonly string[], rows: ReadonlyMap<string, Row>): readonly Due[] =>
  keys
    .map((key) => ({ key, dueMs: liveMs(rows.get(key)?.dueMs ?? 0) }))
    .sort((a, b) => a.dueMs - b.dueMs || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));

/** Arguments of the script that commits: four counts and what they count. */
export type Change = readonly (string | number)[];

type Part = { rows: string[]; due: (string | number)[]; gone: string[]; idle: string[]; bytes: number };
const emptyPart = (): Part => ({ rows: [], due: [], gone: [], idle: [], bytes: HEAD_BYTES });
const changeOf = ({ rows, due, gone, idle }: Part): Change => [
  rows.length,
  due.length,
  gone.length,
  idle.length,
  ...rows,
  ...due,
  ...gone,
  ...idle,
];

/** The rows of a commit, cut into changes that each fit into one call; beside the last one fits the checkpoint. */
export const changesOf = (commit: Commit, checkpointBytes: number): readonly Change[] => {
  const limit = CALL_BYTES - checkpointBytes;
  const changes: Change[] = [];
  let part = emptyPart();
  for (const [key, row] of commit.rows) {
    const text = row === null ? '' : rowText(row);
    if (row !== null && row.dueMs !== null && !Number.isFinite(row.dueMs)) {
      throw new TypeError(`a row is due at ${row.dueMs}, which is no time`);
    }
    const bytes = 2 * Buffer.byteLength(key) + Buffer.byteLength(text) + 4 * ARGUMENT_BYTES;
    if (HEAD_BYTES + bytes > limit) throw new StateRowTooLarge(key, bytes, limit);
    if (part.bytes + bytes > limit) {
      changes.push(changeOf(part));
      part = emptyPart();
    }
    part.bytes += bytes;
    if (row === null) {
      part.gone.push(key);
      continue;
    }
    part.rows.push(key, text);
    if (row.dueMs === null) part.idle.push(key);
    else part.due.push(row.dueMs, key);
  }
  changes.push(changeOf(part));
  return changes;
};
