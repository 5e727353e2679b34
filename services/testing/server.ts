import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The real service as a process of its own, for tests and tools: nothing of it is imported, nothing is replaced. */
export type Server = {
  readonly folder: string;
  /** Where it answers now; a restart changes both. */
  url(): string;
  adminUrl(): string;
  pid(): number;
  /** All that it wrote since it was first started. */
  output(): string;
  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<Ended>;
  /** Starts it again on the same folder, after `kill`. */
  restart(env?: Environment): Promise<void>;
  /** Ends it in whatever state it is, and removes its folder. */
  close(): Promise<void>;
};

export type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null };
export type Environment = Readonly<Record<string, string>>;

/** What is tested is not how quick the machine is, which others use, too: a slow one delays answers and refuses nothing. */
export const PATIENT = { APPEND_TIMEOUT_MS: '5000', DECISION_TIMEOUT_MS: '10000' };

/** Whoever tries everything out is not told that it is too much. */
export const UNCOUNTED = {
  RATE_SESSION_PER_MINUTE: '1000000',
  RATE_ACCOUNT_PER_MINUTE: '1000000',
  RATE_ADDRESS_PER_MINUTE: '1000000',
};

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const START_MS = 60_000;

/** Only what is given, and where programs lie: what a developer has set must not reach a test. */
const launch = (env: Environment, { roles = [], main = MAIN }: Omit<Service, 'env' | 'onOutput'> = {}): ChildProcess =>
  spawn(process.execPath, [main, ...roles], {
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', ADMIN_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

export const makeFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'playbeat-e2e-'));

export const startServer = async (env: Environment = {}): Promise<Server> => {
  const folder = await makeFolder();
  const settings = { DATA_DIR: folder, ...PATIENT, ...env };
  let written = '';
  const start = (more: Environment): Promise<Running> =>
    launchService({
      env: { ...settings, ...more },
      onOutput: (text) => {
        written += text;
      },
    });
  let running: Running;
  try {
    running = await start({});
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  const kill = async (signal: NodeJS.Signals): Promise<Ended> => {
    const { child } = running;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    }
    return { code: child.exitCode, signal: child.signalCode };
  };
  return {
    folder: settings.DATA_DIR,
    url: () => running.url,
    adminUrl: () => running.adminUrl,
    pid: () => running.child.pid ?? 0,
    output: () => written,
    kill,
    restart: async (more = {}) => {
      running = await start(more);
    },
    close: async () => {
      await kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
};

export type Service = {
  readonly env: Environment;
  /** None for all. */
  readonly roles?: readonly string[];
  /** The start of another checkout's service. */
  readonly main?: string;
  readonly onOutput: (text: string) => void;
};
export type Running = { readonly child: ChildProcess; readonly url: string; readonly adminUrl: string };

/** Resolves with the line that says where it answers; rejects with all it said when it ends before that. */
export const launchService = ({ env, onOutput, ...what }: Service): Promise<Running> =>
  new Promise((resolve, reject) => {
    const child = launch(env, what);
    let said = '';
    let line = '';
    let ready = false;
    const hear = (text: string): void => {
      onOutput(text);
      if (!ready) said += text;
    };
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`${why}:\n${said}`));
    };
    const timer = setTimeout(() => fail(`the service was not ready after ${START_MS} ms`), START_MS);
    child.stderr?.setEncoding('utf8').on('data', hear);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      hear(text);
      if (ready) return;
      const lines = (line + text).split('\n');
      line = lines.pop() ?? '';
      for (const entry of lines) {
        const { url, admin } = JSON.parse(entry) as { url?: string; admin?: string };
        if (url === undefined || admin === undefined) continue;
        ready = true;
        clearTimeout(timer);
        resolve({ child, url, adminUrl: admin });
      }
    });
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => {
      if (!ready) fail(`the service ended with ${code} before it was ready`);
    });
  });

/** A start that is meant to fail: what an operator sees of it. Kills it when it does not end by itself. */
export const runToEnd = async (
  env: Environment,
  roles: readonly string[] = [],
): Promise<Ended & { readonly stdout: string; readonly stderr: string }> => {
  const child = launch(env, { roles });
  const out: string[] = [];
  const err: string[] = [];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => out.push(text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => err.push(text));
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
  await once(child, 'close');
  clearTimeout(timer);
  return { code: child.exitCode, signal: child.signalCode, stdout: out.join(''), stderr: err.join('') };
};
