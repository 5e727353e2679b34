import { setTimeout as sleep } from 'node:timers/promises';
import { epochMs, type EpochMs } from '../../schemas/time.ts';
import { TOPICS, type TopicName } from '../../schemas/topics.ts';
import { isForbidden, RETRY, type KafkaClient } from './kafka-log-client.ts';
import { openCluster, shownOf, type BrokerClient, type RawMessage } from './kafka-log-inside.ts';
import { topicNames, untilKnown } from './kafka-log-topics.ts';
import type { Batch, Bounds, LogRecord } from './log.ts';
import { LogOutOfRange } from './log-errors.ts';
import { atMost } from './revocation.ts';

/** Questions to Kafka outside any group. Each is asked again while a leader is being elected. */
export type KafkaReader = {
  read(topic: TopicName, partition: number, from: number, maxRecords: number): Promise<Batch>;
  bounds(topic: TopicName, partition: number): Promise<Bounds>;
  offsetAt(topic: TopicName, partition: number, atMs: EpochMs): Promise<number>;
  groupOffset(group: string, topic: TopicName, partition: number): Promise<number | null>;
  /** Where the partitions of a group begin that has no members; one that has some is left as it is. */
  setGroup(group: string, topic: TopicName, offsets: readonly number[]): Promise<void>;
  /** The log had so much once: whoever says that it has less does not lead the partition any more. */
  reached(topic: TopicName, partition: number, end: number): void;
  /** The broker that leads a partition, as far as is known; `RangeError` for a partition that is not there. */
  leaderOf(topic: TopicName, partition: number): number | null;
  close(): Promise<void>;
};

/** Nothing is asked here that takes a broker long. */
const ANSWER_MS = 2_000;
/** With no broker to be had there is nobody to say good-bye to. */
const CLOSE_MS = 2_000;
const READ_BYTES = 1024 * 1024;
/** As Kafka's own tools say who they are. */
const NO_MEMBER = { groupGenerationId: -1, memberId: '' } as const;
/** Only what is durable, and nothing of a transaction that was given up. */
const READ_COMMITTED = 1;

export const recordOf = (message: RawMessage): LogRecord => ({
  key: message.key === null ? null : message.key.toString('utf8'),
  value: message.value,
  offset: Number(message.offset),
  appendedAtMs: epochMs(Number(message.timestamp)),
});

type Named = { readonly name?: unknown; readonly type?: unknown };

