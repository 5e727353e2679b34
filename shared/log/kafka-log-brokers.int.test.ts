import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Admin } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOwnKafka, type OwnKafka } from '../../tools/stack/own-kafka.ts';
import { openKafkaClient } from './kafka-log-client.ts';
import { openSender } from './kafka-log-producer.ts';
import { openKafkaLog } from './kafka-log.ts';
import { logContract } from './log.contract.ts';
import type { Log } from './log.ts';
import { readAll, textOf } from './testing/member.ts';

const TOPIC = 'heartbeats.v1';
/** The first start fetches the jars. */
const START_MS = 300_000;
const PATIENCE_MS = 60_000;

let kafka: OwnKafka;
let admin: Admin;
beforeAll(async () => {
  kafka = await startOwnKafka(3);
  admin = openKafkaClient({ brokers: kafka.brokers, clientId: 'test' }).open().admin();
  await admin.connect();
}, START_MS);
afterAll(async () => {
  await admin?.disconnect();
  await kafka?.stop();
}, PATIENCE_MS);

let prefixes = 0;
const openNew = async (): Promise<{ log: Log; prefix: string }> => {
  const prefix = `t${++prefixes}.`;
  return { prefix, log: await openKafkaLog({ brokers: kafka.brokers, clientId: 'test', partitions: 4, prefix }) };
};

logContract({
  name: 'the Kafka log on three brokers',
  make: async () => {
    const { log, prefix } = await openNew();
    const remove = async (): Promise<void> => {
      const topics = (await admin.listTopics()).filter((name) => name.startsWith(prefix));
      await admin.deleteTopics({ topics });
    };
    return { log, dispose: remove };
  },
});

