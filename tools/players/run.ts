import { randomBytes } from 'node:crypto';
import { createClient } from './client.ts';
import { createHousehold, running, type Household } from './household.ts';
import { createOracle, type Oracle } from './oracle.ts';
import { createPace, RunOver } from './pace.ts';
import { createPrng } from './prng.ts';
import { askForAudiences, askForEverything } from './remembered/audit.ts';
import { createMarks, type Marks } from './remembered/marks.ts';
import type { Account } from './remembered/truth.ts';
import { playHousehold } from './script.ts';
import { createTally, type Tally } from './tally.ts';

export type RunOptions = {
  readonly url: string;
  readonly accounts: number;
  readonly minutes: number;
  readonly seed: number;
  readonly limit: number;
  /** Households that come in per second; undefined: all of them within the first tenth of the run. */
  readonly rate: number | undefined;
  /** How many times as fast as real time everything goes; the server must have the same speed. */
  readonly speed: number;
};

export type Run = {
  readonly options: RunOptions;
  readonly oracle: Oracle;
  readonly tally: Tally;
  readonly marks: Marks;
  /** Households that have come in, and their running streams. */
  population(): { readonly households: number; readonly streams: number };
  elapsedSeconds(): number;
  /** What the run cost this process: its calls, and its processor time until now. */
  cost(): { readonly calls: number; readonly cpuMs: number };
  /** Resolves when the run is over and everything is stopped. */
  readonly finished: Promise<unknown>;
  /** Ends the run early, in the same orderly way. */
  end(): void;
};

/** Of the contract; it is the network's time, so no speed shortens it. */
const TIMEOUT_MS = 3_000;
const SOCKETS = 256;

export function startRun(options: RunOptions): Run {
  const { url, accounts, minutes, seed, limit, speed } = options;
  const pace = createPace(speed);
  const client = createClient({ url, timeoutMs: TIMEOUT_MS, sockets: SOCKETS });
  const oracle = createOracle({ limit });
  const tally = createTally();
  const marks = createMarks();
  // Two runs against one server must not meet in a household or in a content, not even with the same seed.
  const prefix = randomBytes(4).toString('hex');
  const stage = { pace, client, oracle, tally, limit, marks, contentPrefix: prefix, epochMs: Date.now() };
  const rng = createPrng(seed);
  const runMs = minutes * 60_000;
  const spreadMs = options.rate === undefined ? runMs / 10 : (accounts / options.rate) * 1_000;
  const households: Household[] = [];
  const known: Account[] = [];
  const cpuAtStart = process.cpuUsage();
  let elapsedMs: number | undefined;

  const lives = Array.from({ length: accounts }, async (_, index) => {
    const arrived = await pace.sleep((spreadMs * index) / accounts).then(
      () => true,
      () => false,
    );
    if (!arrived) return;
    const household = createHousehold(stage, `${prefix}-${index}`, rng.fork(index));
    households.push(household);
    known.push(household.account);
    await playHousehold(household, index);
  });
  pace.after(runMs, pace.end);

  const audiences = askForAudiences(stage, known, rng.fork(-1)).catch((error: unknown) => {
    if (!(error instanceof RunOver)) throw error;
  });
  const play = async (): Promise<void> => {
    await Promise.all([...lives, audiences]);
    elapsedMs = pace.nowMs();
    // Of a server that decided nothing there is nothing to be remembered.
    if (oracle.counts.startsDecided > 0) await askForEverything(stage, known, rng.fork(-1));
  };
  const finished = play().finally(async () => {
    pace.end();
    await client.close();
    elapsedMs ??= pace.nowMs();
  });

  return {
    options,
    oracle,
    tally,
    marks,
    finished,
    end: pace.end,
    elapsedSeconds: () => (elapsedMs ?? pace.nowMs()) / speed / 1_000,
    cost: () => {
      const { user, system } = process.cpuUsage(cpuAtStart);
      return { calls: client.calls(), cpuMs: (user + system) / 1_000 };
    },
    population: () => ({
      households: households.length,
      streams: households.reduce((sum, household) => sum + running(household).length, 0),
    }),
  };
}
