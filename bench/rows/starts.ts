import type { RowId } from '../catalogue.ts';
import { openClusterStage } from '../cluster-parts.ts';
import { howPinned, MAX_REFUSED, openStage, percent, SESSIONS, type Stage } from '../http-parts.ts';
import type { LoadResult } from '../load/job.ts';
import { eventLoopP99Ms, startBaseline } from '../processes.ts';
import type { BenchOptions } from '../options.ts';
import { type Bench, percentiles, quantile, type Round, type Row, rowOf } from '../row.ts';

const STARTS_PER_SECOND = 100;
const BEATS_PER_SECOND = 2_000;
/** A p99 of few starts is one start: each round takes so many times longer than a round of the others. */
const LONGER = 2;

/** P9: from the time a start is due to its decision, beside beats. Its baseline is a bare server under the same load. */
export const starting: Bench = async (options, say) =>
  startsOn(await openStage(options), { id: 'P9', where: howPinned }, { options, say });

/** P9k: the same with one process of ingest and one owner on Kafka and Redis. Five programs share the cores as they like. */
export const startingOnCluster: Bench = async (options, say) =>
  startsOn(
    await openClusterStage({ pin: false }),
    { id: 'P9k', where: () => 'one ingest, one owner, Kafka and Redis, not pinned to cores' },
    { options, say },
  );

type Measured = { readonly id: RowId; readonly where: (stage: Stage) => string };
type Run = { readonly options: BenchOptions; readonly say: (line: string) => void };

const startsOn = async (stage: Stage, { id, where }: Measured, { options, say }: Run): Promise<readonly Row[]> => {
  const { load, playbeat, pinned } = stage;
  const bare = await startBaseline('bare-post', { pin: pinned });
  let beatsBefore = 0;
  let account = SESSIONS;
  const ms = options.seconds * LONGER * 1_000;
  const arrive = async (port: number, lengthMs: number): Promise<LoadResult> => {
    const firstAccount = account;
    account += Math.ceil((lengthMs * STARTS_PER_SECOND) / 500);
    const result = await load.run({
      kind: 'arrivals',
      port,
      sessions: SESSIONS,
      beatsBefore,
      startsPerSecond: STARTS_PER_SECOND,
      beatsPerSecond: BEATS_PER_SECOND,
      readsPerSecond: 0,
      firstAccount,
      ms: lengthMs,
    });
    beatsBefore += result.beatsMs.length;
    return result;
  };

  await arrive(playbeat.port, 1_000);
  const rounds: Round[] = [];
  const all: LoadResult[] = [];
  const loopMs: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    await eventLoopP99Ms(playbeat);
    const ours = await arrive(playbeat.port, ms);
    loopMs.push(await eventLoopP99Ms(playbeat));
    const { 201: started = 0, 202: stored = 0 } = ours.statuses;
    if (started + stored < (1 - MAX_REFUSED) * ours.requests)
      throw new Error(`answers were not all 201 and 202: ${JSON.stringify(ours.statuses)}`);
    const baseline = await arrive(bare.port, ms / LONGER);
    all.push(ours);
    rounds.push({ ours: quantile(ours.startsMs, 0.99), baseline: quantile(baseline.startsMs, 0.99) });
    say(`${id} round ${round + 1}: starts ${percentiles(ours.startsMs)}`);
  }
  await Promise.all([stage.close(), bare.stop()]);
  return [
    rowOf(id, rounds, [
      `starts, all rounds: ${percentiles(all.flatMap((r) => r.startsMs))}`,
      `beats, all rounds: ${percentiles(all.flatMap((r) => r.beatsMs))}`,
      `${STARTS_PER_SECOND} starts/s beside ${BEATS_PER_SECOND} beats/s at random times; ${where(stage)}`,
      `client busy at most ${percent(Math.max(...all.map((r) => r.busy)))}; ` +
        `event loop p99 ${Math.max(...loopMs).toFixed(1)} ms late at most`,
    ]),
  ];
};
