import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Decision, SessionList } from '../schemas/generated/http.ts';
import { type Api, openApi } from './testing/contract.ts';
import { admit, beat, newAccount, results } from './testing/player.ts';
import { type Server, startServer } from './testing/server.ts';

let server: Server;
let api: Api;
beforeAll(async () => {
  server = await startServer({ DECISION_TIMEOUT_MS: '500' });
  api = await openApi(server);
});
afterAll(() => server.close());

const claim = { deviceId: 'tv', deviceType: 'tv', contentId: 'film-1', contentType: 'vod' };
const path = '/v1/block-check';

/** The same question both ways; they must agree. */
const check = async (question: Readonly<Record<string, string>>, after?: string): Promise<Decision> => {
  const query = after === undefined ? {} : { after };
  const got = await api.call({ path: `${path}?${new URLSearchParams({ ...question, ...query })}` });
  const posted = await api.call({ path: `${path}?${new URLSearchParams(query)}`, body: question });
  expect([got.status, posted.status]).toEqual([200, 200]);
  const { asOfMs: _a, position: _p, active: _l, ...one } = got.json as Decision;
  expect(posted.json).toMatchObject(one);
  return posted.json as Decision;
};

describe('block-check', () => {
  it('during playback is the decision of that session', async () => {
    const accountId = newAccount();
    await admit(api, { accountId });
    expect(await check({ accountId, sessionId: 's-1' })).toMatchObject({
      sessionId: 's-1',
      decision: 'allow',
      reason: 'OK',
      rule: 'two-streams',
      limit: 2,
      active: [{ sessionId: 's-1', status: 'starting' }],
    });
    const { json } = await api.call({ path: '/v1/sessions/s-1/stop', body: { accountId } });
    const { position } = json as { position: string };
    expect(await check({ accountId, sessionId: 's-1' }, position)).toMatchObject({
      decision: 'stop',
      reason: 'STOPPED',
    });
  });

  it('before playback says what a start would get now, and changes nothing', async () => {
    const accountId = newAccount();
    expect(await check({ accountId, ...claim })).toMatchObject({ sessionId: null, decision: 'allow', active: [] });
    await admit(api, { accountId, sessionId: 's-1' });
    await admit(api, { accountId, sessionId: 's-2' });
    for (let i = 0; i < 5; i++) {
      const decision = await check({ accountId, ...claim });
      expect(decision).toMatchObject({ decision: 'stop', reason: 'LIMIT_REACHED', limit: 2, retryAfterMs: 30_000 });
      expect(decision.active?.map((s) => s.sessionId)).toEqual(['s-1', 's-2']);
    }
    // A device that plays already would replace its own stream.
    const own = await check({ accountId, ...claim, deviceId: 'device-of-s-2' });
    expect(own).toMatchObject({ decision: 'allow', reason: 'OK' });
    expect(own.active).toHaveLength(2);
  });

  it('names the content of other profiles to nobody', async () => {
    const accountId = newAccount();
    await admit(api, { accountId, sessionId: 's-1', profileId: 'child', contentId: 'cartoon' });
    await admit(api, { accountId, sessionId: 's-2', profileId: 'parent', contentId: 'thriller' });
    const { active } = await check({ accountId, sessionId: 's-1', profileId: 'child' });
    expect(active?.map((s) => s.contentId)).toEqual(['cartoon', undefined]);
  });

  it.each([
    ['no account', { sessionId: 's-1' }, '/accountId'],
    ['neither session nor claim', { accountId: 'a' }, '/deviceId'],
    ['half a claim', { accountId: 'a', deviceId: 'tv', deviceType: 'tv' }, '/contentId'],
  ])('with %s is 400 and names what is missing', async (_what, question, missing) => {
    const got = await api.call({ path: `${path}?${new URLSearchParams({ ...question } as Record<string, string>)}` });
    const posted = await api.call({ path, body: question });
    for (const { status, json } of [got, posted]) {
      expect(status).toBe(400);
      const { errors } = json as { errors: readonly { path: string; code: string }[] };
      expect(errors).toContainEqual(expect.objectContaining({ path: missing, code: 'REQUIRED' }));
    }
  });
});

describe('GET /v1/accounts/{accountId}/sessions', () => {
  it('lists who holds slots, with the limit and the position that it includes', async () => {
    const accountId = newAccount();
    await admit(api, { accountId, sessionId: 's-1', deviceName: 'Kitchen' });
    const sent = await api.call({ path: '/v1/heartbeats', body: beat({ accountId, state: 'paused' }) });
    const { position } = results(sent).results[0]!;
    const { status, json } = await api.call({ path: `/v1/accounts/${accountId}/sessions?after=${position}` });
    expect(status).toBe(200);
    const list = json as SessionList;
    expect(list).toMatchObject({ limit: 2, sessions: [{ sessionId: 's-1', deviceName: 'Kitchen', status: 'paused' }] });
    expect(list.sessions[0]?.freesInMs).toBeGreaterThan(290_000);
  });

  it('is empty for a household that nobody knows', async () => {
    const { json } = await api.call({ path: `/v1/accounts/${newAccount()}/sessions` });
    expect(json).toMatchObject({ sessions: [], limit: 2 });
  });
});

describe('after', () => {
  it('includes the caller’s own write, 50 times of 50', async () => {
    const accountId = newAccount();
    for (let sequence = 1; sequence <= 50; sequence++) {
      const state = sequence % 2 === 0 ? 'playing' : 'paused';
      const sent = await api.call({ path: '/v1/heartbeats?decision=none', body: beat({ accountId, sequence, state }) });
      const after = results(sent).results[0]!.position;
      const { json } = await api.call({ path: `/v1/accounts/${accountId}/sessions?after=${after}` });
      const status = state === 'paused' ? 'paused' : 'active';
      expect([sequence, (json as SessionList).sessions[0]?.status]).toEqual([sequence, status]);
    }
  });

  it('refuses what is no position, or one of another household’s partition, with 400', async () => {
    const accountId = newAccount();
    const { position } = await admit(api, { accountId });
    const [generation, partition, offset] = position!.split('.').map(Number);
    const elsewhere = `${generation}.${(partition! + 1) % 4}.${offset}`;
    for (const after of ['', 'x', '1-2-3', '1.2', '1.0.-1', `${position}0000000000000000`, elsewhere, '9.0.0']) {
      const question = new URLSearchParams({ accountId, sessionId: 's-1', after });
      for (const asked of [
        { path: `${path}?${question}` },
        { path: `${path}?after=${after}`, body: { accountId, sessionId: 's-1' } },
        { path: `/v1/accounts/${accountId}/sessions?after=${after}` },
      ]) {
        const answer = await api.call(asked);
        expect([after, answer.status, answer.json]).toMatchObject([after, 400, { code: 'INVALID_POSITION' }]);
      }
    }
  });

  it('answers 503 NOT_YET after 500 ms for a position beyond the end', async () => {
    const accountId = newAccount();
    const { position } = await admit(api, { accountId });
    const [generation, partition] = position!.split('.');
    const startedMs = performance.now();
    const answer = await api.call({
      path: `/v1/accounts/${accountId}/sessions?after=${generation}.${partition}.999999999`,
    });
    expect(performance.now() - startedMs).toBeGreaterThan(450);
    expect(answer).toMatchObject({ status: 503, json: { code: 'NOT_YET', retryAfterMs: 500 } });
  });
});
