import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { generateKeyPair, SignJWT } from 'jose';
import type { Problem } from '../schemas/generated/http.ts';
import { type Api, isOfAdmins, type Operation, openApi } from './testing/contract.ts';
import { type Response, send } from './testing/http.ts';
import { AUDIENCE, type Issuer, ISSUER, startIssuer } from './testing/issuer.ts';
import { beat, start } from './testing/player.ts';
import { type Server, startServer, UNCOUNTED } from './testing/server.ts';

/*
 * Every operation of the document with every kind of token. What must come follows from who may call it (`security`) and whose
 * data it touches (`x-touches`), which the document has from the route table: a new route is in here by being there.
 */

const ACCOUNT = 'house';
const SESSION = 'evening';
const OTHER = 'others';
const FAR_S = 3_600;
let issuer: Issuer;
let server: Server;
let api: Api;
const tokens: Record<string, string> = {};
beforeAll(async () => {
  issuer = await startIssuer();
  server = await startServer({ ...issuer.env, ...UNCOUNTED });
  api = await openApi(server);
  const seconds = Math.floor(Date.now() / 1_000);
  const player = { account_id: ACCOUNT, scope: 'openid playbeat:player' };
  const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
  const payload = { ...player, iss: ISSUER, aud: AUDIENCE, exp: seconds + 600 };
  const body = Buffer.from(JSON.stringify(payload)).toString('base64url');
  const hmacHeader = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid: 'k1' })).toString('base64url');
  const hmac = createHmac('sha256', await issuer.pem())
    .update(`${hmacHeader}.${body}`)
    .digest('base64url');
  const stranger = await generateKeyPair('ES256');
  Object.assign(tokens, {
    own: await issuer.sign(player),
    'another account': await issuer.sign({ account_id: OTHER, scope: 'playbeat:player' }),
    service: await issuer.sign({ scope: 'playbeat:service' }),
    admin: await issuer.sign({ scope: 'playbeat:admin' }),
    expired: await issuer.sign(player, { exp: seconds - FAR_S }),
    'of the future': await issuer.sign(player, { nbf: seconds + FAR_S }),
    'that never ends': await issuer.sign(player, { exp: undefined }),
    'for another audience': await issuer.sign(player, { aud: 'somebody-else' }),
    'of another issuer': await issuer.sign(player, { iss: 'https://elsewhere.example' }),
    'without scope or account': await issuer.sign({ sub: 'somebody' }),
    'without a signature': `${header}.${body}.`,
    'signed with the public key': `${hmacHeader}.${body}.${hmac}`,
    'of an unknown key': await new SignJWT(payload)
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .sign(stranger.privateKey),
    'with keys of its own': await new SignJWT(payload)
      .setProtectedHeader({ alg: 'ES256', kid: 'k9', jku: 'http://127.0.0.1:9/jwks' })
      .sign(stranger.privateKey),
    'of 64 KB': 'x'.repeat(64 * 1_024),
    'that is none': 'not.a.token',
  });
  tokens['of the session'] = await begin(SESSION);
  tokens['of another session'] = await begin('afternoon');
  const beats = [1, 2].map((sequence) => beat({ ...session(SESSION), sequence, positionMs: 30_000 * sequence }));
  await call({ method: 'POST', path: '/v1/heartbeats' }, { token: tokens['own'], body: { heartbeats: beats } });
});
afterAll(async () => {
  issuer.close();
  await server.close();
});

const session = (sessionId: string) => ({ accountId: ACCOUNT, sessionId, durationMs: 3_600_000 });
const begin = async (sessionId: string): Promise<string> => {
  const answer = await send(server.url(), {
    path: '/v1/sessions',
    body: start(session(sessionId)),
    headers: { authorization: `Bearer ${tokens['own']}` },
  });
  expect(answer).toMatchObject({ status: 201 });
  return (answer.json as { sessionToken: string }).sessionToken;
};

type Cell = { readonly method: string; readonly path: string };
type Sent = { readonly token?: string | undefined; readonly body?: unknown };
const call = ({ method, path }: Cell, { token, body }: Sent): Promise<Response> => {
  const isAdmin = isOfAdmins(path);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const request = { method: method as 'GET', path, headers, ...(body === undefined ? {} : { body }) };
  // What is larger than any header stands in no document.
  return (token?.length ?? 0) > 8_192 ? send(server.url(), request) : isAdmin ? api.admin(request) : api.call(request);
};

const QUERY: Readonly<Record<string, string>> = {
  '/v1/sessions/{sessionId}': `accountId=${ACCOUNT}`,
  '/v1/block-check': `accountId=${ACCOUNT}&sessionId=${SESSION}`,
  '/v1/views/{sessionId}': `accountId=${ACCOUNT}`,
  '/v1/trending': 'contentType=vod',
  '/admin/reports/decisions': 'from=0&to=86400000',
};
const BODY: Readonly<Record<string, () => unknown>> = {
  startSession: () => start({ ...session(SESSION), sequence: 3 }),
  sendHeartbeats: () => beat({ ...session(SESSION), sequence: 4 }),
  stopSession: () => ({ accountId: ACCOUNT }),
  signal: () => ({
    ...{ signalId: 'signal', accountId: ACCOUNT, profileId: 'p', deviceId: 'd', deviceType: 'tv' },
    ...{ contentId: 'c', contentType: 'live', leaseMs: 60_000, source: 'backend' },
  }),
  blockCheckByBody: () => ({ accountId: ACCOUNT, sessionId: SESSION }),
  setMode: () => ({ mode: 'enforce' }),
  eraseAccount: () => ({ accountId: 'nobody' }),
  storePolicy: () => ({ version: 1, rules: [] }),
};
const PARAMS: Readonly<Record<string, string>> = {
  accountId: ACCOUNT,
  profileId: 'p-1',
  contentId: 'film-1',
  sessionId: SESSION,
  version: '1',
  name: 'audience',
};

