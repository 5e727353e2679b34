import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { epochMs } from '../schemas/time.ts';
import { openEmbeddedLog } from '../shared/log/embedded-log.ts';
import { LOCAL_ROLES } from './roles.ts';
import { type Api, openApi } from './testing/contract.ts';
import { send } from './testing/http.ts';
import { admit, beat, newAccount, start } from './testing/player.ts';
import { type Server, startServer } from './testing/server.ts';

let server: Server;
let api: Api;
beforeAll(async () => {
  server = await startServer({ METADATA_KEYS: 'package', DECISION_TIMEOUT_MS: '500' });
  api = await openApi(server);
});
afterAll(() => server.close());

describe('health', () => {
  it('answers on both ports, with the roles of the process', async () => {
    for (const ask of [api.call, api.admin]) {
      for (const path of ['/healthz', '/readyz']) {
        const { status, json } = await ask({ path });
        expect([status, json]).toEqual([200, { status: 'ok', roles: LOCAL_ROLES }]);
      }
    }
  });

  it('leaves what is the admins’ to the admin port, and what is the players’ to the public one', async () => {
    for (const path of ['/metrics', '/admin/policies', '/admin/processors', '/admin/parked', '/admin/mode']) {
      expect([path, (await send(server.url(), { path })).status]).toEqual([path, 404]);
    }
    expect((await send(server.adminUrl(), { path: '/v1/heartbeats', body: {} })).status).toBe(404);
  });
});

