import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision, Problem, StartResponse, TrendingList } from '../schemas/generated/http.ts';
import { send } from './testing/http.ts';
import { type Issuer, startIssuer } from './testing/issuer.ts';
import { beat, start } from './testing/player.ts';
import { makeFolder, type Server, startServer } from './testing/server.ts';

let issuer: Issuer;
let server: Server;
beforeAll(async () => {
  issuer = await startIssuer();
  server = await startServer(issuer.env);
});
afterAll(async () => {
  issuer.close();
  await server.close();
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const player = (account_id: string, over: Readonly<Record<string, unknown>> = {}): Promise<string> =>
  issuer.sign({ account_id, profile_id: 'kid', scope: 'playbeat:player' }, over);
const begin = async (accountId: string, sessionId: string, token: string, at = server): Promise<StartResponse> => {
  const answer = await send(at.url(), {
    path: '/v1/sessions',
    body: start({ accountId, sessionId }),
    headers: bearer(token),
  });
  return answer.json as StartResponse;
};
const codeOf = ({ json }: { readonly json: unknown }): string => (json as Problem).code;

describe('a player with a login token', () => {
  it('leaves its account and profile out of all that it sends', async () => {
    const token = await player('quiet');
    const { accountId: _, profileId: __, ...rest } = start({ accountId: 'quiet', sessionId: 's' });
    const headers = bearer(token);
    expect(await send(server.url(), { path: '/v1/sessions', body: rest, headers })).toMatchObject({ status: 201 });
    const check = await send(server.url(), { path: '/v1/block-check?sessionId=s', headers });
    expect(check.json).toMatchObject({ decision: 'allow', reason: 'OK' });
    const mine = await send(server.url(), { path: '/v1/accounts/me/sessions', headers });
    expect(mine.json).toMatchObject({ sessions: [{ sessionId: 's' }] });
  });

  it('goes on with its session token alone, from a header or a body, after its login token has expired', async () => {
    const seconds = Math.floor(Date.now() / 1_000);
    const { sessionToken } = await begin('long', 's', await player('long'));
    const late = await player('long', { exp: seconds - 60 });
    const next = (sequence: number) => beat({ accountId: 'long', sessionId: 's', profileId: 'p-1', sequence });
    const path = '/v1/heartbeats';
    expect(await send(server.url(), { path, body: next(1), headers: bearer(late) })).toMatchObject({ status: 401 });
    const { sessionToken: text = '' } = { sessionToken };
    expect(await send(server.url(), { path, body: next(2), headers: bearer(text) })).toMatchObject({ status: 202 });
    // As sendBeacon sends it.
    const body = JSON.stringify({ ...next(3), sessionToken: text });
    const plain = { 'content-type': 'text/plain' };
    expect(await send(server.url(), { path, body, headers: plain })).toMatchObject({ status: 202 });
    const batch = { heartbeats: [{ ...next(4), sessionToken: text }, next(5)] };
    const mixed = await send(server.url(), { path, body: batch });
    expect(mixed).toMatchObject({
      status: 202,
      json: { accepted: 1, rejected: [{ index: 1, code: 'UNAUTHENTICATED' }] },
    });
    const stop = { path: '/v1/sessions/s/stop', body: { sessionToken: text } };
    expect(await send(server.url(), stop)).toMatchObject({ status: 202 });
  });

  it('goes on through a change of the key of session tokens', async () => {
    const [before, now] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64url'));
    const own = await startServer({ ...issuer.env, SESSION_TOKEN_KEY: before! });
    const { sessionToken = '' } = await begin('rotating', 's', await player('rotating'), own);
    const beaten = (sequence: number) =>
      send(own.url(), {
        path: '/v1/heartbeats',
        body: beat({ accountId: 'rotating', sessionId: 's', sequence }),
        headers: bearer(sessionToken),
      });
    expect(await beaten(1)).toMatchObject({ status: 202 });
    await own.kill('SIGTERM');
    await own.restart({ SESSION_TOKEN_KEY: now!, SESSION_TOKEN_KEY_BEFORE: before! });
    expect(await beaten(2)).toMatchObject({ status: 202, json: { results: [{ decision: { decision: 'allow' } }] } });
    await own.kill('SIGTERM');
    await own.restart({ SESSION_TOKEN_KEY: now!, SESSION_TOKEN_KEY_BEFORE: now! });
    expect(await beaten(3)).toMatchObject({ status: 401, json: { code: 'SESSION_TOKEN_INVALID' } });
    await own.close();
  });

  it('may have as many streams as the plan of its token says', async () => {
    const folder = await makeFolder();
    const file = join(folder, 'policy.yaml');
    const rule = '{ id: plan, limit: plan.streams, limitWithoutClaim: 1, countBy: sessions, onExceed: deny-newest }';
    await writeFile(file, `version: 1\nrules:\n  - ${rule}\n`);
    const own = await startServer({ ...issuer.env, POLICY_FILE: file });
    const started = async (account: string, plan: unknown) => {
      const token = await issuer.sign({ account_id: account, plan });
      const answers: string[] = [];
      for (const sessionId of ['s1', 's2', 's3'])
        answers.push((await begin(account, sessionId, token, own)).reason ?? '');
      return answers;
    };
    expect(await started('two', { name: 'family', streams: 2 })).toEqual(['OK', 'OK', 'LIMIT_REACHED']);
    expect(await started('none', { name: 'basic' })).toEqual(['OK', 'LIMIT_REACHED', 'LIMIT_REACHED']);
    await own.close();
  });

  it('of one tenant does not meet the household of the same name in another', async () => {
    const [north, south] = await Promise.all(
      ['north', 'south'].map((tenant) => issuer.sign({ account_id: 'same', tenant })),
    );
    await begin('same', 'n', north!);
    await begin('same', 's', south!);
    const streams = (token: string) => send(server.url(), { path: '/v1/accounts/me/sessions', headers: bearer(token) });
    expect((await streams(north!)).json).toMatchObject({ sessions: [{ sessionId: 'n' }] });
    expect((await streams(south!)).json).toMatchObject({ sessions: [{ sessionId: 's' }] });
  });
});

describe('trending', () => {
  it('tells players the ranks, and services how many watch', async () => {
    const crowd = Array.from({ length: 10 }, (_, i) => `crowd-${i}`);
    for (const accountId of crowd) {
      const told = [
        { state: 'starting', positionMs: 0, ageMs: 12_000 },
        { state: 'playing', positionMs: 1_000, ageMs: 11_000 },
        { state: 'playing', positionMs: 11_000, ageMs: 1_000 },
      ] as const;
      const heartbeats = told.map((one, i) => beat({ accountId, sessionId: accountId, ...one, sequence: i + 1 }));
      const headers = bearer(await player(accountId));
      expect(await send(server.url(), { path: '/v1/heartbeats', body: { heartbeats }, headers })).toMatchObject({
        status: 202,
      });
    }
    const list = async (token: string) =>
      (await send(server.url(), { path: '/v1/trending?contentType=vod', headers: bearer(token) })).json as TrendingList;
    const service = await issuer.sign({ scope: 'playbeat:service' });
    let told = await list(service);
    while (told.items.length === 0) {
      await sleep(1_000);
      told = await list(service);
    }
    expect(told.items).toMatchObject([{ contentId: 'film-1', rank: 1, audience: 10 }]);
    const { items } = await list(await player('viewer'));
    expect(items).toEqual([{ contentId: 'film-1', rank: 1, previousRank: null }]);
  });
});

describe('whoever has no account', () => {
  it('has no `me`, and is told that a token is wanted', async () => {
    const answer = await send(server.url(), { path: '/v1/accounts/me/sessions' });
    expect([answer.status, codeOf(answer), answer.headers['www-authenticate']]).toEqual([
      401,
      'UNAUTHENTICATED',
      'Bearer',
    ]);
    const token = await issuer.sign({ scope: 'playbeat:service' });
    const service = await send(server.url(), { path: '/v1/accounts/me/sessions', headers: bearer(token) });
    expect([service.status, codeOf(service)]).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('reads the document and the health, and nothing of the admin port but its health and metrics', async () => {
    for (const path of ['/openapi.json', '/healthz', '/readyz'])
      expect([path, (await send(server.url(), { path })).status]).toEqual([path, 200]);
    for (const [path, status] of [
      ['/healthz', 200],
      ['/metrics', 200],
      ['/admin/processors', 401],
    ] as const)
      expect([path, (await send(server.adminUrl(), { path })).status]).toEqual([path, status]);
  });
});

describe('keys', () => {
  it('of an issuer that is away are those known last, and beats go on by session tokens whatever happens', async () => {
    const own = await startIssuer();
    own.away(true);
    const at = await startServer(own.env);
    const check = { path: '/v1/block-check?sessionId=s' };
    const token = await own.sign({ account_id: 'a' });
    const asked = () => send(at.url(), { ...check, headers: bearer(token) });
    const away = await asked();
    expect([away.status, codeOf(away)]).toEqual([503, 'KEYS_UNAVAILABLE']);
    expect(own.asked()).toBe(1);
    await at.close();
    own.away(false);
    const again = await startServer(own.env);
    const headers = bearer(token);
    const first = await send(again.url(), { path: '/v1/sessions', body: start({ accountId: 'a' }), headers });
    const { sessionToken } = first.json as StartResponse;
    own.away(true);
    await own.rotate();
    const others = await own.sign({ account_id: 'a' });
    // Its key is not known, and was asked for less than 30 s ago.
    expect(await send(again.url(), { ...check, headers: bearer(others) })).toMatchObject({ status: 401 });
    const known = await send(again.url(), { ...check, path: '/v1/block-check?sessionId=s-1', headers });
    expect((known.json as Decision).decision).toBe('allow');
    const body = beat({ accountId: 'a' });
    const beaten = await send(again.url(), { path: '/v1/heartbeats', body, headers: bearer(sessionToken ?? '') });
    expect(beaten).toMatchObject({ status: 202 });
    await again.close();
    own.close();
  });

  it('in a file do as well', async () => {
    const file = join(await makeFolder(), 'keys.pem');
    await writeFile(file, await issuer.pem());
    const { AUTH_JWKS_URL: _, ...rest } = issuer.env;
    const own = await startServer({ ...rest, AUTH_PUBLIC_KEY_FILE: file });
    expect(await begin('filed', 's', await player('filed'), own)).toMatchObject({ decision: 'allow' });
    await own.close();
  });
});
