import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import type { StoredBatch } from './embedded-log-batch.ts';
import { createSegments, openSegments } from './embedded-log-segments.ts';
import { positionOf } from './position.ts';
import type { Answers, Kind, Requests, StoredPartition, Trouble } from './embedded-log-protocol.ts';

/** The log's file. Everything here waits for the disk, so it runs in a thread of its own. */
export type Storage = { readonly [K in Exclude<Kind, 'open'>]: (request: Requests[K]) => Answers[K] };

/** "PBLG": tells `file` and SQLite tools whose file this is. */
const APPLICATION_ID = 0x50424c47;
const FORMAT = 2;

/**
 * A batch's row id is its partition's id and its base offset in one number that JavaScript holds exactly: 2^44 offsets
 * are nine years of 60,000 records a second in one partition, and 2^9 partitions are left.
 */
export const OFFSETS = 2 ** 44;
const MAX_PARTITION_ID = 2 ** 9 - 1;

const TABLES = `
  create table if not exists about (one integer primary key check (one = 1), keyed_partitions integer not null);
  create table if not exists partitions (
    id integer primary key, topic text not null, partition integer not null, first integer not null default 0,
    unique (topic, partition));
  create table if not exists group_offsets (
    consumer_group text not null, partition_id integer not null, next integer not null,
    primary key (consumer_group, partition_id)) without rowid;
`;

export class StorageTrouble extends Error implements Trouble {
  override readonly name = 'StorageTrouble';
  readonly kind: Trouble['kind'];
  readonly offset: number | null;
  constructor(kind: Trouble['kind'], text: string, offset: number | null) {
    super(text);
    this.kind = kind;
    this.offset = offset;
  }
  get text(): string {
    return this.message;
  }
}

const number = (value: SQLOutputValue | undefined): number => {
  if (typeof value !== 'number') throw new StorageTrouble('damaged', 'a column that holds numbers holds none', null);
  return value;
};
const text = (value: SQLOutputValue | undefined): string => {
  if (typeof value !== 'string') throw new StorageTrouble('damaged', 'a column that holds text holds none', null);
  return value;
};

