import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTcpProxy, type TcpProxy } from '../../tools/faults/tcp-proxy.ts';
import { startOwnKafka, type OwnKafka } from '../../tools/stack/own-kafka.ts';
import { openKafkaLog } from './kafka-log.ts';
import type { Log } from './log.ts';
import { TOPIC } from './testing/member.ts';

/** The first start fetches the jars. */
const START_MS = 300_000;
const PATIENCE_MS = 60_000;
const PARTITIONS = 16;

let line: TcpProxy;
let kafka: OwnKafka;
beforeAll(async () => {
  line = await startTcpProxy({});
  kafka = await startOwnKafka(1, { advertise: [line.port] });
  line.lead(kafka.frontPorts[0]!);
}, START_MS);
afterAll(async () => {
  await line?.close();
  await kafka?.stop();
}, PATIENCE_MS);

const open = (prefix: string): Promise<Log> =>
  openKafkaLog({ brokers: [line.address], clientId: 'test', partitions: PARTITIONS, prefix });
const everyPartition = Array.from({ length: PARTITIONS }, (_, i) => i);

describe('a connection to Kafka', () => {
  it(
    'that breaks in the middle of an answer leaves nothing of it to the next one',
    async () => {
      const log = await open('half.');
      // Not to be compressed.
      await log.append(TOPIC, 0, [{ key: null, value: randomBytes(500_000) }]);
      for (const how of ['close', 'reset'] as const) {
        line.answers({ bytesPerSecond: 200_000 });
        const reading = log.read(TOPIC, 0, 0, 1);
        // So long a piece of the answer as came by then.
        await sleep(500);
        line.cut(how);
        line.answers('pass');
        expect((await reading).records[0]?.value).toHaveLength(500_000);
      }
      await log.close();
    },
    PATIENCE_MS,
  );

  it(
    'that is given up tells all who wait for it',
    async () => {
      const log = await open('given-up.');
      await log.bounds(TOPIC, 0);
      line.answers('hold');
      const asked = Promise.allSettled(everyPartition.map((partition) => log.bounds(TOPIC, partition)));
      // They are on the line by then.
      await sleep(200);
      await log.close();
      const answers = await asked;
      line.answers('pass');
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['rejected']));
    },
    PATIENCE_MS,
  );
});
