import { setTimeout as sleep } from 'node:timers/promises';
import { concurrency } from '../../services/concurrency/concurrency.ts';
import type { Log } from '../../shared/log/log.ts';
import { StateUnavailable } from '../../shared/state/state-errors.ts';
import type { StateStore } from '../../shared/state/state.ts';
import { PARTITIONS } from '../lives.ts';
import type { Program } from '../processes.ts';

export type Drained = {
  readonly records: number;
  readonly perSecond: number;
  readonly cpuSecondsPerMillion: number;
  /** The share of its core that the processor used. */
  readonly busy: number;
  readonly rssMiB: number;
  readonly mostRssMiB: number;
  /** With the start of the process. */
  readonly allSeconds: number;
};

const LOOK_MS = 100;
const LONGEST_MS = 600_000;

/** How fast a processor that has just been started folds all that the log holds: from the last look before its first commit to its last. */
export const drained = async (
  owner: Program,
  { log, store, startedMs }: { readonly log: Log; readonly store: StateStore; readonly startedMs: number },
): Promise<Drained> => {
  const numbers = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  const ends = await Promise.all(
    numbers.map(async (partition) => (await log.bounds(concurrency.input, partition)).end),
  );
  const records = ends.reduce((sum, end) => sum + end, 0);
  const look = async () => {
    const views = await Promise.all(numbers.map((partition) => store.read(concurrency.name, partition, [])));
    // What is appended meanwhile, such as the owner's policy, is not part of it.
    const folded = views.reduce((sum, { checkpoint }, i) => sum + Math.min(ends[i]!, checkpoint?.offset ?? 0), 0);
    return { folded, atMs: performance.now(), cpuSeconds: owner.cpuSeconds() };
  };
  let first = await look();
  let last = first;
  while (last.folded < records) {
    await sleep(LOOK_MS);
    // A Redis that has no time for the one who looks has it for the owner.
    last = await look().catch((error: unknown) => {
      if (error instanceof StateUnavailable) return last;
      throw error;
    });
    if (last.folded === 0) first = last;
    if (performance.now() - startedMs > LONGEST_MS) throw new Error(`${last.folded} of ${records} records are folded`);
  }
  const folded = last.folded - first.folded;
  const tookMs = last.atMs - first.atMs;
  const cpuSeconds = last.cpuSeconds - first.cpuSeconds;
  const { nowMiB, mostMiB } = owner.memory();
  return {
    records,
    perSecond: (folded * 1_000) / tookMs,
    cpuSecondsPerMillion: (cpuSeconds * 1e6) / folded,
    busy: (cpuSeconds * 1_000) / tookMs,
    rssMiB: nowMiB,
    mostRssMiB: mostMiB,
    allSeconds: (last.atMs - startedMs) / 1_000,
  };
};
