import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Admin } from 'kafkajs';
import { MOVING_TOPICS, type TopicName } from '../../schemas/topics.ts';
import { type OwnKafka, startOwnKafka } from '../../tools/stack/own-kafka.ts';
import { type KafkaClient, openKafkaClient } from './kafka-log-client.ts';
import { type KafkaMove, openKafkaMove, StillRunning } from './kafka-log-move.ts';
import { makeTopics, topicNames, untilKnown } from './kafka-log-topics.ts';
import { openKafkaLog } from './kafka-log.ts';
import { LogMisconfigured, LogOfOtherGeneration } from './log-errors.ts';
import type { Log, LogRecord } from './log.ts';
import { ClockWasSetBack, NotFolded } from './move.ts';
import { partitionOf } from './partition.ts';
import { GENERATION } from './position.ts';
import { memberOf, readAll, textOf } from './testing/member.ts';

const TOPIC = 'heartbeats.v1';
const PARTITIONS = 2;
const START_MS = 300_000;
const PATIENCE_MS = 60_000;
const KEYS = Array.from({ length: 12 }, (_, i) => `key-${i}`);
/** Half of them move. */
const keyOf = (key: string): string => (Number(key.slice(4)) % 2 === 0 ? `new-${key.slice(4)}` : key);

let kafka: OwnKafka;
let admin: Admin;
beforeAll(async () => {
  kafka = await startOwnKafka(1);
  admin = openKafkaClient({ brokers: kafka.brokers, clientId: 'test' }).open().admin();
  await admin.connect();
}, START_MS);
afterAll(async () => {
  await admin?.disconnect();
  await kafka?.stop();
}, PATIENCE_MS);

let prefixes = 0;
let prefix: string;
const connection = () => ({ brokers: kafka.brokers, clientId: 'test', prefix, partitions: PARTITIONS });
const logs = new Set<Log>();
const open = async (generation = 1): Promise<Log> => {
  const log = await openKafkaLog({ ...connection(), generation });
  logs.add(log);
  return log;
};
const close = async (log: Log): Promise<void> => {
  logs.delete(log);
  await log.close();
};
const moves = new Set<KafkaMove>();
const moving = async (generation = 1): Promise<KafkaMove> => {
  const move = await openKafkaMove({ ...connection(), generation, replicas: 3, groups: ['concurrency', 'view-end'] });
  moves.add(move);
  return move;
};
const HOW = { keyOf, foldedTo: async () => null };

/** A group that has been told of all but so many records of each partition. */
const toldGroup = async (log: Log, group: string, left = 0): Promise<void> => {
  const member = memberOf({ log, group });
  const consumption = await log.consume(member.consumer);
  await member.when(() => member.mine.size === PARTITIONS);
  for (let partition = 0; partition < PARTITIONS; partition += 1)
    await consumption.commit(partition, (await log.bounds(TOPIC, partition)).end - left);
  await consumption.close();
};
const partitionsOf = (log: Log, topic: TopicName = TOPIC): Promise<readonly LogRecord[][]> =>
  Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => readAll(log, partition, topic)));
const topics = async (): Promise<readonly string[]> =>
  (await admin.listTopics()).filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));

beforeEach(() => {
  prefix = `m${++prefixes}.`;
});
afterEach(async () => {
  for (const log of logs) await close(log);
  for (const move of moves) await move.close();
  moves.clear();
  await admin.deleteTopics({ topics: (await topics()).map((name) => prefix + name) });
}, PATIENCE_MS);

/** Rounds of all keys, a record without a key in each partition, and one of a topic that belongs to no account. */
const written = async (): Promise<Log> => {
  const log = await open();
  for (let round = 0; round < 5; round += 1) {
    for (const key of KEYS)
      await log.append(TOPIC, partitionOf(key, PARTITIONS), [{ key, value: Buffer.from(`${key} ${round}`) }]);
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      await log.append(TOPIC, partition, [{ key: null, value: Buffer.from(`tick ${partition} ${round}`) }]);
  }
  await log.append('policies.v1', 0, [{ key: '1', value: Buffer.from('policy') }]);
  return log;
};

