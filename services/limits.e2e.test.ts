import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Api, openApi } from './testing/contract.ts';
import { type Request, type Response, send } from './testing/http.ts';
import { type Issuer, startIssuer } from './testing/issuer.ts';
import { beat, newAccount, start } from './testing/player.ts';
import { type Server, startServer } from './testing/server.ts';

/*
 * How often who may call, on the real service. Rates are so low that what refills while a test runs is far less than a call an
 * assertion counts; time itself is in the tests of shared/http.
 */

const RATES = {
  // At once: 5 of a session, 12 of an account, 10 of an address.
  RATE_SESSION_PER_MINUTE: '20',
  RATE_ACCOUNT_PER_MINUTE: '48',
  RATE_ADDRESS_PER_MINUTE: '40',
};
/** A session's 5, and the 3 that are kept for it: one for every 5 s, a quarter of a minute's at once. */
const OF_A_SESSION = 5 + 3;

let issuer: Issuer;
let server: Server;
let api: Api;
beforeAll(async () => {
  issuer = await startIssuer();
  server = await startServer({ ...issuer.env, ...RATES });
  api = await openApi(server);
});
afterAll(async () => {
  issuer.close();
  await server.close();
});

type Headers = NonNullable<Request['headers']>;
const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });
const player = (accountId: string): Promise<string> => issuer.sign({ account_id: accountId, scope: 'playbeat:player' });
const begin = async (accountId: string, sessionId: string): Promise<string> => {
  const body = start({ accountId, sessionId });
  const answer = await api.call({ path: '/v1/sessions', body, headers: bearer(await player(accountId)) });
  expect(answer.status).toBe(201);
  return (answer.json as { sessionToken: string }).sessionToken;
};
/** What so many calls are answered, one after the other. */
const statuses = async (calls: number, make: (n: number) => Promise<Response>): Promise<readonly number[]> => {
  const seen: number[] = [];
  for (let n = 1; n <= calls; n++) seen.push((await make(n)).status);
  return seen;
};
const times = (n: number, status: number): number[] => Array.from({ length: n }, () => status);

describe('a session', () => {
  it.each(['header', 'body'])(
    'beats so often with its token in the %s, and is told when to come back',
    async (where) => {
      const accountId = newAccount();
      const token = await begin(accountId, 's');
      const send = (n: number): Promise<Response> => {
        const one = beat({ accountId, sessionId: 's', sequence: n });
        return where === 'header'
          ? api.call({ path: '/v1/heartbeats', body: one, headers: bearer(token) })
          : api.call({ path: '/v1/heartbeats', body: { ...one, sessionToken: token } });
      };
      expect(await statuses(OF_A_SESSION, send)).toEqual(times(OF_A_SESSION, 202));
      const refused = await send(99);
      expect(refused).toMatchObject({
        status: 429,
        json: { code: 'RATE_LIMITED', detail: expect.stringMatching(/session/) },
      });
      const { retryAfterMs } = refused.json as { retryAfterMs: number };
      expect(retryAfterMs).toBeGreaterThan(0);
      expect(retryAfterMs).toBeLessThan(4_000);
      expect(Number(refused.headers['retry-after'])).toBe(Math.ceil(retryAfterMs / 1_000));
    },
  );

  it('that runs beats on while its own account is refused, and while others are', async () => {
    const [loud, quiet] = [newAccount(), newAccount()];
    const tokens = [await begin(loud, 'tv'), await begin(quiet, 'tv')];
    const login = await player(loud);
    const asked = await statuses(30, () => api.call({ path: `/v1/accounts/me/sessions`, headers: bearer(login) }));
    // The start was the first of the 12.
    expect(asked.slice(0, 11)).toEqual(times(11, 200));
    expect(asked.filter((status) => status === 429).length).toBeGreaterThanOrEqual(17);
    for (const [n, accountId] of [loud, quiet].entries()) {
      const body = beat({ accountId, sessionId: 'tv', sequence: 2 });
      expect(await api.call({ path: '/v1/heartbeats', body, headers: bearer(tokens[n]!) })).toMatchObject({
        status: 202,
      });
    }
  });
});

