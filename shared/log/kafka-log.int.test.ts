import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import kafkajs, { type Admin } from 'kafkajs';
import { epochMs } from '../../schemas/time.ts';
import { startOwnKafka, type OwnKafka } from '../../tools/stack/own-kafka.ts';
import { openKafkaLog, type KafkaLogOptions } from './kafka-log.ts';
import { logContract } from './log.contract.ts';
import { LogMisconfigured, LogOutOfRange, LogUnavailable } from './log-errors.ts';
import type { Batch, Consumer, Log } from './log.ts';

const TOPIC = 'heartbeats.v1';
/** The first start fetches the jars. */
const START_MS = 300_000;
const PATIENCE_MS = 60_000;

let kafka: OwnKafka;
let admin: Admin;
beforeAll(async () => {
  kafka = await startOwnKafka(1);
  admin = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
}, START_MS);
afterAll(async () => {
  await admin?.disconnect();
  await kafka?.stop();
}, PATIENCE_MS);

let logs = 0;
/** Nobody else's topics and groups. */
const newPrefix = (): string => `t${++logs}.`;
const open = (options: Partial<KafkaLogOptions> = {}): Promise<Log> =>
  openKafkaLog({ brokers: kafka.brokers, clientId: 'test', partitions: 2, prefix: newPrefix(), ...options });
const remove = async (prefix: string): Promise<void> => {
  const topics = (await admin.listTopics()).filter((name) => name.startsWith(prefix));
  await admin.deleteTopics({ topics });
};

logContract({
  name: 'the Kafka log',
  make: async () => {
    const prefix = newPrefix();
    const log = await open({ prefix, partitions: 4 });
    return { log, dispose: () => remove(prefix) };
  },
});
