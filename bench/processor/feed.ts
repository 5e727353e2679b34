import { setTimeout as sleep } from 'node:timers/promises';
import { concurrency } from '../../services/concurrency/concurrency.ts';
import type { Log, NewRecord } from '../../shared/log/log.ts';
import { partitionOf } from '../../shared/log/partition.ts';
import { BEATS_PER_START, PARTITIONS } from '../lives.ts';
import { BEAT_EVERY_MS, beatRecord, nthAccount, startRecord } from '../records.ts';

/** Some records of one partition that are stored. */
export type Fed = {
  readonly partition: number;
  readonly records: number;
  /** The offset behind them. */
  readonly to: number;
  /** When they were given to the log, and when it said that it has them. */
  readonly calledMs: number;
  readonly storedMs: number;
};

export type Feed = {
  /** Resolves when all that was begun is stored. */
  stop(): Promise<void>;
};

export type FeedOptions = {
  readonly log: Log;
  readonly perSecond: number;
  /** Those that are there, with all their beats so far; as many of them live on as the rate allows. Starts are of new ones. */
  readonly accounts: number;
  /** How many records a feed before this one has made. */
  readonly made: number;
  onFed(fed: Fed): void;
  onError(error: unknown): void;
};

const TURN_MS = 1;
const EACH = 1 + BEATS_PER_START;

/** Lives go on at a steady rate: beats of those who live, and a start for every seven of them. */
export const startFeed = ({ log, perSecond, accounts, made: before, onFed, onError }: FeedOptions): Feed => {
  // Whoever beats more seldom than every 10 s is none that lives.
  const living = Math.min(accounts, Math.ceil((perSecond * BEAT_EVERY_MS * BEATS_PER_START) / (1_000 * EACH)));
  let stopped = false;
  let made = before;
  const underWay = new Set<Promise<void>>();
  const next = (): NewRecord => {
    const turn = Math.floor(made / EACH);
    const nowMs = Date.now();
    made += 1;
    if (made % EACH === 0) return startRecord(accounts + turn, nowMs);
    const beat = made - turn - 1;
    return beatRecord(nthAccount(beat % living, accounts), EACH + Math.floor(beat / living), nowMs);
  };
  const append = async (partition: number, records: readonly NewRecord[]): Promise<void> => {
    const calledMs = performance.now();
    const { baseOffset } = await log.append(concurrency.input, partition, records);
    const to = baseOffset + records.length;
    onFed({ partition, records: records.length, to, calledMs, storedMs: performance.now() });
  };
  const run = async (): Promise<void> => {
    const startedMs = performance.now();
    while (!stopped) {
      const due = before + ((performance.now() - startedMs) * perSecond) / 1_000;
      const byPartition: NewRecord[][] = Array.from({ length: PARTITIONS }, () => []);
      while (made < due) {
        const record = next();
        byPartition[partitionOf(record.key ?? '', PARTITIONS)]!.push(record);
      }
      for (const [partition, records] of byPartition.entries()) {
        if (records.length === 0) continue;
        const appending: Promise<void> = append(partition, records)
          .catch(onError)
          .finally(() => underWay.delete(appending));
        underWay.add(appending);
      }
      await sleep(TURN_MS);
    }
    await Promise.all(underWay);
  };
  const done = run();
  return {
    stop: () => {
      stopped = true;
      return done;
    },
  };
};
