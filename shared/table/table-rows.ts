import { TABLES, type TableName, type TableSpec } from '../../schemas/tables.ts';
import { TableRefusal } from './table-errors.ts';
import { BY_ID, type Erasure, type Listed, type ListRequest, nameOf, type TableKey, type TableRow } from './table.ts';

/** What all adapters do to rows alike: they refuse the same calls, and keep an item as the same text. */

export const ID_BYTES = 512;
export const ITEM_BYTES = 64 * 1024;
export const LIST_ROWS = 100;
/** What DynamoDB takes in a partition key and in a sort key. The others keep to it, so that a row fits in each. */
const KEY_BYTES = 2_048;
const PLACE_BYTES = 1_024;
const VERSION_BYTES = 1_024;

/** A row whose item is JSON text. */
export type StoredRow = Omit<TableRow, 'item' | 'places' | 'source'> & {
  readonly item: string;
  readonly source: number;
  /** In the order of the table's lists; null where it does not stand in one. */
  readonly places: Places;
};
export type Places = readonly [string | null, string | null];

const spec = (table: TableName): TableSpec => TABLES[table];

/** UTF-8 keeps the order of code points, which is not that of JavaScript's `<`: that one compares UTF-16 code units. */
export const compareText = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Refuses rows that cannot be stored; of more than one for the same row only the one with the greatest version is left. */
export const rowsToStore = (rows: readonly TableRow[]): readonly StoredRow[] => {
  const newest = new Map<string, StoredRow>();
  for (const [i, row] of rows.entries()) {
    const stored = storedRow(row, `rows[${i}]`);
    const name = nameOf(row);
    const other = newest.get(name);
    if (other === undefined || compareText(other.version, row.version) < 0) newest.set(name, stored);
  }
  return [...newest.values()];
};

const storedRow = (row: TableRow, path: string): StoredRow => {
  checkKey(row, path);
  checkText(row.version, { path: `${path}.version`, least: 0, most: VERSION_BYTES });
  if (!Number.isSafeInteger(row.expiresAtMs) || row.expiresAtMs < 0)
    throw new TableRefusal(`${path}.expiresAtMs`, `is ${row.expiresAtMs}, no time in whole milliseconds`);
  const item = jsonOf(row.item);
  if (!item.startsWith('{')) throw new TableRefusal(`${path}.item`, 'is no object that JSON can hold');
  const bytes = Buffer.byteLength(item);
  if (bytes > ITEM_BYTES) throw new TableRefusal(`${path}.item`, `takes ${bytes} bytes as JSON; at most ${ITEM_BYTES}`);
  const { table, key, id, version, expiresAtMs, source = BEHIND_ALL } = row;
  return { table, key, id, version, expiresAtMs, item, source, places: placesOf(row, path) };
};

const BEHIND_ALL = Number.MAX_SAFE_INTEGER;

/** Empty where there is none: of a BigInt, a circle, a function. */
const jsonOf = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
};

const placesOf = ({ table, places }: TableRow, path: string): Places => {
  for (const [list, place] of Object.entries(places)) {
    checkListName(table, list, `${path}.places.${list}`);
    if (place !== undefined) checkText(place, { path: `${path}.places.${list}`, least: 1, most: PLACE_BYTES });
  }
  const [first, second] = spec(table).lists.map((list) => places[list] ?? null);
  return [first ?? null, second ?? null];
};

export const rowOf = ({ item, places, ...row }: Omit<StoredRow, 'source'>): TableRow => {
  const entries = spec(row.table).lists.flatMap((list, i) => {
    const place = places[i] ?? null;
    return place === null ? [] : [[list, place] as const];
  });
  return { ...row, places: Object.fromEntries(entries), item: JSON.parse(item) as TableRow['item'] };
};

export const checkKeys = (keys: readonly TableKey[]): void => {
  for (const [i, key] of keys.entries()) checkKey(key, `keys[${i}]`);
};

/** Which list is asked for: the first or the second of its table, or that of the ids. */
export type WhichList = 0 | 1 | typeof BY_ID;

export const checkedList = ({ table, key, list, below, limit }: ListRequest): WhichList => {
  checkTable(table, 'table');
  checkText(key, { path: 'key', least: 1, most: KEY_BYTES });
  if (list !== BY_ID) checkListName(table, list, 'list');
  if (below !== null) checkText(below, { path: 'below', least: 1, most: PLACE_BYTES });
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_ROWS)
    throw new TableRefusal('limit', `is ${limit}; it must be 1 to ${LIST_ROWS}`);
  if (list === BY_ID) return BY_ID;
  return spec(table).lists.indexOf(list) === 0 ? 0 : 1;
};

export const checkErasure = ({ table, key, source, untilMs }: Erasure): void => {
  checkTable(table, 'table');
  checkText(key, { path: 'key', least: 1, most: KEY_BYTES });
  if (!Number.isSafeInteger(source)) throw new TableRefusal('source', `is ${source}, no place in the log`);
  if (!Number.isSafeInteger(untilMs)) throw new TableRefusal('untilMs', `is ${untilMs}, no time in whole milliseconds`);
};

/** Where a row stands in a list; undefined where it does not. */
export const placeIn = (list: string, row: Pick<TableRow, 'id' | 'places'>): string | undefined =>
  list === BY_ID ? row.id : row.places[list];

/** A page of what was found: one row more than asked for tells that there is another. */
export const pageOf = ({ list, limit }: ListRequest, found: readonly TableRow[]): Listed => {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return { rows, next: last === undefined || found.length <= limit ? null : (placeIn(list, last) ?? null) };
};

const checkKey = ({ table, key, id }: TableKey, path: string): void => {
  checkTable(table, `${path}.table`);
  checkText(key, { path: `${path}.key`, least: 1, most: KEY_BYTES });
  checkText(id, { path: `${path}.id`, least: 1, most: ID_BYTES });
};

const checkTable = (table: string, path: string): void => {
  if (!Object.hasOwn(TABLES, table)) throw new TableRefusal(path, `is ${table}, which is no table of the catalogue`);
};

const checkListName = (table: TableName, list: string, path: string): void => {
  if (!spec(table).lists.includes(list))
    throw new TableRefusal(path, `names the list ${list}; ${table} has ${spec(table).lists.join(' and ')}`);
};

type TextLimits = { readonly path: string; readonly least: number; readonly most: number };

const checkText = (text: string, { path, least, most }: TextLimits): void => {
  const bytes = Buffer.byteLength(text);
  if (bytes < least || bytes > most)
    throw new TableRefusal(path, `takes ${bytes} bytes; it must be ${least} to ${most}`);
  // Half a surrogate pair has no UTF-8: two texts that differ in nothing else would be stored as one.
  if (!text.isWellFormed()) throw new TableRefusal(path, 'holds half a surrogate pair');
};
