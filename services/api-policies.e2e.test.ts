import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Decision, SessionList } from '../schemas/generated/http.ts';
import { type Api, openApi } from './testing/contract.ts';
import { admit, beat, decisionIn, newAccount, start } from './testing/player.ts';
import { makeFolder, type Server, startServer } from './testing/server.ts';

let server: Server;
let api: Api;
let policyFile: string;
const policy = (version: number, rule: object) => ({ version, rules: [{ id: `rule-${version}`, limit: 1, ...rule }] });

beforeAll(async () => {
  policyFile = join(await makeFolder(), 'policy.yaml');
  await writeFile(policyFile, JSON.stringify(policy(1, {})));
  server = await startServer({ POLICY_FILE: policyFile });
  api = await openApi(server);
});
afterAll(async () => {
  await server.close();
  await rm(dirname(policyFile), { recursive: true, force: true });
});

/** Asks until it is so, as an operator would. */
const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await setTimeout(20);
};
const before = async (accountId: string): Promise<Decision> => {
  const claim = { deviceId: 'new', deviceType: 'tv', contentId: 'film-1', contentType: 'vod' };
  return (await api.call({ path: '/v1/block-check', body: { accountId, ...claim } })).json as Decision;
};
/** What every partition decides by now. */
const versions = async (): Promise<ReadonlySet<number>> =>
  new Set(await Promise.all(Array.from({ length: 20 }, async () => (await before(newAccount())).policyVersion)));
const startOf = (accountId: string, sessionId: string, more: object = {}) =>
  api.call({ path: '/v1/sessions', body: start({ accountId, sessionId, ...more }) });

describe('policies by admin call', () => {
  it('are kept, listed and activated; versions only grow; what is no policy names each rule that is wrong', async () => {
    expect(await api.admin({ path: '/admin/policies', body: policy(2, { limit: 3 }) })).toMatchObject({ status: 201 });
    expect(await api.admin({ path: '/admin/policies', body: policy(2, { limit: 3 }) })).toMatchObject({ status: 200 });
    expect(await api.admin({ path: '/admin/policies', body: policy(2, { limit: 4 }) })).toMatchObject({
      status: 409,
      json: { code: 'POLICY_VERSION_NOT_NEWER' },
    });
    expect((await api.admin({ path: '/admin/policies' })).json).toMatchObject({
      active: { version: 1, mode: 'enforce' },
      policies: [
        { version: 1, by: 'policy-file' },
        { version: 2, by: 'admin', policy: { rules: [{ limit: 3 }] } },
      ],
    });
    const activated = await api.admin({ method: 'POST', path: '/admin/policies/2/activate' });
    expect(activated).toMatchObject({ status: 200, json: { version: 2, mode: 'enforce' } });
    await until(async () => [...(await versions())].join() === '2');
    expect(await api.admin({ method: 'POST', path: '/admin/policies/1/activate' })).toMatchObject({ status: 409 });
    for (const version of ['7', 'x', '-1', '1e1', '%00']) {
      const missing = await api.admin({ method: 'POST', path: `/admin/policies/${version}/activate` });
      expect([version, missing]).toMatchObject([version, { status: 404, json: { code: 'POLICY_NOT_FOUND' } }]);
    }
  });

  it('refuse what is no policy, naming each path', async () => {
    const wrong = 'version: 3\nrules:\n  - id: Two Streams\n    limit: two streams\n    onExeed: ask\n';
    const answer = await api.admin({ path: '/admin/policies', body: wrong, headers: { 'content-type': 'text/plain' } });
    expect(answer).toMatchObject({ status: 400, json: { code: 'POLICY_INVALID' } });
    const { errors } = answer.json as { errors: readonly { path: string }[] };
    expect(errors.map((e) => e.path).sort()).toEqual(['/rules/0/id', '/rules/0/limit', '/rules/0/onExeed']);
  });

  it('refuse other bodies with documented problems', async () => {
    const big = 'x'.repeat(300_000);
    for (const path of ['/admin/policies', '/admin/mode']) {
      for (const call of [
        { path, body: big },
        { path, body: '<a/>', headers: { 'content-type': 'application/xml' } },
        { path, body: '{}', headers: { 'content-encoding': 'br' } },
        { path, body: 'no gzip', headers: { 'content-encoding': 'gzip' } },
        { path, body: '{' },
        { path, body: `{"mode":${'['.repeat(300)}${']'.repeat(300)}}` },
        { path, body: '' },
      ]) {
        const { status } = await api.admin(call);
        expect([path, status, status >= 400 && status < 500]).toEqual([path, status, true]);
      }
    }
  });
});

