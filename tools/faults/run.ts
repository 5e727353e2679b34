import { setTimeout as sleep } from 'node:timers/promises';
import { type Load, startLoad } from '../../services/testing/load.ts';
import { randomOf } from '../../services/testing/random.ts';
import { type Truth, truthOn } from '../../services/testing/truth.ts';
import { makeReport, objectionsOf, type Report } from '../players/report.ts';
import { type Run, startRun } from '../players/run.ts';
import { type FaultName, FAULTS, faultsInOrder } from './kinds.ts';
import { untilWell } from './watch.ts';
import { startWorld, type World } from './world.ts';

export type FaultsOptions = {
  readonly seconds: number;
  readonly seed: number;
  readonly accounts: number;
  readonly names: readonly FaultName[];
  /** From one fault to the next, at least; the next only when all is well again. */
  readonly everyMs: number;
  /** What the processes say is kept here. */
  readonly logs?: string;
  readonly onFault?: (fault: FaultReport) => void;
};

export type FaultReport = {
  readonly number: number;
  readonly name: FaultName;
  /** Until it was mended, and from then until all was well again. */
  readonly tookMs: number;
  readonly wellAfterMs: number;
  /** Degraded answers from its beginning to 10 s after its end. */
  readonly degraded: number;
};

export type FaultsReport = {
  readonly violations: readonly string[];
  /** What took longer, or was degraded longer, than it may on a machine that does nothing else. */
  readonly late: readonly string[];
  readonly faults: readonly FaultReport[];
  readonly players: Report;
  readonly truth: Truth;
  readonly acknowledged: number;
  readonly answers: number;
  readonly degraded: number;
};

/** A cluster may say that it is degraded for so long after the end of a fault. */
const DEGRADED_AFTER_MS = 10_000;
const DEGRADED_SHARE = 0.02;
const SAMPLE_MS = 100;
const WARM_UP_MS = 5_000;
const LOAD_HOUSEHOLDS = 6;
const LOAD_THINK_MS = 150;

const inSeconds = (ms: number): string => (ms / 1_000).toFixed(1);

type Parties = { readonly world: World; readonly load: Load; readonly players: Run };

/** Breaks a cluster in every way, one after the other, while households play on it that know what they are owed. */
export const runFaults = async (options: FaultsOptions): Promise<FaultsReport> => {
  const { seed, accounts, seconds } = options;
  const world = await startWorld({
    ingest: 2,
    owners: 3,
    seed,
    ...(options.logs === undefined ? {} : { logs: options.logs }),
  });
  try {
    await untilWell(world.cluster);
    const { url } = world.cluster;
    const load = startLoad({ url: () => url, households: LOAD_HOUSEHOLDS, seed, thinkMs: LOAD_THINK_MS });
    const minutes = seconds / 60 + 60;
    const players = startRun({ url, accounts, minutes, seed, limit: 2, rate: Math.max(5, accounts / 20), speed: 1 });
    const { faults, late } = await breakAll({ world, load, players }, options);
    await load.finish();
    players.end();
    await players.finished;
    const folded = await world.cluster.quiet();
    const { rebuiltFrom, cluster } = world;
    const truth = await truthOn(cluster.env, load.ledger, { rebuiltFrom, folded });
    return judge({ load, players }, truth, faults, late);
  } finally {
    await world.close();
  }
};

const breakAll = async (
  { world, load, players }: Parties,
  { seed, seconds, names, everyMs, onFault }: FaultsOptions,
) => {
  const random = randomOf(seed);
  const order = faultsInOrder(random, names);
  const faults: FaultReport[] = [];
  const late: string[] = [];
  const degraded = (): number => load.ledger.degraded + players.oracle.counts.degraded;

  let excusedUntilMs = performance.now();
  let seen = 0;
  let mendedMs = performance.now();
  let sampledMs = mendedMs;
  const unexcused: string[] = [];
  const sampler = setInterval(() => {
    const now = degraded();
    const nowMs = performance.now();
    if (now > seen && nowMs - excusedUntilMs > SAMPLE_MS)
      unexcused.push(
        `${now - seen} degraded answers ${inSeconds(nowMs - mendedMs)} s after the fault before, ` +
          `seen ${Math.round(nowMs - sampledMs)} ms after the look before`,
      );
    seen = now;
    sampledMs = nowMs;
  }, SAMPLE_MS);
  const noteUnexcused = (before: string): void => {
    late.push(...unexcused.splice(0).map((answers) => `${answers}; before ${before}`));
  };

  try {
    await sleep(WARM_UP_MS);
    const endMs = performance.now() + seconds * 1_000;
    for (let number = 1; performance.now() < endMs; number++) {
      const name = order.next().value;
      const startMs = performance.now();
      const before = degraded();
      excusedUntilMs = Infinity;
      noteUnexcused(`fault ${number} (${name})`);
      await FAULTS[name](world, random);
      mendedMs = performance.now();
      const nowMs = players.elapsedSeconds() * 1_000;
      players.oracle.mayHaveRested(nowMs - (mendedMs - startMs), nowMs);
      excusedUntilMs = mendedMs + DEGRADED_AFTER_MS;
      const well = await untilWell(world.cluster).then(
        () => true,
        (error: unknown) => {
          late.push(`${name}: ${String(error)}`);
          return false;
        },
      );
      const wellMs = performance.now();
      await sleep(Math.max(0, mendedMs + DEGRADED_AFTER_MS - wellMs));
      const fault = {
        number,
        name,
        tookMs: mendedMs - startMs,
        wellAfterMs: well ? wellMs - mendedMs : Infinity,
        degraded: degraded() - before,
      };
      faults.push(fault);
      onFault?.(fault);
      await sleep(Math.max(0, startMs + everyMs - performance.now()));
    }
    noteUnexcused('the end');
  } finally {
    clearInterval(sampler);
  }
  return { faults, late };
};

const judge = (
  { load, players }: Omit<Parties, 'world'>,
  truth: Truth,
  faults: readonly FaultReport[],
  seen: readonly string[],
): FaultsReport => {
  const report = makeReport(players);
  const { ledger } = load;
  const answers = ledger.calls + report.calls;
  const degraded = ledger.degraded + report.starts.degraded;
  const violations = [
    ...truth.violations,
    ...objectionsOf(report).map((objection) => `players: ${objection}`),
    ...ledger.wrong.slice(0, 5).map((answer) => `a player was answered ${answer}`),
  ];
  const late =
    degraded <= answers * DEGRADED_SHARE ? seen : [...seen, `${degraded} of ${answers} answers were degraded`];
  return {
    violations,
    late,
    faults,
    players: report,
    truth,
    acknowledged: ledger.acknowledged.length,
    answers,
    degraded,
  };
};
