import type { Caught } from './mutate.ts';
import type { SeedCount, SeedResult } from './world.ts';

export type Summary = {
  readonly seeds: number;
  readonly counts: Readonly<Record<SeedCount, number>>;
  readonly failed: readonly SeedResult[];
  readonly seconds: number;
};

export const summarize = (results: readonly SeedResult[], seconds: number): Summary => {
  const counts: Record<SeedCount, number> = {
    records: 0,
    claims: 0,
    denials: 0,
    evictions: 0,
    displaced: 0,
    crashes: 0,
    rewinds: 0,
    fences: 0,
    wipes: 0,
    rebuilds: 0,
    repeats: 0,
    errors: 0,
    recounts: 0,
  };
  for (const result of results) {
    for (const name of Object.keys(counts) as SeedCount[]) counts[name] += result.counts[name];
  }
  const failed = results.filter((r) => r.failure !== null).sort((a, b) => a.seed - b.seed);
  return { seeds: results.length, counts, failed, seconds };
};

const SAID: Readonly<Record<SeedCount, string>> = {
  records: 'records in the log',
  claims: 'claims judged',
  denials: 'denied',
  evictions: 'evicted',
  displaced: 'displaced in silence',
  crashes: 'crashes',
  rewinds: 'commits on a store that went back',
  fences: 'owners fenced',
  wipes: 'losses of all state',
  rebuilds: 'rebuilds from the log',
  repeats: 'outputs sent again',
  errors: 'steps that failed and were tried again',
  recounts: 'audiences counted again',
};

export const tableOf = ({ seeds, counts, failed, seconds }: Summary): string => {
  const rows: readonly (readonly [string, string])[] = [
    ['seeds', String(seeds)],
    ...(Object.keys(SAID) as SeedCount[]).map((name) => [SAID[name], String(counts[name])] as const),
    ['violations', String(failed.length)],
    ['seconds', seconds.toFixed(1)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const digits = Math.max(...rows.map(([, value]) => value.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value.padStart(digits)}`).join('\n');
};

/** What was violated, and what happened last: fewer ticks than everything else. */
export const storyOf = ({ seed, failure }: SeedResult, lines: number): string => {
  if (failure === null) return `seed ${seed}: nothing violated`;
  const told = failure.trace.filter((line) => !line.endsWith(' tick')).slice(-lines);
  return `seed ${seed}: ${failure.text}\n${told.map((line) => `  ${line.slice(0, 400)}`).join('\n')}`;
};

export const caughtLine = ({ mutation, seed, invariant, text }: Caught): string => {
  const by = seed === null ? 'not caught' : `${invariant} at seed ${seed}`;
  return `${mutation.padEnd(28)} ${by.padEnd(25)} ${(text.split('\n')[0] ?? '').slice(0, 90)}`.trimEnd();
};
