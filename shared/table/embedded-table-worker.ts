import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { DAY_MS } from '../../schemas/time.ts';
import {
  failureOf,
  PACKED,
  type PackedRows,
  prepareFile,
  type WriterAnswer,
  type WriterRequest,
  type WriterSettings,
} from './embedded-table-file.ts';

/** The thread that writes the file of the tables, one request at a time. */

/** Answers how many rows it changed. */
type Writer = (request: WriterRequest) => number;

const openWriter = ({ file, maxPages }: WriterSettings): Writer => {
  mkdirSync(dirname(file), { recursive: true });
  const db = new DatabaseSync(file, { timeout: 5_000 });
  try {
    prepareFile(db);
    if (maxPages !== null) db.exec(`pragma max_page_count = ${Math.trunc(maxPages)}`);
    return writerTo(db);
  } catch (error) {
    db.close();
    throw error;
  }
};

const writerTo = (db: DatabaseSync): Writer => {
  // An expired row counts as none, whether it has been swept or not: so what a put does never hangs on the sweep. A row that
  // was put over a tombstone is still refused what is of before the erasure.
  const putRow = db.prepare(`
    insert into rows (table_name, account, id, version, expires, place1, place2, item) values (?, ?, ?, ?, ?, ?, ?, ?)
    on conflict (table_name, account, id) do update set version = excluded.version, expires = excluded.expires,
      place1 = excluded.place1, place2 = excluded.place2, item = excluded.item
    where (rows.version < excluded.version or rows.item = '' or rows.expires <= ?)
      and (rows.erased is null or rows.erased < ? or rows.erased_until <= ?)`);
  // What has an erasure of later in the log is left alone: this one is repeated.
  const eraseRows = db.prepare(`
    update rows set version = '', expires = $until, place1 = null, place2 = null, item = '', erased = $source, erased_until = $until
    where table_name = $table and account = $key and (erased is null or erased <= $source)`);
  const tombstoneThatEnds = db.prepare("select 1 from rows where expires <= ? and item = '' limit 1");
  const removeExpired = db.prepare(
    'delete from rows where number in (select number from rows where expires <= ? order by expires limit ?)',
  );

  // Where SQLite has moved a row to another page, its bytes stay in the old one, whatever `secure_delete` says: until the file is
  // written anew. That is done in the hour after an erasure, and after its tombstones end; for what has expired, once a day.
  let erased = true;
  let expired = true;
  let anewAtMs = 0;
  const leaveNoByte = (nowMs: number): void => {
    if (erased || (expired && nowMs - anewAtMs >= DAY_MS)) {
      db.exec('vacuum');
      [erased, expired, anewAtMs] = [false, false, nowMs];
    }
    // What was deleted stands in the write-ahead log until that is cut.
    db.exec('pragma wal_checkpoint(truncate)');
  };

  const transaction = (work: () => void): void => {
    db.exec('begin immediate');
    try {
      work();
      db.exec('commit');
    } catch (error) {
      // SQLite has rolled back by itself after some errors, a full disk among them.
      if (db.isTransaction) db.exec('rollback');
      throw error;
    }
  };

  const put = (rows: PackedRows, nowMs: number): number => {
    let changed = 0;
    transaction(() => {
      for (let at = 0; at < rows.length; at += PACKED) {
        const values = rows.slice(at, at + PACKED - 1);
        changed += Number(putRow.run(...values, nowMs, rows[at + PACKED - 1]!, nowMs).changes);
      }
    });
    return changed;
  };

  return (request) => {
    switch (request.kind) {
      case 'open':
        return 0;
      case 'put':
        return put(request.rows, request.nowMs);
      case 'erase': {
        const { table, key, source, untilMs } = request;
        const rows = Number(eraseRows.run({ table, key, source, until: untilMs }).changes);
        if (rows > 0) erased = true;
        return rows;
      }
      case 'sweep': {
        const { nowMs, limit } = request;
        if (tombstoneThatEnds.get(nowMs) !== undefined) erased = true;
        const swept = Number(removeExpired.run(nowMs, limit).changes);
        if (swept > 0) expired = true;
        if (swept < limit) leaveNoByte(nowMs);
        return swept;
      }
      case 'close':
        // The last connection to close folds the WAL into the file and removes it.
        db.close();
        return 0;
    }
  };
};

const port = parentPort;
if (port === null) throw new Error('embedded-table-worker.ts is started by sqlite-table.ts, as a thread.');

let writer: Writer | null = null;
port.on('message', (request: WriterRequest) => {
  let answer: WriterAnswer;
  try {
    writer ??= openWriter(workerData as WriterSettings);
    answer = { changed: writer(request) };
  } catch (error) {
    answer = { failure: failureOf(error) };
  }
  port.postMessage(answer);
  if (request.kind === 'close') port.close();
});