describe('/metrics', () => {
  it('counts beats, refusals, dropped fields, starts and calls, and names nobody', async () => {
    const accountId = newAccount();
    await admit(api, { accountId });
    const path = '/v1/heartbeats';
    await api.call({ path, body: beat({ accountId }) });
    await api.call({ path, body: { ...beat({ accountId, sequence: 2 }), metadata: { package: 7, [accountId]: 'x' } } });
    await api.call({ path, body: { heartbeats: [beat({ accountId, sequence: 3 }), {}] } });
    await api.call({ path, body: {} });
    const { headers, text } = await api.admin({ path: '/metrics' });
    expect(headers['content-type']).toMatch(/^text\/plain/);
    for (const line of [
      'playbeat_heartbeats_total{result="accepted"} 3',
      'playbeat_heartbeats_total{result="rejected"} 2',
      'playbeat_heartbeats_rejected_total{code="VALIDATION_FAILED"} 2',
      'playbeat_optional_fields_dropped_total{field="metadata"} 2',
      'playbeat_decisions_total{outcome="allow",reason="OK"} 1',
      'playbeat_http_requests_total{route="/v1/heartbeats",method="POST",status="202"} 3',
      'playbeat_http_requests_total{route="/v1/heartbeats",method="POST",status="400"} 1',
      'playbeat_http_requests_total{route="/v1/sessions",method="POST",status="201"} 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(text).not.toContain(accountId);
  });
});

describe('/admin', () => {
  it('shows each partition running, with its offset and lag', async () => {
    const { status, json } = await api.admin({ path: '/admin/processors' });
    expect(status).toBe(200);
    const { processors } = json as { processors: readonly { name: string; partitions: readonly object[] }[] };
    expect(processors.map((p) => p.name)).toEqual([
      ...['concurrency', 'resume-position', 'view-end', 'trending', 'audience'],
    ]);
    expect(processors[0]!.partitions).toHaveLength(4);
    for (const one of processors[0]!.partitions) {
      expect(one).toMatchObject({ state: 'running', progress: 1, error: null, offset: expect.any(Number) });
      expect(one).toHaveProperty('lag');
    }
  });

  it('shows no parked record where none was', async () => {
    const { json } = await api.admin({ path: '/admin/parked' });
    expect(json).toEqual({ items: [], total: 0 });
  });
});

describe('bytes that nobody can read', () => {
  const log = () => openEmbeddedLog({ folder: server.folder, partitions: 4, clock: () => epochMs(Date.now()) });
  const poison = [
    Buffer.from([9, 9, 9]),
    Buffer.from('\0\0\0\0\x02PB002\xff', 'latin1'),
    // Another's Avro, under an id that is no matter.
    Buffer.from('\0\0\0\0\x02\x06abc', 'latin1'),
    Buffer.alloc(1_000_000, 7),
    Buffer.alloc(0),
  ];

  it('are parked with their bytes and position, and stop nobody', async () => {
    const accountId = newAccount();
    await admit(api, { accountId });
    await server.kill('SIGTERM');
    const closed = await log();
    for (let partition = 0; partition < 4; partition++) {
      await closed.append(
        'heartbeats.v1',
        partition,
        poison.map((value) => ({ key: 'somebody', value })),
      );
    }
    await closed.close();
    await server.restart();
    const { json } = await api.admin({ path: '/admin/parked' });
    const { items, total } = json as { items: readonly { bytes: string; position: string }[]; total: number };
    expect(total).toBe(4 * poison.length);
    expect(new Set(items.map((item) => item.bytes))).toEqual(new Set(poison.map((bytes) => bytes.toString('base64'))));
    for (const { position } of items) expect(position).toMatch(/^1\.\d\.\d+$/);
    expect(await admit(api, { accountId, sessionId: 's-2' })).toMatchObject({ decision: 'allow', degraded: false });
  });

  it('of a control record stop its partition alone, with an alarm; who starts there goes on, degraded', async () => {
    await server.kill('SIGTERM');
    const closed = await log();
    await closed.append('heartbeats.v1', 2, [{ key: null, value: Buffer.from('\0\0\0\0\x05PB005\xff', 'latin1') }]);
    await closed.close();
    await server.restart();
    const { json } = await api.admin({ path: '/admin/processors' });
    const { processors } = json as {
      processors: readonly { partitions: readonly { state: string; error: string }[] }[];
    };
    const states = processors[0]!.partitions.map((p) => p.state);
    expect(states).toEqual(['running', 'running', 'failed', 'running']);
    expect(processors[0]!.partitions[2]!.error).toMatch(/heartbeats\.v1 partition 2 offset \d+/);
    const { text } = await api.admin({ path: '/metrics' });
    expect(text).toContain('playbeat_partition_paused{processor="concurrency",partition="2"} 1');
    const degraded = new Map<string, boolean>();
    // Accounts fall into partitions as they will: go on until each of the four has been met.
    for (let i = 0; i < 200 && degraded.size < 4; i++) {
      const sent = await api.call({ path: '/v1/sessions', body: start({ accountId: newAccount() }) });
      expect(sent.status).toBe(201);
      const decision = sent.json as { degraded: boolean; position: string | null };
      degraded.set(decision.position?.split('.')[1] ?? 'none', decision.degraded);
    }
    expect(Object.fromEntries(degraded)).toEqual({ 0: false, 1: false, 3: false, none: true });
  });
});

describe('/docs', () => {
  it('is a page whose script, style and document are all served from here', async () => {
    const page = await send(server.url(), { path: '/docs' });
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toMatch(/^text\/html/);
    const asked = [...page.text.matchAll(/(?:src|href)="([^"]+)"|url: '([^']+)'/g)].map((m) => m[1] ?? m[2]!);
    expect(asked).toEqual(['/docs/assets/swagger-ui.css', '/docs/assets/swagger-ui-bundle.js', '/openapi.json']);
    for (const path of asked) {
      const { status, text } = await send(server.url(), { path });
      expect([path, status, text.length > 1_000]).toEqual([path, 200, true]);
    }
    expect(page.text).not.toMatch(/https?:\/\//);
  });

  it.each(['/docs/assets/../../package.json', '/docs/assets/%2e%2e/%2e%2e/package.json', '/docs/assets/..%2fexpress'])(
    'serves nothing beside its assets: %s',
    async (path) => {
      expect((await send(server.url(), { path })).status).toBeGreaterThanOrEqual(400);
    },
  );
});
