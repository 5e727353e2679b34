import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export const HOST = '127.0.0.1';

/** A program of the stack, as plain data: `down` finds it in the state file long after its starter has ended. */
export type Program = {
  readonly pid: number;
  /** Stands in the command line of this program and of no other: a process id alone may be somebody else's by now. */
  readonly mark: string;
};

export type Launch = {
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  /** What it says goes here. */
  readonly output: string;
  readonly mark: string;
};

/** Starts a program that outlives this process. A missing command shows as a program that has ended. */
export const launch = ({ command, args, folder, output, mark }: Launch): Program => {
  const out = openSync(output, 'a');
  const child = spawn(command, args, { cwd: folder, detached: true, stdio: ['ignore', out, out] });
  closeSync(out);
  child.on('error', () => {});
  child.unref();
  return { pid: child.pid ?? 0, mark };
};

export const isRunning = ({ pid, mark }: Program): boolean => {
  if (pid === 0) return false;
  try {
    // Where there is no /proc the process id has to do.
    if (!existsSync('/proc/self/stat')) return process.kill(pid, 0);
    if (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.startsWith('Z') === true) return false;
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(mark);
  } catch {
    return false;
  }
};

export const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended in between.
  }
};

/** Ends it and waits until it is gone. What the stack holds is thrown away, so there is nothing to say good-bye for. */
export const kill = async (program: Program, name: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
  const until = Date.now() + 15_000;
  if (isRunning(program)) signal(program.pid, name);
  while (isRunning(program)) {
    if (Date.now() > until) signal(program.pid, 'SIGKILL');
    await sleep(10);
  }
};

/** Below those that Linux and macOS give to connections, of which one may take what is about to be listened on. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_767;

const listen = async (): Promise<ReturnType<typeof createServer>> => {
  for (;;) {
    const server = createServer();
    server.listen(randomInt(FIRST_PORT, LAST_PORT + 1), HOST);
    const error = await once(server, 'listening').then(
      () => null,
      (reason: NodeJS.ErrnoException) => reason,
    );
    if (error === null) return server;
    if (error.code !== 'EADDRINUSE') throw error;
  }
};

/** Different free ports of the loopback: all held together, so that none is handed out twice. */
export const freePorts = async (count: number): Promise<number[]> => {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
};

/** The end of what a program said. */
export const lastWords = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').slice(-3_000);
  } catch {
    return '';
  }
};

export type Wait = {
  readonly name: string;
  readonly program: Program;
  readonly output: string;
  readonly timeoutMs: number;
  /** Not ready: false or a rejection. */
  ready(): Promise<boolean>;
};

export const waitFor = async ({ name, program, output, timeoutMs, ready }: Wait): Promise<void> => {
  const until = Date.now() + timeoutMs;
  while (!(await ready().catch(() => false))) {
    if (!isRunning(program)) throw new Error(`${name} ended before it was ready:\n${lastWords(output)}`);
    if (Date.now() > until) throw new Error(`${name} is not ready after ${timeoutMs} ms:\n${lastWords(output)}`);
    await sleep(25);
  }
};

/** Runs a command to its end; answers what it wrote, and throws with it when it failed. */
export const run = (command: string, args: readonly string[], folder: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      const output = Buffer.concat(chunks).toString();
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args[0] ?? ''} ended with ${code}:\n${output.slice(-3_000)}`));
    });
  });
