import type { Admin } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaSettingsOf } from '../../schemas/kafka-settings.ts';
import { MOVING_TOPICS, TOPICS, type TopicName } from '../../schemas/topics.ts';
import { type KafkaClient, type KafkaConnection, openKafkaClient, RETRY } from './kafka-log-client.ts';
import { COPY_READ_BYTES, copyTopic, recordsOf, type Told } from './kafka-log-copy.ts';
import { checkGeneration, CONFIG_OF_TOPIC, type Copy, copyOf, STAMPED_BY } from './kafka-log-generations.ts';
import { openSender } from './kafka-log-producer.ts';
import { type KafkaReader, openReader } from './kafka-log-reader.ts';
import { entriesOf, makeTopics, untilKnown } from './kafka-log-topics.ts';
import type { Bounds } from './log.ts';
import type { LogSeen } from './move.ts';
import { baseOf } from './position.ts';

/**
 * The log on Kafka into its next generation, where accounts have other keys: other topics, in which each record has its append time.
 * Nobody appends and nobody is a member of a group meanwhile. What was begun and not ended is begun anew.
 */
export type KafkaMove = {
  /** What is to be moved, or was moved; null where there is no log. */
  look(): Promise<LogSeen | null>;
  /** Throws `StillRunning` where a group has members. */
  checkStopped(): Promise<void>;
  /** All or nothing, seen from outside; answers how many records were moved. Throws `NotFolded`, `ClockWasSetBack`, `StillRunning`. */
  move(options: MoveOptions): Promise<number>;
  /** Where `heartbeats.v1` ends in each partition once it is moved, in the port's offsets. */
  ends(): Promise<readonly number[]>;
  /** Deletes the topics of before, once all else is done. */
  removeBefore(): Promise<void>;
  close(): Promise<void>;
};

export type MoveOptions = {
  /** The key that takes a key's place, or the same. */
  readonly keyOf: (key: string) => string;
  /** How far a group has folded a partition by what it keeps, in the port's offsets: one that has crashed may not have told Kafka. */
  readonly foldedTo: (group: string, partition: number) => Promise<number | null>;
};

export type KafkaMoveOptions = KafkaConnection & {
  /** Into the one behind it. */
  readonly generation: number;
  readonly partitions: number;
  readonly replicas: number;
  /** Of the services. */
  readonly groups: readonly string[];
};

export class StillRunning extends Error {
  override readonly name = 'StillRunning';
}

const GONE_WITHIN_MS = 60_000;

