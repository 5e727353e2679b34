import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import confluent from '@kafkajs/confluent-schema-registry';
import avro from 'avsc';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  compiledId,
  decode,
  encode,
  RECORD_NAMES,
  recordSchemas,
  UnknownSchemaId,
  writeWithIds,
  type RecordName,
  type RecordSchema,
} from '../../schemas/codec.ts';
import { startOwnRegistry, type OwnRegistry } from '../../tools/stack/own-registry.ts';
import { startTcpProxy } from '../../tools/faults/tcp-proxy.ts';
import { realTimer } from '../state/real-timer.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { SchemaRefused } from './registry-client.ts';
import { openSchemaRegistry, type SchemaRegistry, type SchemaRegistryOptions } from './schema-registry.ts';

/** The first start fetches the registry. */
const START_MS = 300_000;
const PATIENCE_MS = 60_000;

let registry: OwnRegistry;
beforeAll(async () => {
  registry = await startOwnRegistry();
}, START_MS);
afterAll(() => registry?.stop());

const opened: SchemaRegistry[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  writeWithIds(new Map());
});

type Line = { readonly level: string; readonly fields: object; readonly message: string };

/** Opens it as a process does, with what the process says and counts. */
const bench = (options: Partial<SchemaRegistryOptions> = {}) => {
  const lines: Line[] = [];
  const says = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message });
  const metrics = createMetrics({ process: false });
  const gauge = metrics.cell('playbeat_schema_registry_up', {});
  const open = async (): Promise<SchemaRegistry> => {
    const one = await openSchemaRegistry({
      url: registry.url,
      auth: null,
      timeoutMs: 5_000,
      checkMs: 100,
      schemas: recordSchemas(),
      after: realTimer,
      writeWithIds,
      metrics,
      logger: { debug: says('debug'), info: says('info'), warn: says('warn'), error: says('error') },
      ...options,
    });
    opened.push(one);
    return one;
  };
  return { open, lines, gauge, levels: () => lines.map(({ level }) => level) };
};

let prefixes = 0;
/** Subjects that are nobody else's. */
const newSubjects = (): readonly RecordSchema[] => {
  prefixes += 1;
  return recordSchemas().map((schema) => ({ ...schema, subject: `t${prefixes}.${schema.name}` }));
};
const schemaOf = (schemas: readonly RecordSchema[], name: RecordName): RecordSchema =>
  schemas.find((schema) => schema.name === name)!;
type Field = { readonly name: string; readonly type: unknown; readonly default?: unknown };
/** The schemas of another release: one of them with other fields, and with the mark that belongs to it. */
const withFields = (
  schemas: readonly RecordSchema[],
  name: RecordName,
  change: (fields: readonly Field[]) => readonly Field[],
): readonly RecordSchema[] =>
  schemas.map((one) => {
    if (one.name !== name) return one;
    const schema = JSON.parse(one.schema) as { readonly fields: readonly Field[] };
    const [mark, ...rest] = schema.fields;
    return { ...one, schema: JSON.stringify({ ...schema, fields: [{ ...mark, default: 'PB099' }, ...change(rest)] }) };
  });
const get = async (path: string): Promise<unknown> => (await fetch(`${registry.url}${path}`)).json();
const idIn = (bytes: Uint8Array): number => Buffer.from(bytes).readUInt32BE(1);
const tick = () => encode('Tick', { source: 'n1', shedding: false, receivedAtMs: 7 });
const until = async (holds: () => boolean): Promise<void> => {
  for (const endMs = Date.now() + PATIENCE_MS / 2; !holds(); await sleep(20)) {
    if (Date.now() > endMs) throw new Error('it did not come to that');
  }
};
/** Something else that answers at the address of a registry. */
const answering = async (listener: RequestListener): Promise<{ readonly url: string; close(): void }> => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

