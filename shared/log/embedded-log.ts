import { join } from 'node:path';
import type { EpochMs } from '../../schemas/time.ts';
import { partitionsOf, TOPICS, type TopicName } from '../../schemas/topics.ts';
import type { Log } from './log.ts';
import { baseOf } from './position.ts';
import { LogUnavailable } from './log-errors.ts';
import { logError, openChannel } from './embedded-log-channel.ts';
import { startDelivery } from './embedded-log-delivery.ts';
import { openGroups } from './embedded-log-groups.ts';
import { DELIVERIES_AHEAD, openReader, type Partition } from './embedded-log-partition.ts';
import { openRetention } from './embedded-log-retention.ts';
import { openSharedReads } from './embedded-log-shared.ts';
import { openTail } from './embedded-log-tail.ts';
import { openInbox, openWriter, type Inbox } from './embedded-log-writer.ts';

export type EmbeddedLogOptions = {
  /** The file `log.sqlite` lies here. Who opens it holds the folder (`shared/config/data-folder.ts`). */
  readonly folder: string;
  /** Partitions of keyed topics. Fixed with the first start: another number is another generation. */
  readonly partitions: number;
  /** The generation that the file has to be of; a new one is made so. 1 when left out. */
  readonly generation?: number;
  /** Stamps appends and says what retention may remove. */
  readonly clock: () => EpochMs;
  /** Hears of what fails with nobody waiting for it: retention, group offsets, the log's thread. */
  readonly onTrouble?: (error: Error) => void;
  readonly maxBatchRecords?: number;
  readonly maxBatchBytes?: number;
  /** How much of each partition's newest records stays in memory. */
  readonly tailBytes?: number;
  readonly maxWaitingBytes?: number;
  readonly retentionIntervalMs?: number;
  /** Limits the file to so many pages of 8 KiB. */
  readonly maxPages?: number;
};

export type EmbeddedLog = Log & {
  /** Removes what the catalogue of topics lets go of by now; it also runs by itself. */
  retainNow(): Promise<void>;
};

const MIB = 1024 * 1024;

/**
 * The log in one file of this machine. Its promises rest on SQLite's write-ahead log with full sync, in a thread of its own:
 * the event loop never waits for a disk. Offsets have no gaps here. Values of delivered records are views of a shared buffer:
 * nobody writes to them, and who keeps one for long copies it.
 */
export const openEmbeddedLog = async (options: EmbeddedLogOptions): Promise<EmbeddedLog> => {
  const { clock, tailBytes = 4 * MIB, maxWaitingBytes = 64 * MIB, onTrouble = () => {} } = options;
  const limits = { maxRecords: options.maxBatchRecords ?? 1_000, maxBytes: options.maxBatchBytes ?? MIB };
  const file = join(options.folder, 'log.sqlite');

  const channel = openChannel(file, onTrouble);
  const { inboxes, offsets } = await openPartitions().catch(async (error: unknown) => {
    await channel.end();
    throw logError(error, file, null);
  });

  async function openPartitions() {
    const wanted = topicNames.flatMap((topic) =>
      Array.from({ length: partitionsOf(topic, options.partitions) }, (_, partition) => ({
        topic,
        partition,
        base: baseOf(topic, options.generation ?? 1),
      })),
    );
    const opened = await channel.ask('open', {
      file,
      keyedPartitions: options.partitions,
      partitions: wanted,
      maxPages: options.maxPages ?? null,
    });
    const found = new Map<TopicName, Inbox[]>(topicNames.map((topic) => [topic, []]));
    for (const stored of opened.partitions) {
      // A topic that the catalogue no longer names stays in the file and is not opened.
      const topic = topicNames.find((name) => name === stored.topic);
      if (topic === undefined) continue;
      const partition: Partition = {
        ...stored,
        topic,
        tail: openTail(tailBytes),
        shared: openSharedReads(),
        wakes: new Set(),
      };
      found.get(topic)![stored.partition] = openInbox(partition);
    }
    const groupOffsets = new Map(opened.offsets.map((o) => [`${o.partitionId} ${o.group}`, o.offset]));
    return { inboxes: found, offsets: groupOffsets };
  }

  const inboxOf = (topic: TopicName, partition: number): Inbox => {
    const inbox = inboxes.get(topic)?.[partition];
    if (inbox === undefined) throw new RangeError(`There is no partition ${topic}/${partition}.`);
    return inbox;
  };
  const partitionAt = (topic: TopicName, partition: number): Partition => inboxOf(topic, partition).partition;

  const writer = openWriter({ channel, file, clock, maxWaitingBytes, onTrouble });
  const groups = openGroups({
    graceMs: 1_000,
    partitionsOf: (topic) => partitionsOf(topic, options.partitions),
    start: (consumer, number) => {
      const partition = partitionAt(consumer.topic, number);
      const groupOffset = offsets.get(`${partition.id} ${consumer.group}`) ?? null;
      return startDelivery({
        consumer,
        partition,
        groupOffset,
        limits,
        reader: openReader({ partition, channel, file, deliveries: DELIVERIES_AHEAD }),
      });
    },
    commit: ({ group, topic }, number, offset) => {
      const { id } = partitionAt(topic, number);
      offsets.set(`${id} ${group}`, offset);
      writer.putOffset({ group, partitionId: id, offset });
    },
  });
  const retention = openRetention({
    partitions: [...inboxes.values()].flat().map((inbox) => inbox.partition),
    channel,
    file,
    clock,
    intervalMs: options.retentionIntervalMs ?? 60_000,
    onTrouble,
  });

  let closed: Promise<void> | null = null;
  let refusing = false;
  const close = async (): Promise<void> => {
    retention.stop();
    // Handlers that are at work may still append what follows from their batch.
    await groups.close();
    refusing = true;
    await writer.drained();
    await channel.ask('close', {}).catch((error: unknown) => onTrouble(logError(error, file, null)));
    await channel.end();
  };

  return {
    append: (topic, partition, records) => {
      if (refusing) return Promise.reject(new LogUnavailable('the log is closed', { where: file, at: null }));
      const inbox = inboxes.get(topic)?.[partition];
      if (inbox === undefined) return Promise.reject(new RangeError(`There is no partition ${topic}/${partition}.`));
      return writer.append(inbox, records);
    },
    read: async (topic, partition, from, maxRecords) =>
      openReader({ partition: partitionAt(topic, partition), channel, file, deliveries: 1 }).read(from, {
        ...limits,
        maxRecords,
      }),
    bounds: async (topic, partition) => {
      const { first, end } = partitionAt(topic, partition);
      return { first, end };
    },
    offsetAt: async (topic, partition, atMs) => {
      const p = partitionAt(topic, partition);
      const request = { partitionId: p.id, end: p.end, atMs };
      return channel.ask('offsetAt', request).catch((error: unknown) => {
        throw logError(error, file, { topic, partition, offset: null });
      });
    },
    consume: async (consumer) => {
      if (closed !== null) throw new LogUnavailable('the log is closed', { where: file, at: null });
      partitionAt(consumer.topic, 0);
      return groups.join(consumer);
    },
    retainNow: retention.run,
    close: () => (closed ??= close()),
  };
};

const topicNames = Object.keys(TOPICS).filter((name): name is TopicName => name in TOPICS);
