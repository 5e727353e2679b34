import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Api, openApi } from './testing/contract.ts';
import { admit, beat, decisionIn, newAccount, results } from './testing/player.ts';
import { type Server, startServer } from './testing/server.ts';

let server: Server;
let api: Api;
beforeAll(async () => {
  server = await startServer({ METADATA_KEYS: 'package' });
  api = await openApi(server);
});
afterAll(() => server.close());

const path = '/v1/heartbeats';
const batchOf = (count: number, accountId: string) => ({
  heartbeats: Array.from({ length: count }, (_, i) => beat({ accountId, sequence: i + 1 })),
});

describe('one heartbeat', () => {
  it('is answered 202 with its position and the newest decision, in under 300 bytes beside its id', async () => {
    const accountId = newAccount();
    const sessionId = '0b2f7c54-8a3e-4f7b-9d61-2f5f0a1c7e90';
    await admit(api, { accountId, sessionId });
    const answer = await api.call({ path, body: beat({ accountId, sessionId, sequence: 7 }) });
    expect(answer.status).toBe(202);
    expect(answer.json).toMatchObject({
      accepted: 1,
      rejected: [],
      results: [{ sessionId, sequence: 7, position: expect.stringMatching(/^1\.\d\.\d+$/), nextHeartbeatMs: 10_000 }],
    });
    expect(decisionIn(answer)).toMatchObject({ decision: 'allow', reason: 'OK', degraded: false });
    expect(decisionIn(answer)).not.toHaveProperty('active');
    // The id is the player's to choose, and stands in the reply twice.
    expect(Buffer.byteLength(answer.text) - 2 * sessionId.length).toBeLessThan(300);
  });

  it('carries no decision with decision=none, and includes itself with decision=wait', async () => {
    const accountId = newAccount();
    const none = await api.call({ path: `${path}?decision=none`, body: beat({ accountId }) });
    expect(decisionIn(none)).toBeUndefined();
    const ended = await api.call({
      path: `${path}?decision=wait`,
      body: beat({ accountId, sequence: 2, state: 'ended' }),
    });
    expect(decisionIn(ended)).toMatchObject({ decision: 'stop', reason: 'STOPPED', active: [] });
    expect(await api.call({ path: `${path}?decision=soon`, body: beat({ accountId }) })).toMatchObject({
      status: 400,
      json: { code: 'VALIDATION_FAILED', errors: [{ path: '/decision', code: 'ENUM' }] },
    });
  });

  it('of an unknown session claims a slot, and is told whether it got one', async () => {
    const accountId = newAccount();
    await admit(api, { accountId, sessionId: 's-1' });
    await admit(api, { accountId, sessionId: 's-2' });
    const answer = await api.call({ path, body: beat({ accountId, sessionId: 's-3' }) });
    expect(answer.status).toBe(202);
    expect(decisionIn(answer)).toMatchObject({ decision: 'stop', reason: 'LIMIT_REACHED' });
    expect(decisionIn(answer)?.active).toHaveLength(2);
  });

  it('changes nothing when it is sent again, and a lower sequence moves nothing back', async () => {
    const accountId = newAccount();
    await admit(api, { accountId });
    const ended = beat({ accountId, sequence: 9, state: 'ended' });
    await api.call({ path, body: ended });
    await api.call({ path, body: ended });
    const late = await api.call({ path: `${path}?decision=wait`, body: beat({ accountId, sequence: 8 }) });
    expect(decisionIn(late)).toMatchObject({ decision: 'stop', reason: 'STOPPED' });
  });

  it('drops an invalid optional field and says so, and ignores an unknown one', async () => {
    const body = { ...beat({ accountId: newAccount() }), durationMs: 'NaN', country: 'Germany', colour: 'blue' };
    const answer = await api.call({ path, body });
    expect(answer.status).toBe(202);
    expect(results(answer).results[0]?.dropped).toEqual(['/durationMs', '/country']);
  });

  it('is refused with every field that deciding needs', async () => {
    const { accountId: _, ...body } = beat({ accountId: 'a' });
    const answer = await api.call({ path, body: { ...body, state: 'dancing', positionMs: -1 } });
    expect(answer).toMatchObject({ status: 400, json: { code: 'VALIDATION_FAILED' } });
    const { errors } = answer.json as { errors: readonly { path: string; code: string }[] };
    expect(errors.map((e) => `${e.path} ${e.code}`).sort()).toEqual([
      '/accountId REQUIRED',
      '/positionMs RANGE',
      '/state ENUM',
    ]);
  });

  it('is read as gzip, as text/plain, and as text/plain in chunks', async () => {
    const accountId = newAccount();
    const text = JSON.stringify(beat({ accountId }));
    const zipped = await api.call({ path, body: gzipSync(text), headers: { 'content-encoding': 'gzip' } });
    const headers = { 'content-type': 'text/plain;charset=UTF-8', origin: 'http://localhost:3000' };
    const plain = await api.call({ path, body: text, headers });
    expect([zipped.status, plain.status]).toEqual([202, 202]);
    expect(plain.headers['access-control-allow-origin']).toBe('http://localhost:3000');
  });
});

