import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AuditEvent } from '../schemas/generated/records.ts';
import { type Api, isOfAdmins, openApi } from './testing/contract.ts';
import type { Request, Response } from './testing/http.ts';
import { type Issuer, startIssuer } from './testing/issuer.ts';
import { newAccount, start } from './testing/player.ts';
import { type Server, startServer } from './testing/server.ts';

const START_MS = 120_000;

let issuer: Issuer;
let server: Server;
let api: Api;
let admin: string;
let service: string;
beforeAll(async () => {
  issuer = await startIssuer();
  server = await startServer(issuer.env);
  api = await openApi(server);
  admin = await issuer.sign({ sub: 'carla', scope: 'playbeat:admin' });
  service = await issuer.sign({ sub: 'support-desk', scope: 'playbeat:service' });
}, START_MS);
afterAll(async () => {
  issuer.close();
  await server?.close();
}, START_MS);

type Listed = AuditEvent & { readonly position: string };
type Page = { readonly items: readonly Listed[]; readonly nextCursor: string | null };
const by = (token: string, request: Request): Promise<Response> => {
  const asked = { ...request, headers: { authorization: `Bearer ${token}`, ...request.headers } };
  return isOfAdmins(request.path) ? api.admin(asked) : api.call(asked);
};
const page = async (query = ''): Promise<Page> => (await by(admin, { path: `/admin/audit${query}` })).json as Page;

describe('the audit', () => {
  it(
    'has every operation of the admin port that is no GET twice: before it is done, and with its status',
    async () => {
      const changing = Object.entries(api.document.paths)
        .filter(([path]) => isOfAdmins(path))
        .flatMap(([path, methods]) =>
          Object.entries(methods).map(([method, { operationId }]) => ({ path, method, operationId })),
        )
        .filter(({ method }) => method !== 'get');
      expect(changing.length).toBeGreaterThanOrEqual(3);
      const statuses: Record<string, number> = {};
      for (const { path, method, operationId } of changing) {
        const asked = `${path.replaceAll(/\{\w+\}/g, '1')}?reason=quarterly+review`;
        const { status } = await by(admin, {
          path: asked,
          method: method.toUpperCase() as 'POST',
          body: { mode: 'enforce' },
        });
        statuses[operationId] = status;
      }
      const { items } = await page('?limit=100');
      for (const { operationId } of changing) {
        const own = items.filter(({ action }) => action === operationId);
        expect(own.map(({ status }) => status)).toEqual([statuses[operationId], null]);
        for (const { who, why, tenant } of own)
          expect([who, why, tenant]).toEqual(['carla', 'quarterly review', 'default']);
      }
    },
    START_MS,
  );

  it(
    'has what a service stops, with the key of the account and never its id, and not what a player stops',
    async () => {
      const accountId = newAccount();
      const player = await issuer.sign({ sub: 'viewer', account_id: accountId, scope: 'playbeat:player' });
      for (const sessionId of ['s-1', 's-2', 's-3'])
        expect(
          await by(player, { path: '/v1/sessions', body: start({ accountId, sessionId, deviceId: 'd' }) }),
        ).toMatchObject({
          status: 201,
        });
      const before = (await page()).items[0]?.position;
      await by(player, { path: '/v1/sessions/s-1/stop', body: {} });
      expect((await page()).items[0]?.position).toBe(before);
      const headers = { 'x-playbeat-reason': 'the viewer called us' };
      await by(service, { path: '/v1/sessions/s-2/stop', body: { accountId, by: 'service' }, headers });
      await by(service, { path: `/v1/sessions/s-3?accountId=${accountId}`, method: 'DELETE', headers });
      const [ended, , stopped] = (await page()).items;
      expect([ended?.action, stopped?.action]).toEqual(['endSession', 'stopSession']);
      for (const one of [ended, stopped])
        expect(one).toMatchObject({
          who: 'support-desk',
          why: 'the viewer called us',
          status: 202,
          about: expect.stringMatching(/^[\w-]{43}$/),
        });
      expect(JSON.stringify(await page('?limit=100'))).not.toContain(accountId);
    },
    START_MS,
  );

  it(
    'is read newest first, page by page, without a gap or a repeat',
    async () => {
      const all = (await page('?limit=100')).items.map(({ position }) => position);
      const read: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const { items, nextCursor }: Page = await page(`?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
        read.push(...items.map(({ position }) => position));
        cursor = nextCursor;
      }
      expect(all.length).toBeGreaterThan(6);
      expect(read).toEqual(all);
      expect(await by(admin, { path: '/admin/audit?cursor=none' })).toMatchObject({ json: { code: 'INVALID_CURSOR' } });
      expect(await by(service, { path: '/admin/audit' })).toMatchObject({ status: 403 });
    },
    START_MS,
  );

  it(
    'outlives a restart',
    async () => {
      const { items } = await page('?limit=100');
      await server.kill('SIGKILL');
      await server.restart();
      expect((await page('?limit=100')).items).toEqual(items);
    },
    START_MS,
  );
});
