import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { concurrency } from '../../services/concurrency/concurrency.ts';
import { openEmbeddedLog } from '../../shared/log/embedded-log.ts';
import type { Log } from '../../shared/log/log.ts';
import { openEmbeddedState } from '../../shared/state/embedded-state.ts';
import {
  AHEAD,
  appendAll,
  caughtUp,
  handClock,
  type HandClock,
  read,
  run,
  temporaryFolder,
} from '../embedded-parts.ts';
import { packing } from '../folds.ts';
import { type Chunk, livesOf, PARTITIONS, recordsOf } from '../lives.ts';
import { alternate, type Bench, rowOf } from '../row.ts';

/**
 * P7: the state is deleted and made again from the log, against the rate at which the same records were appended and
 * folded live. The live rate comes first in each round, since it makes the log that the rebuild reads.
 */
export const rebuilding: Bench = async ({ rounds, accounts }, say) => {
  // Made before: the live rate is that of log and fold, and not of making records.
  const chunks = [...livesOf(accounts)];
  const total = recordsOf(accounts);
  let rebuildMs = Number.NaN;
  const both = async (): Promise<number> => {
    const lived = await liveThenRebuild(chunks);
    rebuildMs = lived.rebuildMs;
    return (total * 1_000) / lived.liveMs;
  };
  await both();
  let live = Number.NaN;
  const measured = await alternate({
    rounds,
    say,
    name: 'P7',
    ours: async () => {
      live = await both();
      return (total * 1_000) / rebuildMs;
    },
    baseline: () => live,
  });
  return [rowOf('P7', measured, [`${total} records of ${accounts} accounts; live is log and fold, without HTTP`])];
};

const liveThenRebuild = async (chunks: readonly Chunk[]): Promise<{ liveMs: number; rebuildMs: number }> => {
  const folder = temporaryFolder();
  const clock = handClock();
  const log = await openEmbeddedLog({ folder, partitions: PARTITIONS, clock: read(clock) });
  const liveMs = await folded({ folder, log, clock }, () => appendAll(log, chunks, { clock, ahead: AHEAD }));
  for (const end of ['', '-wal', '-shm']) rmSync(join(folder, `state.sqlite${end}`), { force: true });
  const rebuildMs = await folded({ folder, log, clock }, async () => {});
  await log.close();
  rmSync(folder, { recursive: true, force: true });
  return { liveMs, rebuildMs };
};

type Place = { readonly folder: string; readonly log: Log; readonly clock: HandClock };

/** How long it takes until all that `feed` appends, and all that was there, is folded. */
const folded = async ({ folder, log, clock }: Place, feed: () => Promise<void>): Promise<number> => {
  globalThis.gc?.();
  const store = await openEmbeddedState({
    folder,
    packing,
    onError: (error) => {
      throw error;
    },
  });
  const parts = { processor: concurrency, log, store, clock };
  const started = performance.now();
  const running = await run(parts);
  await feed();
  await caughtUp(parts);
  const tookMs = performance.now() - started;
  await running.close();
  await store.close();
  return tookMs;
};
