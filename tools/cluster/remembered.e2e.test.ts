import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import type { DecisionList, DecisionReport } from '../../schemas/generated/http.ts';
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Evening, remembered, watched, watchFilm } from '../../services/testing/evening.ts';
import { send } from '../../services/testing/http.ts';
import { newAccount } from '../../services/testing/player.ts';
import { PATIENT } from '../../services/testing/server.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { type ClusterParts, startParts } from './parts.ts';

const START_MS = 120_000;

let parts: ClusterParts;
let cluster: Cluster;
let evenings: readonly Evening[];
let dynamo: DynamoDBClient;
beforeAll(async () => {
  parts = await startParts({ brokers: 1, redis: 'single', dynamo: true });
  const env = { ...parts.env, ...PATIENT, PARTITIONS: '4' };
  const counts = {
    ...{ ingest: 1, concurrency: 1, 'resume-position': 1, 'view-end': 1, trending: 1 },
    ...{ 'decision-ledger': 1, archive: 1 },
  };
  cluster = await startCluster({ env, counts, port: 0, adminPort: 0 });
  dynamo = new DynamoDBClient({
    endpoint: cluster.env['DYNAMODB_ENDPOINT'] ?? '',
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  evenings = await Promise.all(Array.from({ length: 6 }, () => watchFilm(cluster.url, newAccount())));
}, START_MS);
afterAll(async () => {
  dynamo?.destroy();
  await cluster?.close();
  await parts?.stop();
}, START_MS);

const all = (): Promise<readonly unknown[]> => Promise.all(evenings.map((evening) => remembered(cluster.url, evening)));

/** Whoever rebuilds answers that it does; what it says then is held against what was said before. */
const warm = async (): Promise<readonly unknown[]> => {
  for (;;) {
    const told = await Promise.all(evenings.map((evening) => remembered(cluster.url, evening)));
    if (told.every(({ resume, view }) => resume !== null && view !== null)) return told;
    await sleep(200);
  }
};

/** The first answer that is one. */
const audience = async (): Promise<number> => {
  for (;;) {
    const viewers = await watched(cluster.url);
    if (viewers !== null) return viewers;
    await sleep(200);
  }
};

describe('resume positions, views and audiences on Kafka, Redis and DynamoDB', () => {
  it('are what the evening left', async () => {
    const told = await warm();
    for (const one of told)
      expect(one).toMatchObject({
        resume: { positionMs: 11_000, source: 'stop' },
        view: { status: 'final', reason: 'stopped', distinctMs: 11_000 },
      });
    while ((await audience()) < evenings.length) await sleep(200);
    expect(await audience()).toBe(evenings.length);
  }, 30_000);

  it('are exact again after kill -9 of those who fold them', async () => {
    const before = await warm();
    for (const { role, pid } of cluster.processes.list())
      if (role !== 'ingest' && role !== 'concurrency') process.kill(pid, 'SIGKILL');
    expect([await warm(), await audience()]).toEqual([before, evenings.length]);
  }, 60_000);

  it('are exact again after the loss of Redis', async () => {
    const before = await warm();
    const redis = new Redis(cluster.env['REDIS_URL'] ?? '');
    await redis.flushall();
    redis.disconnect();
    expect([await warm(), await audience()]).toEqual([before, evenings.length]);
    // Whoever is asked a second time has nothing else to say.
    expect(await all()).toEqual(before);
  }, 60_000);

  it('have decisions that the ledger keeps: each is explained by the beats in Kafka, and counted by a report', async () => {
    const chain = async (accountId: string): Promise<DecisionList> => {
      const { json } = await send(cluster.url, {
        path: `/v1/accounts/${accountId}/decisions?sessionId=${accountId}-film`,
      });
      return json as DecisionList;
    };
    for (const { accountId } of evenings) {
      let { items } = await chain(accountId);
      for (; items.length < 2; { items } = await chain(accountId)) await sleep(200);
      expect(items).toMatchObject([
        { outcome: 'stopped', explanation: { replay: 'agrees', heldBy: [{ sessionId: `${accountId}-film` }] } },
        { outcome: 'admitted', rule: 'two-streams', explanation: { replay: 'agrees', heldBy: [] } },
      ]);
    }
    const to = Date.now() + 60_000;
    const path = `/admin/reports/decisions?from=${to - 86_400_000}&to=${to}&by=content`;
    const { total } = (await send(cluster.admin, { path })).json as DecisionReport;
    expect(total).toMatchObject({ starts: evenings.length, denials: 0, streamsAtOnce: { 1: evenings.length } });
  }, 30_000);

  it('are made of beats that the archive has, each once', async () => {
    const archived = async (): Promise<readonly string[]> => {
      const { Items = [] } = await dynamo.send(new ScanCommand({ TableName: 'playbeat-payloads' }));
      return Items.map(({ pk, sk }) => `${pk?.S} ${sk?.S}`);
    };
    let rows = await archived();
    for (; rows.length < 4 * evenings.length; rows = await archived()) await sleep(200);
    expect([rows.length, new Set(rows).size]).toEqual([4 * evenings.length, 4 * evenings.length]);
  }, 30_000);
});
