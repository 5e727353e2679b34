import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { encode } from '../schemas/codec.ts';
import type { Problem } from '../schemas/generated/http.ts';
import { epochMs } from '../schemas/time.ts';
import { openEmbeddedLog } from '../shared/log/embedded-log.ts';
import { type Canaries, callAll, canariesOf, foundIn } from './testing/canaries.ts';
import { type Api, openApi } from './testing/contract.ts';
import { type Response, send } from './testing/http.ts';
import { type Issuer, startIssuer } from './testing/issuer.ts';
import { beat, start } from './testing/player.ts';
import { type Server, startServer, UNCOUNTED } from './testing/server.ts';

/*
 * Logs and metrics never carry an account, profile, device or session id, nor a token: all calls of this suite carry some that stand
 * out, and at its end all that the service wrote is searched for them.
 */

const PARTITIONS = 4;
const PEPPER = randomBytes(32);

let issuer: Issuer;
let server: Server;
let api: Api;
let canaries: Canaries;
const metrics: string[] = [];
const answers: { readonly path: string; readonly answer: Response }[] = [];
beforeAll(async () => {
  issuer = await startIssuer();
  const secret = { ACCOUNT_KEY_PEPPER: PEPPER.toString('base64url') };
  server = await startServer({
    ...issuer.env,
    ...UNCOUNTED,
    ...secret,
    LOG_LEVEL: 'debug',
    APPEND_TIMEOUT_MS: '300',
    DECISION_TIMEOUT_MS: '300',
  });
  api = await openApi(server);
  canaries = await canariesOf(issuer, 'embedded', PEPPER);
});
afterAll(async () => {
  issuer.close();
  await server.close();
});

const everything = async (): Promise<void> => {
  answers.push(
    ...(await callAll({ document: api.document, url: server.url(), adminUrl: server.adminUrl() }, canaries)),
  );
  metrics.push((await send(server.adminUrl(), { path: '/metrics' })).text);
};
/** What lies in the log when the service starts again. */
const appendToAll = async (value: Uint8Array, key: string | null): Promise<void> => {
  const log = await openEmbeddedLog({
    folder: server.folder,
    partitions: PARTITIONS,
    clock: () => epochMs(Date.now()),
  });
  for (let partition = 0; partition < PARTITIONS; partition++)
    await log.append('heartbeats.v1', partition, [{ key, value }]);
  await log.close();
};
const said = (message: string): Promise<void> => {
  const look = async (): Promise<void> => {
    while (!server.output().includes(message)) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  return look();
};
/** Every number of bytes is more than the service may write from now on. */
const fillDisk = async (): Promise<void> => {
  await promisify(execFile)('prlimit', ['--pid', String(server.pid()), '--fsize=1']).catch((cause: unknown) => {
    throw new Error('prlimit is missing: apt-get install util-linux', { cause });
  });
};

describe('all that a service wrote', () => {
  it('comes from calls of every kind, unreadable records, a full disk, stops in the middle and a partition that stands still', async () => {
    await everything();

    const inFlight = Array.from({ length: 20 }, (_, i) =>
      send(server.url(), {
        path: '/v1/sessions',
        body: start({ ...canaries, sessionId: `${canaries.sessionId}-${i}` }),
        headers: { authorization: `Bearer ${canaries.login}` },
      }).catch(() => null),
    );
    await server.kill('SIGTERM');
    await Promise.all(inFlight);
    await appendToAll(Buffer.from(`canary bytes of ${canaries.accountId}`), 'canary-key');
    await appendToAll(encode('Heartbeat', HEARTBEAT).subarray(0, 40), 'canary-key');
    await server.restart();
    await said('was parked');
    await everything();

    await fillDisk();
    const headers = { authorization: `Bearer ${canaries.service}` };
    for (const sequence of [1, 2, 3]) {
      const body = beat({ ...canaries, sessionId: 'canary-full', sequence });
      answers.push({ path: '', answer: await send(server.url(), { path: '/v1/heartbeats', body, headers }) });
    }
    await said('the log did not take');
    await everything();
    await server.kill('SIGTERM');

    await appendToAll(Buffer.concat([encode('Tick', TICK), Buffer.from('canary')]), null);
    // Nobody waits for what cannot be: a start that takes long is ended.
    await server.restart().catch(() => {});
    await said('a partition stands still');
    expect(answers.length).toBeGreaterThan(1_000);
    const statuses = new Set(answers.map(({ answer }) => answer.status));
    expect([...statuses]).toEqual(expect.arrayContaining([200, 201, 202, 400, 401, 403, 404, 415, 431, 503]));
  }, 300_000);

  it('carries no id and no token: on stdout and stderr', () => {
    expect(server.output()).toMatch(/"level":"error"/);
    expect(foundIn(server.output(), canaries.words)).toEqual([]);
  });

  it('carries no id and no token: in its metrics', () => {
    expect(metrics.every((text) => text.includes('playbeat_heartbeats_total'))).toBe(true);
    expect(foundIn(metrics.join('\n'), canaries.words)).toEqual([]);
  });

  it('repeats in a problem nothing but the path of the caller: no token, and no id of a body, a query or a header', () => {
    const problems = answers.filter(({ answer }) => answer.status >= 400);
    const found = problems.flatMap(({ path, answer }) => {
      const { detail = '', instance = '', title = '', errors = [] } = answer.json as Partial<Problem>;
      const said = [title, detail, instance, ...errors.map((one) => JSON.stringify(one))].join('\n');
      const own = [path.split('?')[0] ?? '', ...path.split(/[/?]/).filter((part) => part.startsWith('canary'))];
      const text = own.reduce((rest, part) => (part === '' ? rest : rest.replaceAll(part, '')), said);
      return foundIn(text, canaries.words).map((where) => `${answer.status} ${where}`);
    });
    expect([...new Set(found)]).toEqual([]);
  });
});

const TICK = { source: 'canary-node', shedding: false, receivedAtMs: 1 };
const HEARTBEAT: Parameters<typeof encode<'Heartbeat'>>[1] = {
  tenant: 'default',
  ...{ sessionId: 'canary-session', sequence: 1, profileId: 'canary-profile', deviceId: 'canary-device' },
  ...{ deviceType: 'tv', deviceName: 'canary-name', contentId: 'film', contentType: 'vod', state: 'playing' },
  ...{ positionMs: 1, durationMs: null, playbackRate: null, country: null, cdn: null, appVersion: null, player: null },
  ...{ seriesId: null, tracking: 'full', metadata: {}, quality: null, ad: null, sentAtMs: 1, receivedAtMs: 1 },
  ...{ occurredAtMs: 1, clockSkewMs: 0, source: 'player', networkKey: null, lastDecision: null, claims: {} },
};
