import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RoleName } from '../services/roles.ts';
import { freePorts } from '../tools/stack/processes.ts';
import { temporaryFolder } from './embedded-parts.ts';
import type { Job, LoadResult } from './load/job.ts';
import { CORES, cpuSecondsOf, memoryOf, coreOf } from './proc.ts';

/** The programs that take part in a measurement over HTTP, each on its core where the machine allows it. */
export type Program = {
  readonly port: number;
  readonly adminPort: number;
  /** Of user and system together, since its start; NaN where the machine does not say. */
  cpuSeconds(): number;
  memory(): ReturnType<typeof memoryOf>;
  stop(signal?: NodeJS.Signals): Promise<void>;
};

export type Load = { run(job: Job): Promise<LoadResult>; stop(): Promise<void> };

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export type Env = Readonly<Record<string, string>>;
type Start = {
  readonly file: string;
  readonly args?: readonly string[];
  readonly env: Env;
  readonly core: string | null;
  readonly channel: boolean;
};

const start = ({ file, args: own = [], env, core, channel }: Start): ChildProcess => {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', fileOf(file), ...own];
  const [command = '', ...args] = core === null ? node : ['taskset', '-c', core, ...node];
  const stdio = channel
    ? (['ignore', 'ignore', 'inherit', 'ipc'] as const)
    : (['ignore', 'ignore', 'inherit'] as const);
  const child = spawn(command, args, { stdio: [...stdio], env: { PATH: process.env['PATH'], ...env } });
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
};

const ended = async (child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const cut = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await gone;
  clearTimeout(cut);
};

const answering = async (url: string): Promise<void> => {
  for (let tries = 0; tries < 300; tries++) {
    const status = await fetch(url, { method: 'POST', body: '{}' }).then(
      (reply) => reply.status,
      () => 0,
    );
    if (status > 0) return;
    await sleep(50);
  }
  throw new Error(`nothing answers at ${url}`);
};

const programOf = (child: ChildProcess, ports: Pick<Program, 'port' | 'adminPort'>): Program => {
  const pid = child.pid ?? 0;
  return {
    ...ports,
    cpuSeconds: () => cpuSecondsOf(pid),
    memory: () => memoryOf(pid),
    stop: (signal) => ended(child, signal),
  };
};
const ready = async (program: Program): Promise<Program> => {
  await answering(`http://127.0.0.1:${program.port}/`);
  return program;
};

export type PlaybeatOptions = {
  /** Null: on whatever core is free. */
  readonly core: string | null;
  /** None for all. */
  readonly roles?: readonly RoleName[];
  readonly env?: Env;
};

/** Playbeat as it is started in service, in a data folder of its own. It says nothing, so its ports are picked here. */
export const launchPlaybeat = async ({ core, roles = [], env = {} }: PlaybeatOptions): Promise<Program> => {
  const [port = 0, adminPort = 0] = await freePorts(2);
  const ports = { port, adminPort };
  const all = {
    DATA_DIR: temporaryFolder(),
    LOG_LEVEL: 'silent',
    // A busy machine is to measure slow, not to refuse.
    APPEND_TIMEOUT_MS: '5000',
    PORT: String(ports.port),
    ADMIN_PORT: String(ports.adminPort),
    ...env,
  };
  return programOf(start({ file: '../services/main.ts', args: roles, env: all, core, channel: false }), ports);
};

/** The same, once it answers. */
export const startPlaybeat = async (options: PlaybeatOptions): Promise<Program> => ready(await launchPlaybeat(options));

export const startBaseline = async (
  name: 'bare-post' | 'bare-get',
  { pin, env = {} }: { readonly pin: boolean; readonly env?: Env },
): Promise<Program> => {
  const [port = 0] = await freePorts(1);
  const core = coreOf(pin);
  const child = start({ file: `baselines/${name}.ts`, env: { ...env, PORT: String(port) }, core, channel: false });
  return ready(programOf(child, { port, adminPort: 0 }));
};

export const startLoad = (pin: boolean): Load => {
  const child = start({ file: 'load/main.ts', env: {}, core: pin ? CORES.others : null, channel: true });
  return {
    run: (job) =>
      new Promise((resolve, reject) => {
        const dead = (): void => reject(new Error('the load generator has ended'));
        child.once('exit', dead);
        child.once('message', (result: LoadResult) => {
          child.off('exit', dead);
          resolve(result);
        });
        child.send(job);
      }),
    stop: () => ended(child),
  };
};

/** What Node measures of a loop that is never late: the distance of its own timers. */
const RESOLUTION_MS = 10;

/**
 * The server's own word on how late its event loop was since it was last asked, in ms. A server that does not keep its own
 * figure says 0; then Node's is taken, less its resolution.
 */
export const eventLoopP99Ms = async ({ adminPort }: Program): Promise<number> => {
  const text = await fetch(`http://127.0.0.1:${adminPort}/metrics`).then((reply) => reply.text());
  const value = (name: string): number =>
    1_000 * Number(new RegExp(`^${name} ([\\d.e+-]+)$`, 'm').exec(text)?.[1] ?? 0);
  const own = value('playbeat_event_loop_delay_p99_seconds');
  return own > 0 ? own : Math.max(0, value('nodejs_eventloop_lag_p99_seconds') - RESOLUTION_MS);
};
