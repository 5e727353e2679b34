import type { DatabaseSync } from 'node:sqlite';
import { prepareForRows } from './embedded-file.ts';
import { StateDamaged, StateUnwritable } from './state-errors.ts';

/** What is in `state.sqlite`, and what the main thread and the writing thread tell each other about it. */

/** Grows with the layout. A file of another layout is not converted: it is deleted, and the log makes it again. */
const LAYOUT = 1;

/**
 * `synchronous = NORMAL`: a crash of the process loses nothing, a crash of the machine may lose the newest checkpoints,
 * whole ones. Either way rows and offset go back together, and the log is read again from that offset.
 * `due` is REAL because a STRICT integer column would refuse a fold's half millisecond at every checkpoint for ever.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS partitions (
    id INTEGER PRIMARY KEY, processor TEXT NOT NULL, partition INTEGER NOT NULL, checkpoint TEXT,
    UNIQUE (processor, partition)) STRICT;
  CREATE TABLE IF NOT EXISTS rows (
    partition_id INTEGER NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, due REAL, state TEXT,
    PRIMARY KEY (partition_id, key)) WITHOUT ROWID, STRICT;
  CREATE INDEX IF NOT EXISTS rows_due ON rows (partition_id, due) WHERE due IS NOT NULL;
`;

/** Creates what is missing. It always writes, so that a place that cannot be written shows now and not at a checkpoint. */
export const prepareFile = (db: DatabaseSync, file: string): void => {
  prepareForRows(db, 'normal');
  const layout = db.prepare('PRAGMA user_version').get()?.['user_version'];
  if (layout !== 0 && layout !== LAYOUT) throw new StateDamaged(file, `its layout is ${layout}, not ${LAYOUT}`);
  db.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${LAYOUT}; COMMIT;`);
};

/** Four values per row, one after the other: key, version (null: delete the key), due, state as JSON. */
export type PackedRows = readonly (string | number | null)[];
export const PACKED = 4;

/** One partition's snapshot is `begin`, any number of `rows`, `commit`: one transaction. */
export type WriterRequest =
  | { readonly kind: 'open' }
  | { readonly kind: 'begin'; readonly processor: string; readonly partition: number; readonly discard: boolean }
  | { readonly kind: 'rows'; readonly rows: PackedRows }
  | { readonly kind: 'commit'; readonly checkpoint: string | null }
  | { readonly kind: 'rollback' }
  /** Nothing of what was deleted is left in the write-ahead log, and with the first cut of a day nothing in the file. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'close' };

/** One per request, in their order. Errors lose their class between threads, so they travel as data. */
export type WriterAnswer = { readonly failure: Failure | null };
export type Failure = { readonly kind: 'damaged' | 'unwritable'; readonly detail: string };

export type WriterSettings = { readonly file: string; readonly maxPages: number | null };

/** SQLITE_CORRUPT and SQLITE_NOTADB, without the extended bits above them. */
const DAMAGE = [11, 26];

export const failureOf = (error: unknown): Failure => {
  const detail = error instanceof Error ? error.message : String(error);
  if (error instanceof StateDamaged) return { kind: 'damaged', detail };
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return { kind: DAMAGE.includes(code) ? 'damaged' : 'unwritable', detail };
};

export const errorOf = (file: string, failure: Failure): Error =>
  failure.kind === 'damaged' ? new StateDamaged(file, failure.detail) : new StateUnwritable(file, failure.detail);
