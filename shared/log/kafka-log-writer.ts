import type { Message } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_MESSAGE_BYTES } from '../../schemas/kafka-settings.ts';
import { epochMs } from '../../schemas/time.ts';
import type { TopicName } from '../../schemas/topics.ts';
import { textOf, type KafkaClient } from './kafka-log-client.ts';
import type { Sender, Stored } from './kafka-log-producer.ts';
import type { Appended, NewRecord } from './log.ts';
import type { LogPlace, LogUnavailable } from './log-errors.ts';

/**
 * Appends of many callers in few sends. Of each partition one send is in flight, and what arrives meanwhile goes with the
 * next: with more in flight kafkajs loses a record when a leader dies. Partitions of one topic with one leader share a send.
 */
export type KafkaWriter = {
  append(topic: TopicName, partition: number, records: readonly NewRecord[]): Promise<Appended>;
  /** Resolves when every caller has its answer. */
  drained(): Promise<void>;
  close(): void;
};

export type WriterOptions = {
  readonly client: KafkaClient;
  readonly sender: Sender;
  leaderOf(topic: TopicName, partition: number): number | null;
  /** Hears how far a partition goes. */
  reached(topic: TopicName, partition: number, end: number): void;
  /** After this long a caller is told that it is not known whether its records are stored. */
  readonly timeoutMs: number;
  /** Of records that wait or are in flight; more are refused. */
  readonly maxWaitingBytes: number;
};

type Waiting = {
  readonly messages: readonly Message[];
  readonly bytes: number;
  readonly expiresAt: number;
  readonly at: LogPlace;
  resolve(appended: Appended): void;
  reject(error: LogUnavailable): void;
};
type Queue = { readonly topic: TopicName; readonly partition: number; waiting: Waiting[]; sending: boolean };
type Line = { busy: boolean; sentAtMs: number; readonly queues: Set<Queue> };

/** From one send of a line to its next, at least: a send costs the same whatever is in it. The first after a rest goes at once. */
const LINGER_MS = 5;
/** Of one partition in one send; a single append may be larger. */
const SEND_BYTES = 512 * 1024;
const SWEEP_MS = 100;
/** What a record takes beside its key and its value, at most. */
const RECORD_BYTES = 64;

