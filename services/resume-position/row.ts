import { createHash } from 'node:crypto';
import { epochMs, type EpochMs } from '../../schemas/time.ts';
import { TABLES } from '../../schemas/tables.ts';
import { formatPosition, type Position } from '../../shared/log/position.ts';
import type { TableKey, TableRow } from '../../shared/table/table.ts';
import type { Point, Title, TitleName } from './title.ts';
import { isFinished } from './watching.ts';

/** A title as a row of the durable table. */
export const TABLE = 'resume-positions';
export type ListName = (typeof TABLES)[typeof TABLE]['lists'][number];

/** Ids have no control characters: a tab stands below all that may be in them, and what begins with one is no id. */
const GAP = '\t';
const AFTER_GAP = '\n';
const MAX_ID_BYTES = 512;
/** A place is two ids and a time, 1,024 bytes at most. */
const MAX_PART_BYTES = 256;

const fitting = (text: string, bytes: number): string =>
  Buffer.byteLength(text) <= bytes ? text : `${GAP}${createHash('sha256').update(text).digest('base64url')}`;

/** Any safe integer that is not negative, so that texts compare as numbers do. */
const digits = (n: number): string => String(Math.max(0, n)).padStart(16, '0');

export const rowKey = (key: string, { profileId, contentId }: TitleName): TableKey => ({
  table: TABLE,
  key,
  id: fitting(`${profileId}${GAP}${contentId}`, MAX_ID_BYTES),
});

/**
 * Grows with each change of the title, and never falls behind what an older session left: first by the newest session
 * that counted and its sequence, then by all that changes beside them.
 */
export const versionOf = ({ top, changes }: Title): string =>
  [digits(top.firstMs), top.sessionId, digits(top.sequence), digits(changes)].join(GAP);

/** Where the places of a profile's rows begin and end: its rows stand together in each list, newest first. */
export const shelfOf = (profileId: string): { readonly first: string; readonly end: string } => {
  const name = fitting(profileId, MAX_PART_BYTES);
  return { first: `${name}${GAP}`, end: `${name}${AFTER_GAP}` };
};

/** Null where the title stands in no such list. A hidden one stays in the history: it was watched all the same. */
export const placeOf = ({ now, profileId, contentId }: Title, list: ListName): string | null => {
  if (now === null || (list === 'in-progress' && !isGoingOn(now))) return null;
  return `${shelfOf(profileId).first}${digits(now.asOfMs)}${GAP}${fitting(contentId, MAX_PART_BYTES)}`;
};

const isGoingOn = (point: Point): boolean => point.hiddenAtMs === null && !isFinished(point);

export const rowOf = (key: string, title: Title, appendedAtMs: EpochMs): TableRow => ({
  ...rowKey(key, title),
  version: versionOf(title),
  places: Object.fromEntries(
    TABLES[TABLE].lists.flatMap((list) => {
      const place = placeOf(title, list);
      return place === null ? [] : [[list, place] as const];
    }),
  ),
  expiresAtMs: epochMs(appendedAtMs + TABLES[TABLE].retentionMs),
  item: { format: FORMAT, title },
});

/** Of the item; rows outlive many releases. */
const FORMAT = 1;

export const titleIn = (row: TableRow): Title => {
  if (row.item['format'] !== FORMAT) throw new Error(`a resume position of format ${String(row.item['format'])}`);
  // Of this format, the item is what `rowOf` made.
  return row.item['title'] as Title;
};

/** The row under another key, in another generation of the log: all that is in that log up to a position is in the row. */
export const movedRow = (row: TableRow, key: string, upTo: Position): TableRow => {
  const title = titleIn(row);
  const asOf = title.asOf && { ...title.asOf, position: formatPosition(upTo) };
  return { ...row, key, item: { ...row.item, title: { ...title, asOf } } };
};
