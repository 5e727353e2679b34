import { MUTATIONS_FOLD } from './mutations-fold.ts';
import { MUTATIONS_REMEMBERED } from './mutations-remembered.ts';
import { MUTATIONS_RUNTIME } from './mutations-runtime.ts';
import { MUTATIONS_TRENDING } from './mutations-trending.ts';

/**
 * A bug put in on purpose: exact replacements in a copy of the source. Each text has to stand in its room once, so that
 * the list cannot rot. `docs/reference/mutations.md` says what each is.
 */
export type Mutation = { readonly name: string; readonly patches: readonly Patch[] };
/** `within`: the folder in whose source it stands. */
export type Patch = { readonly within: string; readonly find: string; readonly replace: string };

export const MUTATIONS: readonly Mutation[] = [
  ...MUTATIONS_RUNTIME,
  ...MUTATIONS_FOLD,
  ...MUTATIONS_REMEMBERED,
  ...MUTATIONS_TRENDING,
];
