import { parentPort, workerData } from 'node:worker_threads';
import { loadEngine } from './engine.ts';
import { runSeed } from './world.ts';

/** A thread that runs the seeds it is handed, one at a time, on the product in `folder`. */
export type WorkerData = { readonly folder: string; readonly hours: number };

const { folder, hours } = workerData as WorkerData;
const engine = await loadEngine(folder);
parentPort?.on('message', (seed: number) => parentPort?.postMessage(runSeed(engine, { seed, hours })));
parentPort?.postMessage('ready');