export const openWriter = (options: WriterOptions): KafkaWriter => {
  const { client, sender, leaderOf, reached, timeoutMs, maxWaitingBytes } = options;
  const queues = new Map<string, Queue>();
  const lines = new Map<string, Line>();
  /** Whose callers have no answer yet, in the order of their calls. */
  const unsettled = new Set<Waiting>();
  let held = 0;
  /** Why the newest send that has ended has failed: what a caller hears whose own send has not ended in time. */
  let trouble: unknown = null;
  let onDrained: (() => void)[] = [];

  const forget = (one: Waiting): void => {
    held -= one.bytes;
  };
  /** Whether its caller still waits for an answer, which is for who asks to give. */
  const answer = (one: Waiting): boolean => {
    if (!unsettled.delete(one)) return false;
    if (unsettled.size === 0) onDrained.splice(0).forEach((tell) => tell());
    return true;
  };
  const fail = (one: Waiting, error: unknown): void => {
    if (answer(one)) one.reject(client.unavailable(error, one.at));
  };

  /** Callers do not wait for ever, be it in the queue or for a broker that does not answer. */
  const sweep = (): void => {
    const now = performance.now();
    for (const one of unsettled) {
      // The oldest come first.
      if (one.expiresAt > now) break;
      const why = trouble === null ? '' : `; before that: ${textOf(trouble)}`;
      fail(one, new Error(`not stored within ${timeoutMs} ms${why}`, { cause: trouble }));
    }
    for (const queue of queues.values()) {
      const late = queue.waiting.findIndex((one) => unsettled.has(one));
      queue.waiting.splice(0, late < 0 ? queue.waiting.length : late).forEach(forget);
    }
  };
  const sweeper = setInterval(sweep, SWEEP_MS).unref();

  const take = (queue: Queue): Waiting[] => {
    let bytes = 0;
    let count = 0;
    for (const one of queue.waiting) {
      if (count > 0 && bytes + one.bytes > SEND_BYTES) break;
      bytes += one.bytes;
      count += 1;
    }
    return queue.waiting.splice(0, count);
  };

  const settle = (sent: readonly Waiting[], stored: Stored): number => {
    let offset = stored.baseOffset;
    for (const one of sent) {
      const appendedAtMs = epochMs(stored.appendedAtMs);
      if (answer(one)) one.resolve({ partition: stored.partition, baseOffset: offset, appendedAtMs });
      offset += one.messages.length;
    }
    return offset;
  };

  const sendOnce = async (topic: TopicName, taken: ReadonlyMap<Queue, readonly Waiting[]>): Promise<void> => {
    const messages = [...taken.values()].flatMap((sent) => sent.flatMap((one) => one.messages));
    try {
      const stored = await sender.send({ topic: client.topicOf(topic), messages });
      trouble = null;
      for (const [queue, sent] of taken) {
        const place = stored.find((one) => one.partition === queue.partition);
        if (place !== undefined) reached(topic, place.partition, settle(sent, place));
        else sent.forEach((one) => fail(one, new Error('the broker did not say where it put the records')));
      }
    } catch (error) {
      trouble = error;
      for (const sent of taken.values()) sent.forEach((one) => fail(one, error));
    }
    for (const sent of taken.values()) sent.forEach(forget);
  };

  const run = async (topic: TopicName, line: Line): Promise<void> => {
    if (line.busy) return;
    line.busy = true;
    // What is appended in the same turn goes together.
    await Promise.resolve();
    for (;;) {
      const restMs = line.sentAtMs + LINGER_MS - performance.now();
      if (restMs > 0) await sleep(restMs);
      const taken = new Map<Queue, Waiting[]>();
      for (const queue of line.queues) {
        line.queues.delete(queue);
        // A line of another leader has it still in flight, and calls again.
        if (!queue.sending && queue.waiting.length > 0) taken.set(queue, take(queue));
      }
      if (taken.size === 0) break;
      for (const queue of taken.keys()) queue.sending = true;
      line.sentAtMs = performance.now();
      await sendOnce(topic, taken);
      for (const queue of taken.keys()) {
        queue.sending = false;
        if (queue.waiting.length > 0) line.queues.add(queue);
      }
    }
    line.busy = false;
  };

  const wake = (queue: Queue): void => {
    if (queue.sending) return;
    const name = `${queue.topic} ${leaderOf(queue.topic, queue.partition)}`;
    const line = lines.get(name) ?? { busy: false, sentAtMs: -Infinity, queues: new Set<Queue>() };
    lines.set(name, line);
    line.queues.add(queue);
    void run(queue.topic, line);
  };

  const queueOf = (topic: TopicName, partition: number): Queue => {
    const name = `${topic} ${partition}`;
    const known = queues.get(name);
    if (known !== undefined) return known;
    // Throws for a partition that is not there.
    leaderOf(topic, partition);
    const queue: Queue = { topic, partition, waiting: [], sending: false };
    queues.set(name, queue);
    return queue;
  };

  return {
    append: async (topic, partition, records) => {
      const queue = queueOf(topic, partition);
      const messages = records.map((record) => messageOf(record, partition));
      const bytes = messages.reduce((sum, { key, value }) => sum + lengthOf(key) + lengthOf(value) + RECORD_BYTES, 0);
      if (bytes > MAX_MESSAGE_BYTES)
        throw new RangeError(`An append of ${bytes} bytes is more than the ${MAX_MESSAGE_BYTES} of one batch.`);
      const at: LogPlace = { topic, partition, offset: null };
      if (records.length === 0) throw new RangeError('An append has at least one record.');
      if (held + bytes > maxWaitingBytes)
        throw client.unavailable(new Error(`${held} bytes wait to be stored already`), at);
      held += bytes;
      return new Promise<Appended>((resolve, reject) => {
        const expiresAt = performance.now() + timeoutMs;
        const one: Waiting = { messages, bytes, expiresAt, at, resolve, reject };
        unsettled.add(one);
        queue.waiting.push(one);
        wake(queue);
      });
    },
    drained: () => new Promise((resolve) => (unsettled.size === 0 ? resolve() : void onDrained.push(resolve))),
    close: () => {
      clearInterval(sweeper);
      onDrained = [];
    },
  };
};

export const messageOf = ({ key, value }: NewRecord, partition: number): Message => ({
  partition,
  key: key === null ? null : Buffer.from(key),
  // kafkajs takes no other bytes than a Buffer.
  value: value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength),
});

const lengthOf = (bytes: Message['key'] | Message['value']): number => bytes?.length ?? 0;
