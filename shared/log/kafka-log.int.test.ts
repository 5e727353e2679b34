import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { Admin } from 'kafkajs';
import { MOVING_TOPICS } from '../../schemas/topics.ts';
import { startOwnKafka, type OwnKafka } from '../../tools/stack/own-kafka.ts';
import { openKafkaClient, type KafkaClient } from './kafka-log-client.ts';
import { makeTopics, untilKnown } from './kafka-log-topics.ts';
import { openKafkaLog, type KafkaLogOptions } from './kafka-log.ts';
import { logContract } from './log.contract.ts';
import { LogMisconfigured, LogOutOfRange, LogUnavailable } from './log-errors.ts';
import type { Batch, Consumer, Log } from './log.ts';
import { memberOf } from './testing/member.ts';

const TOPIC = 'heartbeats.v1';
/** The first start fetches the jars. */
const START_MS = 300_000;
const PATIENCE_MS = 60_000;

let kafka: OwnKafka;
let client: KafkaClient;
let admin: Admin;
beforeAll(async () => {
  kafka = await startOwnKafka(1);
  client = openKafkaClient({ brokers: kafka.brokers, clientId: 'test' });
  admin = client.open().admin();
  await admin.connect();
}, START_MS);
afterAll(async () => {
  await admin?.disconnect();
  await kafka?.stop();
}, PATIENCE_MS);

let prefixes = 0;
/** Nobody else's topics and groups. */
const newPrefix = (): string => `t${++prefixes}.`;
const open = (options: Partial<KafkaLogOptions> & { readonly prefix: string }): Promise<Log> =>
  openKafkaLog({ brokers: kafka.brokers, clientId: 'test', partitions: 2, ...options });
const remove = async (prefix: string): Promise<void> => {
  const topics = (await admin.listTopics()).filter((name) => name.startsWith(prefix));
  await admin.deleteTopics({ topics });
};

/** In its second generation, which is the first one with other names and offsets; all else here is in the first. */
logContract({
  name: 'the Kafka log',
  make: async () => {
    const of = { prefix: newPrefix(), generation: 2 };
    const second = openKafkaClient({ brokers: kafka.brokers, clientId: 'test', ...of });
    await makeTopics(admin, second, MOVING_TOPICS, { partitions: 4, replicas: 1 });
    await untilKnown(() => admin.fetchTopicMetadata({ topics: MOVING_TOPICS.map((topic) => second.topicOf(topic)) }));
    const log = await open({ ...of, partitions: 4 });
    return { log, dispose: () => remove(of.prefix) };
  },
});

