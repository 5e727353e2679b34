import type { View } from '../../schemas/generated/http.ts';
import { TABLES } from '../../schemas/tables.ts';
import { epochMs } from '../../schemas/time.ts';
import { formatPosition } from '../../shared/log/position.ts';
import type { At } from '../../shared/runtime/processor.ts';
import type { TableKey, TableRow } from '../../shared/table/table.ts';
import { SETTLES_MS, type Viewing, whatOf } from './household.ts';
import type { Mark } from './pairs.ts';
import type { Run, Tally } from './tally.ts';

/** A final view as a row of the durable table. */
export const TABLE = 'views';

/** Of the item; rows outlive many releases. */
const FORMAT = 1;

/**
 * What is answered, and beside it what the beats have left behind, so that one that comes later corrects the whole view. As
 * JSON 1.3 KB as a rule, 19 KB with 128 runs and 128 ranges, 44 KB where all in it is as long as it can be; a table takes 64.
 */
type Item = { readonly format: typeof FORMAT; readonly view: View; readonly kept: Kept };
type Kept = Pick<Viewing, 'since' | 'finals' | 'stoppedAtMs'> & { readonly tally: PackedTally };
/** Marks without their names: of 128 runs, these are most of the row. */
type PackedTally = Omit<Tally, 'runs'> & { readonly runs: readonly PackedRun[] };
type PackedRun = readonly [first: PackedMark, last: PackedMark, paused: readonly [number, number] | null];
type PackedMark = ReturnType<typeof packed>;

const packed = (m: Mark) =>
  [m.sequence, m.atMs, m.state, m.positionMs, m.rate, m.breakId, m.told, m.stallMs, m.bitrateKbps] as const;

const unpacked = (mark: PackedMark): Mark => {
  const [sequence, atMs, state, positionMs, rate, breakId, told, stallMs, bitrateKbps] = mark;
  return { sequence, atMs, state, positionMs, rate, breakId, told, stallMs, bitrateKbps };
};

const packedRun = ({ first, last, paused }: Run): PackedRun => [
  packed(first),
  packed(last),
  paused === null ? null : [paused.sequence, paused.atMs],
];

const unpackedRun = ([first, last, paused]: PackedRun): Run => ({
  first: unpacked(first),
  last: unpacked(last),
  paused: paused === null ? null : { sequence: paused[0], atMs: paused[1] },
});

export const rowKey = (key: string, { sessionId }: Pick<Viewing, 'sessionId'>): TableKey => ({
  table: TABLE,
  key,
  id: sessionId,
});

export const DIGITS = 16;
/** A row that is not partial stands above every partial one; of two alike the newer revision. */
const versionOf = ({ partial, revision }: Pick<View, 'partial' | 'revision'>): string =>
  `${partial ? 'partial' : 'whole'} ${String(revision).padStart(DIGITS, '0')}`;

export const rowOf = (
  viewing: Viewing,
  { view, place }: { readonly view: View; readonly place: string },
  { key, appendedAtMs }: At<undefined>,
): TableRow => {
  const { since, finals, stoppedAtMs, tally } = viewing;
  const kept: Kept = { since, finals, stoppedAtMs, tally: { ...tally, runs: tally.runs.map(packedRun) } };
  return {
    ...rowKey(key, viewing),
    version: versionOf(view),
    places: { views: place },
    expiresAtMs: epochMs(appendedAtMs + TABLES[TABLE].retentionMs),
    item: { format: FORMAT, view, kept } satisfies Item,
  };
};

/** Null for a row of before there were formats: it has nothing but the view. */
const itemOf = ({ item }: TableRow): Item | null => {
  const format = item['format'] ?? null;
  if (format !== null && format !== FORMAT) throw new Error(`a view of format ${String(format)}`);
  // Of this format, the item is what `rowOf` made.
  return format === null ? null : (item as Item);
};

/** What is answered of a row, and no more. */
export const viewIn = (row: TableRow): View => itemOf(row)?.view ?? (row.item as unknown as View);

/**
 * The viewing as its row left it. A replay meets rows that are ahead of it: what they have of its records are repeats then, and
 * change nothing. But a view that began with this very record is made again from here, like what never left the state.
 */
export const viewingIn = ({ stored, position, liveMs, appendedAtMs }: At<undefined>): Viewing | null => {
  // What this very batch put is handed back even if it has expired.
  if (stored === undefined || stored.expiresAtMs <= appendedAtMs) return null;
  const item = itemOf(stored);
  if (item === null || item.kept.since === formatPosition(position)) return null;
  const { view, kept } = item;
  const { since, finals, stoppedAtMs, tally } = kept;
  return {
    sessionId: view.sessionId,
    since,
    what: whatOf(view),
    tally: { ...tally, runs: tally.runs.map(unpackedRun) },
    status: view.status,
    revision: view.revision,
    finals,
    changed: false,
    stoppedAtMs,
    // Live time may have begun anew. It was heard of long ago, and if one has to leave early, it is this one.
    heardLiveMs: 0,
    touchedLiveMs: liveMs,
    finalLiveMs: liveMs - SETTLES_MS,
  };
};