/** The file, for this process alone. */
export const openLogFile = (file: string): DatabaseSync => {
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    // The exclusive lock keeps a second process out and saves the shared-memory file; the kernel frees it on kill -9.
    db.exec('pragma page_size = 8192; pragma locking_mode = exclusive; pragma journal_mode = wal');
    db.exec('pragma synchronous = full; pragma cache_size = -8192; pragma journal_size_limit = 67108864');
    // SQLite would leave what it deletes in its pages: here it is overwritten with zeros.
    db.exec('pragma secure_delete = on');
    toNewestFormat(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
};

/** Throws where a newer release wrote the file. One of format 1 had all batches in one table. */
const toNewestFormat = (db: DatabaseSync): void => {
  const format = number(db.prepare('pragma user_version').get()?.['user_version']);
  if (format > FORMAT)
    throw new StorageTrouble('other', `a newer release wrote this file (format ${format}); start that release`, null);
  if (format !== 1) return;
  db.exec('begin immediate; alter table batches rename to before');
  createSegments(db);
  const segments = openSegments(db);
  const copied = db.prepare('select * from before where id >= ? and id < ? order by id');
  for (const { id, topic } of db.prepare('select id, topic from partitions').all())
    for (const batch of copied.iterate(number(id) * OFFSETS, (number(id) + 1) * OFFSETS))
      segments.insertAt(text(topic), number(batch['appended_at'])).run(...Object.values(batch));
  db.exec(`drop table before; pragma user_version = ${FORMAT}; commit`);
};

export const openStorage = (
  request: Requests['open'],
): { readonly storage: Storage; readonly opened: Answers['open'] } => {
  const db = openLogFile(request.file);
  try {
    if (request.maxPages !== null) db.exec(`pragma max_page_count = ${Math.trunc(request.maxPages)}`);
    return prepare(db, request);
  } catch (error) {
    db.close();
    throw error;
  }
};

const prepare = (db: DatabaseSync, request: Requests['open']) => {
  const transaction = <T>(work: () => T): T => {
    db.exec('begin immediate');
    try {
      const result = work();
      db.exec('commit');
      return result;
    } catch (error) {
      // SQLite has rolled back by itself after some errors, a full disk among them.
      if (db.isTransaction) db.exec('rollback');
      throw error;
    }
  };

  const opened = transaction(() => openTables(db, request));

  const topics = new Map(opened.partitions.map(({ id, topic }) => [id, topic]));
  const segments = openSegments(db);
  const putOffset = db.prepare('insert or replace into group_offsets values (?, ?, ?)');
  const startOf = db.prepare('select max(id) as id from batches where id >= ? and id <= ?');
  const batches = db.prepare(
    'select id, appended_at, count, crc, body from batches where id >= ? and id < ? order by id',
  );
  const newestFrom = db.prepare('select id, newest_at from batches where id >= ? and id < ? order by id limit 1');
  const appendedFrom = db.prepare(
    'select id from batches where id >= ? and id < ? and appended_at >= ? order by id limit 1',
  );
  const heads = db.prepare('select id, appended_at, count from batches where id >= ? and id < ? order by id limit ?');
  const setFirst = db.prepare('update partitions set first = max(first, ?) where id = ?');

  const storage: Storage = {
    append: ({ appendedAtMs, rows, body, offsets }) =>
      transaction(() => {
        let at = 0;
        for (const row of rows) {
          const part = body.subarray(at, at + row.bytes);
          at += row.bytes;
          segments
            .insertAt(topics.get(row.partitionId)!, appendedAtMs)
            .run(row.partitionId * OFFSETS + row.base, appendedAtMs, row.newestAtMs, row.count, crc32(part), part);
        }
        for (const o of offsets) putOffset.run(o.group, o.partitionId, o.offset);
        return null;
      }),

    read: ({ partitionId, from, end, maxRecords, maxBytes }) => {
      const zero = partitionId * OFFSETS;
      const found: StoredBatch[] = [];
      let expected = from;
      let bytes = 0;
      try {
        const start = startOf.get(zero, zero + from)?.['id'];
        for (const row of batches.iterate(typeof start === 'number' ? start : zero + from, zero + end)) {
          const base = number(row['id']) - zero;
          const count = number(row['count']);
          const body = row['body'];
          // Offsets have no gaps here: a batch that does not follow the one before means that one is gone.
          const follows = found.length === 0 ? base <= from && base + count > from : base === expected;
          if (!follows) throw new StorageTrouble('damaged', 'records are missing', expected);
          if (!(body instanceof Uint8Array) || crc32(body) !== number(row['crc']))
            throw new StorageTrouble('damaged', 'the checksum of a batch does not match', base);
          found.push({ base, count, appendedAtMs: number(row['appended_at']), body });
          expected = base + count;
          bytes += body.length;
          if (expected - from >= maxRecords || bytes >= maxBytes) break;
        }
        if (found.length === 0) throw new StorageTrouble('damaged', 'records are missing', expected);
      } catch (error) {
        // What lies before the damage is whole, and is answered first; the next read starts at the damage.
        if (found.length === 0) throw troubleAt(error, expected);
      }
      return found;
    },

    offsetAt: ({ partitionId, end, atMs }) => {
      const zero = partitionId * OFFSETS;
      // `newest_at` never falls: half the span is dropped with each look. It may be too high for batches whose clock was
      // set back, so the last step goes on to the first that was itself appended late enough.
      let low = zero;
      let high = zero + end;
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        const row = newestFrom.get(middle, zero + end);
        if (row === undefined || number(row['newest_at']) >= atMs) high = middle;
        else low = number(row['id']) + 1;
      }
      const row = appendedFrom.get(low, zero + end, atMs);
      return row === undefined ? end : number(row['id']) - zero;
    },

    retain: ({ partitionId, end, beforeMs, maxBatches }) => {
      const zero = partitionId * OFFSETS;
      let first: number | null = null;
      let old = 0;
      for (const row of heads.iterate(zero, zero + end, maxBatches)) {
        if (number(row['appended_at']) >= beforeMs) break;
        first = number(row['id']) - zero + number(row['count']);
        old += 1;
      }
      if (first === null) return { first: 0, more: false };
      const upTo = first;
      transaction(() => {
        segments.remove(topics.get(partitionId)!, zero, zero + upTo);
        setFirst.run(upTo, partitionId);
      });
      return { first: upTo, more: old === maxBatches };
    },

    cut: () => {
      db.exec('pragma wal_checkpoint(truncate)');
      return null;
    },

    close: () => {
      db.close();
      return null;
    },
  };
  return { storage, opened };
};

