import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { TopicName } from '../../schemas/topics.ts';
import { recordOf, type KafkaReader } from './kafka-log-reader.ts';
import type { Shown } from './kafka-log-inside.ts';
import type { Batch, Consumer, LogRecord } from './log.ts';
import { LogOutOfRange, LogUnavailable } from './log-errors.ts';
import { atMost, revoke } from './revocation.ts';

/** What the member of the group does for one of its partitions. */
export type Fetching = {
  /** The next fetch starts here. */
  seek(offset: number): void;
  pause(): void;
  resume(): void;
  /** Whether the partition is this member's for all that the group has said lately; `goOn` is called when it is again. */
  isKnown(): boolean;
  /** The partition has records that the member does not come by. */
  stuck(error: Error): void;
};

/** The delivery of one partition to one consumer, from `assigned` until it is revoked or has failed. */
export type KafkaDelivery = {
  /** What the member fetched; it waits here, so that a slow partition holds no other one up. */
  accept(shown: Shown): void;
  isRunning(): boolean;
  /** The group has answered. */
  goOn(): void;
  /** Looks from time to time whether the log has what does not come; at the third look without an answer the member is stuck. */
  look(): void;
  /** Tells the consumer, and waits until it has let go and its handler has answered; not longer than `graceMs`. */
  stop(graceMs: number): Promise<void>;
};

export type DeliveryOf = {
  readonly consumer: Consumer;
  readonly partition: number;
  readonly reader: KafkaReader;
  readonly fetching: Fetching;
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly onTrouble: (error: Error) => void;
};

/** Everything in `[from, to)`. */
type Chunk = { readonly from: number; readonly to: number; readonly records: readonly LogRecord[] };

/** Between two attempts to ask a log that cannot be had. */
const RETRY_MS = 500;

/** So much waits for its handler before fetching pauses. */
const BUFFER_BYTES = 4 * 1024 * 1024;

const bytesOf = (records: readonly LogRecord[]): number =>
  records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);

