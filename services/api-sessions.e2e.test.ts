import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Decision, SessionList } from '../schemas/generated/http.ts';
import { type Api, openApi } from './testing/contract.ts';
import { admit, beat, decisionIn, newAccount, start } from './testing/player.ts';
import { type Server, startServer } from './testing/server.ts';

let server: Server;
let api: Api;
beforeAll(async () => {
  server = await startServer();
  api = await openApi(server);
});
afterAll(() => server.close());

const listOf = async (accountId: string, after?: string): Promise<SessionList> => {
  const query = after === undefined ? '' : `?after=${after}`;
  return (await api.call({ path: `/v1/accounts/${accountId}/sessions${query}` })).json as SessionList;
};
const idsOf = (list: Pick<SessionList, 'sessions'>): readonly string[] => list.sessions.map((s) => s.sessionId);
const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` });

describe('POST /v1/sessions', () => {
  it('answers 201 with the decision, a session token and when to beat next', async () => {
    const accountId = newAccount();
    const { status, json } = await api.call({
      path: '/v1/sessions',
      body: start({ accountId, deviceName: 'Living room' }),
    });
    expect(status).toBe(201);
    expect(json).toMatchObject({
      sessionId: 's-1',
      decision: 'allow',
      reason: 'OK',
      rule: 'two-streams',
      policyVersion: 1,
      limit: 2,
      degraded: false,
      asOfMs: expect.any(Number),
      position: expect.stringMatching(/^1\.\d\.\d+$/),
      sessionToken: expect.any(String),
      nextHeartbeatMs: 10_000,
      active: [{ sessionId: 's-1', deviceName: 'Living room', status: 'starting' }],
    });
  });

  it('refuses the third of two with 409, the decision and who holds the slots', async () => {
    const accountId = newAccount();
    await admit(api, { accountId, sessionId: 's-1' });
    await admit(api, { accountId, sessionId: 's-2' });
    const { status, headers, json } = await api.call({
      path: '/v1/sessions',
      body: start({ accountId, sessionId: 's-3' }),
    });
    expect(status).toBe(409);
    expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(json).toMatchObject({
      code: 'STREAM_LIMIT_EXCEEDED',
      instance: '/v1/sessions',
      requestId: headers['x-request-id'],
      sessionId: 's-3',
      decision: 'stop',
      reason: 'LIMIT_REACHED',
      rule: 'two-streams',
      limit: 2,
      retryAfterMs: 30_000,
      active: [{ sessionId: 's-1' }, { sessionId: 's-2' }],
    });
    expect(headers['retry-after']).toBe('30');
    expect(json).not.toHaveProperty('sessionToken');
  });

  it('gives the same call the same answer, admitted or refused, with and without a request id', async () => {
    const accountId = newAccount();
    const first = await admit(api, { accountId, sessionId: 's-1' });
    const again = await admit(api, { accountId, sessionId: 's-1' });
    expect(again).toMatchObject({
      decision: 'allow',
      reason: 'OK',
      active: [{ sessionId: 's-1', startedAtMs: first.active![0]!.startedAtMs }],
    });
    await admit(api, { accountId, sessionId: 's-2' });
    const third = { path: '/v1/sessions', body: start({ accountId, sessionId: 's-3', requestId: 'r-1' }) };
    expect((await api.call(third)).status).toBe(409);
    await api.call({ path: '/v1/sessions/s-1/stop', body: { accountId } });
    // A slot is free now; but this is the request that was refused, on its way a second time.
    expect((await api.call(third)).status).toBe(409);
    expect((await api.call({ ...third, body: { ...third.body, requestId: 'r-2' } })).status).toBe(201);
    expect(idsOf(await listOf(accountId))).toEqual(['s-2', 's-3']);
  });

  it('replaces the session of the same device, and tells it so with its next beat', async () => {
    const accountId = newAccount();
    await admit(api, { accountId, sessionId: 's-1', deviceId: 'tv' });
    await admit(api, { accountId, sessionId: 's-2', deviceId: 'tv' });
    expect(idsOf(await listOf(accountId))).toEqual(['s-2']);
    const told = await api.call({ path: '/v1/heartbeats', body: beat({ accountId, deviceId: 'tv' }) });
    expect(decisionIn(told)).toMatchObject({ decision: 'stop', reason: 'REPLACED_ON_DEVICE' });
    const revived = await api.call({ path: '/v1/sessions', body: start({ accountId, deviceId: 'tv' }) });
    expect(revived).toMatchObject({ status: 409, json: { code: 'SESSION_ENDED', reason: 'REPLACED_ON_DEVICE' } });
  });

  it('hands the slot over when a stream goes on elsewhere (casting), over the limit too', async () => {
    const accountId = newAccount();
    await admit(api, { accountId, sessionId: 's-1', deviceId: 'phone' });
    await admit(api, { accountId, sessionId: 's-2', deviceId: 'tablet' });
    await admit(api, { accountId, sessionId: 's-3', deviceId: 'tv', continuesSessionId: 's-1' });
    expect(idsOf(await listOf(accountId))).toEqual(['s-2', 's-3']);
  });

  it('refuses to start with a state that ends, and says which field', async () => {
    const answer = await api.call({ path: '/v1/sessions', body: start({ accountId: newAccount(), state: 'ended' }) });
    expect(answer).toMatchObject({ status: 400, json: { code: 'VALIDATION_FAILED', errors: [{ path: '/state' }] } });
  });
});

describe('a session token', () => {
  it('alone authorises beats and the stop of its session, in the header and in the body', async () => {
    const accountId = newAccount();
    const { sessionToken } = await admit(api, { accountId });
    const bare = { state: 'playing', positionMs: 1_000, sentAtMs: 0 };
    const path = '/v1/heartbeats?decision=wait';
    const byHeader = await api.call({ path, body: { ...bare, sequence: 1 }, headers: bearer(sessionToken) });
    const byBody = await api.call({ path, body: { ...bare, sequence: 2, sessionToken } });
    const byBatch = await api.call({ path, body: { heartbeats: [{ ...bare, sequence: 3 }], sessionToken } });
    for (const answer of [byHeader, byBody, byBatch]) {
      expect(answer.status).toBe(202);
      expect(decisionIn(answer)).toMatchObject({ sessionId: 's-1', decision: 'allow', reason: 'OK' });
    }
    const stopped = await api.call({ path: '/v1/sessions/s-1/stop', body: { sessionToken } });
    expect(stopped.status).toBe(202);
    expect(idsOf(await listOf(accountId, (stopped.json as { position: string }).position))).toEqual([]);
  });

  it('answers 403 for another account, profile, device or session', async () => {
    const accountId = newAccount();
    const { sessionToken } = await admit(api, { accountId });
    for (const field of ['accountId', 'profileId', 'deviceId', 'sessionId'] as const) {
      const body = { ...beat({ accountId }), [field]: 'another' };
      const answer = await api.call({ path: '/v1/heartbeats', body, headers: bearer(sessionToken) });
      expect([field, answer.status, answer.json]).toMatchObject([field, 403, { code: 'SESSION_TOKEN_MISMATCH' }]);
    }
    const other = { path: '/v1/sessions/s-2/stop', body: { sessionToken } };
    expect(await api.call(other)).toMatchObject({ status: 403, json: { code: 'SESSION_TOKEN_MISMATCH' } });
  });

  it('answers 401 for a token with another signature, payload or kind', async () => {
    const accountId = newAccount();
    const { sessionToken } = await admit(api, { accountId });
    const [kind, payload, mac] = sessionToken.split('.');
    const rewritten = Buffer.from(JSON.stringify({ accountId: 'victim', sessionId: 's-1' })).toString('base64url');
    for (const forged of [
      `${kind}.${payload}.${Buffer.alloc(32).toString('base64url')}`,
      `${kind}.${rewritten}.${mac}`,
      `pbs1.${payload}`,
      'pbs1.',
      'pbs1..',
    ]) {
      const asHeader = await api.call({ path: '/v1/heartbeats', body: beat({ accountId }), headers: bearer(forged) });
      const asField = await api.call({
        path: '/v1/heartbeats',
        body: { ...beat({ accountId }), sessionToken: forged },
      });
      for (const answer of [asHeader, asField]) {
        expect([forged, answer.status, answer.json]).toMatchObject([forged, 401, { code: 'SESSION_TOKEN_INVALID' }]);
      }
    }
  });
});

describe('stop', () => {
  it.each([
    ['/v1/sessions/%01/stop', { accountId: 'a' }, '/sessionId'],
    ['/v1/sessions/s-1/stop', { accountId: 'a\u0085' }, '/accountId'],
  ])('of %s with %j is refused: %s is no name', async (path, body, at) => {
    expect(await api.call({ path, body })).toMatchObject({ status: 400, json: { errors: [{ path: at }] } });
  });

  it.each([
    ['POST', '/v1/sessions/s-1/stop', 'STOPPED'],
    ['DELETE', '/v1/sessions/s-1', 'TERMINATED_BY_USER'],
  ] as const)('by %s is 202, frees the slot at once, and the player learns it with its next beat', async (...of) => {
    const [method, path, reason] = of;
    const accountId = newAccount();
    await admit(api, { accountId });
    const call = method === 'POST' ? { path, body: { accountId } } : { method, path: `${path}?accountId=${accountId}` };
    const stopped = await api.call(call);
    expect(stopped).toMatchObject({ status: 202, json: { sessionId: 's-1' } });
    const { position } = stopped.json as { position: string };
    expect(idsOf(await listOf(accountId, position))).toEqual([]);
    const told = await api.call({ path: '/v1/heartbeats', body: beat({ accountId }) });
    expect(decisionIn(told)).toMatchObject({ decision: 'stop', reason });
  });

  it('needs an account from the body, the query or a token', async () => {
    expect(await api.call({ method: 'DELETE', path: '/v1/sessions/s-1' })).toMatchObject({
      status: 400,
      json: { code: 'VALIDATION_FAILED', errors: [{ path: '/accountId', code: 'REQUIRED' }] },
    });
  });
});

describe('POST /v1/signals', () => {
  const signal = (accountId: string, fields: object = {}) => ({
    path: '/v1/signals',
    body: {
      signalId: 'licence-1',
      accountId,
      deviceId: 'stick',
      deviceType: 'tv',
      contentId: 'channel-1',
      contentType: 'live',
      leaseMs: 60_000,
      source: 'licence-server',
      ...fields,
    },
  });

  it('holds a slot for a silent player, which its first beat takes over', async () => {
    const accountId = newAccount();
    const answer = await api.call(signal(accountId));
    expect(answer).toMatchObject({ status: 201, json: { sessionId: 'licence-1', decision: 'allow', reason: 'OK' } });
    const again = await api.call(signal(accountId));
    expect(again.status).toBe(201);
    expect(idsOf(await listOf(accountId))).toEqual(['licence-1']);
    const own = beat({ accountId, deviceId: 'stick', contentId: 'channel-1', contentType: 'live' });
    await api.call({ path: '/v1/heartbeats?decision=wait', body: own });
    expect(idsOf(await listOf(accountId))).toEqual(['s-1']);
  });

  it('speaks of the player’s own session where there is one, and replaces none', async () => {
    const accountId = newAccount();
    await admit(api, { accountId, deviceId: 'stick', contentId: 'channel-1' });
    expect((await api.call(signal(accountId))).json).toMatchObject({ sessionId: 's-1', decision: 'allow' });
    await admit(api, { accountId, sessionId: 's-2' });
    const third = await api.call(signal(accountId, { signalId: 'licence-2', deviceId: 'box' }));
    expect(third).toMatchObject({ status: 409, json: { code: 'STREAM_LIMIT_EXCEEDED', reason: 'LIMIT_REACHED' } });
    expect((third.json as Decision).active?.map((s) => s.sessionId)).toEqual(['s-1', 's-2']);
  });
});
