import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './steps.ts';

export type Tally = { readonly passed: number; readonly failed: number };

/** The counts of Jest's JSON report that matter here. */
export type Report = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  /** Files that could not be loaded: none of their tests is counted anywhere else. */
  readonly numRuntimeErrorTestSuites: number;
};

/**
 * A run is green only when every test ran and passed: a skipped test, a file that does not load, and a Jest that ends
 * badly for any other reason count as failed. `named` tells that the caller picked tests by name, which skips the rest.
 */
export const tallyOf = (report: Report | null, run: { readonly exitCode: number; readonly named: boolean }): Tally => {
  if (report === null) return { passed: 0, failed: 1 };
  const skipped = run.named ? 0 : report.numPendingTests + report.numTodoTests;
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites + skipped;
  return { passed: report.numPassedTests, failed: failed === 0 && run.exitCode !== 0 ? 1 : failed };
};

const picksByName = (args: readonly string[]): boolean => args.some((arg) => /^(-t|--testNamePattern)(=|$)/.test(arg));

/** The command of Jest for ES modules. */
export const jestCommand = (args: readonly string[]): readonly [string, ...string[]] => [
  process.execPath,
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  join(root, 'node_modules/jest/bin/jest.js'),
  ...args,
];

export type JestRun = Tally & { readonly output: string };

/** `show`: pass on what Jest says while it runs; otherwise it is in `output`. */
export const runJest = async (options: {
  readonly args: readonly string[];
  readonly show: boolean;
}): Promise<JestRun> => {
  const folder = await mkdtemp(join(tmpdir(), 'playbeat-test-'));
  const file = join(folder, 'report.json');
  try {
    const [command, ...args] = jestCommand(['--json', `--outputFile=${file}`, ...options.args]);
    const { exitCode, output } = await run({ command, args, show: options.show });
    const report = await readFile(file, 'utf8').then(reportOf, () => null);
    return { ...tallyOf(report, { exitCode, named: picksByName(options.args) }), output };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const reportOf = (text: string): Report => JSON.parse(text) as Report;

/** What Jest says when its tests are done and something that one of them left behind keeps it alive. */
const HANGS = 'Jest did not exit';
/** A run that hangs is worse than one that fails: after this long it has failed. */
const HANG_MS = 10_000;
/** What was written before the end is read within this time; a process left behind may hold the pipe for ever. */
const REST_MS = 500;

/** With `--json` Jest reports to stdout as well: only stderr, where it speaks to people, is shown. */
const run = (options: { readonly command: string; readonly args: readonly string[]; readonly show: boolean }) =>
  new Promise<{ exitCode: number; output: string }>((resolve, reject) => {
    const child = spawn(options.command, options.args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
    const chunks: string[] = [];
    const say = (text: string): void => {
      if (options.show) process.stderr.write(text);
      else chunks.push(text);
    };
    let watchdog: NodeJS.Timeout | undefined;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      say(text);
      if (!text.includes(HANGS)) return;
      watchdog ??= setTimeout(() => {
        say(`\nA test left something open: ended after ${HANG_MS / 1000} s, which counts as one failed.\n`);
        child.kill('SIGKILL');
      }, HANG_MS);
    });
    child.on('error', reject);
    let rest: NodeJS.Timeout | undefined;
    child.on('exit', () => {
      clearTimeout(watchdog);
      rest = setTimeout(() => child.stderr.destroy(), REST_MS);
    });
    // After `exit`, and after stderr has ended or was given up.
    child.on('close', (code) => {
      clearTimeout(rest);
      resolve({ exitCode: code ?? 1, output: chunks.join('') });
    });
  });
