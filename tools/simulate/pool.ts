import { Worker } from 'node:worker_threads';
import type { WorkerData } from './worker.ts';
import type { SeedResult } from './world.ts';

export type PoolOptions = WorkerData & {
  readonly seeds: readonly number[];
  readonly workers: number;
  /** Called as each seed ends; answers whether to go on. */
  readonly onResult: (result: SeedResult) => boolean;
};

/** Spreads seeds over threads: each gets the next one when it is done with its last. */
export const runSeeds = async ({ folder, hours, seeds, workers, onResult }: PoolOptions): Promise<void> => {
  const waiting = [...seeds];
  let stop = false;
  const thread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const data: WorkerData = { folder, hours };
      const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: data });
      const end = (): void => void worker.terminate().then(() => resolve(), reject);
      worker.on('error', reject);
      worker.on('message', (message: SeedResult | 'ready') => {
        if (message !== 'ready' && !onResult(message)) stop = true;
        const seed = stop ? undefined : waiting.shift();
        if (seed === undefined) end();
        else worker.postMessage(seed);
      });
    });
  await Promise.all(Array.from({ length: Math.min(workers, seeds.length) }, thread));
};