describe('the Kafka log on three brokers', () => {
  it(
    'has each acknowledged record once, and delivers it, when the leader of its partition is killed under load',
    async () => {
      const { log, prefix } = await openNew();
      const name = `${prefix}${TOPIC}`;
      const delivered = new Set<string>();
      const early: string[] = [];
      const failures: unknown[] = [];
      let told = (): void => {};
      await log.consume({
        group: 'group',
        topic: TOPIC,
        assigned: async () => 0,
        batch: async (batch) => {
          for (const { offset, value } of batch.records) {
            delivered.add(Buffer.from(value!).toString());
            if (offset < batch.from) early.push(`${batch.partition} ${offset}`);
          }
          told();
          return batch.to;
        },
        revoked: async () => {},
        failed: (_, error) => failures.push(error),
      });

      const acknowledged: string[] = [];
      let refused = 0;
      let stop = false;
      const write = async (partition: number, writer: number): Promise<void> => {
        for (let n = 0; !stop; n++) {
          const text = `${partition}.${writer}.${n}`;
          await log.append(TOPIC, partition, [{ key: null, value: Buffer.from(text) }]).then(
            () => acknowledged.push(text),
            () => (refused += 1),
          );
          await sleep(2);
        }
      };
      const writing = Promise.all([0, 1, 2, 3].flatMap((partition) => [0, 1, 2].map((i) => write(partition, i))));
      const moreThan = async (count: number): Promise<void> => {
        while (acknowledged.length < count) await sleep(20);
      };
      await moreThan(500);
      const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
      const { leader } = topics[0]!.partitions.find((one) => one.partitionId === 0)!;
      await kafka.kill(leader);
      const atKill = acknowledged.length;
      await moreThan(atKill + 500);
      await kafka.restart(leader);
      await moreThan(atKill + 1_500);
      stop = true;
      await writing;

      const held = new Map<string, number>();
      for (const partition of [0, 1, 2, 3]) {
        const { first, end } = await log.bounds(TOPIC, partition);
        for (let at = first; at < end;) {
          const batch = await log.read(TOPIC, partition, at, 1_000);
          for (const { value } of batch.records) {
            const text = Buffer.from(value!).toString();
            held.set(text, (held.get(text) ?? 0) + 1);
          }
          at = batch.to;
        }
      }
      expect(acknowledged.filter((text) => held.get(text) !== 1)).toEqual([]);
      await new Promise<void>((resolve) => {
        told = () => {
          if (acknowledged.every((text) => delivered.has(text))) resolve();
        };
        told();
      });
      expect([early, failures]).toEqual([[], []]);
      // A new leader is elected within the time that an append waits.
      expect(refused).toBe(0);
      await log.close();
    },
    3 * PATIENCE_MS,
  );

  it(
    'stores once what was to go to two leaders, of which one dies and the other waits for it',
    async () => {
      const { log, prefix } = await openNew();
      const name = `${prefix}${TOPIC}`;
      const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
      const leaders = topics[0]!.partitions;
      const waits = leaders[0]!;
      const gone = leaders.find(({ leader }) => leader !== waits.leader)!;
      const sender = openSender(openKafkaClient({ brokers: kafka.brokers, clientId: 'test', prefix }));
      const send = (text: string) =>
        sender.send({
          topic: name,
          messages: [waits, gone].map(({ partitionId }) => ({ partition: partitionId, key: null, value: text })),
        });
      await send('before');
      await kafka.kill(gone.leader);
      await kafka.restart(gone.leader);
      kafka.freeze(waits.leader);
      const sent = send('meanwhile');
      await sleep(1_000);
      kafka.thaw(waits.leader);
      await sent;
      for (const { partitionId } of [waits, gone]) {
        const records = await readAll(log, partitionId);
        expect(records.map(textOf)).toEqual(['before', 'meanwhile']);
      }
      await sender.close();
      await log.close();
    },
    PATIENCE_MS,
  );

  it(
    'does not believe a broker that led a partition when it hung, and thinks that it still does',
    async () => {
      const { log, prefix } = await openNew();
      const append = () => log.append(TOPIC, 0, [{ key: null, value: Buffer.from('text') }]);
      await append();
      // The reader, too, knows who leads.
      await log.bounds(TOPIC, 0);
      const { topics } = await admin.fetchTopicMetadata({ topics: [`${prefix}${TOPIC}`] });
      const { leader } = topics[0]!.partitions.find((one) => one.partitionId === 0)!;
      kafka.freeze(leader);
      let stored = await append().catch(() => null);
      while (stored === null) stored = await append().catch(() => null);
      kafka.thaw(leader);
      const [bounds, read] = await Promise.all([log.bounds(TOPIC, 0), log.read(TOPIC, 0, stored.baseOffset, 10)]);
      expect(bounds.end).toBeGreaterThan(stored.baseOffset);
      expect(read.records[0]?.offset).toBe(stored.baseOffset);
      await log.close();
    },
    PATIENCE_MS,
  );

  it(
    'goes on when the coordinator of its group was away and is made it again, as Kafka does 5 minutes after a restart',
    async () => {
      const { log, prefix } = await openNew();
      const delivered: string[] = [];
      let told = (): void => {};
      await log.consume({
        group: 'group',
        topic: TOPIC,
        assigned: async (partition) => (await log.bounds(TOPIC, partition)).first,
        batch: async (batch) => {
          delivered.push(...batch.records.map(({ value }) => Buffer.from(value!).toString()));
          told();
          return batch.to;
        },
        revoked: async () => {},
        failed: () => {},
      });
      const arrives = async (text: string): Promise<void> => {
        await log.append(TOPIC, 0, [{ key: null, value: Buffer.from(text) }]);
        await new Promise<void>((resolve) => {
          told = () => {
            if (delivered.includes(text)) resolve();
          };
          told();
        });
      };
      const coordinator = async (): Promise<number> => {
        const said = await kafka.tool('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', [
          ...['--describe', '--state', '--group', `${prefix}group`],
        ]);
        return Number(/\((\d)\)/.exec(said)?.[1]);
      };
      await kafka.moveLeadersBack();
      await arrives('first');
      const first = await coordinator();
      await kafka.kill(first);
      await arrives('without it');
      await kafka.restart(first);
      await kafka.moveLeadersBack();
      expect(await coordinator()).toBe(first);
      await arrives('with it again');
      await log.close();
    },
    4 * PATIENCE_MS,
  );
});
