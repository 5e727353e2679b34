import type { RoleName } from '../services/roles.ts';
import type { LoadResult } from './load/job.ts';
import type { BenchOptions } from './options.ts';
import { canPin, coreOf } from './proc.ts';
import { type Env, type Load, type Program, startLoad, startPlaybeat } from './processes.ts';

/** Accounts with one running session each that the rows over HTTP speak of. */
export const SESSIONS = 2_000;
const START_CONNECTIONS = 64;

/** More than so many refusals, and it was not the load that was meant which was measured. */
export const MAX_REFUSED = 0.01;

/** Counts the answers that were meant alone: what is refused is cheap, and must not be measured as fast. */
export const onlyStatus = (wanted: number, result: LoadResult): LoadResult => {
  const { statuses, requests: all, perSecond } = result;
  const requests = statuses[wanted] ?? 0;
  if (all - requests > MAX_REFUSED * all || requests === 0)
    throw new Error(`answers were not all ${wanted}: ${JSON.stringify(statuses)}`);
  return { ...result, requests, perSecond: (perSecond * requests) / all };
};

export type Stage = {
  readonly pinned: boolean;
  readonly load: Load;
  /** Where players call. */
  readonly playbeat: Program;
  close(): Promise<void>;
};

export type StageOptions = Pick<BenchOptions, 'pin'> & {
  /** What Playbeat is told beside. */
  readonly env?: Env;
};

/** Playbeat with running sessions, and a load generator, each on a core of its own where that can be. */
export const openStage = async (
  { pin, env = {} }: StageOptions,
  roles: readonly RoleName[] = ['ingest', 'concurrency'],
): Promise<Stage> => {
  const pinned = pin && canPin();
  const load = startLoad(pinned);
  const playbeat = await startPlaybeat({ core: coreOf(pinned), roles, env });
  await startSessions(load, playbeat);
  const close = async (): Promise<void> => void (await Promise.all([playbeat.stop(), load.stop()]));
  return { pinned, load, playbeat, close };
};

export const startSessions = async (
  load: Load,
  { port }: Program,
  shown: { tokens?: readonly string[] } = {},
): Promise<void> => {
  const all = { port, connections: START_CONNECTIONS, sessions: SESSIONS };
  onlyStatus(201, await load.run({ kind: 'start', ...all, ...shown }));
};

export const howPinned = ({ pinned }: Pick<Stage, 'pinned'>): string =>
  pinned ? 'client and server, all its threads, each on one core of its own' : 'client and server not pinned to cores';

export const percent = (share: number): string => `${Math.round(share * 100)} %`;
