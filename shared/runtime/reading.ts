import { decode, UnknownSchemaId, UnreadableControlRecord, UnreadableRecord } from '../../schemas/codec.ts';
import type { LogEvent } from '../../schemas/events.ts';
import type { TopicName } from '../../schemas/topics.ts';
import type { Batch, LogRecord } from '../log/log.ts';
import type { Readable } from './fold.ts';

/** The partition stands still at a record that only another release, or an operator, can deal with. */
export class PartitionPaused extends Error {}

export type Parked = { readonly record: LogRecord; readonly reason: string };
export type Read = {
  readonly records: readonly Readable[];
  /** What nobody can read, and is set aside. */
  readonly parked: readonly Parked[];
  /** Everything below this offset is in it, or has been left out. */
  readonly until: number;
  readonly pausedBy: PartitionPaused | null;
};

export type Reading = {
  /** What is below it is left out. */
  readonly start: number;
  /** Whether records that nobody can read are set aside; else they are only left out. */
  readonly parks: boolean;
};

/** Decodes what is new in the batch, up to a record at which the partition has to stand still. */
export const readBatch = (batch: Batch, { start, parks }: Reading): Read => {
  const records: Readable[] = [];
  const parked: Parked[] = [];
  const decoded = decodedOf(batch);
  for (let i = 0; i < decoded.length; i++) {
    const [one, record] = [decoded[i]!, batch.records[i]!];
    if (record.offset < start) continue;
    if (!(one instanceof Error)) records.push(one);
    else if (one instanceof UnreadableRecord) {
      if (parks) parked.push({ record, reason: one.message });
    } else {
      const where = `${batch.topic} partition ${batch.partition} offset ${record.offset}`;
      const pausedBy = new PartitionPaused(`${where}: ${one.message}`, { cause: one });
      return { records, parked, until: record.offset, pausedBy };
    }
  }
  return { records, parked, until: batch.to, pausedBy: null };
};

/**
 * Processors of one process are often given the same batch: the first one decodes it. What it was appended as is never changed,
 * so neither is what comes of it.
 */
const known = new WeakMap<Batch['records'], readonly (Readable | Error)[]>();

const decodedOf = ({ topic, records }: Batch): readonly (Readable | Error)[] => {
  const before = known.get(records);
  if (before !== undefined) return before;
  const decoded = records.map((record) => readableOf(topic, record));
  known.set(records, decoded);
  return decoded;
};

const readableOf = (topic: TopicName, record: LogRecord): Readable | Error => {
  const { offset, key, value, appendedAtMs } = record;
  try {
    return { offset, key, appendedAtMs, event: erasureIn(topic, record) ?? decode(value) };
  } catch (error) {
    if (error instanceof UnreadableRecord) return error;
    if (error instanceof UnknownSchemaId || error instanceof UnreadableControlRecord) return error;
    throw error;
  }
};

/** A key without a value, in what a fold of ours has sent, says that all of before is forgotten: its cause is gone from there on. */
const erasureIn = (topic: TopicName, { key, value, appendedAtMs }: LogRecord): LogEvent | null =>
  key === null || value !== null || topic === 'heartbeats.v1'
    ? null
    : { type: 'AccountErased', value: { requestId: '', tenant: '', receivedAtMs: appendedAtMs } };

export const cut = (read: Read, { from, until }: { readonly from: number; readonly until: number }): Read => {
  const within = ({ offset }: { readonly offset: number }): boolean => offset >= from && offset < until;
  return {
    records: read.records.filter(within),
    parked: read.parked.filter(({ record }) => within(record)),
    until,
    pausedBy: until === read.until ? read.pausedBy : null,
  };
};