describe('a batch', () => {
  it('counts as a call for every five of its beats', async () => {
    const accountId = newAccount();
    const headers = bearer(await player(accountId));
    const heartbeats = Array.from({ length: 50 }, (_, n) => beat({ accountId, sessionId: 's', sequence: n + 1 }));
    expect(await api.call({ path: '/v1/heartbeats', body: { heartbeats }, headers })).toMatchObject({ status: 202 });
    const after = await statuses(3, () => api.call({ path: `/v1/accounts/me/sessions`, headers }));
    expect(after).toEqual([200, 200, 429]);
  });

  it('whose beats bring their own tokens is counted for each of them', async () => {
    const accountId = newAccount();
    const [a, b] = [await begin(accountId, 'a'), await begin(accountId, 'b')];
    const of = (sessionId: string, sessionToken: string, sequence: number) => ({
      ...beat({ accountId, sessionId, sequence }),
      sessionToken,
    });
    const many = Array.from({ length: OF_A_SESSION + 1 }, (_, n) => of('a', a, n + 1));
    const answer = await api.call({ path: '/v1/heartbeats', body: { heartbeats: [...many, of('b', b, 1)] } });
    expect(answer).toMatchObject({
      status: 202,
      json: { accepted: OF_A_SESSION + 1, rejected: [{ index: OF_A_SESSION, code: 'RATE_LIMITED', retryable: true }] },
    });
  });
});

describe('an address', () => {
  it('hears 10 times that a token is missing or not good, and then that it was too often; good tokens pass', async () => {
    const bad = [undefined, 'not.a.token', 'pbs1.bm8.bm8', await issuer.sign({ scope: 'playbeat:player' }, { exp: 1 })];
    const headersOf = (n: number): Headers => (bad[n % 4] === undefined ? {} : bearer(bad[n % 4]!));
    const seen = await statuses(14, (n) => api.call({ path: '/v1/accounts/me/sessions', headers: headersOf(n) }));
    expect(seen.slice(0, 10)).toEqual(times(10, 401));
    expect(seen.slice(12)).toEqual([429, 429]);
    const good = bearer(await player(newAccount()));
    expect((await api.call({ path: '/v1/accounts/me/sessions', headers: good })).status).toBe(200);
    expect(await statuses(30, () => api.call({ path: '/healthz' }))).toEqual(times(30, 200));
    expect(
      (await api.admin({ path: '/metrics', headers: bearer(await issuer.sign({ scope: 'playbeat:admin' })) })).text,
    ).toMatch(/^playbeat_rate_limited_total\{by="address"\} [1-9]/m);
  });
});

describe('a process', () => {
  it('takes so many calls of all together, but for beats of streams and who operates it', async () => {
    const accountId = newAccount();
    const token = await begin(accountId, 's');
    await server.kill('SIGTERM');
    await server.restart({ RATE_NODE_PER_MINUTE: '12' });
    const service = bearer(await issuer.sign({ scope: 'playbeat:service' }));
    const list = (): Promise<Response> => api.call({ path: `/v1/accounts/${accountId}/sessions`, headers: service });
    expect(await statuses(4, list)).toEqual([...times(3, 200), 429]);
    const one = beat({ accountId, sessionId: 's', sequence: 2 });
    expect((await api.call({ path: '/v1/heartbeats', body: one, headers: bearer(token) })).status).toBe(202);
    const admin = bearer(await issuer.sign({ scope: 'playbeat:admin' }));
    expect(await statuses(30, () => api.admin({ path: '/admin/policies', headers: admin }))).toEqual(times(30, 200));
  });
});

describe('connections', () => {
  const MOST = 16;
  const open = async (url: string): Promise<Socket> => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname).on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
  /** The first bytes of an answer; empty where the connection is closed instead. */
  const ask = (socket: Socket): Promise<string> =>
    new Promise((resolve) => {
      socket.once('data', (bytes) => resolve(bytes.toString().slice(0, 12)));
      socket.once('close', () => resolve(''));
      socket.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
    });

  it('are 16 where MAX_CONNECTIONS says so: the next is closed, and one of the operator’s is open', async () => {
    const few = await startServer({ MAX_CONNECTIONS: String(MOST) });
    const sockets: Socket[] = [];
    for (let n = 0; n < MOST; n++) {
      const socket = await open(few.url());
      sockets.push(socket);
      expect(await ask(socket)).toBe('HTTP/1.1 200');
    }
    expect(await ask(await open(few.url()))).toBe('');
    const { text } = await send(few.adminUrl(), { path: '/metrics' });
    expect(text).toMatch(/^playbeat_connections_dropped_total 1$/m);
    sockets[0]!.destroy();
    await once(sockets[0]!, 'close');
    let answer = '';
    // It hears a little later that the other has gone.
    while (answer === '') answer = await ask(await open(few.url()));
    expect(answer).toBe('HTTP/1.1 200');
    for (const socket of sockets) socket.destroy();
    await few.close();
  });
});
