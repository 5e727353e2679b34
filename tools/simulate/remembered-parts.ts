import type { Prng } from '../players/prng.ts';
import type { Engine } from './engine.ts';
import type { Follower } from './follower.ts';
import type { OracleParts } from './oracle.ts';
import type { Schedule } from './schedule.ts';
import type { SimLog } from './sim-log.ts';
import type { Trace } from './trace.ts';

/** What follows the log beside concurrency. */
export type Remembered = {
  readonly followers: readonly Follower[];
  finish(): void;
  /** Figures of audiences that were counted again. */
  recounts(): number;
};

export type RememberedParts = {
  readonly engine: Engine;
  readonly rng: Prng;
  readonly schedule: Schedule;
  readonly log: SimLog;
  readonly trace: Trace;
  readonly key: string;
  readonly faultRate: number;
  readonly wasSteady: OracleParts['wasSteady'];
};

/** They see some tens of records at a time, so that fewer batches have as much happen to them. */
export const BATCH_MS = 180_000;
export const faultsOf = ({ faultRate }: RememberedParts): number => Math.min(0.3, 8 * faultRate);
