import { howPinned, onlyStatus, openStage, percent, SESSIONS } from '../http-parts.ts';
import { FIRST_SEQUENCE, type LoadResult } from '../load/job.ts';
import { eventLoopP99Ms, type Program, startBaseline } from '../processes.ts';
import { type Bench, median, type Round, rowOf } from '../row.ts';

const CONNECTIONS = 256;
const BATCH = 20;
const WARMUP_MS = 500;

/**
 * P1: single heartbeats, against a server that reads and parses the same body. P1b: events in batches of 20, against the
 * requests per second of that server with single heartbeats.
 */
export const heartbeats: Bench = async (options, say) => {
  const stage = await openStage(options);
  const { load, playbeat, pinned } = stage;
  const bare = await startBaseline('bare-post', { pin: pinned });
  let sequence = FIRST_SEQUENCE;
  const ms = options.seconds * 1_000;
  const cpu = { single: [] as number[], bare: [] as number[], batch: [] as number[] };
  const busy: number[] = [];
  const loopMs: number[] = [];

  const measure = async (program: Program, batch: number, perRequest: number[]): Promise<LoadResult> => {
    const { port } = program;
    const shared = { port, connections: CONNECTIONS, sessions: SESSIONS, batch, firstSequence: sequence };
    await load.run({ kind: 'beat', ...shared, warmupMs: 0, ms: WARMUP_MS });
    if (program === playbeat) await eventLoopP99Ms(playbeat);
    const before = program.cpuSeconds();
    const result = onlyStatus(202, await load.run({ kind: 'beat', ...nextOf(shared), warmupMs: 0, ms }));
    perRequest.push(((program.cpuSeconds() - before) * 1e6) / result.requests);
    if (program === playbeat && batch === 1) loopMs.push(await eventLoopP99Ms(playbeat));
    if (batch === 1) busy.push(result.busy);
    sequence = result.sequence;
    return result;
  };
  const nextOf = <T extends { readonly firstSequence: number }>(shared: T): T => ({
    ...shared,
    firstSequence: shared.firstSequence + WARMUP_SEQUENCES,
  });

  // Once without counting: a program that has just started is not yet compiled.
  await load.run({ kind: 'beat', port: playbeat.port, ...warm, firstSequence: sequence, ms });
  await load.run({ kind: 'beat', port: bare.port, ...warm, firstSequence: sequence, ms });
  sequence += WARMUP_SEQUENCES;

  const singles: Round[] = [];
  const batches: Round[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const single = await measure(playbeat, 1, cpu.single);
    const baseline = (await measure(bare, 1, cpu.bare)).perSecond;
    const batch = await measure(playbeat, BATCH, cpu.batch);
    singles.push({ ours: single.perSecond, baseline });
    batches.push({ ours: batch.perSecond * BATCH, baseline });
    say(
      `P1 round ${round + 1}: single ${single.perSecond.toFixed(0)}/s, bare ${baseline.toFixed(0)}/s, ` +
        `in batches ${(batch.perSecond * BATCH).toFixed(0)} events/s`,
    );
  }
  await Promise.all([playbeat.stop(), bare.stop(), load.stop()]);
  const micros = (values: readonly number[], per = 1): string => `${(median(values) / per).toFixed(1)} us`;
  return [
    rowOf('P1', singles, [
      `${CONNECTIONS} connections, ${SESSIONS} sessions, decision=latest; ${howPinned(stage)}`,
      `CPU of the server, all its threads: ${micros(cpu.single)} a request, bare ${micros(cpu.bare)}`,
      `client busy at most ${percent(Math.max(...busy))}; event loop p99 ${median(loopMs).toFixed(1)} ms late`,
    ]),
    rowOf('P1b', batches, [
      `events per second in batches of ${BATCH}, against single requests per second of the bare server`,
      `CPU of the server: ${micros(cpu.batch, BATCH)} an event`,
    ]),
  ];
};

const warm = { connections: CONNECTIONS, sessions: SESSIONS, batch: 1, warmupMs: 0 } as const;

/** More than a connection can send while it warms up. */
const WARMUP_SEQUENCES = 50_000;
