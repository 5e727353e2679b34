import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { brokersSeenBy } from './kafka-metadata.ts';
import { listens, ownStack, type OwnStack } from './testing.ts';

/** `npm test` has fetched the jars before; where it did not run, the first start does. */
const START_MS = 300_000;

let own: OwnStack;
const clients: (Redis | Cluster)[] = [];
const opened = <T extends Redis | Cluster>(client: T): T => {
  clients.push(client);
  client.on('error', () => {});
  return client;
};
beforeEach(() => {
  own = ownStack();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await own.end();
}, START_MS);

/** As the AWS client asks; the signature is not looked at. */
const dynamo = async (endpoint: string, action: string, body: object): Promise<unknown> => {
  const scope = 'Credential=local/20260101/eu-central-1/dynamodb/aws4_request';
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${action}`,
      authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host;x-amz-target, Signature=0`,
    },
    body: JSON.stringify(body),
  });
  expect([action, response.status]).toEqual([action, 200]);
  return response.json();
};

const registry = async (url: string, body?: object): Promise<unknown> => {
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  const response = await fetch(url, body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) });
  expect([url, response.status]).toEqual([url, 200]);
  return response.json();
};

const portsOf = (addresses: string): number[] => [...addresses.matchAll(/:(\d+)/g)].map(([, port]) => Number(port));

describe('the parts of the stack', () => {
  it(
    'all answer: Kafka, Redis, DynamoDB Local and the registry, and on the loopback alone',
    async () => {
      const env = await own.up('');
      expect(Object.keys(env)).toEqual(['KAFKA_BROKERS', 'REDIS_URL', 'DYNAMODB_ENDPOINT', 'SCHEMA_REGISTRY_URL']);
      expect(await brokersSeenBy(portsOf(env['KAFKA_BROKERS']!)[0]!)).toBe(1);

      const redis = opened(new Redis(env['REDIS_URL']!));
      await redis.set('a', '1');
      expect(await redis.get('a')).toBe('1');
      expect(await redis.info('server')).toMatch(/redis_version:7\./);

      const endpoint = env['DYNAMODB_ENDPOINT']!;
      await dynamo(endpoint, 'CreateTable', {
        TableName: 'rows',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      });
      expect(await dynamo(endpoint, 'ListTables', {})).toEqual({ TableNames: ['rows'] });
      const item = { pk: { S: 'a' }, n: { N: '1' } };
      await dynamo(endpoint, 'PutItem', { TableName: 'rows', Item: item });
      const key = { TableName: 'rows', Key: { pk: { S: 'a' } }, ConsistentRead: true };
      expect(await dynamo(endpoint, 'GetItem', key)).toEqual({ Item: item });

      const subjects = `${env['SCHEMA_REGISTRY_URL']}/subjects`;
      const { id } = (await registry(`${subjects}/test/versions`, { schema: '"string"' })) as { id: number };
      const stored = await registry(`${env['SCHEMA_REGISTRY_URL']}/schemas/ids/${id}`);
      expect(stored).toMatchObject({ schema: '"string"' });
      expect(await registry(subjects)).toEqual(['test']);
      expect(await registry(`${env['SCHEMA_REGISTRY_URL']}/config`)).toMatchObject({ compatibilityLevel: 'BACKWARD' });

      const outside = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
      for (const { address, internal, family } of outside) {
        if (internal || family !== 'IPv4') continue;
        for (const port of Object.values(env).flatMap(portsOf))
          expect([port, await listens(`tcp://${address}:${port}`)]).toEqual([port, false]);
      }
    },
    START_MS,
  );

  it(
    'with --brokers 3: each sees all three',
    async () => {
      const ports = portsOf((await own.up('--only kafka --brokers 3'))['KAFKA_BROKERS']!);
      expect(ports).toHaveLength(3);
      expect(await Promise.all(ports.map(brokersSeenBy))).toEqual([3, 3, 3]);
    },
    START_MS,
  );

  it(
    'with --redis replica: what the primary is given, the replica has',
    async () => {
      const env = await own.up('--only redis --redis replica');
      const [primary, replica] = [opened(new Redis(env['REDIS_URL']!)), opened(new Redis(env['REDIS_REPLICA_URL']!))];
      await primary.set('a', '1');
      while ((await replica.get('a')) !== '1') await sleep(5);
      await expect(replica.set('a', '2')).rejects.toThrow('READONLY');
    },
    START_MS,
  );

  it.each([
    ['cluster', 3, 0],
    ['cluster-replicas', 6, 3],
  ])(
    'with --redis %s: %d nodes that share the slots, %d of them replicas',
    async (mode, size, replicas) => {
      const urls = (await own.up(`--only redis --redis ${mode}`))['REDIS_URL']!.split(',');
      expect(urls).toHaveLength(size);
      const cluster = opened(new Cluster(urls));
      const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`);
      for (const key of keys) await cluster.set(key, key);
      expect(await Promise.all(keys.map((key) => cluster.get(key)))).toEqual(keys);
      expect([cluster.nodes('master').length, cluster.nodes('slave').length]).toEqual([3, replicas]);
    },
    START_MS,
  );
});