describe('a batch', () => {
  it.each([1, 50])('of %d is stored whole and answered in its order', async (count) => {
    const answer = await api.call({ path, body: batchOf(count, newAccount()) });
    expect(answer.status).toBe(202);
    expect(results(answer)).toMatchObject({ accepted: count, rejected: [] });
    expect(results(answer).results.map((r) => r.sequence)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    const offsets = results(answer).results.map((r) => Number(r.position.split('.')[2]));
    expect(offsets).toEqual(Array.from({ length: count }, (_, i) => offsets[0]! + i));
  });

  it.each([0, 51])('of %d is refused', async (count) => {
    const answer = await api.call({ path, body: batchOf(count, 'a') });
    expect(answer).toMatchObject({ status: 400, json: { errors: [{ path: '/heartbeats', code: 'RANGE' }] } });
  });

  it('takes the valid ones, and says of the others which, why and where', async () => {
    const accountId = newAccount();
    const { sessionToken } = await admit(api, { accountId, sessionId: 's-other' });
    const heartbeats = [
      beat({ accountId, sequence: 1 }),
      { ...beat({ accountId }), sequence: -1 },
      7,
      { ...beat({ accountId, sequence: 2 }), sessionToken },
      { ...beat({ accountId, sequence: 3 }), sessionToken: 'pbs1.forged.token' },
      beat({ accountId, sequence: 4 }),
    ];
    const answer = await api.call({ path, body: { heartbeats } });
    expect(answer.status).toBe(202);
    expect(results(answer).accepted).toBe(2);
    expect(results(answer).results.map((r) => r.sequence)).toEqual([1, 4]);
    expect(results(answer).rejected).toEqual([
      { index: 1, code: 'VALIDATION_FAILED', path: '/sequence', retryable: false, detail: expect.any(String) },
      { index: 2, code: 'VALIDATION_FAILED', path: '', retryable: false, detail: expect.any(String) },
      { index: 3, code: 'SESSION_TOKEN_MISMATCH', path: '', retryable: false, detail: expect.any(String) },
      { index: 4, code: 'SESSION_TOKEN_INVALID', path: '/sessionToken', retryable: false, detail: expect.any(String) },
    ]);
  });

  it('without a valid one is 400, and still says which and why', async () => {
    const answer = await api.call({ path, body: { heartbeats: [{}, 7, null] } });
    expect(answer).toMatchObject({
      status: 400,
      json: { code: 'VALIDATION_FAILED', rejected: [{ index: 0 }, { index: 1 }, { index: 2 }] },
    });
  });

  it('carries households of several partitions, each with its own positions', async () => {
    const heartbeats = Array.from({ length: 40 }, () => beat({ accountId: newAccount() }));
    const answer = await api.call({ path: `${path}?decision=none`, body: { heartbeats } });
    expect(results(answer).accepted).toBe(40);
    expect(new Set(results(answer).results.map((r) => r.position.split('.')[1])).size).toBe(4);
  });
});

describe('OPTIONS', () => {
  it.each(['/v1/heartbeats', '/v1/sessions', '/v1/sessions/s-1/stop', '/nowhere'])(
    'on %s is 204 and good for a day',
    async (asked) => {
      const origin = 'http://localhost:3000';
      const { status, headers, text } = await api.call({ method: 'OPTIONS', path: asked, headers: { origin } });
      expect([status, text]).toEqual([204, '']);
      expect(headers).toMatchObject({
        'access-control-allow-origin': origin,
        vary: 'origin',
        'access-control-max-age': '86400',
        'access-control-allow-methods': expect.stringContaining('POST'),
        'access-control-allow-headers': expect.stringMatching(/authorization.*content-type/),
      });
    },
  );

  it('tells a page of another origin nothing, and no answer lets it read', async () => {
    const headers = { origin: 'https://elsewhere.example' };
    const preflight = await api.call({ method: 'OPTIONS', path, headers });
    const answer = await api.call({ path, body: beat({ accountId: newAccount() }), headers });
    const refused = await api.call({ path, body: {}, headers });
    expect([preflight.status, answer.status, refused.status]).toEqual([204, 202, 400]);
    for (const one of [preflight, answer, refused])
      expect(Object.keys(one.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(refused.headers['x-content-type-options']).toBe('nosniff');
  });
});
