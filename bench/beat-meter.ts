import { onlyStatus, SESSIONS } from './http-parts.ts';
import { FIRST_SEQUENCE } from './load/job.ts';
import type { Load, Program } from './processes.ts';

export const CONNECTIONS = 256;
export const BATCH = 20;
const WARMUP_MS = 500;
/** More than a connection can send while it warms up. */
const WARMUP_SEQUENCES = 50_000;

export type Beaten = {
  /** Requests a second. */
  readonly perSecond: number;
  readonly cpuMicrosPerRequest: number;
  /** How busy the client was, 0 to 1. */
  readonly busy: number;
};

/** Heartbeats of running sessions, singly or in batches, to one program after the other: each beat has a sequence of its own. */
export const beatMeter = (load: Load, ms: number, tokensOf: ReadonlyMap<Program, readonly string[]> = new Map()) => {
  let sequence = FIRST_SEQUENCE;
  const beat = async (program: Program, batch: number, forMs: number) => {
    const { port } = program;
    const tokens = tokensOf.get(program);
    const shown = tokens === undefined ? {} : { tokens };
    const shared = {
      ...shown,
      port,
      connections: CONNECTIONS,
      sessions: SESSIONS,
      batch,
      firstSequence: sequence,
      warmupMs: 0,
    };
    return load.run({ kind: 'beat', ...shared, ms: forMs });
  };
  return {
    /** Without counting: a program that has just started is not yet compiled. */
    warmUp: async (program: Program): Promise<void> => {
      sequence = (await beat(program, 1, ms)).sequence;
    },
    measure: async (program: Program, batch: number, warmedUp = async (): Promise<void> => {}): Promise<Beaten> => {
      await beat(program, batch, WARMUP_MS);
      await warmedUp();
      sequence += WARMUP_SEQUENCES;
      const before = program.cpuSeconds();
      const result = onlyStatus(202, await beat(program, batch, ms));
      const cpuMicrosPerRequest = ((program.cpuSeconds() - before) * 1e6) / result.requests;
      sequence = result.sequence;
      return { perSecond: result.perSecond, cpuMicrosPerRequest, busy: result.busy };
    },
  };
};
