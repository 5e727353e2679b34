import type { Environment } from './config-reader.ts';
import { CONFIG_KEYS } from './config-keys.ts';

const NAMES = Object.keys(CONFIG_KEYS);

/**
 * The environment belongs to everybody, so an unknown name is not an error, but one that looks like ours is: a limit
 * that was meant and not set is worse than a start that fails.
 */
export const misspelt = (env: Environment): readonly string[] =>
  Object.keys(env)
    .filter((name) => env[name] !== undefined && !NAMES.includes(name))
    .flatMap((name) => {
      const bare = name.replace(/^PLAYBEAT_/, '');
      const near = nearest(bare);
      if (bare !== name) {
        return [`${name} is not known: no name starts with PLAYBEAT_${near === null ? '' : `; did you mean ${near}?`}`];
      }
      return near === null ? [] : [`${name} is not known; did you mean ${near}?`];
    });

const nearest = (name: string): string | null => {
  const upper = name.toUpperCase();
  const scored = NAMES.map((known) => ({ known, edits: known === `${upper}_MS` ? 1 : distance(upper, known) }))
    // Two edits turn HOST into HOME and AUTH into PATH: short names get one.
    .filter(({ known, edits }) => edits <= (known.length <= 5 ? 1 : 2))
    .sort((a, b) => a.edits - b.edits);
  return scored[0]?.known ?? null;
};

/** Edits of one letter between two names: put in, left out, changed, or swapped with its neighbour. */
const distance = (a: string, b: string): number => {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, before[j - 2]! + 1);
      row.push(edits);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
};
