import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** What is measured has the first core to itself; the load, Kafka and Redis share the others. */
export const CORES = { measured: '0', others: availableParallelism() > 2 ? `1-${availableParallelism() - 1}` : '1' };
/** Of what is measured; null where it may run on any. */
export const coreOf = (pinned: boolean): string | null => (pinned ? CORES.measured : null);
export const ALL_CORES = `0-${availableParallelism() - 1}`;

export const canPin = (): boolean =>
  availableParallelism() >= 2 && spawnSync('taskset', ['-c', '0,1', 'true'], { stdio: 'ignore' }).status === 0;

/** A thread that ends meanwhile makes it fail. */
const TRIES = 5;

/** This process with all its threads, and whatever it starts from now on. */
export const keepTo = (cores: string): void => {
  for (let left = TRIES; left > 0; left--)
    if (spawnSync('taskset', ['-acp', cores, String(process.pid)], { stdio: 'ignore' }).status === 0) return;
  throw new Error(`taskset does not keep this process to ${cores}`);
};

/** Of user and system together, since the process began; NaN where the machine does not say. In hundredths. */
export const cpuSecondsOf = (pid: number): number => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
};

/** Resident memory now, and the most that it was; NaN where the machine does not say. */
export const memoryOf = (pid: number): { readonly nowMiB: number; readonly mostMiB: number } => {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    const mib = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? Number.NaN) / 1_024;
    return { nowMiB: mib('VmRSS'), mostMiB: mib('VmHWM') };
  } catch {
    return { nowMiB: Number.NaN, mostMiB: Number.NaN };
  }
};