export const openKafkaMove = async (options: KafkaMoveOptions): Promise<KafkaMove> => {
  const { generation, partitions, groups } = options;
  const from = openKafkaClient(options);
  const to = openKafkaClient({ ...options, generation: generation + 1 });
  const admin = from.open().admin();
  const close = (): Promise<void> => admin.disconnect().catch(() => {});
  let replicas: number;
  try {
    await admin.connect();
    replicas = Math.min(options.replicas, (await admin.describeCluster()).brokers.length);
  } catch (error) {
    await close();
    throw from.unavailable(error, null);
  }
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);

  const copyIn = async (client: KafkaClient): Promise<Copy> => {
    const there = new Set(await admin.listTopics());
    return untilKnown(() => copyOf(admin, client, { generation: client.generation, there }));
  };
  const reading = async <T>(client: KafkaClient, work: (reader: KafkaReader) => Promise<T>): Promise<T> => {
    const reader = await openReader(client, COPY_READ_BYTES);
    try {
      return await work(reader);
    } finally {
      await reader.close();
    }
  };
  const boundsOf = (reader: KafkaReader, topic: TopicName): Promise<readonly Bounds[]> =>
    Promise.all(numbers.map((partition) => reader.bounds(topic, partition)));

  /** Null for a group that was never told of a record of the topic. */
  const offsetsOf = async (client: KafkaClient, group: string, topic: TopicName): Promise<readonly number[] | null> => {
    const found = await admin.fetchOffsets({ groupId: client.groupOf(group), topics: [client.topicOf(topic)] });
    const by = new Map(found[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    const next = numbers.map((partition) => by.get(partition) ?? -1);
    return next.some((offset) => offset >= 0) ? next : null;
  };
  const toldOf = async (topic: TopicName, foldedTo: MoveOptions['foldedTo']): Promise<readonly Told[]> => {
    const base = baseOf(topic, generation);
    const found = await Promise.all(
      groups.map(async (group) => {
        const next = await offsetsOf(from, group, topic);
        if (next === null) return [];
        const kept = await Promise.all(numbers.map((partition) => foldedTo(group, partition)));
        return [{ group, next: next.map((offset, i) => Math.max(offset, (kept[i] ?? 0) - base)) }];
      }),
    );
    return found.flat();
  };

  const remove = async (client: KafkaClient): Promise<void> => {
    const names = MOVING_TOPICS.map((topic) => client.topicOf(topic));
    const left = async (): Promise<readonly string[]> => {
      const there = await admin.listTopics();
      return names.filter((name) => there.includes(name));
    };
    let topics = await left();
    if (topics.length > 0) await admin.deleteTopics({ topics: [...topics] });
    for (let leftMs = GONE_WITHIN_MS; topics.length > 0; leftMs -= RETRY.maxRetryTime) {
      if (leftMs <= 0) throw new Error(`${topics.join(', ')} are not gone after ${GONE_WITHIN_MS} ms`);
      await sleep(RETRY.maxRetryTime);
      topics = await left();
    }
  };

  const checkStopped = async (): Promise<void> => {
    const described = await admin.describeGroups(groups.map((group) => from.groupOf(group)));
    const [one] = described.groups.filter(({ members }) => members.length > 0);
    if (one !== undefined)
      throw new StillRunning(
        `group ${one.groupId} has members: stop every service, and wait until Kafka has missed one that was killed`,
      );
  };

  const copyAll = async ({ keyOf, foldedTo }: MoveOptions): Promise<number> =>
    reading(from, (reader) =>
      reading(to, async (written) => {
        const sender = openSender(to);
        try {
          const done: { readonly topic: TopicName; readonly bounds: readonly Bounds[] }[] = [];
          let moved = 0;
          for (const topic of MOVING_TOPICS) {
            const bounds = await boundsOf(reader, topic);
            const told = await toldOf(topic, foldedTo);
            const ends = await copyTopic({
              topic,
              from: { reader, bounds, groups: told },
              to: { client: to, reader: written, sender },
              keyOf,
            });
            const are = await boundsOf(written, topic);
            if (are.some(({ end }, i) => end !== ends[i]))
              throw new Error(`${to.topicOf(topic)} has not what it was sent: do it again`);
            for (const { group } of told) await written.setGroup(group, topic, ends);
            done.push({ topic, bounds });
            moved += ends.reduce((sum, end) => sum + end, 0);
          }
          for (const { topic, bounds } of done) {
            const now = await boundsOf(reader, topic);
            if (now.some(({ end }, i) => end !== bounds[i]!.end))
              throw new StillRunning(`somebody appends to ${from.topicOf(topic)}: stop every service`);
          }
          return moved;
        } finally {
          await sender.close();
        }
      }),
    );

  /** From here on it is whole. */
  const mark = async (): Promise<void> => {
    await alter(admin, to, replicas);
    // Brokers hear of it a moment later.
    for (let leftMs = GONE_WITHIN_MS; (await copyIn(to)) !== 'whole'; leftMs -= RETRY.initialRetryTime) {
      if (leftMs <= 0) throw new Error(`the topics of generation ${to.generation} do not take their settings`);
      await sleep(RETRY.initialRetryTime);
    }
  };

  return {
    look: async () => {
      const client = (await copyIn(to)) === 'whole' ? to : from;
      if (client === from) await checkGeneration(admin, from, new Set(await admin.listTopics()));
      if (client === from && (await copyIn(from)) === 'none') return null;
      const keys = new Map<string, number>();
      const told = new Set<string>();
      await reading(client, async (reader) => {
        for (const topic of MOVING_TOPICS) {
          for (const group of groups) if ((await offsetsOf(client, group, topic)) !== null) told.add(group);
          for (const [partition, bounds] of (await boundsOf(reader, topic)).entries())
            for await (const records of recordsOf(reader, { topic, partition }, bounds))
              for (const { key } of records) if (key !== null) keys.set(key, (keys.get(key) ?? 0) + 1);
        }
      });
      return { generation: client.generation, groups: told, keys };
    },
    checkStopped,
    move: async (how) => {
      await checkStopped();
      await remove(to);
      await makeTopics(admin, to, MOVING_TOPICS, { partitions, replicas, settings: { [STAMPED_BY]: 'CreateTime' } });
      const moved = await copyAll(how);
      await mark();
      return moved;
    },
    ends: async () => {
      const bounds = await reading(to, (reader) => boundsOf(reader, 'heartbeats.v1'));
      return bounds.map(({ end }) => baseOf('heartbeats.v1', to.generation) + end);
    },
    removeBefore: () => remove(from),
    close,
  };
};

/** As the catalogue says. */
const alter = async (admin: Admin, client: KafkaClient, replicas: number): Promise<void> => {
  await admin.alterConfigs({
    validateOnly: false,
    resources: MOVING_TOPICS.map((topic) => ({
      type: CONFIG_OF_TOPIC,
      name: client.topicOf(topic),
      configEntries: entriesOf(kafkaSettingsOf(TOPICS[topic], replicas)),
    })),
  });
};
