import type { TopicName } from '../../schemas/topics.ts';
import type { Batch } from './log.ts';
import { LogDamaged, LogOutOfRange } from './log-errors.ts';
import { decodeFrom, indexOf, type Decoded, type Limits, type StoredBatch } from './embedded-log-batch.ts';
import { logError, type Channel } from './embedded-log-channel.ts';
import type { SharedReads } from './embedded-log-shared.ts';
import type { Tail } from './embedded-log-tail.ts';

/** What this process knows of one partition. It is the file's only writer, so it need not ask. */
export type Partition = {
  readonly id: number;
  readonly topic: TopicName;
  readonly partition: number;
  first: number;
  /** Behind the newest durable record. */
  end: number;
  newestAtMs: number;
  readonly tail: Tail;
  readonly shared: SharedReads;
  /** Called, once each, when `end` has grown. */
  readonly wakes: Set<() => void>;
};

/** Reads one partition onwards; keeps what it read from the disk beyond the last answer, and what it asked for behind that. */
export type Reader = { read(from: number, limits: Limits): Promise<Batch> };

/** One question to the disk brings several deliveries, for whoever goes on reading. */
export const DELIVERIES_AHEAD = 4;

export type ReaderOf = {
  readonly partition: Partition;
  readonly channel: Channel;
  readonly file: string;
  /** 1: nothing is read ahead. */
  readonly deliveries: number;
};

export const openReader = ({ partition: p, channel, file, deliveries }: ReaderOf): Reader => {
  let ahead: readonly StoredBatch[] = [];
  /** What follows that, asked for before it is needed. */
  let following: { readonly from: number; readonly batches: Promise<readonly StoredBatch[]> } | null = null;

  const decodeAhead = (from: number, limits: Limits): Decoded | null => {
    const index = indexOf(ahead, 0, from);
    return index < 0 ? null : decodeFrom(ahead, index, from, limits);
  };

  const ask = (from: number, limits: Limits): Promise<readonly StoredBatch[]> =>
    channel.ask('read', {
      partitionId: p.id,
      from,
      end: p.end,
      maxRecords: limits.maxRecords * deliveries,
      maxBytes: limits.maxBytes * deliveries,
    });

  const readAhead = async (from: number, limits: Limits): Promise<Decoded> => {
    const asked = following?.from === from ? following.batches : ask(from, limits);
    following = null;
    try {
      ahead = await asked;
    } catch (error) {
      // Retention may have taken it between the question and the answer: that is no damage.
      checkBounds(p, from);
      throw logError(error, file, { topic: p.topic, partition: p.partition, offset: from });
    }
    return decodeAhead(from, limits) ?? { records: [], to: from, damaged: from };
  };

  /** So that whoever has a long way to the end does not wait for the thread: half of what is here is still to be delivered. */
  const askForMore = (to: number, limits: Limits): void => {
    const last = ahead.at(-1);
    if (deliveries === 1 || last === undefined || following !== null) return;
    const from = last.base + last.count;
    if (from >= p.end || from - to > (limits.maxRecords * deliveries) / 2) return;
    const batches = ask(from, limits);
    // Whoever comes to need it hears of its failure.
    batches.catch(() => {});
    following = { from, batches };
  };

  return {
    read: async (from, limits) => {
      checkBounds(p, from);
      if (from === p.end || limits.maxRecords < 1) return batchOf(p, from, { records: [], to: from, damaged: null });
      const near = p.tail.decode(from, limits);
      // At the tail nothing from the disk is needed again.
      if (near !== null) [ahead, following] = [[], null];
      const decoded = near ?? decodeAhead(from, limits) ?? (await readAhead(from, limits));
      askForMore(decoded.to, limits);
      if (decoded.damaged !== null && decoded.records.length === 0)
        throw new LogDamaged('the records of a batch cannot be told apart', {
          file,
          at: { topic: p.topic, partition: p.partition, offset: decoded.damaged },
        });
      return batchOf(p, from, decoded);
    },
  };
};

const batchOf = (p: Partition, from: number, decoded: Decoded): Batch => ({
  topic: p.topic,
  partition: p.partition,
  from,
  to: decoded.to,
  records: decoded.records,
  end: p.end,
});

export const checkBounds = (p: Partition, offset: number): void => {
  if (!Number.isSafeInteger(offset) || offset < p.first || offset > p.end)
    throw new LogOutOfRange({ topic: p.topic, partition: p.partition, offset }, { first: p.first, end: p.end });
};
