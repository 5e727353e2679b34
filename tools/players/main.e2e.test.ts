import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Report } from './report.ts';
import { startSmallServer } from './small-server.ts';
import type { Flaw } from './slots.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const SPEED = 20;

type Ended = {
  readonly code: number | null;
  readonly out: string;
  readonly progress: string;
};

/** Runs the command; `interruptAt` is what its progress has to say before it gets a Ctrl-C. */
const run = (args: readonly string[], interruptAt?: string): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let progress = '';
    child.stdout.on('data', (part: Buffer) => (out += part.toString()));
    child.stderr.on('data', (part: Buffer) => {
      progress += part.toString();
      if (interruptAt !== undefined && progress.includes(interruptAt)) child.kill('SIGINT');
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, progress }));
  });

async function runAgainst(flaw: Flaw | undefined, args: readonly string[], interruptAt?: string): Promise<Ended> {
  const server = await startSmallServer({ speed: SPEED, flaw });
  const common = ['--url', server.url, '--speed', String(SPEED), '--seed', '3', '--accounts', '24'];
  const ended = await run([...common, ...args], interruptAt);
  await server.close();
  return ended;
}

describe('npm run players', () => {
  let right: Ended, wrong: Ended, unreachable: Ended, nonsense: Ended, interrupted: Ended;
  beforeAll(async () => {
    [right, wrong, unreachable, nonsense, interrupted] = await Promise.all([
      runAgainst(undefined, ['--minutes', '0.7', '--json']),
      runAgainst('says not who', ['--minutes', '0.7']),
      run(['--url', 'http://127.0.0.1:9', '--accounts', '2', '--minutes', '0.01']),
      run(['--minutes', 'soon']),
      runAgainst(undefined, ['--minutes', '60', '--rate', '10'], '5 s '),
    ]);
  }, 60_000);

  it('ends with 0 and one JSON object against a right server', () => {
    const report = JSON.parse(right.out) as Report;
    expect(report).toMatchObject({ passed: true, falseBlocks: 0, firstViolations: [] });
    expect(report.starts.startsDecided).toBeGreaterThan(20);
    expect(right.code).toBe(0);
  });

  it('ends with 1 against a wrong server, with the history of the household', () => {
    expect(wrong.out).toContain('unexplained-refusal: a refusal did not say who holds the slots');
    expect(wrong.out).toMatch(/start-sent {5}\S+ on tv-1/);
    expect(wrong.code).toBe(1);
  });

  it('ends with 1 when nothing was judged, with 2 when it was asked for nonsense', () => {
    expect(unreachable.out).toContain('Nothing was judged');
    expect(unreachable.code).toBe(1);
    expect(nonsense.code).toBe(2);
  });

  it('prints what it has on Ctrl-C, with a line of progress each 5 s before', () => {
    expect(interrupted.progress).toContain(' households  ');
    expect(interrupted.out).toContain('Nothing to object to.');
    expect(interrupted.code).toBe(0);
  });
});
