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
/** Longer than it takes to go on without the one that hangs. */
const HANGS_MS = 24_000;
const BACK_WITHIN_MS = 60_000;
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
    'refuses appends while $what $done, with no more memory, and goes on after their return',
    async (outage) => {
      const report = await runKafkaOutage(kafka, outage);
      expect(report).toMatchObject(nothing);
      expect(report.refused).toBeGreaterThan(100);
      // 64 KiB of records of some 75 bytes.
      expect(report.unanswered).toBeLessThan(1_000);
      expect(report.grownMiB).toBeLessThan(8);
      expect(Math.max(report.appendsBackMs, report.deliveriesBackMs)).toBeLessThan(BACK_WITHIN_MS);
    },
    PATIENCE_MS,
  );

  it(
    'closes while all brokers hang, and refuses what waits',
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
      await log.close();
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
    'stores and delivers again after $what began to hang, while it still does',
    async ({ who }) => {
      const report = await runKafkaOutage(kafka, { who, how: 'freeze', forMs: HANGS_MS });
      expect(report).toMatchObject(nothing);
      expect(report.appendsOutMs).toBeLessThan(HANGS_MS);
      expect(report.deliveriesOutMs).toBeLessThan(HANGS_MS);
    },
    PATIENCE_MS,
  );

  it(
    'delivers again after the coordinator of the group was killed, and refuses nothing',
    async () => {
      const report = await runKafkaOutage(kafka, { who: 'coordinator', how: 'kill', forMs: 12_000 });
      expect(report).toMatchObject({ ...nothing, refused: 0 });
    },
    PATIENCE_MS,
  );
});
