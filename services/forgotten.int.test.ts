import { DynamoDBClient, ScanCommand, type ScanCommandOutput } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeEvent } from '../schemas/codec.ts';
import type { LogEvent } from '../schemas/events.ts';
import { TABLE_NAMES, TABLES, TOMBSTONE_MS } from '../schemas/tables.ts';
import { epochMs, SECOND_MS } from '../schemas/time.ts';
import { type EmbeddedLog, openEmbeddedLog } from '../shared/log/embedded-log.ts';
import { partitionOf } from '../shared/log/partition.ts';
import { openRedisState } from '../shared/state/redis-state.ts';
import type { StateStore } from '../shared/state/state.ts';
import { openDynamoTable } from '../shared/table/dynamo-table.ts';
import { createDynamoTables } from '../shared/table/dynamo-tables.ts';
import type { Table } from '../shared/table/table.ts';
import { createLog } from '../shared/telemetry/log.ts';
import { createMetrics } from '../shared/telemetry/metrics.ts';
import { type OwnDynamo, startOwnDynamo } from '../tools/stack/own-dynamodb.ts';
import { type OwnRedis, startOwnRedis } from '../tools/stack/own-redis.ts';
import { policyOf, rules } from './concurrency/testing/household.ts';
import { packed } from './packed.ts';
import { type Processors, startProcessors } from './processors.ts';
import { makeFolder } from './testing/server.ts';
import { street } from './testing/street.ts';

/*
 * All folds on Redis and DynamoDB: an evening of four households, one of which is erased in the midst of it. Then every key and
 * value of Redis and every item of DynamoDB is looked at. How a local process forgets is in `forgotten.e2e.test.ts`.
 */

/** Far ahead of the machine's clock: DynamoDB Local deletes what has expired by its own. */
const START_MS = 4_000_000_000_000;
const ERASED_S = 480;
const PARTITIONS = 2;
const PATIENCE_MS = 60_000;
const evening = street({ households: 4, seconds: 600, startMs: START_MS });
const [GONE = '', STAYS = ''] = evening.keys;

/** The same with names by which a household is known again. */
const named = (key: string, event: LogEvent): LogEvent => {
  if (event.type !== 'Heartbeat') return event;
  const { sessionId, deviceId } = event.value;
  const names = {
    sessionId: `${sessionId} in ${key}`,
    deviceId: `${deviceId} in ${key}`,
    profileId: `profile in ${key}`,
  };
  return { ...event, value: { ...event.value, ...names } };
};

