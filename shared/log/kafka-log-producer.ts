import kafkajs, {
  type ICustomPartitioner,
  type Message,
  type Producer,
  type RecordMetadata,
  type TopicMessages,
} from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isForbidden, RETRY, type KafkaClient } from './kafka-log-client.ts';
import { atMost } from './revocation.ts';

/** Where the log put the records of one partition. */
export type Stored = { readonly partition: number; readonly baseOffset: number; readonly appendedAtMs: number };

/**
 * Sends through an idempotent producer, and never again through one that has failed: kafkajs takes the sequence numbers of a
 * failed send back although the broker may have stored it, and would give them to other records. The broker would take
 * those for a repeat: acknowledged, and not in the log.
 */
export type Sender = {
  /** Connects, so that the first send is as quick as the others. One that fails is not sent through. */
  open(): Promise<void>;
  /** One topic; partitions of which no other send is at work. Rejects when it is not known whether all are stored. */
  send(messages: TopicMessages): Promise<readonly Stored[]>;
  close(): Promise<void>;
};

const { CompressionTypes } = kafkajs;

/** Smaller ones do not win anything. */
const COMPRESS_FROM_BYTES = 1_024;
/** Before another producer is made, so that one that cannot work is not made anew all the time. */
const FIRST_WAIT_MS = 100;
const LAST_WAIT_MS = 1_000;
/** With no broker to be had there is nobody to say good-bye to. */
const CLOSE_MS = 2_000;

/** The partitions of a send do not have one leader, or have none any more. Nothing of the send is in flight. */
class Scattered extends Error {
  /** Where kafkajs looks for whether to try again. */
  readonly retriable = false;
}
/** At the first message of a send: all partitions that it goes to. */
type Together = Message & { readonly together?: readonly number[] };

/**
 * When one of two leaders has failed, kafkajs sends to both again, although the other one may still be storing: that one gets
 * the same records under the next sequence numbers, and has them twice. kafkajs asks for partitions just before each attempt,
 * with those who lead at that time: nothing leaves for more than one of them.
 */
const oneLeader: ICustomPartitioner = () => {
  return ({ partitionMetadata, message }) => {
    const { partition, together } = message as Together;
    if (partition === undefined) throw new RangeError('A message that is sent names its partition.');
    if (together === undefined) return partition;
    const leaders = partitionMetadata.filter((one) => together.includes(one.partitionId)).map(({ leader }) => leader);
    if (new Set(leaders).size > 1) throw new Scattered('partitions that were sent together have several leaders');
    return partition;
  };
};

type Held = { readonly producer: Producer; readonly connected: Promise<void>; sends: number; retired: boolean };

type Groups = Record<number, Message[]>;
/**
 * kafkajs asks for the partition of one message after the other, and copies for each all that it has of its partition. Here only
 * the first is asked for, by which `oneLeader` knows all: each of them says where it goes.
 */
const groupedAtOnce = (messages: readonly Message[]): Message[] => {
  const reduce = (step: (groups: Groups, first: Message) => Groups, none: Groups): Groups => {
    const groups = step(none, messages[0]!);
    for (const message of messages.slice(1)) (groups[message.partition!] ??= []).push(message);
    return groups;
  };
  return Object.assign([...messages], { reduce }) as Message[];
};

/** Through kafkajs to one leader, or of each partition by itself. */
const put = async (producer: Producer, { topic, messages }: TopicMessages): Promise<readonly RecordMetadata[]> => {
  const partitions = [...new Set(messages.map(({ partition = 0 }) => partition))];
  const marked = groupedAtOnce(messages.map((one, i): Together => (i === 0 ? { ...one, together: partitions } : one)));
  const bytes = messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  try {
    return await producer.sendBatch({
      acks: -1,
      timeout: 5_000,
      compression: bytes < COMPRESS_FROM_BYTES ? CompressionTypes.None : CompressionTypes.LZ4,
      topicMessages: [{ topic, messages: marked }],
    });
  } catch (error) {
    if (!(error instanceof Error && (error instanceof Scattered || error.cause instanceof Scattered))) throw error;
    const parts = partitions.map((one) =>
      put(producer, { topic, messages: messages.filter(({ partition }) => partition === one) }),
    );
    // None may be left in flight by one that fails.
    await Promise.allSettled(parts);
    return (await Promise.all(parts)).flat();
  }
};

export const openSender = (client: KafkaClient): Sender => {
  let current: Held | null = null;
  const open = new Set<Held>();
  let waitMs = 0;

  const start = (): Held => {
    const producer = client.open().producer({
      idempotent: true,
      createPartitioner: oneLeader,
      allowAutoTopicCreation: false,
      metadataMaxAge: 60_000,
      retry: RETRY,
    });
    const held = { producer, connected: sleep(waitMs).then(() => producer.connect()), sends: 0, retired: false };
    open.add(held);
    return held;
  };
  const retire = (held: Held): void => {
    if (held.retired) return;
    held.retired = true;
    if (current === held) current = null;
    waitMs = Math.min(LAST_WAIT_MS, Math.max(FIRST_WAIT_MS, 2 * waitMs));
  };
  const release = (held: Held): void => {
    if (!held.retired || held.sends > 0 || !open.delete(held)) return;
    held.producer.disconnect().catch(() => {});
  };

  return {
    open: async () => {
      const held = (current ??= start());
      await held.connected.catch((error: unknown) => {
        retire(held);
        release(held);
        throw error;
      });
    },
    send: async (topicMessages) => {
      const held = (current ??= start());
      held.sends += 1;
      let connected = false;
      try {
        await held.connected;
        connected = true;
        const answers = await put(held.producer, topicMessages);
        waitMs = 0;
        return answers.map((answer) => ({
          partition: answer.partition,
          baseOffset: Number(answer.baseOffset),
          appendedAtMs: Number(answer.logAppendTime),
        }));
      } catch (error) {
        // A broker asks who may write to a topic before it writes any of it: nothing is stored, and the numbers hold.
        if (!connected || !isForbidden(error)) retire(held);
        throw error;
      } finally {
        held.sends -= 1;
        release(held);
      }
    },
    close: async () => {
      await atMost(CLOSE_MS, Promise.all([...open].map((held) => held.producer.disconnect().catch(() => {}))));
      open.clear();
    },
  };
};