const openTables = (db: DatabaseSync, request: Requests['open']): Answers['open'] => {
  if (db.prepare("select 1 from sqlite_master where name = 'segments'").get() === undefined) createSegments(db);
  db.exec(TABLES);
  db.exec(`pragma user_version = ${FORMAT}; pragma application_id = ${APPLICATION_ID}`);
  db.prepare('insert or ignore into about values (1, ?)').run(request.keyedPartitions);
  const keyed = number(db.prepare('select keyed_partitions from about').get()?.['keyed_partitions']);
  if (keyed !== request.keyedPartitions)
    throw new StorageTrouble(
      'other',
      `it was made with ${keyed} partitions and cannot have ${request.keyedPartitions}; ` +
        'start with the old number, or move to a new generation of its topics',
      null,
    );

  const add = db.prepare('insert or ignore into partitions (topic, partition, first) values (?, ?, ?)');
  const firstOf = db.prepare('select first from partitions where topic = ? and partition = ?');
  for (const { topic, partition, base } of request.partitions) {
    add.run(topic, partition, base);
    const is = positionOf(partition, number(firstOf.get(topic, partition)?.['first'])).generation;
    const wanted = positionOf(partition, base).generation;
    if (is !== wanted)
      throw new StorageTrouble(
        'other',
        `it is of generation ${is}: start with LOG_GENERATION=${is}, not ${wanted}`,
        null,
      );
  }
  const last = db.prepare('select id, count, newest_at from batches where id >= ? and id < ? order by id desc limit 1');
  const partitions = db
    .prepare('select id, topic, partition, first from partitions')
    .all()
    .map((row): StoredPartition => {
      const id = number(row['id']);
      if (id > MAX_PARTITION_ID)
        throw new StorageTrouble('other', `it holds at most ${MAX_PARTITION_ID} partitions`, null);
      const first = number(row['first']);
      const newest = last.get(id * OFFSETS, (id + 1) * OFFSETS);
      return {
        id,
        topic: text(row['topic']),
        partition: number(row['partition']),
        first,
        end: newest === undefined ? first : number(newest['id']) - id * OFFSETS + number(newest['count']),
        newestAtMs: newest === undefined ? 0 : number(newest['newest_at']),
      };
    });
  const offsets = db
    .prepare('select consumer_group, partition_id, next from group_offsets')
    .all()
    .map((row) => ({
      group: text(row['consumer_group']),
      partitionId: number(row['partition_id']),
      offset: number(row['next']),
    }));
  return { partitions, offsets };
};

/** What SQLite says, as one of the cases that the log tells apart. */
export const troubleOf = (error: unknown): Trouble => {
  if (error instanceof StorageTrouble) return { kind: error.kind, text: error.message, offset: error.offset };
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return { kind: KINDS[code] ?? 'other', text: message, offset: null };
};

/** SQLite's primary result codes: BUSY, LOCKED, READONLY, CORRUPT, FULL, CANTOPEN, NOTADB. */
const KINDS: Readonly<Record<number, Trouble['kind']>> = {
  5: 'busy',
  6: 'busy',
  8: 'read-only',
  11: 'damaged',
  13: 'full',
  14: 'read-only',
  26: 'damaged',
};

const troubleAt = (error: unknown, offset: number): StorageTrouble => {
  const trouble = troubleOf(error);
  return new StorageTrouble(trouble.kind, trouble.text, trouble.offset ?? offset);
};