let nowMs = START_MS;
let folder: string;
let redis: OwnRedis;
let dynamo: OwnDynamo;
let client: DynamoDBClient;
let log: EmbeddedLog;
let store: StateStore;
let table: Table;
let processors: Processors;
const fail = (error: unknown): never => {
  throw error;
};
beforeAll(async () => {
  [folder, redis, dynamo] = await Promise.all([makeFolder(), startOwnRedis({ mode: 'single' }), startOwnDynamo()]);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const at = { endpoint: dynamo.endpoint, region: 'eu-central-1', credentials, prefix: 'playbeat' };
  await createDynamoTables(at);
  client = new DynamoDBClient(at);
  const clock = () => epochMs(nowMs);
  log = await openEmbeddedLog({ folder, partitions: PARTITIONS, clock, onTrouble: fail });
  store = await openRedisState({ server: { url: redis.first.url }, packing: packed, onError: fail });
  table = openDynamoTable({ ...at, clock });
  processors = await startProcessors({
    roles: ['concurrency', 'resume-position', 'view-end', 'trending', 'decision-ledger', 'archive'],
    ledgerMs: TABLES.decisions.retentionMs,
    tracing: { decided: () => {} },
    ...{ log, store, table, partitions: PARTITIONS, clock, pause: sleep },
    metrics: createMetrics({ process: false }),
    logger: createLog({ level: 'silent', base: {} }),
  });
}, 120_000);
afterAll(async () => {
  await processors?.close();
  await Promise.all([table?.close(), store?.close(), log?.close()]);
  client?.destroy();
  await Promise.all([redis?.stop(), dynamo?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

const append = (key: string, event: LogEvent) =>
  log.append('heartbeats.v1', partitionOf(key, PARTITIONS), [{ key, value: encodeEvent(event) }]);
const play = async (fromS: number, untilS: number): Promise<void> => {
  for (let second = fromS; second < untilS; second += 5) {
    nowMs = START_MS + second * SECOND_MS;
    for (let at = second; at < second + 5; at += 1)
      for (const { key, event } of evening.at(at)) await append(key, named(key, event));
    const value = { source: 'test', shedding: false, receivedAtMs: nowMs };
    const tick = { key: null, value: encodeEvent({ type: 'Tick', value }) };
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      await log.append('heartbeats.v1', partition, [tick]);
  }
};
const folded = async (): Promise<void> => {
  for (const [topic, names] of [
    ['heartbeats.v1', ['concurrency', 'resume-position', 'view-end', 'trending', 'archive']],
    ['audience-moves.v1', ['audience']],
  ] as const)
    for (const name of names)
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const { end } = await log.bounds(topic, partition);
        expect(await store.waitFor(name, partition, end, PATIENCE_MS)).toBe(true);
      }
};

/** Every key of Redis with all that is in it. */
const allOfRedis = async (): Promise<readonly string[]> => {
  const { admin } = redis.first;
  const keys = await admin.keys('*');
  return Promise.all(
    keys.map(async (key) => {
      const type = await admin.type(key);
      if (type === 'hash') return `${key} ${JSON.stringify(await admin.hgetall(key))}`;
      if (type === 'zset') return `${key} ${JSON.stringify(await admin.zrange(key, '0', '-1'))}`;
      throw new Error(`${key} is a ${type}: look into it, too`);
    }),
  );
};
const allOfDynamo = async (): Promise<readonly (Readonly<Record<string, unknown>> & { readonly text: string })[]> => {
  const items: { text: string }[] = [];
  for (const name of TABLE_NAMES) {
    let from: ScanCommandOutput['LastEvaluatedKey'];
    do {
      const page: ScanCommandOutput = await client.send(
        new ScanCommand({ TableName: `playbeat-${name}`, ExclusiveStartKey: from }),
      );
      items.push(...(page.Items ?? []).map((item) => ({ ...item, text: JSON.stringify(item) })));
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
  }
  return items;
};
const texts = async (key: string) => {
  const has = (text: string): boolean => text.includes(key);
  const items = (await allOfDynamo()).map(({ text, ...item }) => ({ text, item }));
  return {
    redis: (await allOfRedis()).filter(has),
    dynamo: items.filter(({ text }) => has(text)).map(({ item }) => item),
  };
};

const activate = async (): Promise<void> => {
  const policy = JSON.stringify(policyOf(rules(1, '{ id: ten, limit: 10 }')));
  const value = { version: 1, mode: 'enforce', policy, activatedAtMs: 0, by: 'test' } as const;
  const record = { key: null, value: encodeEvent({ type: 'PolicyActivated', value }) };
  for (let partition = 0; partition < PARTITIONS; partition += 1)
    await log.append('heartbeats.v1', partition, [record]);
};

describe('an account that is erased, on Redis and DynamoDB', () => {
  it('was in the state of four folds, with its timers, and in three tables', async () => {
    await activate();
    await play(0, ERASED_S);
    await folded();
    for (const key of [GONE, STAYS]) {
      const found = await texts(key);
      expect(found.redis.length).toBeGreaterThanOrEqual(8);
      expect(found.dynamo.length).toBeGreaterThan(10);
    }
  });

  it('is in no key and no value of Redis, and of its items nothing is left but key, id and time', async () => {
    const others = (await texts(STAYS)).dynamo;
    const erasedAtMs = nowMs;
    await append(GONE, { type: 'AccountErased', value: { requestId: 'r', tenant: 'tenant', receivedAtMs: nowMs } });
    await folded();
    const { redis: rows, dynamo: tombstones } = await texts(GONE);
    expect(rows).toEqual([]);
    expect(tombstones.length).toBeGreaterThan(30);
    const untilMs = erasedAtMs + TOMBSTONE_MS;
    for (const item of tombstones)
      expect(item).toEqual({
        pk: { S: GONE },
        sk: expect.anything(),
        erased: { N: expect.any(String) },
        erasedUntil: { N: String(untilMs) },
        expires: { N: String(untilMs) },
        ttl: { N: String(Math.ceil(untilMs / SECOND_MS)) },
      });
    expect((await texts(STAYS)).dynamo).toEqual(others);
  });

  it('begins afresh when it plays on', async () => {
    await play(ERASED_S, 600);
    await folded();
    const { redis: rows, dynamo: items } = await texts(GONE);
    expect(rows.length).toBeGreaterThanOrEqual(4);
    expect(items.some((item) => 'item' in item)).toBe(true);
  });
});
