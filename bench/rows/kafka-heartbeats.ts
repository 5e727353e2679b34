import { BATCH, beatMeter, CONNECTIONS } from '../beat-meter.ts';
import { openClusterStage } from '../cluster-parts.ts';
import { SESSIONS } from '../http-parts.ts';
import { startBaseline } from '../processes.ts';
import { type Bench, figure, median, type Round, rowOf } from '../row.ts';

/**
 * P1k: CPU of the ingest process for a heartbeat that it appends to Kafka, against that of a server that reads and parses the
 * same body. P1kb: the same for a heartbeat in a batch of 20, against a server that reads and parses the same batch.
 */
export const kafkaHeartbeats: Bench = async (options, say) => {
  const stage = await openClusterStage(options);
  const { load, playbeat: ingest, pinned } = stage;
  const bare = await startBaseline('bare-post', { pin: pinned });
  const meter = beatMeter(load, options.seconds * 1_000);
  await meter.warmUp(ingest);
  await meter.warmUp(bare);

  const rounds = { 1: [] as Round[], [BATCH]: [] as Round[] };
  const perSecond = { 1: [] as number[], [BATCH]: [] as number[] };
  for (let round = 0; round < options.rounds; round++) {
    for (const batch of [1, BATCH] as const) {
      const ours = await meter.measure(ingest, batch);
      const baseline = await meter.measure(bare, batch);
      const micros = {
        ours: ours.cpuMicrosPerRequest / batch,
        baseline: baseline.cpuMicrosPerRequest / batch,
      };
      rounds[batch].push(micros);
      perSecond[batch].push(ours.perSecond * batch);
      say(
        `P1k round ${round + 1}, batches of ${batch}: ${micros.ours.toFixed(1)} us, bare ${micros.baseline.toFixed(1)} us, ` +
          `${figure(ours.perSecond * batch)} heartbeats/s`,
      );
    }
  }
  await bare.stop();
  await stage.close();
  const where = pinned
    ? 'ingest and bare server on a core of their own, all others on the rest'
    : 'not pinned to cores';
  const rate = (batch: 1 | typeof BATCH): string => `${figure(median(perSecond[batch]))} heartbeats/s`;
  return [
    rowOf('P1k', rounds[1], [
      `${CONNECTIONS} connections, ${SESSIONS} sessions, decision=latest, ${rate(1)}; all threads of the process`,
      where,
    ]),
    rowOf('P1kb', rounds[BATCH], [rate(BATCH)]),
  ];
};