type Asked = Cell & { readonly id: string; readonly operation: Operation; readonly body?: unknown };
const operations = (): readonly Asked[] =>
  Object.entries(api.document.paths).flatMap(([pattern, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const path = pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => PARAMS[name] ?? name);
      const query = QUERY[pattern] === undefined || method === 'post' ? '' : `?${QUERY[pattern]}`;
      const id = operation.operationId;
      const body = BODY[id] === undefined ? {} : { body: BODY[id]() };
      return { id, method: method.toUpperCase(), path: `${path}${query}`, operation, ...body };
    }),
  );

const mayCall = ({ operation }: Asked, scheme: string): boolean =>
  (operation['security'] as readonly object[]).some((one) => scheme in one);
const isForAnybody = ({ operation }: Asked): boolean =>
  (operation['security'] as readonly object[]).some((one) => Object.keys(one).length === 0);
const touches = ({ operation }: Asked): string => String(operation['x-touches']);
/** The problem of a caller that is refused; null for one that is let in, whatever it is told then. */
const refusalIn = ({ status, json }: Response): string | null => {
  const code = status >= 400 ? (json as Problem).code : null;
  return code !== null && REFUSALS.includes(code) ? code : null;
};
const REFUSALS = [
  ...['UNAUTHENTICATED', 'FORBIDDEN', 'ACCOUNT_MISMATCH', 'NOT_FOUND', 'HEADERS_TOO_LARGE', 'KEYS_UNAVAILABLE'],
  ...['SESSION_TOKEN_INVALID', 'SESSION_TOKEN_EXPIRED', 'SESSION_TOKEN_MISMATCH', 'INTERNAL'],
];

const outcomes = async (token: string | undefined): Promise<Readonly<Record<string, string | null>>> => {
  const found: Record<string, string | null> = {};
  for (const one of operations()) found[one.id] = refusalIn(await call(one, { token, body: one.body }));
  return found;
};
const expected = (rule: (asked: Asked) => string | null): Readonly<Record<string, string | null>> =>
  Object.fromEntries(operations().map((one) => [one.id, isForAnybody(one) ? null : rule(one)]));
const streams = async (): Promise<unknown> =>
  (await call({ method: 'GET', path: `/v1/accounts/${ACCOUNT}/sessions` }, { token: tokens['own'] })).json;

describe('every operation, called', () => {
  it('without a token, is for nobody but where anybody may call', async () => {
    expect(await outcomes(undefined)).toEqual(expected(() => 'UNAUTHENTICATED'));
  });

  it.each([
    ...['expired', 'of the future', 'that never ends', 'for another audience', 'of another issuer', 'that is none'],
    ...['without scope or account', 'without a signature', 'signed with the public key', 'of an unknown key'],
    'with keys of its own',
  ])('with a token %s, is refused as without one', async (kind) => {
    expect(await outcomes(tokens[kind])).toEqual(expected(() => 'UNAUTHENTICATED'));
  });

  it('with a token of 64 KB, is refused before anybody looks at it', async () => {
    for (const one of operations())
      expect(await call(one, { token: tokens['of 64 KB'], body: one.body })).toMatchObject({ status: 431 });
  });

  it('with the token of another account, reaches no data of this one, and learns of none', async () => {
    const before = await streams();
    expect(await outcomes(tokens['another account'])).toEqual(
      expected((one) => {
        if (!mayCall(one, 'playerToken')) return 'FORBIDDEN';
        if (touches(one) === 'nobody') return null;
        return touches(one) === 'account-in-path' ? 'NOT_FOUND' : 'ACCOUNT_MISMATCH';
      }),
    );
    expect(await streams()).toMatchObject({ sessions: (before as { sessions: unknown[] }).sessions.map(() => ({})) });
  });

  it('with an admin’s token, is for admins alone', async () => {
    expect(await outcomes(tokens['admin'])).toEqual(
      expected((one) => (mayCall(one, 'adminToken') ? null : 'FORBIDDEN')),
    );
  });

  it('with the token of another session, is refused', async () => {
    expect(await outcomes(tokens['of another session'])).toEqual(
      expected((one) => {
        if (!mayCall(one, 'sessionToken')) return 'FORBIDDEN';
        return 'SESSION_TOKEN_MISMATCH';
      }),
    );
  });

  it('with the account’s own token, is let in where players may call', async () => {
    expect(await outcomes(tokens['own'])).toEqual(
      expected((one) => (mayCall(one, 'playerToken') ? null : 'FORBIDDEN')),
    );
  });

  it('with a service’s token, is let in for every account', async () => {
    expect(await outcomes(tokens['service'])).toEqual(
      expected((one) => (mayCall(one, 'serviceToken') ? null : 'FORBIDDEN')),
    );
  });

  it('with the token of its session, is let in where a session is enough', async () => {
    expect(await outcomes(tokens['of the session'])).toEqual(
      expected((one) => (mayCall(one, 'sessionToken') ? null : 'FORBIDDEN')),
    );
  });
});
