import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { runKafkaOutage, type KafkaOutage } from '../../tools/faults/kafka-outage.ts';
import { startOwnKafka, type OwnKafka } from '../../tools/stack/own-kafka.ts';
import { openKafkaClient } from './kafka-log-client.ts';
import { openKafkaLog } from './kafka-log.ts';
import { memberOf, record, TOPIC } from './testing/member.ts';

/** The first start fetches the jars. */
const START_MS = 300_000;
const PATIENCE_MS = 180_000;
const nothing = { lost: [], doubled: [], undelivered: [], failures: [] };

let kafka: OwnKafka;
beforeAll(async () => {
  kafka = await startOwnKafka(3);
}, START_MS);
afterAll(() => kafka?.stop(), PATIENCE_MS);

describe('the Kafka log on three brokers', () => {
  const cases: readonly (KafkaOutage & { readonly what: string; readonly done: string })[] = [
    { what: 'all brokers', done: 'hang', who: 'all', how: 'freeze', forMs: 14_000 },
    { what: 'all brokers', done: 'are killed', who: 'all', how: 'kill', forMs: 14_000 },
  ];
  it.each(cases)(
    'refuses appends after 10 s while $what $done, with no more memory, and goes on within 10 s of their return',
    async (outage) => {
      const report = await runKafkaOutage(kafka, outage);
      expect(report).toMatchObject(nothing);
      expect(report.refused).toBeGreaterThan(100);
      expect(report.refusedAfterMs).toBeLessThan(12_000);
      // 64 KiB of records of some 75 bytes.
      expect(report.unanswered).toBeLessThan(1_000);
      expect(report.grownMiB).toBeLessThan(8);
      expect(report.appendsBackMs).toBeLessThan(10_000);
      expect(report.deliveriesBackMs).toBeLessThan(10_000);
    },
    PATIENCE_MS,
  );

  it(
    'closes within 10 s while all brokers hang, and refuses what waits',
    async () => {
      const log = await openKafkaLog({
        brokers: kafka.brokers,
        clientId: 'test',
        partitions: 4,
        appendTimeoutMs: 2_000,
      });
      const member = memberOf({ log });
      await log.consume(member.consumer);
      await log.append(TOPIC, 0, [record('before')]);
      await member.has(1);
      [1, 2, 3].forEach(kafka.freeze);
      const refused = log.append(TOPIC, 0, [record('while they hang')]).catch((error: unknown) => error);
      const startedAt = performance.now();
      await log.close();
      expect(performance.now() - startedAt).toBeLessThan(10_000);
      expect(String(await refused)).toContain('not stored within 2000 ms');
      [1, 2, 3].forEach(kafka.thaw);
      // What it left to itself ends as soon as it is answered.
      const admin = openKafkaClient({ brokers: kafka.brokers, clientId: 'test' }).open().admin();
      await admin.connect();
      const members = async (): Promise<number> =>
        (await admin.describeGroups([member.consumer.group])).groups[0]?.members.length ?? 0;
      while ((await members()) > 0) await sleep(50);
      await admin.disconnect();
    },
    PATIENCE_MS,
  );

  it.each([
    { what: 'the leader of a partition', who: 'leader' },
    { what: 'the coordinator of the group', who: 'coordinator' },
  ] as const)(
    'stores and delivers again within 15 s after $what began to hang, while it still does',
    async ({ who }) => {
      const report = await runKafkaOutage(kafka, { who, how: 'freeze', forMs: 16_000 });
      expect(report).toMatchObject(nothing);
      expect(report.appendsOutMs).toBeLessThan(15_000);
      expect(report.deliveriesOutMs).toBeLessThan(15_000);
    },
    PATIENCE_MS,
  );

  it(
    'delivers again within 15 s after the coordinator of the group was killed, and refuses nothing',
    async () => {
      const report = await runKafkaOutage(kafka, { who: 'coordinator', how: 'kill', forMs: 12_000 });
      expect(report).toMatchObject({ ...nothing, refused: 0 });
      expect(report.deliveriesOutMs).toBeLessThan(15_000);
    },
    PATIENCE_MS,
  );
});
