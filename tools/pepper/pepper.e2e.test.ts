import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fencesOf, readPage } from '../../docs/testing/fences.ts';
import type { KeptDecision, SessionList, View } from '../../schemas/generated/http.ts';
import { type Response, send } from '../../services/testing/http.ts';
import { type Issuer, startIssuer } from '../../services/testing/issuer.ts';
import { beat, start } from '../../services/testing/player.ts';
import { launchService, makeFolder, PATIENT, type Running, runToEnd } from '../../services/testing/server.ts';
import { CONFIG_KEYS } from '../../shared/config/config-keys.ts';
import { accountKeys } from '../../shared/identity/account-keys.ts';

/*
 * Two tenants with households of the same names, over HTTP. One tenant gets another pepper, by the command, which is killed in each of
 * its steps; then the same is asked again, players go on, and every byte of the data folder is looked at.
 */
const HOMES = ['h1', 'h2', 'h3', 'h4', 'h5'];
const FORGOTTEN = 'not-in-the-list';
const TENANTS = ['north', 'south'] as const;
type Tenant = (typeof TENANTS)[number];
const LIMIT = 2;
const pepper = randomBytes(32);
const next = randomBytes(32);

let folder: string;
let issuer: Issuer;
let running: Running;
let env: Readonly<Record<string, string>>;
const tokens = new Map<string, string>();
let positions: readonly string[];
let before: readonly Kept[];

beforeAll(async () => {
  [folder, issuer] = await Promise.all([makeFolder(), startIssuer()]);
  // A machine that is busy with others lets no stream lapse meanwhile.
  const policy = (await readFile(new URL('../../schemas/policies/default.yaml', import.meta.url), 'utf8'))
    .replace('leaseMs: 35000', 'leaseMs: 300000')
    .replace('lateMs: 22000', 'lateMs: 200000');
  await writeFile(join(folder, 'policy.yaml'), policy);
  env = {
    ...{
      ...issuer.env,
      ...PATIENT,
      DATA_DIR: folder,
      POLICY_FILE: join(folder, 'policy.yaml'),
      ACCOUNT_KEY_PEPPER: pepper.toString('base64url'),
    },
    ACCOUNT_KEY_PEPPERS: `north@2=${next.toString('base64url')}`,
  };
  await launch('1');
  for (const tenant of TENANTS) for (const home of HOMES) await live(tenant, home);
  await live('north', FORGOTTEN);
  await beatAll(2);
  before = await settled();
  positions = await Promise.all(HOMES.map(async (home) => (await streamsOf('north', home)).position ?? ''));
}, 120_000);
afterAll(async () => {
  running.child.kill('SIGKILL');
  issuer.close();
  await rm(folder, { recursive: true, force: true });
});

const launch = async (generation: string): Promise<void> => {
  running = await launchService({
    env: { ...env, LOG_GENERATION: generation },
    roles: ['local', 'archive'],
    onOutput: () => {},
  });
};
const stop = async (): Promise<void> => {
  const ended = once(running.child, 'exit');
  running.child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
};
const bearer = async (tenant: Tenant, account_id: string, scope = 'playbeat:player') => ({
  authorization: `Bearer ${await issuer.sign({ account_id, tenant, scope })}`,
});
const sessionOf = (tenant: Tenant, home: string, name: string) => `${name}-${home}-${tenant}`;
const what = (tenant: Tenant, home: string, name: string) => ({
  accountId: home,
  sessionId: sessionOf(tenant, home, name),
  deviceId: `device-of-${name}`,
  contentId: `film-${name}`,
  durationMs: 600_000,
});

/** One film watched to its end, and as many streams as may be. */
const live = async (tenant: Tenant, home: string): Promise<void> => {
  const headers = await bearer(tenant, home);
  for (const name of ['finished', 'first', 'second']) {
    const of = what(tenant, home, name);
    const answer = await send(running.url, { path: '/v1/sessions', body: start(of), headers });
    expect([of.sessionId, answer.status]).toEqual([of.sessionId, 201]);
    tokens.set(of.sessionId, (answer.json as { sessionToken: string }).sessionToken);
    if (name !== 'finished') continue;
    const heartbeats = [1, 2, 3, 4, 5, 6, 7].map((sequence) =>
      beat({
        ...{ ...of, sequence, positionMs: sequence * 10_000, ageMs: (7 - sequence) * 10_000 },
        state: sequence < 7 ? 'playing' : 'ended',
      }),
    );
    expect(await send(running.url, { path: '/v1/heartbeats', body: { heartbeats }, headers })).toMatchObject({
      status: 202,
    });
  }
};

