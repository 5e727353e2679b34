import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { TABLE_NAMES } from '../../schemas/tables.ts';
import { partitionsOf, TOPICS, type TopicName } from '../../schemas/topics.ts';
import { runToEnd } from '../../services/testing/server.ts';
import { openKafkaClient } from '../../shared/log/kafka-log-client.ts';
import { openKafkaLog } from '../../shared/log/kafka-log.ts';
import { readAll } from '../../shared/log/testing/member.ts';
import { type ClusterParts, startParts } from '../cluster/parts.ts';
import { countedIn, FORGOTTEN, HOMES, type Households, openHouseholds } from './households.ts';
import { begin, type Begun, movedContract } from './moved.contract.ts';

/*
 * The same on Kafka, Redis and DynamoDB: the command is killed in each of its steps, then the same is asked again, players go on, and
 * every record, every key of Redis and every item is looked at.
 */
const START_MS = 180_000;
const PATIENCE_MS = 60_000;
const PARTITIONS = 2;
/** On parts that others use, too. */
const PREFIX = `pepper-${process.pid}`;

let parts: ClusterParts;
let homes: Households;
let begun: Begun;
let redis: Redis;
let dynamo: DynamoDBClient;

beforeAll(async () => {
  parts = await startParts({ brokers: 1, redis: 'single', dynamo: true });
  homes = await openHouseholds({
    ...parts.env,
    ...{ KAFKA_PREFIX: `${PREFIX}.`, REDIS_PREFIX: PREFIX, DYNAMODB_PREFIX: PREFIX },
    ...{ PARTITIONS: String(PARTITIONS), KAFKA_SESSION_TIMEOUT_MS: '1500' },
    SESSION_TOKEN_KEY: randomBytes(32).toString('base64url'),
  });
  redis = new Redis(parts.env['REDIS_URL'] ?? '');
  dynamo = new DynamoDBClient({
    endpoint: parts.env['DYNAMODB_ENDPOINT'] ?? '',
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  begun = await begin(homes);
}, START_MS);
afterAll(async () => {
  dynamo?.destroy();
  redis?.disconnect();
  await homes?.close();
  await parts?.stop();
}, START_MS);

const connection = () => ({
  ...{ brokers: (parts.env['KAFKA_BROKERS'] ?? '').split(','), clientId: 'test' },
  ...{ prefix: `${PREFIX}.`, partitions: PARTITIONS },
});
const topics = async (): Promise<readonly string[]> => {
  const admin = openKafkaClient(connection()).open().admin();
  await admin.connect();
  const names = (await admin.listTopics()).filter((name) => name.startsWith(`${PREFIX}.`));
  await admin.disconnect();
  return names.map((name) => name.slice(PREFIX.length + 1)).sort();
};
/** All records of all topics but the audit, as text, and all items of all tables. */
const allKept = async (): Promise<{ readonly records: string; readonly items: string }> => {
  const log = await openKafkaLog({ ...connection(), generation: 2 });
  const records: string[] = [];
  for (const topic of (Object.keys(TOPICS) as TopicName[]).filter((name) => name !== 'audit.v1'))
    for (let partition = 0; partition < partitionsOf(topic, PARTITIONS); partition += 1)
      for (const { key, value } of await readAll(log, partition, topic))
        records.push(`${key} ${Buffer.from(value ?? []).toString('latin1')}`);
  await log.close();
  const tables = TABLE_NAMES.map(async (name) => {
    const { Items } = await dynamo.send(new ScanCommand({ TableName: `${PREFIX}-${name}` }));
    return JSON.stringify(Items);
  });
  return { records: records.join('\n'), items: (await Promise.all(tables)).join('\n') };
};
const stateKeys = (): Promise<readonly string[]> => redis.keys(`${PREFIX}:*`);

describe('another pepper for a tenant, on Kafka, Redis and DynamoDB', () => {
  it(
    'is counted while services run, and is not given as long as they do',
    async () => {
      const { code, said } = await homes.command(['--go']);
      expect([code, said]).toEqual([1, expect.stringContaining('has members: stop every service')]);
      const [moves, stays, unknown, keys] = countedIn(said);
      expect([stays, unknown! > 0, keys]).toEqual([moves, true, 1]);
      expect(await homes.stop()).toEqual([0, null]);
      expect(await stateKeys()).not.toEqual([]);
    },
    PATIENCE_MS,
  );

  it.each(['Moving the log', 'The log is of generation 2', 'rows were moved'])(
    'may be killed when it says "%s"',
    async (line) => {
      expect(await homes.command(['--go'], line)).toMatchObject({ signal: 'SIGKILL' });
    },
    PATIENCE_MS,
  );

  it(
    'is not taken for done: no service starts, and the command goes on where it was',
    async () => {
      const { code, stderr } = await runToEnd({ ...homes.env, LOG_GENERATION: '2' });
      expect([code, stderr]).toEqual([1, expect.stringContaining('run npm run pepper with LOG_GENERATION=1 again')]);
      const again = await homes.command(['--go']);
      expect([again.code, again.said]).toEqual([0, expect.stringContaining('Done. Start with LOG_GENERATION=2')]);
    },
    PATIENCE_MS,
  );

  it(
    'leaves no key of before in any record, row or state, but of the other tenant and of whom nobody named',
    async () => {
      const moved = ['heartbeats.v1', 'stream-decisions.v1', 'view-ends.v1'];
      const names = Object.keys(TOPICS).map((name) => (moved.includes(name) ? `${name}.g2` : name));
      expect(await topics()).toEqual(names.sort());
      expect(await stateKeys()).toEqual([]);
      const { records, items } = await allKept();
      const has = (key: string): readonly boolean[] => [records.includes(key), items.includes(key)];
      for (const home of HOMES) {
        expect([home, ...has(homes.keyOf('north', home, 'before'))]).toEqual([home, false, false]);
        expect([home, ...has(homes.keyOf('north', home, 'after'))]).toEqual([home, true, true]);
        expect([home, ...has(homes.keyOf('south', home, 'before'))]).toEqual([home, true, true]);
      }
      expect(has(homes.keyOf('north', FORGOTTEN, 'before'))).toEqual([true, true]);
    },
    PATIENCE_MS,
  );

  it(
    'is not mistaken for the one before: a service that says another generation does not start',
    async () => {
      const { code, stderr } = await runToEnd({ ...homes.env, LOG_GENERATION: '1' });
      expect([code, stderr]).toEqual([1, expect.stringContaining('is of generation 2: start with LOG_GENERATION=2')]);
    },
    PATIENCE_MS,
  );

  movedContract(() => ({ homes, begun }), PATIENCE_MS);
});
