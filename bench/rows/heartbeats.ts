import { BATCH, type Beaten, beatMeter, CONNECTIONS } from '../beat-meter.ts';
import { howPinned, openStage, percent, SESSIONS } from '../http-parts.ts';
import { eventLoopP99Ms, startBaseline } from '../processes.ts';
import { type Bench, median, type Round, rowOf } from '../row.ts';

/**
 * P1: single heartbeats, against a server that reads and parses the same body. P1b: events in batches of 20, against the
 * requests per second of that server with single heartbeats.
 */
export const heartbeats: Bench = async (options, say) => {
  const stage = await openStage(options);
  const { load, playbeat, pinned } = stage;
  const bare = await startBaseline('bare-post', { pin: pinned });
  const meter = beatMeter(load, options.seconds * 1_000);
  await meter.warmUp(playbeat);
  await meter.warmUp(bare);

  const singles: Round[] = [];
  const batches: Round[] = [];
  const seen = { single: [] as Beaten[], bare: [] as Beaten[], batch: [] as Beaten[] };
  const loopMs: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const single = await meter.measure(playbeat, 1, async () => void (await eventLoopP99Ms(playbeat)));
    loopMs.push(await eventLoopP99Ms(playbeat));
    const baseline = await meter.measure(bare, 1);
    const batch = await meter.measure(playbeat, BATCH);
    seen.single.push(single);
    seen.bare.push(baseline);
    seen.batch.push(batch);
    singles.push({ ours: single.perSecond, baseline: baseline.perSecond });
    batches.push({ ours: batch.perSecond * BATCH, baseline: baseline.perSecond });
    say(
      `P1 round ${round + 1}: single ${single.perSecond.toFixed(0)}/s, bare ${baseline.perSecond.toFixed(0)}/s, ` +
        `in batches ${(batch.perSecond * BATCH).toFixed(0)} events/s`,
    );
  }
  await Promise.all([stage.close(), bare.stop()]);
  const micros = (all: readonly Beaten[], per = 1): string =>
    `${(median(all.map((one) => one.cpuMicrosPerRequest)) / per).toFixed(1)} us`;
  const busy = Math.max(...[...seen.single, ...seen.bare].map((one) => one.busy));
  return [
    rowOf('P1', singles, [
      `${CONNECTIONS} connections, ${SESSIONS} sessions, decision=latest; ${howPinned(stage)}`,
      `CPU of the server, all its threads: ${micros(seen.single)} a request, bare ${micros(seen.bare)}`,
      `client busy at most ${percent(busy)}; event loop p99 ${median(loopMs).toFixed(1)} ms late`,
    ]),
    rowOf('P1b', batches, [
      `events per second in batches of ${BATCH}, against single requests per second of the bare server`,
      `CPU of the server: ${micros(seen.batch, BATCH)} an event`,
    ]),
  ];
};