/** Of each stream that runs, with the token that it was given when it began, and with nothing else. */
const beatAll = async (sequence: number): Promise<readonly string[]> => {
  const reasons: string[] = [];
  for (const tenant of TENANTS)
    for (const home of HOMES)
      for (const name of ['first', 'second']) {
        const of = what(tenant, home, name);
        const answer = await send(running.url, {
          path: '/v1/heartbeats',
          body: beat({ ...of, sequence, positionMs: sequence * 10_000 }),
          headers: { authorization: `Bearer ${tokens.get(of.sessionId)}` },
        });
        const { results } = answer.json as { results: { decision?: { reason: string } }[] };
        reasons.push(results[0]?.decision?.reason ?? answer.text);
      }
  return reasons;
};

const streamsOf = async (tenant: Tenant, home: string, query = ''): Promise<SessionList> =>
  (await send(running.url, { path: `/v1/accounts/me/sessions${query}`, headers: await bearer(tenant, home) }))
    .json as SessionList;

/** What callers are told of a household, and what is exported of it, without what is said of the log's own places. */
type Kept = {
  readonly streams: readonly string[];
  readonly resume: unknown;
  readonly view: Omit<View, 'viewId'>;
  readonly viewId: string;
  readonly decisions: readonly Omit<KeptDecision, 'explanation'>[];
  readonly exported: readonly string[];
};
const keptOf = async (tenant: Tenant, home: string): Promise<Kept> => {
  const headers = await bearer(tenant, home);
  const get = async (path: string): Promise<Response['json']> => (await send(running.url, { path, headers })).json;
  const [service, admin] = await Promise.all(
    ['service', 'admin'].map((one) => bearer(tenant, home, `playbeat:${one}`)),
  );
  const { viewId, ...view } = (await get(`/v1/views/${sessionOf(tenant, home, 'finished')}`)) as View;
  const { position: _, ...resume } = (await get('/v1/accounts/me/profiles/p-1/resume-positions/film-finished')) as {
    position?: string;
  };
  const kept = await send(running.url, { path: `/v1/accounts/${home}/decisions`, headers: service! });
  const { items } = kept.json as { items: readonly KeptDecision[] };
  const path = `/admin/accounts/${home}/export?tenant=${tenant}`;
  const lines = (await send(running.adminUrl, { path, headers: admin! })).text.trim().split('\n');
  return {
    ...{ viewId, view, resume },
    streams: (await streamsOf(tenant, home)).sessions.map(({ sessionId }) => sessionId).sort(),
    decisions: items.map(({ explanation: __, ...one }) => one),
    exported: lines
      .map((line) => JSON.parse(line) as { kind: string; name: string; type?: string })
      // What is watched now is forgotten by itself within the minute.
      .filter(({ kind, name }) => kind !== 'end' && name !== 'trending')
      .map(({ kind, name, type }) => `${kind} ${name} ${type ?? ''}`)
      .sort(),
  };
};
const allKept = async (): Promise<readonly Kept[]> => {
  const all: Kept[] = [];
  for (const tenant of TENANTS) for (const home of HOMES) all.push(await keptOf(tenant, home));
  return all;
};
/** Folds are behind what they fold: until each view is final, and nothing more comes. */
const settled = async (): Promise<readonly Kept[]> => {
  let kept = await allKept();
  for (let left = 60; left > 0; left -= 1) {
    await sleep(250);
    const again = await allKept();
    const same = JSON.stringify(again) === JSON.stringify(kept);
    kept = again;
    if (same && kept.every(({ view, decisions }) => view.status === 'final' && decisions.length >= 3)) return kept;
  }
  return kept;
};

/** Runs the command; where a line is given, it is killed when it says so. */
const run = async (args: readonly string[], killAt?: string, more: Readonly<Record<string, string>> = {}) => {
  const tool = fileURLToPath(new URL('./main.ts', import.meta.url));
  const list = join(folder, '..', `accounts-of-${process.pid}.csv`);
  await writeFile(list, TENANTS.flatMap((tenant) => HOMES.map((home) => `${tenant},${home}\n`)).join(''));
  const child = spawn(process.execPath, [tool, '--accounts', list, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (killAt !== undefined && said.includes(killAt)) child.kill('SIGKILL');
    });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  await rm(list);
  return { code, signal, said };
};

const keyOf = (tenant: Tenant, home: string, by: Uint8Array): string => accountKeys(by)(tenant, home);
const filesWith = (key: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => readFileSync(join(folder, name)).includes(key))
    .sort();

