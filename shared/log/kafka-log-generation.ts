import type { Batch, Log, LogRecord } from './log.ts';
import { LogOutOfRange } from './log-errors.ts';
import { baseOf } from './position.ts';

/**
 * The offsets of a generation of the log. Kafka counts from 0 in each topic that is new; to all who use the log they count on from
 * one generation to the next, as `position.ts` has them.
 */
export const inGeneration = (log: Log, generation: number): Log => ({
  append: async (topic, partition, records) => {
    const appended = await log.append(topic, partition, records);
    return { ...appended, baseOffset: baseOf(topic, generation) + appended.baseOffset };
  },
  read: async (topic, partition, from, maxRecords) => {
    const base = baseOf(topic, generation);
    return told(base, await log.read(topic, partition, from - base, maxRecords).catch(refused(base)));
  },
  bounds: async (topic, partition) => {
    const base = baseOf(topic, generation);
    const { first, end } = await log.bounds(topic, partition);
    return { first: base + first, end: base + end };
  },
  offsetAt: async (topic, partition, atMs) => baseOf(topic, generation) + (await log.offsetAt(topic, partition, atMs)),
  consume: async (consumer) => {
    const base = baseOf(consumer.topic, generation);
    const consumption = await log.consume({
      ...consumer,
      assigned: async (partition, groupOffset) =>
        (await consumer.assigned(partition, groupOffset === null ? null : base + groupOffset)) - base,
      batch: async (batch) => (await consumer.batch(told(base, batch))) - base,
      failed: (partition, error) => consumer.failed(partition, shifted(base, error)),
    });
    return { ...consumption, commit: (partition, offset) => consumption.commit(partition, offset - base) };
  },
  close: () => log.close(),
});

const told = (base: number, batch: Batch): Batch => {
  if (base === 0) return batch;
  const records = batch.records.map((record): LogRecord => ({ ...record, offset: base + record.offset }));
  return { ...batch, from: base + batch.from, to: base + batch.to, end: base + batch.end, records };
};

const shifted = (base: number, error: unknown): unknown =>
  base === 0 || !(error instanceof LogOutOfRange)
    ? error
    : new LogOutOfRange(
        { ...error.at, offset: base + error.at.offset },
        { first: base + error.first, end: base + error.end },
      );

const refused =
  (base: number) =>
  (error: unknown): never => {
    throw shifted(base, error);
  };
