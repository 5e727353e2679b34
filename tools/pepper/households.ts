import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { KeptDecision, SessionList, View } from '../../schemas/generated/http.ts';
import { type Response, send } from '../../services/testing/http.ts';
import { type Issuer, startIssuer } from '../../services/testing/issuer.ts';
import { beat, start } from '../../services/testing/player.ts';
import { launchService, makeFolder, PATIENT, type Running } from '../../services/testing/server.ts';
import { accountKeys } from '../../shared/identity/account-keys.ts';

/** For the tests of the move: two tenants with households of the same names, over HTTP, of which one tenant gets another pepper. */
export const HOMES = ['h1', 'h2', 'h3', 'h4', 'h5'];
export const FORGOTTEN = 'not-in-the-list';
const TENANTS = ['north', 'south'] as const;
export type Tenant = (typeof TENANTS)[number];
/** Streams at once. */
export const LIMIT = 2;
const SETTLED_TIMES = 120;

/** What callers are told of a household, and what is exported of it, without what is said of the log's own places. */
export type Kept = {
  readonly streams: readonly string[];
  readonly resume: unknown;
  readonly view: Omit<View, 'viewId'>;
  readonly viewId: string;
  readonly decisions: readonly Omit<KeptDecision, 'explanation'>[];
  readonly exported: readonly string[];
};

export type Households = {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  launch(generation: string): Promise<void>;
  /** Ends the service as an operator does; answers how it ended. */
  stop(): Promise<readonly unknown[]>;
  /** One film watched to its end, and as many streams as may be, in every household. */
  live(): Promise<void>;
  /** Of each stream that runs, with the token that it was given when it began, and with nothing else; answers what was decided. */
  beatAll(sequence: number): Promise<readonly string[]>;
  streamsOf(tenant: Tenant, home: string, query?: string): Promise<SessionList>;
  /** Starts one stream more; answers what it is told. */
  startMore(tenant: Tenant, home: string): Promise<Response['json']>;
  /** Folds are behind what they fold: until each view is final, and nothing more comes. Those of the tenant that moves come first. */
  settled(): Promise<readonly Kept[]>;
  /** Runs the command; where a line is given, it is killed when it says so. */
  command(
    args: readonly string[],
    killAt?: string,
  ): Promise<{ readonly code: number | null; readonly signal: string | null; readonly said: string }>;
  keyOf(tenant: Tenant, home: string, which: 'before' | 'after'): string;
  close(): Promise<void>;
};

export const everyHome = (): readonly (readonly [Tenant, string])[] =>
  TENANTS.flatMap((tenant) => HOMES.map((home) => [tenant, home] as const));

