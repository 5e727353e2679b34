import { liveMs } from '../../schemas/time.ts';
import type { Packing } from './packing.ts';
import { StateRowTooLarge } from './state-errors.ts';
import type { Checkpoint, Commit, Due, Row } from './state.ts';

/** What one call of a script may carry: Redis does nothing else meanwhile. */
export const CALL_BYTES = 1024 * 1024;
/** The arguments of no great length. */
const HEAD_BYTES = 1024;
/** The longest number, and ends of lines. */
const DUE_BYTES = 32;

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

/**
 * What a script is told of a part of a commit: fields and their rows, dues and the fields of their timers, fields without a timer
 * from now on, fields forgotten. Each is one text of lines: Redis takes half as long for them as for an argument each.
 */
export type Change = readonly [rows: string, timers: string, idle: string, gone: string];

/** A line of a script has one key: those with an end of line in them are written otherwise. */
export const fieldOf = (key: string): string =>
  /[\n\\]/.test(key) ? key.replaceAll('\\', '\\\\').replaceAll('\n', '\\n') : key;
export const keyOfField = (field: string): string =>
  field.includes('\\') ? field.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one)) : field;

type Lines = 'written' | 'timers' | 'idle' | 'gone';
type Part = { readonly [L in Lines]: string[] } & { bytes: number };
const emptyPart = (): Part => ({ written: [], timers: [], idle: [], gone: [], bytes: HEAD_BYTES });
const changeOf = ({ written, timers, idle, gone }: Part): Change => [
  written.join(''),
  timers.join(''),
  idle.join(''),
  gone.join(''),
];

/** The rows of a commit, cut into changes that each fit into one call; beside the last one fits the checkpoint. */
export const changesOf = ({ rows, sooner }: Commit, packing: Packing, checkpointBytes: number): readonly Change[] => {
  const limit = CALL_BYTES - checkpointBytes;
  const changes: Change[] = [];
  let part = emptyPart();
  for (const [key, row] of rows) {
    const field = fieldOf(key);
    const text = row === null ? '' : rowText(row, packing);
    // The key may be in two texts, with its due beside it; three bytes are the most that a unit of it takes.
    const bytes = 6 * field.length + DUE_BYTES + Buffer.byteLength(text);
    if (HEAD_BYTES + bytes > limit) throw new StateRowTooLarge(key, bytes, limit);
    if (part.bytes + bytes > limit) {
      changes.push(changeOf(part));
      part = emptyPart();
    }
    part.bytes += bytes;
    const { written, timers, idle, gone } = part;
    if (row === null) gone.push(field, '\n');
    else written.push(field, '\n', text, '\n');
    if (row === null || row.dueMs === null) idle.push(field, '\n');
    // A timer may be too early, never too late: see `LOAD`.
    else if (sooner === undefined || sooner.has(key)) timers.push(String(row.dueMs), '\n', field, '\n');
  }
  changes.push(changeOf(part));
  return changes;
};
