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
import {
  countedIn,
  everyHome,
  FORGOTTEN,
  HOMES,
  type Households,
  type Kept,
  LIMIT,
  openHouseholds,
} from './households.ts';

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
let positions: readonly string[];
let before: readonly Kept[];
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
  await homes.launch('1');
  await homes.live();
  await homes.beatAll(2);
  before = await homes.settled();
  positions = await Promise.all(HOMES.map(async (home) => (await homes.streamsOf('north', home)).position ?? ''));
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

  it(
    'changes nothing of what callers are told, and nothing is told twice',
    async () => {
      await homes.launch('2');
      const after = await homes.settled();
      for (const [i, { viewId, ...kept }] of after.entries()) {
        const { viewId: viewIdBefore, ...keptBefore } = before[i]!;
        expect(kept).toEqual(keptBefore);
        expect(viewId === viewIdBefore).toBe(i >= HOMES.length);
      }
    },
    PATIENCE_MS,
  );

  it(
    'leaves every stream its slot: it plays on with its old token, and one more is refused',
    async () => {
      expect(new Set(await homes.beatAll(3))).toEqual(new Set(['OK']));
      for (const [tenant, home] of everyHome()) {
        expect((await homes.streamsOf(tenant, home)).sessions).toHaveLength(LIMIT);
        expect(await homes.startMore(tenant, home)).toMatchObject({ code: 'STREAM_LIMIT_EXCEEDED' });
      }
      for (const [i, home] of HOMES.entries()) {
        const { position, sessions } = await homes.streamsOf('north', home, `?after=${positions[i]}`);
        expect([sessions.length, position?.startsWith('2.')]).toEqual([LIMIT, true]);
      }
      expect((await homes.streamsOf('north', FORGOTTEN)).sessions).toEqual([]);
    },
    PATIENCE_MS,
  );
});