export const startDelivery = (options: DeliveryOf): KafkaDelivery => {
  const { consumer, partition, reader, fetching, maxRecords, maxBytes, onTrouble } = options;
  const topic: TopicName = consumer.topic;
  let stopped = false;
  let failed = false;
  /** What is to be fetched next; null while that is not known. */
  let expected: number | null = null;
  let chunks: Chunk[] = [];
  let buffered = 0;
  let paused = true;
  /** Answers of handlers that went elsewhere: what was asked before is not wanted any more. */
  let moves = 0;
  let end = 0;
  let wake = (): void => {};

  const running = (): boolean => !stopped && !failed;
  const fail = (error: unknown): void => {
    if (failed) return;
    failed = true;
    pause();
    wake();
    try {
      consumer.failed(partition, error);
    } catch (thrown) {
      onTrouble(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  };
  const pause = (): void => {
    paused = true;
    fetching.pause();
  };
  const resume = (): void => {
    paused = false;
    fetching.resume();
  };

  const push = (chunk: Chunk): void => {
    chunks.push(chunk);
    buffered += bytesOf(chunk.records);
    expected = chunk.to;
    if (buffered > BUFFER_BYTES && !paused) pause();
    wake();
  };

  /** A log that cannot be had now does not end the partition. */
  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof LogUnavailable) || !running()) throw error;
        onTrouble(error);
        await sleep(RETRY_MS);
      }
    }
  };

  const checkBounds = async (offset: number): Promise<void> => {
    const bounds = await patiently(() => reader.bounds(topic, partition));
    end = Math.max(end, bounds.end);
    if (!Number.isSafeInteger(offset) || offset < bounds.first || offset > bounds.end)
      throw new LogOutOfRange({ topic, partition, offset }, bounds);
  };

  /** Forgets what was fetched and fetches from here on. */
  const startAt = async (offset: number): Promise<void> => {
    const move = ++moves;
    expected = null;
    chunks = [];
    buffered = 0;
    if (!paused) pause();
    await checkBounds(offset);
    if (!running() || move !== moves) return;
    expected = offset;
    fetching.seek(offset);
    resume();
  };

  /**
   * The member fetched from elsewhere. Either it skipped records that nobody is shown, or the offset is not held any more and
   * it went to the first one, which it does without a word. The log itself says which, and goes on behind what it gives.
   */
  const recover = async (offset: number): Promise<void> => {
    const move = moves;
    expected = null;
    pause();
    await checkBounds(offset);
    const batch = await patiently(() => reader.read(topic, partition, offset, maxRecords));
    if (!running() || move !== moves) return;
    end = Math.max(end, batch.end);
    push(batch);
    fetching.seek(batch.to);
    if (buffered <= BUFFER_BYTES) resume();
  };

  const woken = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });

  /** Where it stood at the last look, and whether the log had more than that. */
  let still: number | null = null;
  let missed = false;
  const look = async (): Promise<void> => {
    const at = expected;
    const waits = (): boolean => running() && !paused && chunks.length === 0 && fetching.isKnown() && expected === at;
    if (at === null || !waits() || at !== still) {
      [still, missed] = [at, false];
      return;
    }
    const { to } = await reader.read(topic, partition, at, 1);
    if (to === at || !waits()) return;
    if (missed) fetching.stuck(new Error(`partition ${partition} stands still at offset ${at}, and the log goes on`));
    missed = true;
  };

  /** As much of what waits as a handler is given at once: one that is slower than the fetches has fewer and larger batches. */
  const next = (): Batch => {
    const { from } = chunks[0]!;
    const records: LogRecord[] = [];
    let to = from;
    let bytes = 0;
    for (let chunk = chunks[0]; chunk !== undefined; chunk = chunks[0]) {
      const before = records.length;
      for (const record of chunk.records) {
        bytes += (record.value?.length ?? 0) + (record.key?.length ?? 0);
        if (records.length === maxRecords || (records.length > 0 && bytes > maxBytes)) break;
        records.push(record);
      }
      const rest = chunk.records.slice(records.length - before);
      to = rest[0]?.offset ?? chunk.to;
      if (rest.length > 0) {
        chunks[0] = { from: to, to: chunk.to, records: rest };
        break;
      }
      chunks.shift();
    }
    buffered -= bytesOf(records);
    return { topic, partition, from, to, records, end: Math.max(end, to) };
  };

  const run = async (): Promise<void> => {
    // The caller of `consume` has its answer before its consumer is called.
    await nextTurn();
    const start = await patiently(async () => {
      const groupOffset = await reader.groupOffset(consumer.group, topic, partition);
      // Taking it over from one that has it by now would stop that one.
      while (!stopped && !fetching.isKnown()) await woken();
      return stopped ? null : consumer.assigned(partition, groupOffset);
    });
    if (start === null) return;
    await startAt(start);
    while (running()) {
      if (chunks.length === 0 || !fetching.isKnown()) {
        await woken();
        continue;
      }
      const batch = next();
      const at = await consumer.batch(batch);
      if (!running()) return;
      if (at !== batch.to) await startAt(at);
      else if (paused && expected !== null && buffered <= BUFFER_BYTES / 2) resume();
      // A long way to the end is gone in many steps: requests get their turn between them.
      if (at !== end) await nextTurn();
    }
  };

  const done = run().catch(async (error: unknown) => {
    // Who was away for long may be told by the next owner's work that the partition is another's, before the group says so.
    while (!stopped && !fetching.isKnown()) await woken();
    if (!stopped) fail(error);
  });

  return {
    isRunning: running,
    goOn: () => wake(),
    look: () =>
      void look().catch((error: unknown) => {
        // That the log cannot be had is heard elsewhere; that it let go of what comes next is heard of a member that works.
        if (error instanceof LogOutOfRange && running()) fetching.stuck(error);
      }),
    accept: (shown) => {
      if (!running() || expected === null || shown.messages.length === 0) return;
      end = Math.max(end, Number(shown.highWatermark));
      reader.reached(topic, partition, end);
      // Gaps are normal behind the offset that was asked for: what is missing there, the log does not hold.
      if (Number(shown.fetchedOffset) === expected) {
        push({ from: expected, to: Number(shown.lastOffset()) + 1, records: shown.messages.map(recordOf) });
        return;
      }
      recover(expected).catch(fail);
    },
    stop: async (graceMs) => {
      if (stopped) return;
      stopped = true;
      wake();
      // A consumer whose partition has failed has nothing to let go of.
      const letGo = failed ? Promise.resolve() : revoke(consumer, partition).catch(fail);
      await atMost(graceMs, Promise.all([letGo, done]));
    },
  };
};
