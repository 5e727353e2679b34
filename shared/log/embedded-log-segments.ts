import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SEGMENTS_PER_RETENTION, TOPICS, type TopicName } from '../../schemas/topics.ts';

/**
 * Batches lie in segments, by topic and by the time of their append, and each segment is a table of its own. SQLite leaves bytes
 * of what it moves from page to page, whatever `secure_delete` says, but overwrites every page of a table that is dropped: once
 * the last batch of a segment has gone, nothing of it is left in the file.
 *
 * The view `batches` shows all of them as one: for reads, and for whoever looks into the file.
 */
export type Segments = {
  /** Puts a row of `batches` where its topic's batches of this time lie. */
  insertAt(topic: string, appendedAtMs: number): StatementSync;
  /** Behind what the topic has by now: what is inserted next lies in it. */
  open(topic: string, openedAtMs: number): void;
  /** Rows of the topic by their id, from `from` and before `end`, and the segments in front that have nothing any more. */
  remove(topic: string, from: number, end: number): void;
};

const tableOf = (id: number): string => `batches_${id}`;
const createTable = (db: DatabaseSync, id: number): void =>
  db.exec(`
    create table ${tableOf(id)} (
      id integer primary key, appended_at integer not null, newest_at integer not null, count integer not null,
      crc integer not null, body blob not null)`);

/** In a file that has none. `batches_0` stays empty: a view needs a table, and takes 500 at most. */
export const createSegments = (db: DatabaseSync): void => {
  db.exec('create table segments (id integer primary key, topic text not null, opened_at integer not null)');
  db.exec('create index segments_of_topic on segments (topic)');
  createTable(db, 0);
  showAll(db);
};

const showAll = (db: DatabaseSync): void => {
  const ids = db.prepare('select id from segments order by id').all();
  const tables = [0, ...ids.map((row) => Number(row['id']))].map((id) => `select * from ${tableOf(id)}`);
  db.exec(`drop view if exists batches; create view batches as ${tables.join(' union all ')}`);
};

/** Whoever calls has begun a transaction; nothing is kept here that would be wrong after it was rolled back. */
export const openSegments = (db: DatabaseSync): Segments => {
  const add = db.prepare('insert into segments (topic, opened_at) values (?, ?)');
  const drop = db.prepare('delete from segments where id = ?');
  const ofTopic = db.prepare('select id from segments where topic = ? order by id');
  const last = db.prepare('select id, opened_at from segments where topic = ? order by id desc limit 1');
  const inserts = new Map<number, StatementSync>();

  const open: Segments['open'] = (topic, openedAtMs) => {
    createTable(db, Number(add.run(topic, openedAtMs).lastInsertRowid));
    showAll(db);
  };
  const insertAt: Segments['insertAt'] = (topic, appendedAtMs) => {
    const segment = last.get(topic);
    if (segment === undefined || isOver(topic, Number(segment['opened_at']), appendedAtMs)) {
      open(topic, appendedAtMs);
      return insertAt(topic, appendedAtMs);
    }
    const id = Number(segment['id']);
    const insert = inserts.get(id) ?? db.prepare(`insert into ${tableOf(id)} values (?, ?, ?, ?, ?, ?)`);
    inserts.set(id, insert);
    return insert;
  };

  return {
    insertAt,
    open,
    remove: (topic, from, end) => {
      const ids = ofTopic.all(topic).map((row) => Number(row['id']));
      for (const id of ids) db.prepare(`delete from ${tableOf(id)} where id >= ? and id < ?`).run(from, end);
      const full = ids.findIndex((id) => db.prepare(`select 1 from ${tableOf(id)} limit 1`).get() !== undefined);
      const empty = full === -1 ? ids : ids.slice(0, full);
      for (const id of empty) {
        db.exec(`drop table ${tableOf(id)}`);
        drop.run(id);
        inserts.delete(id);
      }
      if (empty.length > 0) showAll(db);
    },
  };
};

const isOver = (topic: string, openedAtMs: number, nowMs: number): boolean => {
  // A file may have a topic that the catalogue no longer names.
  const { retentionMs } = TOPICS[topic as TopicName] ?? { retentionMs: 'compact' };
  return retentionMs !== 'compact' && nowMs - openedAtMs >= retentionMs / SEGMENTS_PER_RETENTION;
};
