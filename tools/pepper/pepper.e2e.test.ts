import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fencesOf, readPage } from '../../docs/testing/fences.ts';
import { runToEnd } from '../../services/testing/server.ts';
import { CONFIG_KEYS } from '../../shared/config/config-keys.ts';
import { countedIn, FORGOTTEN, HOMES, type Households, openHouseholds } from './households.ts';
import { begin, type Begun, movedContract } from './moved.contract.ts';

/*
 * On embedded parts. One tenant gets another pepper, by the command, which is killed in each of its steps; then the same is asked
 * again, players go on, and every byte of the data folder is looked at.
 */
const PATIENCE_MS = 60_000;

let homes: Households;
let begun: Begun;

beforeAll(async () => {
  homes = await openHouseholds({});
  begun = await begin(homes);
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

  movedContract(() => ({ homes, begun }), PATIENCE_MS);
});
