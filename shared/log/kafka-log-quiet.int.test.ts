import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startSecureKafka, type SecureKafka } from '../../tools/stack/own-kafka.ts';
import type { KafkaConnection } from './kafka-log-client.ts';
import { TOPIC } from './testing/member.ts';

/** The first start fetches the jars. */
const START_MS = 300_000;
const PATIENCE_MS = 60_000;
/** Long enough for what wakes up now and then to do it. */
const IDLE_MS = 5_000;

let kafka: SecureKafka;
beforeAll(async () => {
  kafka = await startSecureKafka();
  await kafka.addUser('admin', 'correct-horse-7');
}, START_MS);
afterAll(() => kafka?.stop(), PATIENCE_MS);

const PROGRAM = `
  import { openKafkaLog } from ${JSON.stringify(new URL('./kafka-log.ts', import.meta.url).href)};
  import { setTimeout as sleep } from 'node:timers/promises';
  const log = await openKafkaLog({ ...JSON.parse(process.argv[1]), clientId: 'test', partitions: 16 });
  // More at once than a connection that is still being opened could take without a warning.
  await Promise.all(Array.from({ length: 16 }, (_, partition) => log.read(${JSON.stringify(TOPIC)}, partition, 0, 1)));
  const seen = Promise.withResolvers();
  await log.consume({ group: 'child', topic: ${JSON.stringify(TOPIC)}, assigned: async () => 0, revoked: async () => {},
    batch: async (batch) => (seen.resolve(), batch.to), failed: (_, error) => seen.reject(error) });
  // Large enough to be compressed.
  await log.append(${JSON.stringify(TOPIC)}, 0, [{ key: null, value: Buffer.alloc(100_000) }]);
  await seen.promise;
  await sleep(${IDLE_MS});
  await log.close();`;

describe('a process with the Kafka log', () => {
  it.each([
    {
      what: 'in the clear',
      way: (): Omit<KafkaConnection, 'clientId'> => ({ brokers: kafka.brokers, prefix: 'clear.' }),
    },
    {
      what: 'over TLS with a password',
      way: (): Omit<KafkaConnection, 'clientId'> => ({
        brokers: kafka.addresses('scram'),
        ssl: { ca: kafka.ca },
        sasl: { mechanism: 'scram-sha-512', username: 'admin', password: 'correct-horse-7' },
        prefix: 'secure.',
      }),
    },
  ])(
    `says nothing while it writes, reads, idles for ${IDLE_MS / 1_000} s and closes $what, and then ends by itself`,
    async ({ way }) => {
      const flags = ['--trace-warnings', '--trace-deprecation', '--input-type=module'];
      const child = spawn(process.execPath, [...flags, '-e', PROGRAM, JSON.stringify(way())]);
      const said: string[] = [];
      child.stdout.on('data', (chunk: Buffer) => said.push(chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
      const [code] = (await once(child, 'close')) as [number];
      expect([code, said.join('')]).toEqual([0, '']);
    },
    PATIENCE_MS,
  );
});