describe('a log on Kafka that is moved into its next generation', () => {
  it(
    'has each record once, under its new key in the partition of it, in order, with its append time; groups stand at the end',
    async () => {
      const log = await written();
      await toldGroup(log, 'concurrency');
      const before = await partitionsOf(log);
      await close(log);
      const move = await moving();
      expect(await move.look()).toMatchObject({ generation: 1, groups: new Set(['concurrency']) });
      expect(await move.move(HOW)).toBe(before.flat().length);
      await expect(open(2)).rejects.toThrow('run npm run pepper with LOG_GENERATION=1 again');
      await expect(open(1)).rejects.toThrow('is of generation 2: start with LOG_GENERATION=2, not 1');
      await move.removeBefore();
      expect((await topics()).filter((name) => MOVING_TOPICS.includes(name as TopicName))).toEqual([]);
      await expect(open(1)).rejects.toThrow('is of generation 2: start with LOG_GENERATION=2, not 1');

      const moved = await open(2);
      const after = await partitionsOf(moved);
      const named = (one: LogRecord, key = one.key): string => `${key} ${textOf(one)} ${one.appendedAtMs}`;
      expect(
        after
          .flat()
          .map((one) => named(one))
          .sort(),
      ).toEqual(
        before
          .flat()
          .map((one) => named(one, one.key && keyOf(one.key)))
          .sort(),
      );
      for (const [partition, records] of after.entries()) {
        for (const one of records)
          expect(one.key === null ? Number(textOf(one).split(' ')[1]) : partitionOf(one.key, PARTITIONS)).toBe(
            partition,
          );
        expect(records.map(({ offset }) => offset)).toEqual(records.map((_, i) => GENERATION + i));
        const times = records.map(({ appendedAtMs }) => appendedAtMs);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        const middle = records[Math.floor(records.length / 2)]!;
        const first = records.findIndex(({ appendedAtMs }) => appendedAtMs >= middle.appendedAtMs);
        expect(await moved.offsetAt(TOPIC, partition, middle.appendedAtMs)).toBe(GENERATION + first);
      }
      const ends = after.map(({ length }) => GENERATION + length);
      expect(await move.ends()).toEqual(ends);
      const [again, others] = [
        memberOf({ log: moved, group: 'concurrency' }),
        memberOf({ log: moved, group: 'others' }),
      ];
      for (const one of [again, others]) {
        const consumption = await moved.consume(one.consumer);
        await one.when(() => one.assigned.size === PARTITIONS);
        await consumption.close();
      }
      expect([0, 1].map((partition) => again.assigned.get(partition))).toEqual(ends);
      expect([...others.assigned.values()]).toEqual([null, null]);

      // From now on Kafka stamps again, whatever time a producer gives.
      const writer = openKafkaClient({ ...connection(), generation: 2 });
      const producer = writer.open().producer();
      await producer.connect();
      await producer.send({
        topic: writer.topicOf(TOPIC),
        messages: [{ partition: 0, value: 'late', timestamp: '1' }],
      });
      await producer.disconnect();
      const late = (await readAll(moved, 0)).at(-1)!;
      expect([textOf(late), late.offset, late.appendedAtMs > before.flat().at(-1)!.appendedAtMs]).toEqual([
        'late',
        ends[0],
        true,
      ]);
      expect((await readAll(moved, 0, 'policies.v1')).map(({ offset }) => offset)).toEqual([0]);

      // And so into the generation after that.
      await close(moved);
      const next = await moving(2);
      expect(await next.look()).toMatchObject({ generation: 2, groups: new Set(['concurrency']) });
      await expect(next.move({ ...HOW, keyOf: (key) => `${key}'`, foldedTo: async () => ends[0]! - 1 })).resolves.toBe(
        after.flat().length + 1,
      );
      expect(await next.look()).toMatchObject({ generation: 3 });
      await next.removeBefore();
      const third = await open(3);
      expect((await third.bounds(TOPIC, 1)).first).toBe(2 * GENERATION);
    },
    PATIENCE_MS,
  );

  it(
    'is not moved where a group has members, or has a record before it: the log is as it was, and half a copy is made anew',
    async () => {
      const log = await written();
      const member = memberOf({ log, group: 'concurrency' });
      const consumption = await log.consume(member.consumer);
      await member.when(() => member.mine.size === PARTITIONS);
      const move = await moving();
      await expect(move.checkStopped()).rejects.toThrow(StillRunning);
      await consumption.close();
      await toldGroup(log, 'view-end', 3);
      const before = await partitionsOf(log);
      await close(log);
      await expect(move.move(HOW)).rejects.toThrow(NotFolded);
      expect(await topics()).toEqual(expect.arrayContaining([`${TOPIC}.g2`]));
      expect(await move.look()).toMatchObject({ generation: 1 });
      await expect(open(2)).rejects.toThrow(LogOfOtherGeneration);
      const again = await open(1);
      expect(await partitionsOf(again)).toEqual(before);
      // By what it keeps it has folded it.
      const ends = before.map((records) => records.at(-1)!.offset + 1);
      await close(again);
      const foldedTo = async (_group: string, partition: number) => ends[partition]!;
      expect(await move.move({ keyOf, foldedTo })).toBe(before.flat().length);
    },
    PATIENCE_MS,
  );

  it(
    'is not moved where its clock was set back by more than a second, and is where by less: each key in its order',
    async () => {
      const client: KafkaClient = openKafkaClient(connection());
      await makeTopics(admin, client, topicNames, {
        ...{ partitions: PARTITIONS, replicas: 1 },
        settings: { 'message.timestamp.type': 'CreateTime' },
      });
      const producer = client.open().producer();
      await producer.connect();
      const nowMs = Date.now();
      const send = (texts: readonly (readonly [string, number])[]) =>
        untilKnown(() =>
          producer.send({
            topic: client.topicOf(TOPIC),
            messages: texts.map(([value, atMs]) => ({
              ...{ partition: 0, key: 'key-0', value },
              timestamp: String(nowMs + atMs),
            })),
          }),
        );
      await send([['1', 0], ['2', 900], ['3', 100], ['4', 950]]); // prettier-ignore
      const move = await moving();
      expect(await move.move(HOW)).toBe(4);
      const moved = openKafkaClient({ ...connection(), generation: 2 });
      const target = partitionOf('new-0', PARTITIONS);
      expect((await admin.fetchTopicOffsets(moved.topicOf(TOPIC)))[target]).toMatchObject({ offset: '4' });
      await send([['5', -60]]); // prettier-ignore
      await producer.disconnect();
      await expect(move.move(HOW)).rejects.toThrow(ClockWasSetBack);
    },
    PATIENCE_MS,
  );

  it(
    'is made by nobody else: a service makes no topic of a later generation, and says how it is to be made',
    async () => {
      await expect(open(2)).rejects.toThrow(LogMisconfigured);
      expect((await topics()).filter((name) => name.includes('.g2'))).toEqual([]);
      await close(await open(1));
      await expect(open(2)).rejects.toThrow('is of generation 1: start with LOG_GENERATION=1, not 2');
      expect((await topics()).filter((name) => name.includes('.g2'))).toEqual([]);
      expect(await (await moving()).look()).toEqual({ generation: 1, groups: new Set(), keys: new Map() });
      await expect((await moving(2)).look()).rejects.toThrow('is of generation 1');
    },
    PATIENCE_MS,
  );
});
