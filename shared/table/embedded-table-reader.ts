import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import type { EpochMs } from '../../schemas/time.ts';
import { failureOf, unavailable } from './embedded-table-file.ts';
import { rowOf, type WhichList } from './table-rows.ts';
import { BY_ID, type ListRequest, type TableKey, type TableRow } from './table.ts';

/** Reads on the main thread: a row takes some microseconds, less than asking another thread, and never waits for a sync. */
export type TableReader = {
  get(key: TableKey, now: EpochMs): TableRow | null;
  /** At most `limit` rows. */
  list(request: ListRequest, which: WhichList, now: EpochMs): TableRow[];
  close(): void;
};

const COLUMNS = 'id, version, expires, place1, place2, item';
/** Greater than any text: SQLite sorts blobs behind them. */
const BEHIND_ALL = new Uint8Array();

type Found = Readonly<Record<string, SQLOutputValue>>;

export const openTableReader = (file: string): TableReader => {
  const guarded = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw unavailable(file, failureOf(error), error);
    }
  };
  const db = guarded(() => new DatabaseSync(file, { readOnly: true, timeout: 5_000 }));
  const one = db.prepare(
    `select ${COLUMNS} from rows where table_name = ? and account = ? and id = ? and expires > ? and item <> ''`,
  );
  const listBy = (column: string) =>
    db.prepare(
      `select ${COLUMNS} from rows where table_name = ? and account = ? and ${column} < ? and expires > ? and item <> '' ` +
        `order by ${column} desc limit ?`,
    );
  const lists = { 0: listBy('place1'), 1: listBy('place2'), [BY_ID]: listBy('id') };

  const read = ({ table, key }: Pick<TableKey, 'table' | 'key'>, found: Found): TableRow =>
    rowOf({
      table,
      key,
      id: text(found['id']),
      version: text(found['version']),
      expiresAtMs: Number(found['expires']) as EpochMs,
      places: [textOrNull(found['place1']), textOrNull(found['place2'])],
      item: text(found['item']),
    });

  return {
    get: (key, now) =>
      guarded(() => {
        const found = one.get(key.table, key.key, key.id, now);
        return found === undefined ? null : read(key, found);
      }),
    list: (request, which, now) =>
      guarded(() => {
        const { table, key, below, limit } = request;
        return lists[which].all(table, key, below ?? BEHIND_ALL, now, limit).map((found) => read(request, found));
      }),
    close: () => db.close(),
  };
};

const text = (value: SQLOutputValue | undefined): string => {
  if (typeof value !== 'string') throw new Error('a text is missing');
  return value;
};
const textOrNull = (value: SQLOutputValue | undefined): string | null => (value === null ? null : text(value));
