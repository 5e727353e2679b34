import { liveMs } from '../../schemas/time.ts';
import type { Packing } from './packing.ts';
import { StateRowTooLarge } from './state-errors.ts';
import type { Checkpoint, Commit, Due, Row } from './state.ts';

/** What one call of a script may carry: Redis does nothing else meanwhile. */
export const CALL_BYTES = 1024 * 1024;
/** For the lengths that Redis' protocol writes before each argument, and the arguments of no great length. */
const ARGUMENT_BYTES = 12;
const HEAD_BYTES = 1024;

/** The due comes first: the scripts read it, and nothing else of a row. */
const rowText = ({ dueMs, version, state }: Row, { pack }: Packing): string => {
  // As JSON it would be null, and the wake-up would never come.
  if (dueMs !== null && !Number.isFinite(dueMs)) throw new TypeError(`a row is due at ${dueMs}, which is no time`);
  return JSON.stringify([dueMs, version, pack(state)]);
};
export const rowOfText = (text: string, { unpack }: Packing): Row => {
  const [dueMs, version, state] = JSON.parse(text) as [number | null, number, unknown];
  return { state: unpack(state), version, dueMs: dueMs === null ? null : liveMs(dueMs) };
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

/** Arguments of the script that commits: two counts and what they count. */
export type Change = readonly (string | number)[];

type Part = { rows: string[]; gone: string[]; bytes: number };
const emptyPart = (): Part => ({ rows: [], gone: [], bytes: HEAD_BYTES });
const changeOf = ({ rows, gone }: Part): Change => [rows.length, gone.length, ...rows, ...gone];

/** The rows of a commit, cut into changes that each fit into one call; beside the last one fits the checkpoint. */
export const changesOf = (commit: Commit, packing: Packing, checkpointBytes: number): readonly Change[] => {
  const limit = CALL_BYTES - checkpointBytes;
  const changes: Change[] = [];
  let part = emptyPart();
  for (const [key, row] of commit.rows) {
    const text = row === null ? '' : rowText(row, packing);
    const bytes = Buffer.byteLength(key) + Buffer.byteLength(text) + 2 * ARGUMENT_BYTES;
    if (HEAD_BYTES + bytes > limit) throw new StateRowTooLarge(key, bytes, limit);
    if (part.bytes + bytes > limit) {
      changes.push(changeOf(part));
      part = emptyPart();
    }
    part.bytes += bytes;
    if (row === null) part.gone.push(key);
    else part.rows.push(key, text);
  }
  changes.push(changeOf(part));
  return changes;
};