describe('mode', () => {
  it('observe lets everybody in, and enforce refuses again', async () => {
    const accountId = newAccount();
    for (const id of ['1', '2', '3']) expect((await startOf(accountId, id)).status).toBe(201);
    expect((await startOf(accountId, '4')).status).toBe(409);

    expect(await api.admin({ path: '/admin/mode', body: { mode: 'observe' } })).toMatchObject({ status: 200 });
    await until(async () => (await before(accountId)).decision === 'allow');
    expect((await startOf(accountId, '5')).status).toBe(201);
    await api.admin({ path: '/admin/mode', body: { mode: 'enforce' } });
    await until(async () => (await before(accountId)).decision === 'stop');
    expect((await startOf(accountId, '6')).status).toBe(409);
    expect(await api.admin({ path: '/admin/mode', body: { mode: 'off' } })).toMatchObject({
      status: 400,
      json: { errors: [{ path: '/mode', code: 'ENUM' }] },
    });
  });
});

describe('the policy file', () => {
  it('is activated when it changes and its version is newer', async () => {
    await writeFile(policyFile, JSON.stringify(policy(10, { limit: 1, onExceed: 'ask' })));
    await until(async () => [...(await versions())].join() === '10');
  });

  it('changes nothing when it is no policy, or no newer one, and the log says so', async () => {
    await writeFile(policyFile, 'version: 11\nrules: many\n');
    await until(async () => /is no policy: \/rules/.test(server.output()));
    await writeFile(policyFile, JSON.stringify(policy(9, { limit: 5 })));
    await until(async () => server.output().includes('without a newer version: not used'));
    expect([...(await versions())]).toEqual([10]);
  });

  it('that is older than what an admin has activated is not used at a restart', async () => {
    await server.kill('SIGTERM');
    await server.restart();
    expect([...(await versions())]).toEqual([10]);
  });
});

describe('a rule that asks', () => {
  const listed = async (accountId: string): Promise<readonly string[]> => {
    const { json } = await api.call({ path: `/v1/accounts/${accountId}/sessions` });
    return (json as SessionList).sessions.map((s) => s.sessionId);
  };

  it('gives a token for each running stream, and a start with it stops that one', async () => {
    const accountId = newAccount();
    await admit(api, { accountId, sessionId: 's-1' });
    const asked = await startOf(accountId, 's-2');
    expect(asked.status).toBe(409);
    const token = (asked.json as Decision).active?.[0]?.terminationToken;
    expect(token).toMatch(/^pbt1\./);
    expect((await startOf(accountId, 's-2', { terminate: [token] })).status).toBe(201);
    expect(await listed(accountId)).toEqual(['s-2']);
    const told = await api.call({ path: '/v1/heartbeats', body: beat({ accountId, sessionId: 's-1', sequence: 5 }) });
    expect(decisionIn(told)).toMatchObject({ decision: 'stop', reason: 'TERMINATED_BY_USER' });
  });

  it('gives no token to who only looks, and none in the list', async () => {
    const accountId = newAccount();
    await admit(api, { accountId, sessionId: 's-1' });
    const { text } = await api.call({ path: `/v1/accounts/${accountId}/sessions` });
    expect(text).not.toContain('terminationToken');
  });

  it('lets the token of an ended admission do nothing', async () => {
    const accountId = newAccount();
    await admit(api, { accountId, sessionId: 's-1' });
    const asked = await startOf(accountId, 's-2');
    const terminate = [(asked.json as Decision).active![0]!.terminationToken];
    await api.call({ path: '/v1/sessions/s-1/stop', body: { accountId } });
    await admit(api, { accountId, sessionId: 's-3' });
    expect((await startOf(accountId, 's-2', { terminate, requestId: 'again' })).status).toBe(409);
    expect(await listed(accountId)).toEqual(['s-3']);
  });

  it('refuses tokens that are forged or of another household', async () => {
    const [mine, yours] = [newAccount(), newAccount()];
    await admit(api, { accountId: yours, sessionId: 's-1' });
    const token = ((await startOf(yours, 's-2')).json as Decision).active![0]!.terminationToken!;
    const [kind, payload] = token.split('.');
    for (const terminate of [[token], [`${kind}.${payload}.AAAA`], ['pbt1.x']]) {
      const answer = await startOf(mine, 's-1', { terminate });
      expect(answer).toMatchObject({ status: 400, json: { errors: [{ path: '/terminate/0', code: 'FORMAT' }] } });
    }
    expect(await listed(yours)).toEqual(['s-1']);
  });
});
