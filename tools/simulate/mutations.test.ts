import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { root } from '../steps.ts';
import { type Caught, placeOf } from './mutate.ts';
import { MUTATIONS } from './mutations.ts';
import { INVARIANTS } from './violation.ts';

/** All of them take minutes: `npm run simulate -- --mutations`. */
const EVERY = 4;

type Hunted = { readonly unmutated: Caught; readonly caught: readonly Caught[] };

/** In a process of its own: the copies of the source are loaded by Node, as the product is. */
const hunted = async (): Promise<Hunted> => {
  const args = ['tools/simulate/main.ts', '--mutations', '--every', String(EVERY), '--json'];
  const run = promisify(execFile)(process.execPath, args, { cwd: root, maxBuffer: 16 * 1_024 * 1_024 });
  // It ends with 1 where one escaped; without a word of what it caught it broke.
  const { stdout } = await run.catch((error: Error & { stdout: string }) => {
    if (error.stdout === '') throw error;
    return error;
  });
  return JSON.parse(stdout) as Hunted;
};

describe('the list of mutations', () => {
  it('is the table of docs/reference/mutations.md', async () => {
    const text = await readFile(`${root}/docs/reference/mutations.md`, 'utf8');
    const listed = [...text.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name);
    expect(MUTATIONS.map(({ name }) => name).sort()).toEqual(listed.sort());
    expect(listed.length).toBeGreaterThanOrEqual(12);
  });

  it('has each bug find its place in the source, once', async () => {
    for (const { patches } of MUTATIONS) for (const patch of patches) await placeOf(root, patch);
  });

  it('is caught by an invariant, of four bugs one, and the source as it is passes the same seeds', async () => {
    const { unmutated, caught } = await hunted();
    expect(unmutated).toMatchObject({ seed: null, text: '' });
    const escaped = caught.filter(({ invariant }) => invariant === null || !Object.hasOwn(INVARIANTS, invariant));
    expect(escaped).toEqual([]);
    expect(caught).toHaveLength(Math.ceil(MUTATIONS.length / EVERY));
  }, 300_000);
});
