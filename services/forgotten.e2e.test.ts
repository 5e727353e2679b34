import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ErasureReceipt } from '../schemas/generated/http.ts';
import { PLACES } from '../schemas/places.ts';
import { TABLE_NAMES } from '../schemas/tables.ts';
import { epochMs } from '../schemas/time.ts';
import { CONFIG_KEYS } from '../shared/config/config-keys.ts';
import { accountKeys } from '../shared/identity/account-keys.ts';
import { openEmbeddedLog } from '../shared/log/embedded-log.ts';
import { openSqliteTable } from '../shared/table/sqlite-table.ts';
import { BY_ID, nameOf, type TableRow } from '../shared/table/table.ts';
import { send } from './testing/http.ts';
import { beat, start } from './testing/player.ts';
import { launchService, makeFolder, PATIENT, type Running } from './testing/server.ts';
import { viewIdOf } from './view-end/revision.ts';

/*
 * The whole way, on the embedded parts: what two households did, over HTTP; one of them erased, by the command; and then every
 * byte of every file of the data folder, at each time that the receipt names.
 */
const GONE = 'household-that-goes';
const STAYS = 'household-that-stays';
const SESSIONS = ['finished', 'paused', 'playing'];
const idsOf = (account: string) => ({
  accountId: account,
  profileId: `profile-of-${account}`,
  deviceName: `screen-of-${account}`,
});
const sessionOf = (account: string, session: string) => `${session}-in-${account}`;

let folder: string;
let running: Running;
let receipt: ErasureReceipt;
beforeAll(async () => {
  folder = await makeFolder();
  const env = { DATA_DIR: folder, ...PATIENT };
  running = await launchService({ env, roles: ['local', 'archive'], onOutput: () => {} });
  for (const account of [GONE, STAYS]) await live(account);
}, 60_000);
afterAll(async () => {
  running.child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** Beats of the last minute and a half, sent at once: the times at which they happened are in them. */
const live = async (account: string): Promise<void> => {
  for (const session of SESSIONS) {
    const what = {
      ...{ ...idsOf(account), sessionId: sessionOf(account, session), deviceId: `device-${session}-in-${account}` },
      ...{ contentId: `film-${session}`, durationMs: 600_000 },
    };
    expect(await send(running.url, { path: '/v1/sessions', body: start(what) })).toMatchObject({ status: 201 });
    const heartbeats = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((sequence) => {
      const state =
        sequence < 9 ? 'playing' : session === 'finished' ? 'ended' : session === 'paused' ? 'paused' : 'playing';
      return beat({ ...what, sequence, positionMs: sequence * 10_000, state, ageMs: (9 - sequence) * 10_000 });
    });
    expect(await send(running.url, { path: '/v1/heartbeats', body: { heartbeats } })).toMatchObject({ status: 202 });
    // The next one would be the third at a time.
    if (session === 'paused')
      await send(running.url, { path: `/v1/sessions/${what.sessionId}/stop`, body: { accountId: account } });
  }
};

const status = async (path: string): Promise<number> => (await send(running.url, { path })).status;
const resumeOf = (account: string, session: string): string =>
  `/v1/accounts/${account}/profiles/profile-of-${account}/resume-positions/film-${session}`;
const viewOf = (account: string, session: string): string =>
  `/v1/views/${sessionOf(account, session)}?accountId=${account}`;
const answersOf = async (account: string) => ({
  resume: await Promise.all(SESSIONS.map((session) => status(resumeOf(account, session)))),
  views: await Promise.all(SESSIONS.map((session) => status(viewOf(account, session)))),
  streams: ((await send(running.url, { path: `/v1/accounts/${account}/sessions` })).json as { sessions: unknown[] })
    .sessions.length,
});
const until = async <T>(look: () => Promise<T>, wanted: T): Promise<void> => {
  for (let left = 400; left > 0; left -= 1) {
    if (JSON.stringify(await look()) === JSON.stringify(wanted)) return;
    await setTimeout(100);
  }
  expect(await look()).toEqual(wanted);
};

const command = promisify(execFile);
const run = (name: 'erase' | 'export', account: string) => {
  const tool = fileURLToPath(new URL(`../tools/${name}.ts`, import.meta.url));
  return command(process.execPath, [tool, '--account', account, '--url', running.adminUrl], {
    env: { PATH: process.env['PATH'] },
  });
};
type Line = { readonly kind: string; readonly name: string; readonly type?: string };
const exportOf = async (account: string): Promise<readonly Line[]> =>
  (await run('export', account)).stdout
    .trim()
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text) as Line);
const placesIn = (lines: readonly Line[]): readonly string[] => [
  ...new Set(lines.map(({ kind, name }) => `${kind} ${name}`)),
];

/** All that says who it was: the account, its key in any form, and what its players called themselves. */
const needlesOf = (account: string): readonly Buffer[] => {
  const pepper = Buffer.from(readFileSync(join(folder, 'account-key-pepper'), 'utf8'), 'base64url');
  const key = accountKeys(pepper)(CONFIG_KEYS.TENANT.default, account);
  const raw = Buffer.from(key, 'base64url');
  const views = SESSIONS.map((session) => viewIdOf(key, sessionOf(account, session)));
  return [
    raw,
    ...[account, key, raw.toString('hex'), raw.toString('base64'), ...views].map((text) => Buffer.from(text)),
  ];
};
/** The files of the data folder that have any of it. */
const filesWith = (account: string, only = /./): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && only.test(entry.name))
    .filter((entry) => {
      const bytes = readFileSync(join(entry.parentPath, entry.name));
      return needlesOf(account).some((needle) => bytes.includes(needle));
    })
    .map(({ name }) => name);
