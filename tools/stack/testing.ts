import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PARTS } from './parts.ts';

export type Ran = { readonly code: number; readonly out: string; readonly err: string };

/** `npm run stack` in a temporary folder of its own: a stack that somebody works with stays as it is. For tests. */
export type OwnStack = {
  readonly folder: string;
  run(command: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ran>;
  /** The command line of the stack. */
  stack(line: string, env?: NodeJS.ProcessEnv): Promise<Ran>;
  /** `stack(line)`, which has to work; what it prints as environment. */
  up(line: string, env?: NodeJS.ProcessEnv): Promise<Record<string, string>>;
  end(): Promise<void>;
};

/** The shell of whoever runs the tests may have the addresses of a stack. */
const NOWHERE = Object.fromEntries(PARTS.map(({ variable }) => [variable, '']));

export const ownStack = (): OwnStack => {
  const folder = mkdtempSync(join(tmpdir(), 'playbeat-stack-test-'));
  const run: OwnStack['run'] = async (command, args, env = {}) => {
    const child = spawn(command, args, { env: { ...process.env, ...NOWHERE, TMPDIR: folder, ...env } });
    const [out, err]: [string[], string[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    return { code, out: out.join(''), err: err.join('') };
  };
  const stack: OwnStack['stack'] = (line, env) =>
    run(
      process.execPath,
      [join(import.meta.dirname, 'main.ts'), ...line.split(' ').filter((word) => word !== '')],
      env,
    );
  return {
    folder,
    run,
    stack,
    up: async (line, env) => {
      const { code, out, err } = await stack(`up ${line} --json`, env);
      if (code !== 0) throw new Error(`up ${line} ended with ${code}: ${err}`);
      return (JSON.parse(out) as { env: Record<string, string> }).env;
    },
    end: async () => {
      await stack('down');
      rmSync(folder, { recursive: true });
    },
  };
};

/** Whether somebody takes connections at an address like `tcp://127.0.0.1:80`. */
export const listens = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(address);
    const socket = connect(Number(port), hostname, () => (socket.destroy(), resolve(true)));
    socket.on('error', () => resolve(false));
  });