/** `readBytes`: how much a read asks for. */
export const openReader = async (client: KafkaClient, readBytes = READ_BYTES): Promise<KafkaReader> => {
  const cluster = openCluster({ ...client.config, requestTimeout: ANSWER_MS });
  const connect = async (): Promise<void> => {
    await cluster.connect();
    await cluster.addMultipleTargetTopics(topicNames.map((name) => client.topicOf(name)));
    await cluster.refreshMetadataIfNecessary();
  };
  let closed = false;
  const ends = new Map<string, number>();
  const reached = (topic: TopicName, partition: number, end: number): void => {
    const key = `${topic}/${partition}`;
    ends.set(key, Math.max(end, ends.get(key) ?? 0));
  };
  /** A broker that was cut off believes for a while that it leads; another one is asked then. */
  const notBehind = (topic: TopicName, partition: number, end: number): void => {
    const before = ends.get(`${topic}/${partition}`) ?? 0;
    if (end < before) throw new Error(`its leader is at offset ${end}, and it was at ${before} before`);
    reached(topic, partition, end);
  };

  const ask = async <T>(topic: TopicName, partition: number, question: () => Promise<T>): Promise<T> => {
    let waitMs = RETRY.initialRetryTime;
    for (let left = RETRY.retries; ; left--) {
      try {
        if (!cluster.isConnected()) await connect();
        return await question();
      } catch (error) {
        const { name } = error as Named;
        if (name === 'LogOutOfRange' || error instanceof RangeError) throw error;
        if (left === 0 || closed || isForbidden(error))
          throw client.unavailable(error, { topic, partition, offset: null });
      }
      await sleep(waitMs);
      waitMs = Math.min(waitMs * RETRY.multiplier, RETRY.maxRetryTime);
      await cluster.refreshMetadata().catch(() => {});
    }
  };

  const leaderOf = (topic: TopicName, partition: number): number => {
    const known = cluster.findTopicPartitionMetadata(client.topicOf(topic));
    const found = known.find((one) => one.partitionId === partition);
    if (found === undefined) throw new RangeError(`There is no partition ${topic}/${partition}.`);
    return found.leader;
  };
  const brokerOf = (topic: TopicName, partition: number): Promise<BrokerClient> =>
    cluster.findBroker({ nodeId: leaderOf(topic, partition) });

  const coordinatorOf = async (groupId: string): Promise<BrokerClient> => {
    try {
      return await cluster.findGroupCoordinator({ groupId });
    } catch (error) {
      // It keeps to itself what the brokers said: one of them is asked again.
      if ((error as Named).name === 'KafkaJSGroupCoordinatorNotFound') {
        const broker = await cluster.brokerPool.findConnectedBroker();
        await broker.findGroupCoordinator({ groupId, coordinatorType: 0 });
      }
      throw error;
    }
  };

  const offsetOf = async (
    topic: TopicName,
    partition: number,
    which: { readonly fromBeginning?: boolean; readonly fromTimestamp?: number },
  ): Promise<number> => {
    leaderOf(topic, partition);
    const answer = await cluster.fetchTopicsOffset([
      { topic: client.topicOf(topic), partitions: [{ partition }], ...which },
    ]);
    return Number(answer[0]?.partitions[0]?.offset ?? -1);
  };

  const bounds = (topic: TopicName, partition: number): Promise<Bounds> =>
    ask(topic, partition, async () => {
      const [first, end] = await Promise.all([
        offsetOf(topic, partition, { fromBeginning: true }),
        offsetOf(topic, partition, { fromBeginning: false }),
      ]);
      notBehind(topic, partition, end);
      return { first, end };
    });

  const fetch = (topic: TopicName, partition: number, from: number) =>
    ask(topic, partition, async () => {
      const broker = await brokerOf(topic, partition);
      const { responses } = await broker
        .fetch({
          maxWaitTime: 100,
          minBytes: 0,
          maxBytes: readBytes,
          isolationLevel: READ_COMMITTED,
          topics: [
            {
              topic: client.topicOf(topic),
              partitions: [{ partition, fetchOffset: String(from), maxBytes: readBytes }],
            },
          ],
        })
        .catch(async (error: unknown) => {
          if ((error as Named).name !== 'KafkaJSOffsetOutOfRange') throw error;
          const held = await bounds(topic, partition);
          if (from < held.first || from > held.end) throw new LogOutOfRange({ topic, partition, offset: from }, held);
          throw error;
        });
      const answer = responses[0]?.partitions[0];
      // A broker that throttles us answers without the partition.
      if (answer === undefined) throw new Error('the broker answered without the partition');
      notBehind(topic, partition, Number(answer.highWatermark));
      return answer;
    });

  await untilKnown(connect).catch((error: unknown) => {
    throw client.unavailable(error, null);
  });

  return {
    bounds,
    reached,
    leaderOf: (topic, partition) => {
      try {
        return leaderOf(topic, partition);
      } catch (error) {
        if (error instanceof RangeError) throw error;
        return null;
      }
    },
    read: async (topic, partition, from, maxRecords) => {
      const answer = await fetch(topic, partition, from);
      const shown = shownOf(client.topicOf(topic), from, answer);
      const records = shown.messages.map(recordOf);
      const taken = records.slice(0, Math.max(0, maxRecords));
      const to = (() => {
        if (taken.length < records.length) return (taken.at(-1)?.offset ?? from - 1) + 1;
        if (!shown.isEmptyIncludingFiltered()) return Number(shown.lastOffset()) + 1;
        // Compaction leaves batches behind that have offsets and no records: all that was there to send was such.
        return TOPICS[topic].retentionMs === 'compact' ? Math.max(from, Number(answer.lastStableOffset)) : from;
      })();
      const end = Math.max(Number(answer.highWatermark), to);
      return { topic, partition, from, to, records: taken, end };
    },
    offsetAt: (topic, partition, atMs) =>
      ask(topic, partition, async () => {
        const found = await offsetOf(topic, partition, { fromTimestamp: atMs });
        return found >= 0 ? found : offsetOf(topic, partition, { fromBeginning: false });
      }),
    groupOffset: (group, topic, partition) =>
      ask(topic, partition, async () => {
        const groupId = client.groupOf(group);
        const coordinator = await coordinatorOf(groupId);
        const { responses } = await coordinator.offsetFetch({
          groupId,
          topics: [{ topic: client.topicOf(topic), partitions: [{ partition }] }],
        });
        const offset = Number(responses[0]?.partitions[0]?.offset ?? -1);
        return offset < 0 ? null : offset;
      }),
    setGroup: (group, topic, offsets) =>
      ask(topic, 0, async () => {
        const groupId = client.groupOf(group);
        const partitions = offsets.map((offset, partition) => ({ partition, offset: String(offset), metadata: null }));
        const coordinator = await coordinatorOf(groupId);
        await coordinator.offsetCommit({
          groupId,
          ...NO_MEMBER,
          topics: [{ topic: client.topicOf(topic), partitions }],
        });
      }),
    close: async () => {
      closed = true;
      await atMost(CLOSE_MS, cluster.disconnect());
    },
  };
};
