import kafkajs, { type Producer, type TopicMessages } from 'kafkajs';
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

const { CompressionTypes, Partitioners } = kafkajs;

/** Smaller ones do not win anything. */
const COMPRESS_FROM_BYTES = 1_024;
/** Before another producer is made, so that one that cannot work is not made anew all the time. */
const FIRST_WAIT_MS = 100;
const LAST_WAIT_MS = 1_000;
/** With no broker to be had there is nobody to say good-bye to. */
const CLOSE_MS = 2_000;

type Held = { readonly producer: Producer; readonly connected: Promise<void>; sends: number; retired: boolean };

export const openSender = (client: KafkaClient): Sender => {
  let current: Held | null = null;
  const open = new Set<Held>();
  let waitMs = 0;

  const start = (): Held => {
    const producer = client.open().producer({
      idempotent: true,
      createPartitioner: Partitioners.DefaultPartitioner,
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
        const bytes = topicMessages.messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
        const answers = await held.producer.sendBatch({
          acks: -1,
          timeout: 5_000,
          compression: bytes < COMPRESS_FROM_BYTES ? CompressionTypes.None : CompressionTypes.LZ4,
          topicMessages: [topicMessages],
        });
        // When a leader moves to a broker that has answered already, kafkajs forgets what it was to lead.
        const sent = new Set(topicMessages.messages.map((message) => message.partition));
        if (answers.length < sent.size) throw new Error('the leader of a partition changed while it was written');
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