describe('another pepper for a tenant', () => {
  it('is changed as the page says: by this command, and by configuration that there is', async () => {
    const shell = fencesOf(await readPage('docs/how-to/change-the-pepper.md')).map(({ text }) => text.trim());
    const command = 'npm run pepper -- --accounts accounts.csv';
    expect(shell).toEqual([expect.any(String), command, `${command} --go`, 'LOG_GENERATION=2 npm start']);
    const set = [...shell.join('\n').matchAll(/\b([A-Z_]+)=/g)].map(([, name]) => name);
    expect(Object.keys(CONFIG_KEYS)).toEqual(expect.arrayContaining(set));
  });

  it('is not for a folder that a service holds', async () => {
    const { code, said } = await run(['--go']);
    expect([code, said]).toEqual([1, expect.stringContaining('is in use by another process')]);
    await stop();
  });

  it('is refused on Kafka, where no log can be moved yet', async () => {
    const kafka = { KAFKA_BROKERS: '127.0.0.1:1', REDIS_URL: 'redis://127.0.0.1:1', DYNAMODB_REGION: 'local' };
    const { code, said } = await run(['--go'], undefined, {
      ...kafka,
      SESSION_TOKEN_KEY: pepper.toString('base64url'),
    });
    expect([code, said]).toEqual([1, expect.stringContaining('on Kafka no pepper can be changed yet')]);
  });

  it('is counted before anything is written: what moves, what stays, and what no account of the list has', async () => {
    const files = () => HOMES.map((home) => filesWith(keyOf('north', home, pepper)));
    const asBefore = files();
    expect(asBefore).toEqual(HOMES.map(() => ['log.sqlite', 'state.sqlite', 'tables.sqlite']));
    const { code, said } = await run([]);
    expect([code, said]).toEqual([0, expect.stringContaining('Nothing was written.')]);
    const [, log] = /records of the log *│ *(\d+ *│ *\d+ *│ *\d+ *│ *\d+)/.exec(said) ?? [];
    const [moves, stays, unknown, keys] = (log ?? '').split('│').map(Number);
    // Of 11 households that did the same: five move, five are of the other tenant, one is in nobody's list.
    expect([stays, unknown! > 0, keys]).toEqual([moves, true, 1]);
    expect(files()).toEqual(asBefore);
  });

  it.each(['Moving the log', 'The log is of generation 2', 'rows were moved'])(
    'may be killed when it says "%s"',
    async (line) => {
      expect(await run(['--go'], line)).toMatchObject({ signal: 'SIGKILL' });
    },
  );

  it('goes on where it was', async () => {
    const { code, said } = await run(['--go']);
    expect([code, said]).toEqual([0, expect.stringContaining('Done. Start with LOG_GENERATION=2')]);
  });

  it('leaves no key of before in any file, but of the other tenant and of whom nobody named', () => {
    for (const home of HOMES) {
      expect([home, filesWith(keyOf('north', home, pepper))]).toEqual([home, []]);
      expect([home, filesWith(keyOf('north', home, next))]).toEqual([home, ['log.sqlite', 'tables.sqlite']]);
      expect([home, filesWith(keyOf('south', home, pepper))]).toEqual([home, ['log.sqlite', 'tables.sqlite']]);
    }
    expect(filesWith(keyOf('north', FORGOTTEN, pepper))).toEqual(['log.sqlite', 'tables.sqlite']);
  });

  it('is not mistaken for the one before: a service that says another generation does not start', async () => {
    const { code, stderr } = await runToEnd({ ...env, LOG_GENERATION: '1' });
    expect([code, stderr]).toEqual([1, expect.stringContaining('it is of generation 2: start with LOG_GENERATION=2')]);
  });

  it('changes nothing of what callers are told, and nothing is told twice', async () => {
    await launch('2');
    const after = await settled();
    for (const [i, { viewId, ...kept }] of after.entries()) {
      const { viewId: viewIdBefore, ...keptBefore } = before[i]!;
      expect(kept).toEqual(keptBefore);
      expect(viewId === viewIdBefore).toBe(i >= HOMES.length);
    }
  });

  it('leaves every stream its slot: it plays on with its old token, and one more is refused', async () => {
    expect(new Set(await beatAll(3))).toEqual(new Set(['OK']));
    for (const tenant of TENANTS)
      for (const home of HOMES) {
        expect((await streamsOf(tenant, home)).sessions).toHaveLength(LIMIT);
        const more = { path: '/v1/sessions', body: start(what(tenant, home, 'third')) };
        const answer = await send(running.url, { ...more, headers: await bearer(tenant, home) });
        expect(answer.json).toMatchObject({ code: 'STREAM_LIMIT_EXCEEDED' });
      }
  });

  it('takes a position of before for one that every answer includes, and gives new ones', async () => {
    for (const [i, home] of HOMES.entries()) {
      const { position, sessions } = await streamsOf('north', home, `?after=${positions[i]}`);
      expect([sessions.length, position?.startsWith('2.')]).toEqual([LIMIT, true]);
    }
  });

  it('knows nobody under the key of an account that was not in the list', async () => {
    expect((await streamsOf('north', FORGOTTEN)).sessions).toEqual([]);
  });
});
