import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import {
  failureOf,
  PACKED,
  prepareFile,
  type PackedRows,
  type WriterAnswer,
  type WriterRequest,
  type WriterSettings,
} from './embedded-state-file.ts';

/** The thread that writes `state.sqlite`: the event loop of the service never waits for the disk. */

/** One an hour: see `embedded-state.ts`. */
const CUTS_A_DAY = 24;

type Writer = { handle(request: WriterRequest): void };

const openWriter = ({ file, maxPages }: WriterSettings): Writer => {
  mkdirSync(dirname(file), { recursive: true });
  const db = new DatabaseSync(file, { timeout: 5_000 });
  prepareFile(db, file);
  if (maxPages !== null) db.exec(`PRAGMA max_page_count = ${maxPages}`);

  const addPartition = db.prepare('INSERT INTO partitions (processor, partition) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const idOf = db.prepare('SELECT id FROM partitions WHERE processor = ? AND partition = ?');
  const forgetRows = db.prepare('DELETE FROM rows WHERE partition_id = ?');
  const setCheckpoint = db.prepare('UPDATE partitions SET checkpoint = ? WHERE id = ?');
  const deleteRow = db.prepare('DELETE FROM rows WHERE partition_id = ? AND key = ?');
  const putRow = db.prepare(`
    INSERT INTO rows (partition_id, key, version, due, state) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET version = excluded.version, due = excluded.due, state = excluded.state`);
  let id = 0;
  let cuts = 0;

  /** A thread that took over from one that died must not write the rest of a snapshot as if it were the whole. */
  const checkBegun = (): void => {
    if (!db.isTransaction) throw new Error('the snapshot was interrupted');
  };

  const putRows = (rows: PackedRows): void => {
    for (let at = 0; at < rows.length; at += PACKED) {
      const version = rows[at + 1]!;
      if (version === null) deleteRow.run(id, rows[at]!);
      else putRow.run(id, rows[at]!, version, rows[at + 2]!, rows[at + 3]!);
    }
  };

  const obey = (request: WriterRequest): void => {
    switch (request.kind) {
      case 'open':
        return;
      case 'begin':
        db.exec('BEGIN IMMEDIATE');
        addPartition.run(request.processor, request.partition);
        id = Number(idOf.get(request.processor, request.partition)!['id']);
        if (request.discard) forgetRows.run(id);
        return;
      case 'rows':
        checkBegun();
        putRows(request.rows);
        return;
      case 'commit':
        checkBegun();
        setCheckpoint.run(request.checkpoint, id);
        db.exec('COMMIT');
        return;
      case 'rollback':
        if (db.isTransaction) db.exec('ROLLBACK');
        return;
      case 'cut':
        // Where SQLite has moved a row to another page, its bytes stay in the old one, whatever `secure_delete` says.
        if (cuts % CUTS_A_DAY === 0) db.exec('VACUUM');
        cuts += 1;
        db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        return;
      case 'close':
        // The last connection to close folds the WAL into the file and removes it.
        db.close();
        return;
    }
  };

  return {
    handle: (request) => {
      try {
        obey(request);
      } catch (error) {
        // SQLite has ended the transaction by itself after some errors, and not after others.
        if (db.isOpen && db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
    },
  };
};

if (parentPort !== null) {
  const port = parentPort;
  let writer: Writer | null = null;
  port.on('message', (request: WriterRequest) => {
    let answer: WriterAnswer = { failure: null };
    try {
      writer ??= openWriter(workerData as WriterSettings);
      writer.handle(request);
    } catch (error) {
      answer = { failure: failureOf(error) };
    }
    port.postMessage(answer);
    if (request.kind === 'close') port.close();
  });
}
