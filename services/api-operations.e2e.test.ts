import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DecisionList, DecisionReport } from '../schemas/generated/http.ts';
import { DAY_MS, epochMs } from '../schemas/time.ts';
import { openEmbeddedLog } from '../shared/log/embedded-log.ts';
import { isFolding, LOCAL_ROLES } from './roles.ts';
import { ROOMS } from './rooms.ts';
import { type Api, openApi } from './testing/contract.ts';
import { send } from './testing/http.ts';
import { admit, beat, newAccount, start } from './testing/player.ts';
import { type Server, startServer } from './testing/server.ts';

let server: Server;
let api: Api;
beforeAll(async () => {
  server = await startServer({
    METADATA_KEYS: 'package',
    DECISION_TIMEOUT_MS: '500',
    CLOUDWATCH_NAMESPACE: 'playbeat-test',
  });
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
      'playbeat_objective_total{objective="heartbeats",result="met"} 3',
      'playbeat_objective_total{objective="heartbeats",result="missed"} 0',
      'playbeat_objective_total{objective="starts",result="missed"} 0',
      'playbeat_http_requests_total{route="/v1/heartbeats",method="POST",status="202"} 3',
      'playbeat_http_requests_total{route="/v1/heartbeats",method="POST",status="400"} 1',
      'playbeat_http_requests_total{route="/v1/sessions",method="POST",status="201"} 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    const numberOf = (name: string): number =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(name))
          ?.split(' ')
          .at(-1),
      );
    expect(numberOf('playbeat_objective_total{objective="freshness",result="met"}')).toBeGreaterThan(3);
    expect(numberOf('playbeat_partitions_taken_total{processor="concurrency"}')).toBe(4);
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(text).not.toContain(accountId);
  });
});

describe('/admin', () => {
  it('shows each partition running, with its offset and lag', async () => {
    const { status, json } = await api.admin({ path: '/admin/processors' });
    expect(status).toBe(200);
    const { processors } = json as { processors: readonly { name: string; partitions: readonly object[] }[] };
    const folds = LOCAL_ROLES.filter(isFolding).flatMap((role) => ROOMS[role].folds({ ledgerMs: 1 }));
    expect(processors.map((p) => p.name)).toEqual(folds.map(({ name }) => name));
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
    const unanswered: string[] = [];
    // Accounts fall into partitions as they will: go on until each of the four has been met.
    for (let i = 0; i < 200 && degraded.size < 4; i++) {
      const accountId = newAccount();
      const sent = await api.call({ path: '/v1/sessions', body: start({ accountId }) });
      expect(sent.status).toBe(201);
      const decision = sent.json as { degraded: boolean; position: string | null };
      degraded.set(decision.position?.split('.')[1] ?? 'none', decision.degraded);
      if (decision.position === null) unanswered.push(accountId);
    }
    expect(Object.fromEntries(degraded)).toEqual({ 0: false, 1: false, 3: false, none: true });
    // What the fail mode answered is in the ledger, and in reports.
    for (const accountId of unanswered) {
      const ask = async () => (await api.call({ path: `/v1/accounts/${accountId}/decisions?sessionId=s-1` })).json;
      let list = (await ask()) as DecisionList;
      while (list.items.length === 0) list = (await ask()) as DecisionList;
      expect(list.items).toMatchObject([
        { outcome: 'admitted', reason: 'SERVICE_DEGRADED', rule: null, explanation: { replay: 'fail-mode' } },
      ]);
    }
    const to = Date.now() + DAY_MS;
    const report = await api.admin({ path: `/admin/reports/decisions?from=${to - 2 * DAY_MS}&to=${to}` });
    expect((report.json as DecisionReport).total.degraded).toBe(unanswered.length);
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

describe('the lines for CloudWatch', () => {
  type Line = Readonly<Record<string, unknown>> & { readonly _aws?: { readonly CloudWatchMetrics: readonly object[] } };

  it('say once more, when the process ends, what was counted since the last ones, and name nobody', async () => {
    await server.kill('SIGTERM');
    const lines = server
      .output()
      .split('\n')
      .filter((line) => line.includes('"_aws"'));
    const documents = lines.map((line) => JSON.parse(line) as Line);
    const added = (name: string, where: Readonly<Record<string, string>>): number =>
      documents
        .filter((line) => Object.entries(where).every(([label, value]) => line[label] === value))
        .reduce((sum, line) => sum + Number(line[name] ?? 0), 0);
    expect(added('playbeat_heartbeats_total', { result: 'accepted', role: LOCAL_ROLES.join('+') })).toBe(3);
    expect(added('playbeat_heartbeats_rejected_total', { code: 'VALIDATION_FAILED' })).toBe(2);
    expect(added('playbeat_objective_total', { objective: 'heartbeats', result: 'met' })).toBe(3);
    expect(documents.filter((line) => 'playbeat_event_loop_delay_p99_seconds' in line).length).toBeGreaterThan(2);
    for (const { _aws } of documents) expect(_aws?.CloudWatchMetrics).toMatchObject([{ Namespace: 'playbeat-test' }]);
    expect(lines.join('\n')).not.toMatch(new RegExp(`a-${process.pid}-|s-1|p-1|device-of|film-1`));
  });
});
