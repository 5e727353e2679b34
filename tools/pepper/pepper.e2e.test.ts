import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fencesOf, readPage } from '../../docs/testing/fences.ts';
import { runToEnd } from '../../services/testing/server.ts';
import { CONFIG_KEYS } from '../../shared/config/config-keys.ts';
import {
  countedIn,
  everyHome,
  FORGOTTEN,
  HOMES,
  type Households,
  type Kept,
  LIMIT,
  openHouseholds,
} from './households.ts';

/*
 * On embedded parts. One tenant gets another pepper, by the command, which is killed in each of its steps; then the same is asked
 * again, players go on, and every byte of the data folder is looked at.
 */
let homes: Households;
let positions: readonly string[];
let before: readonly Kept[];

beforeAll(async () => {
  homes = await openHouseholds({});
  await homes.launch('1');
  await homes.live();
  await homes.beatAll(2);
  before = await homes.settled();
  positions = await Promise.all(HOMES.map(async (home) => (await homes.streamsOf('north', home)).position ?? ''));
}, 120_000);
afterAll(() => homes?.close());

const filesWith = (key: string): readonly string[] =>
  readdirSync(homes.folder)
    .filter((name) => readFileSync(join(homes.folder, name)).includes(key))
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
    const { code, said } = await homes.command(['--go']);
    expect([code, said]).toEqual([1, expect.stringContaining('is in use by another process')]);
    expect(await homes.stop()).toEqual([0, null]);
  });

  it('is counted before anything is written: what moves, what stays, and what no account of the list has', async () => {
    const files = () => HOMES.map((home) => filesWith(homes.keyOf('north', home, 'before')));
    const asBefore = files();
    expect(asBefore).toEqual(HOMES.map(() => ['log.sqlite', 'state.sqlite', 'tables.sqlite']));
    const { code, said } = await homes.command([]);
    expect([code, said]).toEqual([0, expect.stringContaining('Nothing was written.')]);
    const [moves, stays, unknown, keys] = countedIn(said);
    // Of 11 households that did the same: five move, five are of the other tenant, one is in nobody's list.
    expect([stays, unknown! > 0, keys]).toEqual([moves, true, 1]);
    expect(files()).toEqual(asBefore);
  });

  it.each(['Moving the log', 'The log is of generation 2', 'rows were moved'])(
    'may be killed when it says "%s"',
    async (line) => {
      expect(await homes.command(['--go'], line)).toMatchObject({ signal: 'SIGKILL' });
    },
  );

  it('goes on where it was', async () => {
    const { code, said } = await homes.command(['--go']);
    expect([code, said]).toEqual([0, expect.stringContaining('Done. Start with LOG_GENERATION=2')]);
  });

  it('leaves no key of before in any file, but of the other tenant and of whom nobody named', () => {
    for (const home of HOMES) {
      expect([home, filesWith(homes.keyOf('north', home, 'before'))]).toEqual([home, []]);
      expect([home, filesWith(homes.keyOf('north', home, 'after'))]).toEqual([home, ['log.sqlite', 'tables.sqlite']]);
      expect([home, filesWith(homes.keyOf('south', home, 'before'))]).toEqual([home, ['log.sqlite', 'tables.sqlite']]);
    }
    expect(filesWith(homes.keyOf('north', FORGOTTEN, 'before'))).toEqual(['log.sqlite', 'tables.sqlite']);
  });

  it('is not mistaken for the one before: a service that says another generation does not start', async () => {
    const { code, stderr } = await runToEnd({ ...homes.env, LOG_GENERATION: '1' });
    expect([code, stderr]).toEqual([1, expect.stringContaining('it is of generation 2: start with LOG_GENERATION=2')]);
  });

  it('changes nothing of what callers are told, and nothing is told twice', async () => {
    await homes.launch('2');
    const after = await homes.settled();
    for (const [i, { viewId, ...kept }] of after.entries()) {
      const { viewId: viewIdBefore, ...keptBefore } = before[i]!;
      expect(kept).toEqual(keptBefore);
      expect(viewId === viewIdBefore).toBe(i >= HOMES.length);
    }
  });

  it('leaves every stream its slot: it plays on with its old token, and one more is refused', async () => {
    expect(new Set(await homes.beatAll(3))).toEqual(new Set(['OK']));
    for (const [tenant, home] of everyHome()) {
      expect((await homes.streamsOf(tenant, home)).sessions).toHaveLength(LIMIT);
      expect(await homes.startMore(tenant, home)).toMatchObject({ code: 'STREAM_LIMIT_EXCEEDED' });
    }
  });

  it('takes a position of before for one that every answer includes, and gives new ones', async () => {
    for (const [i, home] of HOMES.entries()) {
      const { position, sessions } = await homes.streamsOf('north', home, `?after=${positions[i]}`);
      expect([sessions.length, position?.startsWith('2.')]).toEqual([LIMIT, true]);
    }
  });

  it('knows nobody under the key of an account that was not in the list', async () => {
    expect((await homes.streamsOf('north', FORGOTTEN)).sessions).toEqual([]);
  });
});
