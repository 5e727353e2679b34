import type { TopicName } from '../../schemas/topics.ts';
import type { EpochMs } from '../../schemas/time.ts';

/**
 * The port of the log: partitioned, append-only, ordered within a partition. Every adapter passes `log.contract.ts`.
 * Offsets are whole numbers from 0 that grow by at least one per record; gaps between them are normal.
 */
export type Log = {
  /**
   * Resolves when all records are durable, in their order, next to each other; rejects with `LogUnavailable` when it is
   * not known that they are (they may still appear: a caller that repeats must be ready for a double).
   * Appends to one partition take effect in the order of their calls.
   */
  append(topic: TopicName, partition: number, records: readonly NewRecord[]): Promise<Appended>;
  /** Up to `maxRecords` durable records from `from` on, none when `from` is the end; `LogOutOfRange` outside the bounds. */
  read(topic: TopicName, partition: number, from: number, maxRecords: number): Promise<Batch>;
  /** The first offset that is still held and the offset that the next record will get, at this moment. */
  bounds(topic: TopicName, partition: number): Promise<Bounds>;
  /** The offset of the first held record appended at or after `atMs`; the end when there is none. */
  offsetAt(topic: TopicName, partition: number, atMs: EpochMs): Promise<number>;
  /**
   * Joins a consumer group; answers before the consumer is first called. Each partition is assigned to one member at a
   * time, and delivered in order, batch by batch.
   */
  consume(consumer: Consumer): Promise<Consumption>;
  /** Waits for appends in flight, ends consumption, lets go of the storage. Repeating it changes nothing. */
  close(): Promise<void>;
};

/** `key` is null for records about the whole partition; `value` is null for a tombstone of a compacted topic. */
export type NewRecord = { readonly key: string | null; readonly value: Uint8Array | null };

export type LogRecord = NewRecord & {
  readonly offset: number;
  /** Stamped by the log when it appended. It may go backwards when a clock is set back. */
  readonly appendedAtMs: EpochMs;
};

export type Appended = { readonly partition: number; readonly baseOffset: number; readonly appendedAtMs: EpochMs };

/** All that the log holds in `[from, to)`. */
export type Batch = {
  readonly topic: TopicName;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly records: readonly LogRecord[];
  /** The end of the partition when the batch was read: `end - to` records are still to come. */
  readonly end: number;
};

export type Bounds = { readonly first: number; readonly end: number };

export type Consumer = {
  readonly group: string;
  readonly topic: TopicName;
  /** Called before the first batch of a partition. Answers the offset to start at. */
  assigned(partition: number, groupOffset: number | null): Promise<number>;
  /** One call at a time per partition; back-pressure is not resolving. Answers the offset to go on from. */
  batch(batch: Batch): Promise<number>;
  /**
   * The partition is another's from now on; resolves within a second. It may be called while a batch is at work, whose
   * answer is then not heard. Also called when the member leaves, and not for a partition that has failed.
   */
  revoked(partition: number): Promise<void>;
  /** Consumption of this partition has ended for good with this error; the others go on. */
  failed(partition: number, error: unknown): void;
};

export type Consumption = {
  /** Records how far the group is. It is a measure of lag and says which outputs need no repeat; it may be lost. */
  commit(partition: number, offset: number): Promise<void>;
  /** Leaves the group: each partition is revoked, a batch at work has a second to finish. Repeating it changes nothing. */
  close(): Promise<void>;
};
