import { existsSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { MOVING_TOPICS, type TopicName } from '../../schemas/topics.ts';
import { batchWriter, decodeFrom } from './embedded-log-batch.ts';
import { openSegments, type Segments } from './embedded-log-segments.ts';
import { openLogFile, OFFSETS } from './embedded-log-storage.ts';
import type { LogRecord } from './log.ts';
import { ClockWasSetBack, type LogSeen, MAX_BACK_MS, NotFolded } from './move.ts';
import { partitionOf } from './partition.ts';
import { baseOf, positionOf } from './position.ts';

/** The log of this machine into its next generation, where accounts have other keys. Nobody has it open meanwhile. */

type Stored = { readonly id: number; readonly partition: number; readonly first: number };
type StoredBatch = {
  readonly id: number;
  readonly appended_at: number;
  readonly newest_at: number;
  readonly count: number;
  readonly body: Uint8Array;
};

const partitionsIn = (db: DatabaseSync, topic: TopicName): readonly Stored[] =>
  // Columns that the log itself made so.
  db
    .prepare('select id, partition, first from partitions where topic = ? order by partition')
    .all(topic) as unknown as readonly Stored[];

const NO_LIMIT = { maxRecords: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };

/** `id` and bounds, as they are in the file. */
function* batchesOf(db: DatabaseSync, { id, from, until }: { id: number; from: number; until: number }) {
  const found = db.prepare('select * from batches where id >= ? and id < ? order by id');
  for (const row of found.iterate(id * OFFSETS + from, id * OFFSETS + until)) {
    const batch = row as unknown as StoredBatch & { readonly crc: number };
    const base = batch.id - id * OFFSETS;
    if (crc32(batch.body) !== batch.crc) throw new Error(`the log is damaged at offset ${base}: nothing was moved`);
    const { records } = decodeFrom([{ ...batch, base, appendedAtMs: batch.appended_at }], 0, base, NO_LIMIT);
    if (records.length !== batch.count) throw new Error(`the log is damaged at offset ${base}: nothing was moved`);
    yield { newestAtMs: batch.newest_at, records };
  }
}

/** Null where there is no log. */
export const lookIntoLog = (file: string): LogSeen | null => {
  if (!existsSync(file)) return null;
  const db = openLogFile(file);
  try {
    const there = db.prepare("select 1 from sqlite_master where name = 'partitions'").get();
    const [one] = there === undefined ? [] : partitionsIn(db, 'heartbeats.v1');
    if (one === undefined) return null;
    const keys = new Map<string, number>();
    const groups = new Set<string>();
    for (const topic of MOVING_TOPICS)
      for (const { id, first } of partitionsIn(db, topic)) {
        for (const { consumer_group: group } of db
          .prepare('select consumer_group from group_offsets where partition_id = ?')
          .iterate(id))
          groups.add(String(group));
        for (const { records } of batchesOf(db, { id, from: first, until: OFFSETS }))
          for (const { key } of records) if (key !== null) keys.set(key, (keys.get(key) ?? 0) + 1);
      }
    return { generation: positionOf(0, one.first).generation, groups, keys };
  } finally {
    db.close();
  }
};

export type LogMove = {
  readonly file: string;
  /** Into the one behind it. */
  readonly generation: number;
  /** The key that takes a key's place, or the same. */
  readonly keyOf: (key: string) => string;
};

/**
 * All or nothing, in one transaction; answers how many records were moved. Throws `NotFolded` where a group has not been told of a
 * record yet: whoever is told of it now would act under its old key.
 */
export const moveLog = ({ file, generation, keyOf }: LogMove): number => {
  const db = openLogFile(file);
  try {
    db.exec('begin immediate');
    const segments = openSegments(db);
    const moved = MOVING_TOPICS.reduce((sum, topic) => sum + moveTopic(db, segments, topic, { generation, keyOf }), 0);
    db.exec('commit');
    // Nothing of what was deleted is left in the write-ahead log.
    db.exec('pragma wal_checkpoint(truncate)');
    return moved;
  } finally {
    // Closing rolls back what has not been committed.
    db.close();
  }
};

const moveTopic = (
  db: DatabaseSync,
  segments: Segments,
  topic: TopicName,
  { generation, keyOf }: Omit<LogMove, 'file'>,
): number => {
  const from = baseOf(topic, generation);
  const base = baseOf(topic, generation + 1);
  const partitions = partitionsIn(db, topic);
  const groups = groupsOf(db, topic);
  // Not among the old batches, whose segments are dropped. Where there are some to move, theirs follow.
  segments.open(topic, 0);
  const targets = partitions.map(({ id }) => targetIn({ id, base, insertAt: (ms) => segments.insertAt(topic, ms) }));
  let moved = 0;
  for (const { record, partition, seq } of inOrder(db, partitions, base)) {
    const { key, offset } = record;
    const late = key === null ? undefined : groups.find((one) => (one.next.get(seq) ?? from) <= offset);
    if (late !== undefined) throw new NotFolded(late.group, topic);
    const mapped = key === null ? null : keyOf(key);
    const to = mapped === null || mapped === key ? partition : partitionOf(mapped, partitions.length);
    targets[to]!.write({ ...record, key: mapped });
    moved += 1;
  }
  const setFirst = db.prepare('update partitions set first = ? where id = ?');
  const setNext = db.prepare('insert or replace into group_offsets values (?, ?, ?)');
  for (const [i, { id }] of partitions.entries()) {
    const end = targets[i]!.end();
    segments.remove(topic, id * OFFSETS + from, id * OFFSETS + base);
    setFirst.run(base, id);
    for (const { group } of groups) setNext.run(group, id, end);
  }
  return moved;
};

/** Groups that have been told of any record of the topic, and how far, by the partition's id. */
const groupsOf = (db: DatabaseSync, topic: TopicName) => {
  const rows = db
    .prepare(
      'select consumer_group, partition_id, next from group_offsets join partitions on id = partition_id where topic = ?',
    )
    .all(topic);
  const groups = new Map<string, Map<number, number>>();
  for (const row of rows) {
    const group = String(row['consumer_group']);
    const next = groups.get(group) ?? new Map<number, number>();
    groups.set(group, next.set(Number(row['partition_id']), Number(row['next'])));
  }
  return [...groups].map(([group, next]) => ({ group, next }));
};

/** Of all partitions by append time, and of each in its own order, even where its clock was set back. */
function* inOrder(db: DatabaseSync, partitions: readonly Stored[], until: number) {
  const sources = partitions.map(({ id, partition, first }) => {
    const batches = batchesOf(db, { id, from: first, until });
    return { id, partition, batches, head: batches.next() };
  });
  for (;;) {
    let least: (typeof sources)[number] | null = null;
    for (const source of sources)
      if (
        !source.head.done &&
        (least === null || least.head.done || source.head.value.newestAtMs < least.head.value.newestAtMs)
      )
        least = source;
    if (least === null || least.head.done) return;
    const { newestAtMs, records } = least.head.value;
    if (newestAtMs - records[0]!.appendedAtMs > MAX_BACK_MS) throw new ClockWasSetBack();
    for (const record of records) yield { record, partition: least.partition, seq: least.id };
    least.head = least.batches.next();
  }
}

type Target = {
  readonly id: number;
  readonly base: number;
  readonly insertAt: (appendedAtMs: number) => StatementSync;
};

/** One batch for what was appended at one moment. */
const targetIn = ({ id, base, insertAt }: Target) => {
  const writer = batchWriter();
  let end = base;
  let appendedAtMs = 0;
  let newestAtMs = 0;
  let waiting = 0;
  const flush = (): void => {
    for (const { body, count } of writer.take()) {
      insertAt(appendedAtMs).run(id * OFFSETS + end, appendedAtMs, newestAtMs, count, crc32(body), body);
      end += count;
    }
    waiting = 0;
  };
  return {
    write: (record: LogRecord): void => {
      if (record.appendedAtMs !== appendedAtMs || waiting >= MAX_RECORDS) flush();
      ({ appendedAtMs } = record);
      newestAtMs = Math.max(newestAtMs, appendedAtMs);
      writer.write(record);
      waiting += 1;
    },
    end: (): number => {
      flush();
      return end;
    },
  };
};

/** As many as a delivery takes. */
const MAX_RECORDS = 1_000;