describe('the Kafka log', () => {
  let prefix: string;
  let name: string;
  let log: Log;
  let troubles: Error[];
  beforeEach(async () => {
    prefix = newPrefix();
    name = `${prefix}${TOPIC}`;
    troubles = [];
    log = await open({ prefix, appendTimeoutMs: 1_000, onTrouble: (error) => troubles.push(error) });
  }, PATIENCE_MS);
  afterEach(async () => {
    await log.close();
    await remove(prefix);
  }, PATIENCE_MS);

  const append = (text: string) => log.append(TOPIC, 0, [{ key: 'key', value: Buffer.from(text) }]);
  const removeBefore = async (offset: string): Promise<void> => {
    // kafkajs has to have heard of the topic.
    await admin.fetchTopicOffsets(name);
    await admin.deleteTopicRecords({ topic: name, partitions: [{ partition: 0, offset }] });
  };
  const textsOf = (batches: readonly Batch[]): string[] =>
    batches.flatMap((batch) => batch.records.map((r) => Buffer.from(r.value!).toString()));

  /** Consumes partition 0; `until` resolves as soon as what it asks for holds. */
  const consume = async (options: Partial<Pick<Consumer, 'assigned' | 'batch'>> = {}) => {
    const batches: Batch[] = [];
    const failures: [number, unknown][] = [];
    let told = (): void => {};
    const consumption = await log.consume({
      group: 'group',
      topic: TOPIC,
      assigned: options.assigned ?? (async (partition) => (await log.bounds(TOPIC, partition)).first),
      batch: async (batch) => {
        if (batch.partition === 0) batches.push(batch);
        told();
        return options.batch?.(batch) ?? batch.to;
      },
      revoked: async () => {},
      failed: (partition, error) => {
        failures.push([partition, error]);
        told();
      },
    });
    const until = (holds: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        told = () => {
          if (holds()) resolve();
        };
        told();
      });
    return { consumption, batches, failures, until };
  };

  it('names the setting of a topic that is not as the catalogue says, and the command that sets it', async () => {
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name, configEntries: [{ name: 'message.timestamp.type', value: 'CreateTime' }] }],
    });
    // Brokers hear of it a moment later.
    let error: unknown;
    while (error === undefined)
      error = await open({ prefix }).then(
        (opened) => opened.close(),
        (e: unknown) => e,
      );
    expect(error).toBeInstanceOf(LogMisconfigured);
    expect(error).toMatchObject({ topic: name, setting: 'message.timestamp.type' });
    expect(String(error)).toContain('has message.timestamp.type=CreateTime and not LogAppendTime');
    expect(String(error)).toContain(`--entity-name ${name} --add-config message.timestamp.type=LogAppendTime`);
  });

  it('makes no topic when it may not, and names the first one that is missing with the command that makes it', async () => {
    const other = newPrefix();
    const error: unknown = await open({ prefix: other, createTopics: false }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LogMisconfigured);
    expect(error).toMatchObject({ topic: `${other}${TOPIC}`, setting: 'topic' });
    expect(String(error)).toContain(`--create --bootstrap-server … --topic ${other}${TOPIC} --partitions 2`);
    expect((await admin.listTopics()).filter((topic) => topic.startsWith(other))).toEqual([]);
    const verified = await open({ prefix, createTopics: false });
    expect(await verified.bounds(TOPIC, 1)).toEqual({ first: 0, end: 0 });
    await verified.close();
  });

  it('takes the shortest session that the broker allows', async () => {
    const patient = await open({ prefix, sessionTimeoutMs: 100, onTrouble: (error) => troubles.push(error) });
    const assigned = new Promise<void>((resolve) => {
      void patient.consume({
        group: 'group',
        topic: TOPIC,
        assigned: async () => (resolve(), 0),
        batch: async (batch) => batch.to,
        revoked: async () => {},
        failed: () => {},
      });
    });
    await assigned;
    expect(troubles).toEqual([]);
    await patient.close();
  });

  it('makes its topics once when several start together, and uses them when it starts again', async () => {
    const other = newPrefix();
    const opened = await Promise.all([1, 2, 3].map(() => open({ prefix: other })));
    await opened[0]!.append(TOPIC, 1, [{ key: null, value: Buffer.from('kept') }]);
    await Promise.all(opened.map((one) => one.close()));
    const again = await open({ prefix: other });
    expect(await again.bounds(TOPIC, 1)).toEqual({ first: 0, end: 1 });
    await again.close();
    await remove(other);
  });

  it('refuses another number of partitions than its topics have', async () => {
    await expect(open({ prefix, partitions: 3 })).rejects.toThrow(`Topic ${name} has 2 partitions and not 3`);
  });

  it('names the brokers when there are none', async () => {
    const error: unknown = await open({ prefix, brokers: ['127.0.0.1:1'] }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LogUnavailable);
    expect(String(error)).toContain('Kafka at 127.0.0.1:1');
  });

  it(
    'refuses appends while its broker is dead, stores none of them twice, and goes on when that is back',
    async () => {
      const reading = await consume();
      await append('before');
      await reading.until(() => reading.batches.length === 1);
      await kafka.kill(1);
      await expect(append('dead')).rejects.toBeInstanceOf(LogUnavailable);
      await kafka.restart(1);
      for (;;) {
        const stored = await append('after').catch(() => null);
        if (stored !== null) break;
      }
      await reading.until(() => textsOf(reading.batches).includes('after'));
      const texts = textsOf(reading.batches);
      expect(texts[0]).toBe('before');
      expect(texts.filter((text) => text === 'dead').length).toBeLessThanOrEqual(1);
      expect(reading.failures).toEqual([]);
      await reading.consumption.close();
    },
    2 * PATIENCE_MS,
  );

  it('says what it holds when it is asked for an offset that was removed', async () => {
    for (const text of ['a', 'b', 'c']) await append(text);
    await removeBefore('2');
    await expect(log.read(TOPIC, 0, 1, 10)).rejects.toThrow('The log holds offsets 2 to 3');
    const reading = await consume({ assigned: async () => 0 });
    await reading.until(() => reading.failures.length > 0);
    expect(reading.failures).toEqual([[0, expect.any(LogOutOfRange)]]);
    await reading.consumption.close();
  });

  it('does not jump over records that are removed while their reader is behind', async () => {
    const bytes = randomBytes(200_000);
    for (let i = 0; i < 60; i++) await log.append(TOPIC, 0, [{ key: null, value: bytes }]);
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reading = await consume({
      batch: async (batch) => {
        await gate;
        return batch.to;
      },
    });
    await reading.until(() => reading.batches.length === 1);
    await removeBefore('59');
    release();
    await reading.until(() => reading.failures.length > 0);
    expect(reading.failures).toEqual([[0, expect.any(LogOutOfRange)]]);
    const offsets = reading.batches.flatMap((batch) => batch.records.map((r) => r.offset));
    expect(offsets).toEqual(offsets.map((_, i) => i));
    await reading.consumption.close();
  });

  it('goes on over what transactions of others leave in the log and nobody is shown', async () => {
    const producer = client.open().producer({ transactionalId: prefix, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    for (const [text, ends] of [
      ['kept', 'commit'],
      ['given up', 'abort'],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: name, messages: [{ partition: 0, value: text }] });
      await transaction[ends]();
    }
    await producer.disconnect();
    const reading = await consume();
    await reading.until(() => reading.batches.length === 1);
    await append('own');
    await reading.until(() => textsOf(reading.batches).includes('own'));
    expect(textsOf(reading.batches)).toEqual(['kept', 'own']);
    reading.batches.forEach((batch, i) => expect(batch.from).toBe(reading.batches[i - 1]?.to ?? 0));
    const { end } = await log.bounds(TOPIC, 0);
    const read: Batch[] = [];
    for (let at = 0; at < end; at = read.at(-1)!.to) read.push(await log.read(TOPIC, 0, at, 1));
    expect(textsOf(read)).toEqual(['kept', 'own']);
    await reading.consumption.close();
  });

  it('writes what the tools of Kafka can read, compressed', async () => {
    const text = 'a text that is long enough to be worth it '.repeat(100);
    await append(text);
    const printed = await kafka.tool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
      ...['--topic', name, '--partition', '0', '--offset', 'earliest', '--max-messages', '1'],
    ]);
    expect(printed).toContain(text);
    const sizes = await kafka.tool('org.apache.kafka.tools.LogDirsCommand', ['--describe', '--topic-list', name]);
    const size = Number(/"partition":"[^"]+-0","size":(\d+)/.exec(sizes)?.[1]);
    expect(size).toBeGreaterThan(0);
    expect(size).toBeLessThan(text.length / 4);
  });

  it('gives a third member 1 of 4 partitions, and leaves the other 3 where they were', async () => {
    const other = newPrefix();
    const shared = await open({ prefix: other, partitions: 4 });
    const [one, two, three] = [memberOf({ log: shared }), memberOf({ log: shared }), memberOf({ log: shared })];
    const rest = async (...sizes: readonly number[]): Promise<void> => {
      const members = [one, two, three].slice(0, sizes.length);
      const held = (): boolean =>
        members
          .map(({ mine }) => mine.size)
          .sort()
          .join() === sizes.join();
      await Promise.race(members.map(({ when }) => when(held)));
    };
    await shared.consume(one.consumer);
    await shared.consume(two.consumer);
    await rest(2, 2);
    const before = [one, two].map(({ mine }) => [...mine]);
    await shared.consume(three.consumer);
    await rest(1, 1, 2);
    const kept = [one, two].flatMap(({ mine }, i) => before[i]!.filter((partition) => mine.has(partition)));
    expect(kept).toHaveLength(3);
    await shared.close();
    await remove(other);
  });
});
