import { openKafkaClient, type KafkaConnection } from './kafka-log-client.ts';
import { inGeneration } from './kafka-log-generation.ts';
import { joinGroup } from './kafka-log-group.ts';
import { openSender } from './kafka-log-producer.ts';
import { openReader } from './kafka-log-reader.ts';
import { openTopics } from './kafka-log-topics.ts';
import { openWriter } from './kafka-log-writer.ts';
import type { Consumption, Log } from './log.ts';

export type KafkaLogOptions = KafkaConnection & {
  /** Partitions of keyed topics. Fixed with the first start: another number is another generation. */
  readonly partitions: number;
  /** How many brokers hold each record, where there are so many. */
  readonly replicas?: number;
  /**
   * Whether topics that are not there are made (the default); where the service may not, the first is named in an error. Those of
   * accounts in a later generation than the first are made by `kafka-log-move.ts` alone. A user needs the rights READ, WRITE and DESCRIBE_CONFIGS on topics and READ on groups, and CREATE on topics to make them.
   */
  readonly createTopics?: boolean;
  /** After this long an append that is not known to be stored is refused. */
  readonly appendTimeoutMs?: number;
  readonly maxWaitingBytes?: number;
  /** How long a dead member keeps its partitions; 6 s where the broker's `group.min.session.timeout.ms` allows no less. */
  readonly sessionTimeoutMs?: number;
  readonly maxBatchRecords?: number;
  readonly maxBatchBytes?: number;
  /** Hears of what fails with nobody waiting for it: a member that crashed and starts again, a group offset. */
  readonly onTrouble?: (error: Error) => void;
};

const MIB = 1024 * 1024;

/**
 * The log on Kafka. Its promises rest on acks=all with an idempotent producer, on topics as the catalogue has them (checked
 * here), and on brokers that never elect a leader that is behind. Offsets have gaps here.
 */
export const openKafkaLog = async (options: KafkaLogOptions): Promise<Log> => {
  const { onTrouble = () => {}, partitions, replicas = 3 } = options;
  const client = openKafkaClient(options);
  await openTopics(client, { partitions, replicas, create: options.createTopics ?? true });
  const reader = await openReader(client);
  const sender = openSender(client);
  // Whoever may only read need not be able to: the first append says what is wrong.
  await sender.open().catch(() => {});
  const writer = openWriter({
    client,
    sender,
    leaderOf: reader.leaderOf,
    reached: reader.reached,
    timeoutMs: options.appendTimeoutMs ?? 10_000,
    maxWaitingBytes: options.maxWaitingBytes ?? 64 * MIB,
  });
  const consumptions = new Set<Consumption>();
  let closed: Promise<void> | null = null;
  let refusing = false;

  const refused = (): Error => client.unavailable(new Error('the log is closed'), null);
  const close = async (): Promise<void> => {
    // Handlers that are at work may still append what follows from their batch.
    await Promise.all([...consumptions].map((one) => one.close()));
    refusing = true;
    await writer.drained();
    writer.close();
    await Promise.all([sender.close(), reader.close()]);
  };

  const log: Log = {
    append: async (topic, partition, records) => {
      if (refusing) throw refused();
      return writer.append(topic, partition, records);
    },
    read: reader.read,
    bounds: reader.bounds,
    offsetAt: reader.offsetAt,
    consume: async (consumer) => {
      if (closed !== null) throw refused();
      const consumption = joinGroup(consumer, {
        client,
        reader,
        sessionTimeoutMs: options.sessionTimeoutMs ?? 3_000,
        maxRecords: options.maxBatchRecords ?? 1_000,
        maxBytes: options.maxBatchBytes ?? MIB,
        onTrouble,
      });
      consumptions.add(consumption);
      return consumption;
    },
    close: () => (closed ??= close()),
  };
  return inGeneration(log, client.generation);
};
