import { SECOND_MS, epochMs } from '../schemas/time.ts';
import type { Log } from '../shared/log/log.ts';
import { LogOutOfRange } from '../shared/log/log-errors.ts';
import { offsetOf, positionOf } from '../shared/log/position.ts';
import { availably } from './availability.ts';
import { concurrency } from './concurrency/concurrency.ts';
import { accountReplay } from './concurrency/replay.ts';
import type { ReplayAccount, Replayed } from './decision-ledger/explain.ts';
import type { Route } from '../shared/http/route.ts';
import { type LedgerApi, ledgerRoutes } from './decision-ledger/routes.ts';

export type LedgerOptions = Omit<LedgerApi, 'replay'> & {
  readonly log: Pick<Log, 'read' | 'bounds' | 'offsetAt'>;
  readonly clock: () => number;
};

/** The routes of the ledger: what was decided, and the fold that decided it once more. */
export const openLedger = (options: LedgerOptions): readonly Route[] =>
  ledgerRoutes({ ...options, replay: availably(replayFrom(options)) });

/** Reading may take so long; who asks has a time-out of 30 s. */
const REPLAY_MS = 10 * SECOND_MS;
/** Milliseconds of work, then others are served. */
const RECORDS = 1_000;

export const replayFrom =
  ({ log, clock, breathe }: Pick<LedgerOptions, 'log' | 'clock' | 'breathe'>): ReplayAccount =>
  async ({ key, sinceMs, until }): Promise<Replayed | null> => {
    const { input, rebuildWindowMs } = concurrency;
    const { partition } = until;
    const untilOffset = offsetOf(until);
    const deadlineMs = clock() + REPLAY_MS;
    const { first } = await log.bounds(input, partition);
    const from = await log.offsetAt(input, partition, epochMs(Math.max(0, sinceMs - rebuildWindowMs)));
    const replay = accountReplay(partition, key);
    for (let at = from; at <= untilOffset;) {
      if (clock() > deadlineMs) return null;
      const batch = await log.read(input, partition, at, RECORDS).catch(unlessGone);
      if (batch === null || batch.to === at) break;
      for (const record of batch.records) if (record.offset <= untilOffset) replay.take(record);
      at = batch.to;
      await breathe();
    }
    return {
      from: positionOf(partition, from),
      // Before the first record of a generation there may have been another one.
      whole: from > first || first === 0,
      decisions: replay.decisions,
    };
  };

/** Retention has taken it while it was being read: what was read before is all there is. */
const unlessGone = (error: unknown): null => {
  if (error instanceof LogOutOfRange) return null;
  throw error;
};
