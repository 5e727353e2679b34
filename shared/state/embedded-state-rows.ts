import { epochMs, liveMs } from '../../schemas/time.ts';
import type { Commit, Owner, Row } from './state.ts';

/** For the tests: the n-th commit of a program that is going to be killed. What it wrote follows from n alone. */
export const KEYS = 3_000;
const ROWS = 40;

export const commitOf = (owner: Owner, n: number): Commit => ({
  owner,
  from: n === 1 ? null : n - 1,
  to: {
    offset: n,
    clock: { liveMs: liveMs(n), appendedAtMs: epochMs(n), heldUntilMs: epochMs(0) },
    control: { n },
    rebuild: null,
  },
  rows: rowsOf(n),
});

export const rowsOf = (n: number): ReadonlyMap<string, Row | null> => {
  const rows = new Map<string, Row | null>();
  for (let i = 0; i < ROWS; i += 1) {
    const key = `key-${(n * 37 + i * 11) % KEYS}`;
    rows.set(key, (n + i) % 5 === 0 ? null : { state: { n, i }, version: 1, dueMs: liveMs(n + i) });
  }
  return rows;
};
