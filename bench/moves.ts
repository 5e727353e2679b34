import { trending } from '../services/trending/trending.ts';
import { audience } from '../services/trending/audience.ts';
import { epochMs } from '../schemas/time.ts';
import type { Batch, Log, LogRecord } from '../shared/log/log.ts';
import type { HandClock } from './embedded-parts.ts';
import type { AnyProcessor } from './folds.ts';
import { PARTITIONS } from './lives.ts';
import { BATCH_RECORDS, batchOf, memoryLoop } from './memory-loop.ts';

const MOVES = audience.input;

/** What trending adds to each partition of the moves when it folds a batch of beats in memory: the feed of `audience`. */
export const movesFeed = (partitions: number): ((beats: Batch) => readonly (readonly LogRecord[])[]) => {
  const ends = new Array<number>(partitions).fill(0);
  let sent: LogRecord[][] = [];
  let nowMs = 0;
  const loop = memoryLoop(partitions, trending, (_topic, to, records) => {
    for (const record of records) sent[to]!.push({ ...record, offset: ends[to]!++, appendedAtMs: epochMs(nowMs) });
  });
  return (beats) => {
    sent = ends.map(() => []);
    nowMs = Math.max(nowMs, beats.records.at(-1)?.appendedAtMs ?? 0);
    loop.fold(beats);
    return sent;
  };
};

/** All folds of a batch of beats in memory, one after the other; that of audiences has what trending sends it, a full batch at a time. */
export const memoryFolds = (processors: readonly AnyProcessor[]) => {
  const folded = processors.filter(({ name }) => name !== trending.name && name !== audience.name);
  const loops = folded.map((processor) => memoryLoop(PARTITIONS, processor));
  const counting = memoryLoop(PARTITIONS, audience);
  const moves = movesFeed(PARTITIONS);
  const waiting = Array.from({ length: PARTITIONS }, (): LogRecord[] => []);
  const count = (partition: number): void => {
    const records = waiting[partition]!.splice(0);
    if (records.length > 0) counting.fold(batchOf(MOVES, partition, records));
  };
  return {
    fold: (beats: Batch): void => {
      for (const loop of loops) loop.fold(beats);
      moves(beats).forEach((records, partition) => {
        waiting[partition]!.push(...records);
        if (waiting[partition]!.length >= BATCH_RECORDS) count(partition);
      });
    },
    end: (): void => waiting.forEach((_, partition) => count(partition)),
  };
};

/**
 * The log as it would be with nothing but beats: the moves begin with those that are sent from now on, and their time goes on
 * with the beats that trending folds.
 */
export const withoutMoves = async (log: Log, clock: HandClock): Promise<Log> => {
  const bounds = await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => log.bounds(MOVES, partition)));
  return {
    ...log,
    offsetAt: async (topic, partition, atMs) =>
      topic === MOVES ? bounds[partition]!.end : log.offsetAt(topic, partition, atMs),
    consume: (consumer) => {
      if (!consumer.group.startsWith(trending.name)) return log.consume(consumer);
      const batch: typeof consumer.batch = (beats) => {
        clock.nowMs = Math.max(clock.nowMs, beats.records.at(-1)?.appendedAtMs ?? 0);
        return consumer.batch(beats);
      };
      return log.consume({ ...consumer, batch });
    },
  };
};
