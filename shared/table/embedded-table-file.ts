import type { DatabaseSync } from 'node:sqlite';
import { prepareForRows } from '../state/embedded-file.ts';
import { TableUnavailable } from './table-errors.ts';
import type { StoredRow } from './table-rows.ts';
import type { Erasure } from './table.ts';

/** What is in the file of the tables, and what the main thread and the writing thread tell each other about it. */

/** "PBTB": tells `file` and SQLite tools whose file this is. */
const APPLICATION_ID = 0x50425442;
const LAYOUT = 2;

/**
 * A tombstone is a row with an empty item; `erased` is the place in the log of its erasure, and `erased_until` how long that
 * counts. A row that is put over a tombstone keeps both, so that what is late finds them.
 *
 * One SQL table for all of the catalogue. `place1` and `place2` are places in the first and the second list of a row's
 * table, so the order of `lists` in the catalogue is part of the layout. Text is UTF-8 here, and compared by its bytes.
 */
const SCHEMA = `
  create table if not exists rows (
    number integer primary key, table_name text not null, account text not null, id text not null,
    version text not null, expires integer not null, place1 text, place2 text, item text not null,
    erased integer, erased_until integer,
    unique (table_name, account, id)) strict;
  create index if not exists rows_place1 on rows (table_name, account, place1) where place1 is not null;
  create index if not exists rows_place2 on rows (table_name, account, place2) where place2 is not null;
  create index if not exists rows_expires on rows (expires);
`;

/** Layout 1 had no tombstones. */
const TO_LAYOUT_2 = 'alter table rows add column erased integer; alter table rows add column erased_until integer;';

/**
 * Full sync, unlike the state store: no log makes these rows again. It always writes, so that a place that cannot be written
 * shows now and not at the first put.
 */
export const prepareFile = (db: DatabaseSync): void => {
  prepareForRows(db, 'full');
  const layout = Number(db.prepare('pragma user_version').get()?.['user_version']);
  if (layout > LAYOUT) throw new Error(`a newer release wrote this file (layout ${layout}); start that release`);
  const change = layout === 1 ? TO_LAYOUT_2 : '';
  db.exec(
    `begin immediate; ${SCHEMA} ${change} pragma user_version = ${LAYOUT}; pragma application_id = ${APPLICATION_ID}; commit`,
  );
};

/** The values of each row, one row after the other: between threads that costs less than half of what objects do. */
export type PackedRows = readonly (string | number | null)[];
/** Table, key, id, version, expiry, two places, item, source. */
export const PACKED = 9;
export const packed = (rows: readonly StoredRow[]): PackedRows =>
  rows.flatMap(({ table, key, id, version, expiresAtMs, places, item, source }) => [
    table,
    key,
    id,
    version,
    expiresAtMs,
    ...places,
    item,
    source,
  ]);

export type WriterRequest =
  | { readonly kind: 'open' }
  /** One transaction. */
  | { readonly kind: 'put'; readonly rows: PackedRows; readonly nowMs: number }
  /** One statement: all rows of the account, or none. */
  | ({ readonly kind: 'erase' } & Erasure)
  /** Deletes at most so many of the rows that have expired; when there are fewer, nothing of any of them is left in the files. */
  | { readonly kind: 'sweep'; readonly nowMs: number; readonly limit: number }
  | { readonly kind: 'close' };

/** One per request, in their order. Errors lose their class between threads, so they travel as data. */
export type WriterAnswer = { readonly changed: number } | { readonly failure: Failure };
export type Failure = { readonly code: number; readonly detail: string };

export type WriterSettings = { readonly file: string; readonly maxPages: number | null };

export const failureOf = (error: unknown): Failure => {
  const of = typeof error === 'object' && error !== null ? error : {};
  return {
    // The code, without the extended bits above it.
    code: 'errcode' in of ? Number(of.errcode) & 0xff : 0,
    detail: 'message' in of ? String(of.message) : String(error),
  };
};

const DAMAGED = 'it is damaged; stop the process, keep a copy of the file, and put back a backup';
const UNWRITABLE = 'it cannot be opened or written; give this user write access to the folder, or choose another';

/** By SQLite's primary result codes: BUSY, READONLY, CORRUPT, FULL, CANTOPEN, NOTADB. */
const WHAT_TO_DO: Readonly<Record<number, string>> = {
  5: 'another process has it open; stop that process, or give this one a folder of its own',
  8: UNWRITABLE,
  11: DAMAGED,
  13: 'there is no space left; free some on its disk',
  14: UNWRITABLE,
  26: DAMAGED,
};

export const unavailable = (file: string, { code, detail }: Failure, cause: unknown): TableUnavailable => {
  const what = WHAT_TO_DO[code];
  return new TableUnavailable(file, { detail: what === undefined ? detail : `${what} [${detail}]`, cause });
};