describe('the schemas in the registry', () => {
  it('are one subject each, the same when four processes start at once, and what their ids lead to', async () => {
    // A registry that has just started is slow, and four ask it for everything.
    const [first, ...others] = await Promise.all([1, 2, 3, 4].map(() => bench({ timeoutMs: 30_000 }).open()));
    const status = first!.status();
    if (status.state !== 'up') throw new Error(`it is ${status.state}`);
    for (const other of others) expect(other.status()).toEqual(status);
    expect([...status.ids.keys()].sort()).toEqual([...RECORD_NAMES].sort());
    for (const { name, subject, schema } of recordSchemas()) {
      const held = (await get(`/schemas/ids/${status.ids.get(name)}`)) as { readonly schema: string };
      expect(JSON.parse(held.schema)).toEqual(JSON.parse(schema));
      // Apicurio may list what two register in the same moment as two versions, of one id.
      for (const version of (await get(`/subjects/${subject}/versions`)) as readonly number[])
        expect(await get(`/subjects/${subject}/versions/${version}`)).toMatchObject({ id: status.ids.get(name) });
      expect(await get(`/config/${subject}`)).toEqual({ compatibilityLevel: 'BACKWARD_TRANSITIVE' });
    }
    expect(idIn(tick())).toBe(status.ids.get('Tick'));
  });

  it('stay as they are when they are registered again', async () => {
    const schemas = newSubjects();
    const once = (await bench({ schemas }).open()).status();
    const b = bench({ schemas });
    expect((await b.open()).status()).toEqual(once);
    expect(await get(`/subjects/${schemaOf(schemas, 'Heartbeat').subject}/versions`)).toEqual([1]);
    expect([b.gauge.value, b.levels()]).toEqual([1, ['info']]);
    // It is asked again and again, and there is nothing more to say.
    await sleep(500);
    expect(b.lines).toHaveLength(1);
  });

  it('may get a field with a default: old records are read with it, and this release stops at a new one', async () => {
    const schemas = newSubjects();
    const before = await bench({ schemas }).open();
    const old = tick();
    const next = withFields(schemas, 'Tick', (fields) => [...fields, { name: 'zone', type: 'string', default: 'a' }]);
    const after = await bench({ schemas: next }).open();
    expect(after.status()).toMatchObject({ state: 'up' });
    expect(await get(`/subjects/${schemaOf(next, 'Tick').subject}/versions`)).toEqual([1, 2]);

    const reader = new confluent.SchemaRegistry({ host: registry.url });
    const readerSchema = JSON.parse(schemaOf(next, 'Tick').schema);
    const read: unknown = await reader.decode(old, { [confluent.SchemaType.AVRO]: { readerSchema } });
    expect(read).toMatchObject({ source: 'n1', receivedAtMs: 7, zone: 'a' });

    const value = { mark: Buffer.from('PB099'), source: 'n2', shedding: false, receivedAtMs: 8, zone: 'b' };
    const header = tick().subarray(0, 5);
    const newer = Buffer.concat([
      header,
      avro.Type.forSchema(JSON.parse(schemaOf(next, 'Tick').schema)).toBuffer(value),
    ]);
    expect(idIn(newer)).not.toBe(idIn(old));
    expect(await reader.decode(newer)).toMatchObject({ source: 'n2', zone: 'b' });
    expect(() => decode(newer)).toThrow(UnknownSchemaId);
    before.close();
  });

  it('refuse the start when one cannot read what was written: subject and reason are in the error', async () => {
    const schemas = newSubjects();
    await bench({ schemas }).open();
    const broken = withFields(schemas, 'Heartbeat', (fields) => [...fields, { name: 'drmSystem', type: 'string' }]);
    const b = bench({ schemas: broken });
    const error: unknown = await b.open().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SchemaRefused);
    expect(error).toMatchObject({
      subject: schemaOf(broken, 'Heartbeat').subject,
      reason: expect.stringContaining('drmSystem'),
    });
    expect(String(error)).toMatch(/^SchemaRefused: the schema registry at http:.*refuses t\d+\.Heartbeat: .*drmSystem/);
    expect(await get(`/subjects/${schemaOf(broken, 'Heartbeat').subject}/versions`)).toEqual([1]);
    expect([b.gauge.value, b.lines]).toEqual([0, []]);
  });

  it('have to read all that came before, not only the last', async () => {
    const schemas = newSubjects();
    const zone = (field: Omit<Field, 'name'>) =>
      withFields(schemas, 'Tick', (fields) => [...fields, { name: 'zone', ...field }]);
    await bench({ schemas: zone({ type: 'int' }) }).open();
    await bench({ schemas }).open();
    const back = bench({ schemas: zone({ type: 'string', default: '' }) });
    await expect(back.open()).rejects.toThrow(/refuses t\d+\.Tick: .*STRING.* INT/);
  });
});

