import type { Message } from 'kafkajs';
import type { TopicName } from '../../schemas/topics.ts';
import type { KafkaClient } from './kafka-log-client.ts';
import type { Sender } from './kafka-log-producer.ts';
import type { KafkaReader } from './kafka-log-reader.ts';
import { messageOf } from './kafka-log-writer.ts';
import type { Bounds, LogRecord } from './log.ts';
import { LogOutOfRange } from './log-errors.ts';
import { ClockWasSetBack, MAX_BACK_MS, NotFolded } from './move.ts';
import { partitionOf } from './partition.ts';

/** Of each partition at once. */
export const COPY_READ_BYTES = 256 * 1024;
/** Of all partitions together; less than one batch may have. */
const SEND_BYTES = 4 * 1024 * 1024;
/** What a record takes beside its key and its value, at most. */
const RECORD_BYTES = 64;

/** How far a group has folded each partition, in the offsets of Kafka. */
export type Told = { readonly group: string; readonly next: readonly number[] };

export type Copying = {
  readonly topic: TopicName;
  readonly from: { readonly reader: KafkaReader; readonly bounds: readonly Bounds[]; readonly groups: readonly Told[] };
  readonly to: { readonly client: KafkaClient; readonly reader: KafkaReader; readonly sender: Sender };
  /** The key that takes a key's place, or the same. */
  readonly keyOf: (key: string) => string;
};

/**
 * Sends every record of a topic under its new key, with its append time, to the partition of that key; one without a key stays in
 * its own. Answers where each partition ends then, if nobody else has sent anything.
 */
export const copyTopic = async ({ topic, from, to, keyOf }: Copying): Promise<readonly number[]> => {
  const ends = from.bounds.map(() => 0);
  let waiting: Message[] = [];
  let bytes = 0;
  let sending: Promise<unknown> = Promise.resolve();
  /** Waits for what was sent before: more is read and merged meanwhile, and of a partition one send is under way. */
  const flush = async (): Promise<void> => {
    await sending;
    // A send to several leaders would be one for each partition.
    const parts = Map.groupBy(waiting, ({ partition = 0 }) => to.reader.leaderOf(topic, partition));
    [waiting, bytes] = [[], 0];
    sending = Promise.all(
      [...parts.values()].map((messages) => to.sender.send({ topic: to.client.topicOf(topic), messages })),
    );
    // Whoever waits for it hears of it.
    sending.catch(() => {});
  };
  for await (const { record, partition } of inOrder(from.reader, topic, from.bounds)) {
    const { key, value, offset, appendedAtMs } = record;
    const late = key === null ? undefined : from.groups.find(({ next }) => next[partition]! <= offset);
    if (late !== undefined) throw new NotFolded(late.group, topic);
    const mapped = key === null ? null : keyOf(key);
    const target = mapped === null || mapped === key ? partition : partitionOf(mapped, ends.length);
    const size = (key?.length ?? 0) + (value?.length ?? 0) + RECORD_BYTES;
    if (bytes + size > SEND_BYTES) await flush();
    waiting.push({ ...messageOf({ key: mapped, value }, target), timestamp: String(appendedAtMs) });
    bytes += size;
    ends[target]! += 1;
  }
  await flush();
  await sending;
  return ends;
};

/** What is held between the bounds; what retention lets go of meanwhile is left out. */
export async function* recordsOf(
  reader: KafkaReader,
  { topic, partition }: { readonly topic: TopicName; readonly partition: number },
  { first, end }: Bounds,
): AsyncGenerator<readonly LogRecord[]> {
  for (let at = first; at < end;) {
    try {
      const { records, to } = await reader.read(topic, partition, at, Number.POSITIVE_INFINITY);
      const own = records.filter(({ offset }) => offset < end);
      if (own.length > 0) yield own;
      at = to;
    } catch (error) {
      if (!(error instanceof LogOutOfRange) || error.first <= at) throw error;
      at = error.first;
    }
  }
}

type Source = {
  readonly partition: number;
  readonly batches: AsyncGenerator<readonly LogRecord[]>;
  records: readonly LogRecord[];
  at: number;
  /** The newest append time so far. */
  newestAtMs: number;
};

/** Of all partitions by append time, and of each in its own order, even where its clock was set back a little. */
async function* inOrder(reader: KafkaReader, topic: TopicName, bounds: readonly Bounds[]) {
  const sources = bounds.map((held, partition): Source => {
    const batches = recordsOf(reader, { topic, partition }, held);
    return { partition, batches, records: [], at: -1, newestAtMs: 0 };
  });
  const left = new Set(sources);
  const advance = async (source: Source): Promise<void> => {
    source.at += 1;
    if (source.at >= source.records.length) {
      const next = await source.batches.next();
      if (next.done === true) return void left.delete(source);
      Object.assign(source, { records: next.value, at: 0 });
    }
    const { appendedAtMs } = source.records[source.at]!;
    source.newestAtMs = Math.max(source.newestAtMs, appendedAtMs);
    if (source.newestAtMs - appendedAtMs > MAX_BACK_MS) throw new ClockWasSetBack();
  };
  await Promise.all(sources.map(advance));
  for (;;) {
    let least: Source | null = null;
    for (const source of left) if (least === null || source.newestAtMs < least.newestAtMs) least = source;
    if (least === null) return;
    yield { record: least.records[least.at]!, partition: least.partition };
    await advance(least);
  }
}