/** But for the audit, which keeps for over a year what a service did to an account: here none did. */
const goneAtMs = (kinds: readonly string[]): number => {
  const places = receipt.places.filter(({ kind, name }) => kinds.includes(kind) && name !== 'audit.v1');
  return Math.max(...places.map(({ goneAtMs: atMs }) => atMs ?? 0));
};

describe('the erasure of an account', () => {
  let rows: readonly TableRow[];
  const tableAt = (atMs: number) =>
    openSqliteTable({ file: join(folder, 'tables.sqlite'), clock: () => epochMs(atMs) });

  it('finds two households of which all that can be known is known', async () => {
    for (const account of [GONE, STAYS]) {
      await until(() => answersOf(account), { resume: [200, 200, 200], views: [200, 200, 200], streams: 1 });
      const held = PLACES.flatMap((place) =>
        place.kind === 'copies' || (place.kind === 'topic' && !place.byKey) ? [] : [`${place.kind} ${place.name}`],
      );
      expect([...placesIn(await exportOf(account))].sort()).toEqual([...held].sort());
    }
  });

  it('answers with a receipt that has every place of the catalogue, and prints it', async () => {
    const { stdout } = await run('erase', GONE);
    for (const { kind, name } of PLACES) expect(stdout).toContain(`${kind} ${name}`);
    const answer = await send(running.adminUrl, { path: '/admin/erasures', body: { accountId: GONE } });
    expect(answer.status).toBe(202);
    receipt = answer.json as ErasureReceipt;
    expect(receipt.places.map(({ kind, name }) => [kind, name])).toEqual(PLACES.map(({ kind, name }) => [kind, name]));
  });

  it('makes every answer one of an account that nobody knows, and leaves the other as it was', async () => {
    await until(() => answersOf(GONE), { resume: [404, 404, 404], views: [404, 404, 404], streams: 0 });
    expect(await answersOf(STAYS)).toEqual({ resume: [200, 200, 200], views: [200, 200, 200], streams: 1 });
    const lines = await exportOf(GONE);
    expect(placesIn(lines)).toEqual(['topic heartbeats.v1', 'topic stream-decisions.v1', 'topic view-ends.v1']);
    expect(lines.filter(({ type }) => type === 'AccountErased')).toHaveLength(2);
  });

  it('leaves nothing in the state at the next checkpoint, and keys and ids alone in the tables', async () => {
    const ended = once(running.child, 'exit');
    running.child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect([...filesWith(GONE)].sort()).toEqual(['log.sqlite', 'tables.sqlite']);
    expect([...filesWith(STAYS)].sort()).toEqual(['log.sqlite', 'state.sqlite', 'tables.sqlite']);
    expect(readFileSync(join(folder, 'tables.sqlite')).includes(`device-paused-in-${GONE}`)).toBe(false);
    expect(readFileSync(join(folder, 'tables.sqlite')).includes(`device-paused-in-${STAYS}`)).toBe(true);
  });

  it('leaves nothing in the tables when the receipt says so: no byte', async () => {
    rows = await rowsOf(STAYS);
    expect(rows.length).toBeGreaterThan(30);
    const table = await tableAt(goneAtMs(['state', 'topic', 'table']) - 1);
    await table.sweep();
    expect(filesWith(GONE, /^tables/)).toEqual([]);
    await table.close();
  });

  it('leaves nothing in the log when the receipt says so, and so in no file at all', async () => {
    const atMs = goneAtMs(['topic']);
    const log = await openEmbeddedLog({
      folder,
      partitions: CONFIG_KEYS.PARTITIONS.default,
      clock: () => epochMs(atMs),
      onTrouble: (error) => {
        throw error;
      },
    });
    await log.retainNow();
    await log.close();
    expect(filesWith(GONE)).toEqual([]);
  });

  it('leaves the other household whole', async () => {
    expect(filesWith(STAYS)).toContain('tables.sqlite');
    // What is kept for less long than the receipt lasts is over by now, whoever it is of.
    const left = await rowsOf(STAYS);
    const byName = (a: TableRow, b: TableRow): number => (nameOf(a) < nameOf(b) ? -1 : 1);
    const lasting = rows.filter(({ table }) => table !== 'payloads');
    expect([...left].sort(byName)).toEqual(lasting.sort(byName));
    const countOf = (name: string): number => left.filter(({ table }) => table === name).length;
    // Two have ended, and so have their titles and views; of what still plays there is no more than that it was let in.
    expect([countOf('resume-positions'), countOf('views'), countOf('decisions')]).toEqual([2, 2, 5]);
  });

  const rowsOf = async (account: string): Promise<readonly TableRow[]> => {
    const pepper = Buffer.from(readFileSync(join(folder, 'account-key-pepper'), 'utf8'), 'base64url');
    const key = accountKeys(pepper)(CONFIG_KEYS.TENANT.default, account);
    const table = await tableAt(receipt.requestedAtMs);
    const pages = await Promise.all(
      TABLE_NAMES.map((name) => table.list({ table: name, key, list: BY_ID, below: null, limit: 100 })),
    );
    await table.close();
    return pages.flatMap((page) => page.rows);
  };
});
