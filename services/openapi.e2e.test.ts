import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { ROLE_NAMES, ROLES } from './roles.ts';
import { type Api, isOfAdmins, matchesPath, openApi } from './testing/contract.ts';
import { send } from './testing/http.ts';
import { type Server, startServer } from './testing/server.ts';

let server: Server;
let api: Api;
beforeAll(async () => {
  server = await startServer();
  api = await openApi(server);
});
afterAll(() => server.close());

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const operations = () =>
  Object.entries(api.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );

/** `docs/` of the contract, in the words of its tables: what this release serves. */
const CONTRACT = [
  'POST /v1/sessions',
  'POST /v1/heartbeats',
  'POST /v1/sessions/{sessionId}/stop',
  'DELETE /v1/sessions/{sessionId}',
  'POST /v1/signals',
  'GET /v1/block-check',
  'POST /v1/block-check',
  'GET /v1/accounts/{accountId}/sessions',
  'GET /v1/accounts/{accountId}/profiles/{profileId}/resume-positions/{contentId}',
  'DELETE /v1/accounts/{accountId}/profiles/{profileId}/resume-positions/{contentId}',
  'POST /v1/accounts/{accountId}/profiles/{profileId}/resume-positions/{contentId}/undo',
  'GET /v1/accounts/{accountId}/profiles/{profileId}/resume-positions',
  'GET /v1/views/{sessionId}',
  'GET /v1/accounts/{accountId}/views',
  'GET /v1/accounts/{accountId}/decisions',
  'GET /v1/trending',
  'GET /v1/contents/{contentId}/audience',
  'GET /admin/policies',
  'POST /admin/policies',
  'POST /admin/policies/{version}/activate',
  'POST /admin/mode',
  'POST /admin/erasures',
  'GET /admin/accounts/{accountId}/export',
  'GET /admin/processors',
  'GET /admin/parked',
  'GET /admin/reports/decisions',
  'GET /healthz',
  'GET /readyz',
  'GET /metrics',
];

describe('/openapi.json', () => {
  it('is a valid OpenAPI 3.1 document', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone({ ...api.document }));
    expect(errors ?? []).toEqual([]);
    expect([valid, validator.version]).toEqual([true, '3.1']);
  });

  it('has every operation of the contract', () => {
    expect(operations().map(({ method, path }) => `${method} ${path}`)).toEqual(expect.arrayContaining(CONTRACT));
  });

  it('has exactly what the service answers: every path and method of it, and no other method on them', async () => {
    for (const path of Object.keys(api.document.paths)) {
      const base = isOfAdmins(path) ? server.adminUrl() : server.url();
      const answered: string[] = [];
      for (const method of METHODS) {
        const asked = path.replaceAll(/\{\w+\}/g, 'x');
        const request = { method: method as 'GET', path: asked, headers: { 'content-type': 'application/x' } };
        const { status } = await send(base, request);
        expect([method, path, status < 500]).toEqual([method, path, true]);
        if (status !== 405) answered.push(method);
      }
      const documented = operations().filter((o) => o.path === path);
      expect([path, answered.sort()]).toEqual([path, documented.map((o) => o.method).sort()]);
    }
  });

  it('names each operation once, and says of each field of an answer what it is', () => {
    const ids = operations().map((o) => o.operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operation } of operations()) expect(operation['summary']).toMatch(/.{10}/);
  });

  it('gives each operation of players and apps to exactly one role, and each path of a role to an operation', () => {
    const patterns = ROLE_NAMES.flatMap((role) => ROLES[role].serves.map((pattern) => ({ role, pattern })));
    const braces = (pattern: string): string => pattern.replaceAll('*', '{x}');
    for (const { path } of operations().filter((o) => o.path.startsWith('/v1/'))) {
      const served = patterns.filter(({ pattern }) => matchesPath(braces(pattern), path));
      expect([path, served.map((s) => s.role)]).toEqual([path, [expect.any(String)]]);
    }
    for (const { pattern } of patterns) {
      const meant = operations().filter((o) => matchesPath(braces(pattern), o.path));
      expect([pattern, meant.length > 0]).toEqual([pattern, true]);
    }
  });

  it('documents a problem for every operation that takes a body', () => {
    for (const { path, operation } of operations().filter((o) => o.operation['requestBody'] !== undefined)) {
      for (const status of ['400', '413', '415'])
        expect([path, operation.responses]).toEqual([path, expect.objectContaining({ [status]: expect.anything() })]);
    }
  });
});
