import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type BenchName, benchOf } from './catalogue.ts';
import { type BenchOptions, readOptions, USAGE } from './options.ts';
import { headerOf, machine, tableOf } from './report.ts';
import type { Row } from './row.ts';
import type { FromRow, Task } from './run-row.ts';

const RUN_ROW = fileURLToPath(new URL('run-row.ts', import.meta.url));

/** What a bench may take at most: beyond it something hangs. */
const limitMs = ({ rounds, seconds }: BenchOptions): number => 1_000 * (120 + rounds * (10 + 8 * seconds));

const runBench = (bench: BenchName, options: BenchOptions): Promise<readonly Row[]> =>
  new Promise((resolve, reject) => {
    const child = fork(RUN_ROW, [], { execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'] });
    let rows: readonly Row[] | null = null;
    const most = limitMs(options);
    let why = 'ended without a result';
    const late = setTimeout(() => {
      why = `had no result after ${most / 1_000} s`;
      child.kill('SIGTERM');
    }, most);
    child.on('message', (message: FromRow) => {
      if ('say' in message) console.error(`  ${message.say}`);
      else rows = message.rows;
    });
    child.on('error', reject);
    child.on('exit', () => {
      clearTimeout(late);
      if (rows === null) reject(new Error(`${bench} ${why}`));
      else resolve(rows);
    });
    child.send({ bench, options } satisfies Task);
  });

const main = async (): Promise<void> => {
  const { options, ids, json } = readOptions(process.argv.slice(2));
  const here = machine();
  console.error(headerOf(here));
  const rows: Row[] = [];
  for (const bench of new Set(ids.map(benchOf))) {
    console.error(`${bench} …`);
    const measured = await runBench(bench, options).catch((error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
      return [];
    });
    rows.push(...measured.filter(({ id }) => ids.includes(id)));
  }
  console.log(json ? JSON.stringify({ machine: here, options, rows }) : `\n${headerOf(here)}\n${tableOf(rows)}`);
};

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  console.error(USAGE);
  process.exitCode = 1;
});