describe('a registry that is away', () => {
  it(
    'at the start is a warning and a gauge; its ids come when it does, and stay when it goes',
    async () => {
      await registry.kill();
      const b = bench();
      const one = await b.open();
      expect(one.status()).toMatchObject({
        state: 'away',
        reason: expect.stringMatching(/^(connect|read|socket|no answer) /),
      });
      expect([b.gauge.value, b.levels()]).toEqual([0, ['warn']]);
      const without = tick();
      expect(idIn(without)).toBe(compiledId('Tick'));

      await registry.restart();
      await until(() => b.gauge.value === 1);
      const given = tick();
      expect(idIn(given)).toBeLessThan(1_000);
      expect(decode(given)).toEqual(decode(without));

      await registry.kill();
      await until(() => b.gauge.value === 0);
      expect(tick().equals(given)).toBe(true);
      expect(b.levels()).toEqual(['warn', 'info', 'warn']);

      // In memory: it has forgotten all, and somebody else was quicker.
      await registry.restart();
      const body = JSON.stringify({ schema: '"string"' });
      const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
      await fetch(`${registry.url}/subjects/theirs/versions`, { method: 'POST', body, headers });
      await until(() => b.gauge.value === 1);
      const held = (await get(`/schemas/ids/${idIn(tick())}`)) as { readonly schema: string };
      expect(JSON.parse(held.schema)).toMatchObject({ name: 'playbeat.Tick' });
    },
    2 * PATIENCE_MS,
  );

  it('and does not say so holds the start up for no longer than it may, and may still refuse', async () => {
    const schemas = newSubjects();
    const theirs = withFields(schemas, 'Tick', () => [{ name: 'shedding', type: 'string' }]);
    await bench({ schemas: theirs }).open();
    const proxy = await startTcpProxy({ to: Number(new URL(registry.url).port) });
    try {
      proxy.answers('hold');
      const url = registry.url.replace(/127\.0\.0\.1:\d+/, proxy.address);
      const b = bench({ url, schemas, timeoutMs: 500 });
      const one = await b.open();
      expect(one.status()).toEqual({ state: 'away', reason: 'no answer within 500 ms' });
      proxy.answers('pass');
      await until(() => one.status().state !== 'away');
      expect(one.status()).toMatchObject({ state: 'refused', error: { subject: schemaOf(schemas, 'Tick').subject } });
      expect([b.gauge.value, b.levels()]).toEqual([0, ['warn', 'error']]);
    } finally {
      await proxy.close();
    }
  });

  it('is one whose answer is cut off, or is not of a registry', async () => {
    const cut = await answering((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 }).write('{"id":');
      setTimeout(() => response.destroy(), 20);
    });
    const page = await answering((_request, response) => response.writeHead(502).end('<h1>Bad\n gateway</h1>'));
    const reasons = await Promise.all(
      [cut, page].map(async ({ url }) => (await bench({ url, timeoutMs: 500 }).open()).status()),
    );
    expect(reasons).toEqual([
      { state: 'away', reason: 'no answer within 500 ms' },
      { state: 'away', reason: 'Error, status 502: <h1>Bad gateway</h1>' },
    ]);
    cut.close();
    page.close();
  });
});

describe('user and password', () => {
  const auth = { username: 'playbeat', password: 'p/ss-w0rd' };

  it('are sent to the registry, and shown to nobody who reads logs', async () => {
    const seen: (string | undefined)[] = [];
    const strict = await answering((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401).end(`no such user: ${request.headers.authorization} p/ss-w0rd`);
    });
    const b = bench({ url: strict.url, auth });
    const status = (await b.open()).status();
    const basic = Buffer.from('playbeat:p/ss-w0rd').toString('base64');
    expect(new Set(seen)).toEqual(new Set([`Basic ${basic}`]));
    const said = JSON.stringify([b.lines, status]);
    expect(said).toContain('status 401: no such user');
    expect(said).not.toContain(basic);
    expect(said).not.toContain('p/ss-w0rd');
    strict.close();
  });

  it('may not stand in the address, where every error would show them', async () => {
    const url = registry.url.replace('http://', 'http://playbeat:p-w0rd@');
    const error: unknown = await bench({ url })
      .open()
      .catch((reason: unknown) => reason);
    expect(String(error)).toContain('holds no user and no password');
    expect(String(error)).not.toContain('p-w0rd');
  });
});
