import { howPinned, onlyStatus, openStage, SESSIONS } from '../http-parts.ts';
import { FIRST_SEQUENCE } from '../load/job.ts';
import { type Program, startBaseline } from '../processes.ts';
import { beatOf } from '../records.ts';
import { alternate, type Bench, median, rowOf } from '../row.ts';

const CONNECTIONS = 64;
const WARMUP_MS = 500;
/** Enough for a beat of each session. */
const BEATS_MS = 1_000;

/** P8: may this stream go on, asked of live sessions, against a server that answers a text of the same size. */
export const querying: Bench = async (options, say) => {
  const stage = await openStage(options);
  const { load, playbeat, pinned } = stage;
  const { accountId, sessionId } = beatOf(0, 0, 0);
  const asked = await fetch(
    `http://127.0.0.1:${playbeat.port}/v1/block-check?accountId=${accountId}&sessionId=${sessionId}`,
  );
  const bytes = (await asked.arrayBuffer()).byteLength;
  const bare = await startBaseline('bare-get', { pin: pinned, env: { BODY_BYTES: String(bytes) } });
  const ms = options.seconds * 1_000;
  const shared = { connections: CONNECTIONS, sessions: SESSIONS };
  let sequence = FIRST_SEQUENCE;

  /** Sessions that fall silent would make longer answers after a while, and then none. */
  const keepAlive = async (): Promise<void> => {
    const { port } = playbeat;
    const beats = { kind: 'beat', port, ...shared, batch: 1, firstSequence: sequence, warmupMs: 0 } as const;
    sequence = onlyStatus(202, await load.run({ ...beats, ms: BEATS_MS })).sequence;
  };
  const cpu = { ours: [] as number[], bare: [] as number[] };
  const rate = async (program: Program, perRequest: number[]): Promise<number> => {
    const check = { kind: 'check', port: program.port, ...shared, warmupMs: 0 } as const;
    await load.run({ ...check, ms: WARMUP_MS });
    const before = program.cpuSeconds();
    const result = onlyStatus(200, await load.run({ ...check, ms }));
    perRequest.push(((program.cpuSeconds() - before) * 1e6) / result.requests);
    return result.perSecond;
  };

  // Once without counting: a program that has just started is not yet compiled.
  await keepAlive();
  await rate(playbeat, []);
  await rate(bare, []);
  const measured = await alternate({
    rounds: options.rounds,
    say,
    name: 'P8',
    ours: async () => {
      await keepAlive();
      return rate(playbeat, cpu.ours);
    },
    baseline: () => rate(bare, cpu.bare),
  });
  await Promise.all([stage.close(), bare.stop()]);
  return [
    rowOf('P8', measured, [
      `${CONNECTIONS} connections, answers of ${bytes} bytes; ${howPinned(stage)}`,
      `CPU of the server: ${median(cpu.ours).toFixed(1)} us a request, bare ${median(cpu.bare).toFixed(1)} us`,
    ]),
  ];
};