/** Of one process with all roles, on the parts that the environment names, or embedded ones. */
export const openHouseholds = async (parts: Readonly<Record<string, string>>): Promise<Households> => {
  const [folder, issuer] = await Promise.all([makeFolder(), startIssuer()]);
  const peppers = { before: randomBytes(32), after: randomBytes(32) };
  // A machine that is busy with others lets no stream lapse meanwhile.
  const policy = (await readFile(new URL('../../schemas/policies/default.yaml', import.meta.url), 'utf8'))
    .replace('leaseMs: 35000', 'leaseMs: 300000')
    .replace('lateMs: 22000', 'lateMs: 200000');
  await writeFile(join(folder, 'policy.yaml'), policy);
  const env: Readonly<Record<string, string>> = {
    ...{ ...issuer.env, ...PATIENT, ...parts },
    ...{ DATA_DIR: folder, POLICY_FILE: join(folder, 'policy.yaml') },
    ACCOUNT_KEY_PEPPER: peppers.before.toString('base64url'),
    ACCOUNT_KEY_PEPPERS: `north@2=${peppers.after.toString('base64url')}`,
  };
  let running: Running | null = null;
  const at = (): Running => {
    if (running === null) throw new Error('the service does not run');
    return running;
  };
  const tokens = new Map<string, string>();

  const bearer = (tenant: Tenant, home: string, scope?: string) => bearerOf(issuer, { tenant, home, scope });
  const live = async (tenant: Tenant, home: string): Promise<void> => {
    const headers = await bearer(tenant, home);
    for (const name of ['finished', 'first', 'second']) {
      const of = what(tenant, home, name);
      const answer = await send(at().url, { path: '/v1/sessions', body: start(of), headers });
      if (answer.status !== 201) throw new Error(`${of.sessionId} was not admitted: ${answer.text}`);
      tokens.set(of.sessionId, (answer.json as { sessionToken: string }).sessionToken);
      if (name !== 'finished') continue;
      const taken = await send(at().url, { path: '/v1/heartbeats', body: { heartbeats: filmOf(of) }, headers });
      if (taken.status !== 202) throw new Error(`${of.sessionId} was not watched: ${taken.text}`);
    }
  };
  const beatAll = async (sequence: number): Promise<readonly string[]> => {
    const reasons: string[] = [];
    for (const [tenant, home] of everyHome())
      for (const name of ['first', 'second']) {
        const of = what(tenant, home, name);
        const answer = await send(at().url, {
          path: '/v1/heartbeats?decision=wait',
          body: beat({ ...of, sequence, positionMs: sequence * 10_000 }),
          headers: { authorization: `Bearer ${tokens.get(of.sessionId)}` },
        });
        const { results } = answer.json as { results?: { decision?: { reason: string } }[] };
        reasons.push(results?.[0]?.decision?.reason ?? answer.text);
      }
    return reasons;
  };
  const streamsOf: Households['streamsOf'] = async (tenant, home, query = '') =>
    (await send(at().url, { path: `/v1/accounts/me/sessions${query}`, headers: await bearer(tenant, home) }))
      .json as SessionList;

  const keptOf = async (tenant: Tenant, home: string): Promise<Kept> => {
    const headers = await bearer(tenant, home);
    const get = async (path: string): Promise<Response['json']> => (await send(at().url, { path, headers })).json;
    const [service, admin] = await Promise.all(
      ['service', 'admin'].map((one) => bearer(tenant, home, `playbeat:${one}`)),
    );
    const { viewId, ...view } = (await get(`/v1/views/${sessionOf(tenant, home, 'finished')}`)) as View;
    const { position: _, ...resume } = (await get('/v1/accounts/me/profiles/p-1/resume-positions/film-finished')) as {
      position?: string;
    };
    const kept = await send(at().url, { path: `/v1/accounts/${home}/decisions`, headers: service! });
    const { items = [] } = kept.json as { items?: readonly KeptDecision[] };
    const path = `/admin/accounts/${home}/export?tenant=${tenant}`;
    const lines = (await send(at().adminUrl, { path, headers: admin! })).text.trim().split('\n');
    return {
      ...{ viewId, view, resume },
      streams: ((await streamsOf(tenant, home)).sessions ?? []).map(({ sessionId }) => sessionId).sort(),
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
    for (const [tenant, home] of everyHome()) all.push(await keptOf(tenant, home));
    return all;
  };

  const stop: Households['stop'] = async () => {
    const { child } = at();
    running = null;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    return (await ended) as readonly unknown[];
  };
  return {
    folder,
    env,
    launch: async (generation) => {
      running = await launchService({
        env: { ...env, LOG_GENERATION: generation },
        roles: ['local', 'archive'],
        onOutput: () => {},
      });
    },
    stop,
    live: async () => {
      for (const [tenant, home] of everyHome()) await live(tenant, home);
      await live('north', FORGOTTEN);
    },
    beatAll,
    streamsOf,
    startMore: async (tenant, home) => {
      const more = { path: '/v1/sessions', body: start(what(tenant, home, 'third')) };
      return (await send(at().url, { ...more, headers: await bearer(tenant, home) })).json;
    },
    settled: async () => {
      let kept = await allKept();
      for (let left = SETTLED_TIMES; left > 0; left -= 1) {
        await sleep(250);
        const again = await allKept();
        const same = JSON.stringify(again) === JSON.stringify(kept);
        kept = again;
        if (same && kept.every(({ view, decisions }) => view.status === 'final' && decisions.length >= 3)) return kept;
      }
      return kept;
    },
    command: (args, killAt) =>
      runCommand({ args, env, list: join(folder, '..', `accounts-of-${process.pid}.csv`), killAt }),
    keyOf: (tenant, home, which) => accountKeys(peppers[which])(tenant, home),
    close: async () => {
      running?.child.kill('SIGKILL');
      issuer.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const bearerOf = async (
  issuer: Issuer,
  { tenant, home, scope = 'playbeat:player' }: { tenant: Tenant; home: string; scope: string | undefined },
) => ({ authorization: `Bearer ${await issuer.sign({ account_id: home, tenant, scope })}` });

const sessionOf = (tenant: Tenant, home: string, name: string) => `${name}-${home}-${tenant}`;
const what = (tenant: Tenant, home: string, name: string) => ({
  accountId: home,
  sessionId: sessionOf(tenant, home, name),
  deviceId: `device-of-${name}`,
  contentId: `film-${name}`,
  durationMs: 600_000,
});
const filmOf = (of: ReturnType<typeof what>) =>
  [1, 2, 3, 4, 5, 6, 7].map((sequence) =>
    beat({
      ...{ ...of, sequence, positionMs: sequence * 10_000, ageMs: (7 - sequence) * 10_000 },
      state: sequence < 7 ? 'playing' : 'ended',
    }),
  );

const runCommand = async ({
  args,
  env,
  list,
  killAt,
}: {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly list: string;
  readonly killAt: string | undefined;
}) => {
  const tool = fileURLToPath(new URL('./main.ts', import.meta.url));
  await writeFile(
    list,
    everyHome()
      .map(([tenant, home]) => `${tenant},${home}\n`)
      .join(''),
  );
  const child = spawn(process.execPath, [tool, '--accounts', list, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
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

/** The first row of what the command shows: what moves, what stays, what no account of the list has, and how many keys that are. */
export const countedIn = (said: string): readonly number[] => {
  const [, log] = /records of the log *│ *(\d+ *│ *\d+ *│ *\d+ *│ *\d+)/.exec(said) ?? [];
  return (log ?? '').split('│').map(Number);
};
