import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../steps.ts';
import type { Mutation, Patch } from './mutations.ts';
import { runSeeds } from './pool.ts';
import type { Failure } from './world.ts';

export type Caught = {
  readonly mutation: string;
  /** The seed that caught it; null: none of those tried did. */
  readonly seed: number | null;
  readonly invariant: Failure['invariant'] | null;
  readonly text: string;
};
export type MutationOptions = { readonly seeds: readonly number[]; readonly hours: number };

/** Few seeds and short days, in an order in which each bug is met soon. */
export const MUTATION_RUN: MutationOptions = { seeds: [14, 37, 70, 1, 7, 8, 11, 78, 93, 9], hours: 8 };

const COPIED = ['schemas', 'services', 'shared', 'package.json'];
const isCopied = (path: string): boolean => !path.endsWith('.test.ts');

/** Runs seeds against a copy of the product with this bug, until one of them fails. */
export const hunt = async (mutation: Mutation, { seeds, hours }: MutationOptions): Promise<Caught> => {
  const folder = await mkdtemp(join(tmpdir(), 'playbeat-mutation-'));
  let caught: Caught = { mutation: mutation.name, seed: null, invariant: null, text: '' };
  try {
    for (const name of COPIED) await cp(join(root, name), join(folder, name), { recursive: true, filter: isCopied });
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const patch of mutation.patches) await apply(folder, patch);
    await runSeeds({
      folder,
      hours,
      seeds,
      workers: 1,
      onResult: ({ seed, failure }) => {
        if (failure === null) return true;
        caught = { mutation: mutation.name, seed, invariant: failure.invariant, text: failure.text };
        return false;
      },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return caught;
};

const apply = async (folder: string, patch: Patch): Promise<void> => {
  const { path, text } = await placeOf(folder, patch);
  await writeFile(
    path,
    text.replace(patch.find, () => patch.replace),
  );
};

/** The one file of a source in which the patch finds its text, once. Throws where there is none, or another. */
export const placeOf = async (
  folder: string,
  { within, find }: Patch,
): Promise<{ readonly path: string; readonly text: string }> => {
  const found: { path: string; text: string }[] = [];
  for (const file of await readdir(join(folder, within))) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    const path = join(folder, within, file);
    const text = await readFile(path, 'utf8');
    for (let places = text.split(find).length - 1; places > 0; places -= 1) found.push({ path, text });
  }
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Error(`${within} has ${found.length} places, not one, that read: ${find}`);
  }
  return only;
};

/** All of them, `width` at a time. */
export const huntAll = async (
  mutations: readonly Mutation[],
  options: MutationOptions & { readonly width: number; readonly onCaught: (caught: Caught) => void },
): Promise<readonly Caught[]> => {
  const waiting = [...mutations];
  const all: Caught[] = [];
  const one = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const caught = await hunt(next, options);
      all.push(caught);
      options.onCaught(caught);
    }
  };
  await Promise.all(Array.from({ length: options.width }, one));
  return mutations.map(({ name }) => all.find((c) => c.mutation === name)!);
};
