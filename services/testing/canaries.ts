import type { StartResponse } from '../../schemas/generated/http.ts';
import { accountKeys } from '../../shared/identity/account-keys.ts';
import { type Document, isOfAdmins } from './contract.ts';
import { type Response, send } from './http.ts';
import type { Issuer } from './issuer.ts';
import { beat, start } from './player.ts';

/** Ids and tokens that stand out: whoever repeats one where it has no business is found by it. */
export type Canaries = {
  readonly accountId: string;
  readonly sessionId: string;
  readonly profileId: string;
  readonly deviceId: string;
  readonly login: string;
  readonly service: string;
  readonly admin: string;
  /** Of another account. */
  readonly stranger: string;
  readonly expired: string;
  /** All of them, and what follows from them. */
  readonly words: string[];
};

/** `name` keeps those of one service apart from another's. */
export const canariesOf = async (issuer: Issuer, name: string, pepper: Uint8Array): Promise<Canaries> => {
  const id = (what: string): string => `canary-${what}-${name}`;
  const ids = { accountId: id('account'), sessionId: id('session'), profileId: id('profile'), deviceId: id('device') };
  const { accountId: account_id, profileId: profile_id } = ids;
  const sub = id('person');
  const [login, service, admin, stranger, expired] = await Promise.all([
    issuer.sign({ sub, account_id, profile_id, scope: 'playbeat:player' }),
    issuer.sign({ sub, scope: 'playbeat:service' }),
    issuer.sign({ sub, scope: 'playbeat:admin' }),
    issuer.sign({ account_id: id('stranger'), scope: 'playbeat:player' }),
    issuer.sign({ account_id, scope: 'playbeat:player' }, { exp: 1_000 }),
  ]);
  const tokens = { login, service, admin, stranger, expired };
  const key = accountKeys(pepper)('default', ids.accountId);
  return { ...ids, ...tokens, words: ['canary', key, ...Object.values(tokens).flatMap(partsOf)] };
};

/** A token, and each part of it: half of one is as bad in a log. */
export const partsOf = (token: string): readonly string[] => token.split('.').slice(1);

const BROKEN = ['{', '"', '[]', 'null', '{"heartbeats":"canary-batch"}', '{"accountId":{"canary-account":1}}'];

/**
 * Calls of every kind, on every operation of the document: good ones, refused ones, malformed ones. Answers what came back, each
 * with the path that it was asked for.
 */
export const callAll = async (
  { document, url, adminUrl }: { readonly document: Document; readonly url: string; readonly adminUrl: string },
  canaries: Canaries,
): Promise<readonly { readonly path: string; readonly answer: Response }[]> => {
  const { accountId, sessionId, profileId, deviceId, login, service, admin, stranger, expired } = canaries;
  const ids = { accountId, sessionId, profileId, deviceId };
  const answers: { path: string; answer: Response }[] = [];
  const call = async (request: Parameters<typeof send>[1], token: string | null): Promise<Response> => {
    const base = isOfAdmins(request.path) ? adminUrl : url;
    const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    const answer = await send(base, { ...request, headers: { ...authorization, ...request.headers } });
    answers.push({ path: request.path, answer });
    return answer;
  };
  const begun = await call({ path: '/v1/sessions', body: start({ ...ids, deviceName: 'canary-name' }) }, login);
  const { sessionToken = '' } = begun.json as Partial<StartResponse>;
  canaries.words.push(...partsOf(sessionToken));
  const bodies = [
    ...BROKEN,
    beat(ids),
    { heartbeats: [beat({ ...ids, sequence: 2 }), { ...beat(ids), sequence: 'canary-number' }, 'canary-beat'] },
    { ...beat({ ...ids, sequence: 3 }), sessionToken, cdn: '\u0000canary', metadata: { 'canary key': 'canary' } },
    start({ ...ids, sessionId: `${sessionId}-2`, terminate: ['canary-termination'] }),
    { ...start({ ...ids, sessionId: `${sessionId}-3` }), state: 'canary-state', ageMs: 'canary-age' },
    { accountId, by: 'canary-by', requestId: 'canary-request' },
    { ...beat(ids), signalId: 'canary-signal', leaseMs: 60_000, source: 'canary-backend' },
    { version: 2, rules: [{ id: 'canary', limit: 'plan.streams' }] },
    { mode: 'canary-mode' },
  ];
  const tokens = [login, service, admin, stranger, expired, sessionToken, `${login}x`, 'canary.not.atoken', null];
  for (const [pattern, methods] of Object.entries(document.paths))
    for (const method of Object.keys(methods)) {
      const path = pattern
        .replaceAll('{accountId}', accountId)
        .replaceAll('{sessionId}', sessionId)
        .replaceAll('{profileId}', profileId)
        .replaceAll(/\{\w+\}/g, 'canary-content');
      const query = `?accountId=${accountId}&sessionId=${sessionId}&cursor=canary-cursor&after=canary-position&limit=canary`;
      const takesBody = methods[method]?.['requestBody'] !== undefined;
      for (const token of tokens)
        for (const asked of [path, path + query])
          await call(
            { method: method.toUpperCase() as 'GET', path: asked, ...(takesBody ? { body: beat(ids) } : {}) },
            token,
          );
      if (takesBody) for (const body of bodies) await call({ path, body }, isOfAdmins(path) ? admin : service);
    }
  const wrong = ['canary/path', '%ffcanary', `accounts/${accountId}`, `sessions/${sessionId}/stop/${login}`];
  for (const path of wrong) await call({ path: `/v1/${path}` }, login);
  const long = { 'x-canary': `canary-${'x'.repeat(9_000)}` };
  await call({ path: '/v1/trending', headers: long }, login);
  const odd = {
    'content-type': 'canary/type',
    'content-encoding': 'canary',
    'idempotency-key': `canary${'k'.repeat(200)}`,
  };
  for (const [name, value] of Object.entries(odd))
    await call({ path: '/v1/sessions', body: start(ids), headers: { [name]: value } }, login);
  return answers;
};

/** The canaries in a text, with what stands around them. */
export const foundIn = (text: string, words: readonly string[]): readonly string[] =>
  words
    .filter((word) => word !== '' && text.includes(word))
    .map((word) => text.slice(Math.max(0, text.indexOf(word) - 200), text.indexOf(word) + 100));
