import { type EpochMs, HOUR_MS } from '../../schemas/time.ts';
import { TOPICS, type Topic } from '../../schemas/topics.ts';
import { logError, type Channel } from './embedded-log-channel.ts';
import type { Partition } from './embedded-log-partition.ts';

/** Removes whole batches from the front of each partition once they are older than their topic's retention. */
export type Retention = { run(): Promise<void>; stop(): void };

/** What has been removed is gone from the file's pages at once, and from its write-ahead log within this. */
const CUT_EVERY_MS = HOUR_MS;
/** A slice is one short transaction: appends get their turn between two of them. */
const SLICE_BATCHES = 256;

export type RetentionOptions = {
  readonly partitions: readonly Partition[];
  readonly channel: Channel;
  readonly file: string;
  readonly clock: () => EpochMs;
  readonly intervalMs: number;
  readonly onTrouble: (error: Error) => void;
};

export const openRetention = (options: RetentionOptions): Retention => {
  const { partitions, channel, file, clock, intervalMs, onTrouble } = options;
  let stopped = false;
  let running: Promise<void> | null = null;
  let cutAtMs = clock();

  const retain = async (p: Partition): Promise<void> => {
    const { retentionMs }: Topic = TOPICS[p.topic];
    // Compacted topics are kept whole: they are small, and whole is more than they promise.
    if (retentionMs === 'compact') return;
    const beforeMs = clock() - retentionMs;
    for (let more = true; more && !stopped;) {
      try {
        const removed = await channel.ask('retain', {
          partitionId: p.id,
          end: p.end,
          beforeMs,
          maxBatches: SLICE_BATCHES,
        });
        p.first = Math.max(p.first, removed.first);
        more = removed.more;
      } catch (error) {
        throw logError(error, file, { topic: p.topic, partition: p.partition, offset: null });
      }
    }
  };

  const runOnce = async (): Promise<void> => {
    const errors: unknown[] = [];
    for (const p of partitions) await retain(p).catch((error: unknown) => errors.push(error));
    if (clock() - cutAtMs >= CUT_EVERY_MS && !stopped) {
      cutAtMs = clock();
      await channel.ask('cut', {}).catch((error: unknown) => errors.push(logError(error, file, null)));
    }
    // One damaged partition does not keep the others from being cleared; the first error stands for all.
    if (errors.length > 0) throw errors[0];
  };
  const run = (): Promise<void> => {
    running ??= runOnce().finally(() => {
      running = null;
    });
    return running;
  };

  const timer = setInterval(() => {
    run().catch((error: unknown) => onTrouble(error instanceof Error ? error : new Error(String(error))));
  }, intervalMs);
  timer.unref();

  return {
    run,
    stop: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
};
