import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startLoad } from '../../services/testing/load.ts';
import type { Environment } from '../../services/testing/server.ts';
import { truthOn } from '../../services/testing/truth.ts';
import { startCluster } from '../cluster/cluster.ts';
import { startParts } from '../cluster/parts.ts';
import { makeReport, objectionsOf } from '../players/report.ts';
import { startRun } from '../players/run.ts';
import { root } from '../steps.ts';
import { untilWell } from './watch.ts';
import { show } from './show.ts';

/**
 * node tools/faults/rolling.ts [--previous HEAD~1] [--accounts 300]
 *
 * Every process of a cluster is replaced under load, twice: by processes of an earlier commit beside the new ones, and back.
 * Nothing is lost, nobody is answered 5xx, at most 2 % degraded, and nothing is decided from what is older than 5 s.
 */
export type RollingOptions = {
  /** The start of an earlier release; null: this one's. */
  readonly previous: string | null;
  readonly accounts: number;
  /** Settings over the defaults. */
  readonly env?: Environment;
};
export type RollingReport = {
  readonly violations: readonly string[];
  /** More than may be degraded on a machine that does nothing else. */
  readonly late: readonly string[];
  readonly replaced: number;
  readonly acknowledged: number;
  readonly answers: number;
  readonly degraded: number;
  /** The greatest age of what an answer was decided from. */
  readonly oldestMs: number;
};

const OLDEST_MS = 5_000;

export const runRolling = async ({ previous, accounts, env = {} }: RollingOptions): Promise<RollingReport> => {
  const parts = await startParts({ brokers: 1, redis: 'single' });
  const main = previous === null ? {} : { main: previous };
  const cluster = await startCluster({
    env: { ...parts.env, ...env },
    counts: { ingest: 2, concurrency: 2 },
    port: 0,
    adminPort: 0,
  });
  try {
    await untilWell(cluster);
    const { url, processes } = cluster;
    const load = startLoad({ url: () => url, households: 12, seed: 2, thinkMs: 80 });
    const players = startRun({ url, accounts, minutes: 60, seed: 2, limit: 2, rate: accounts / 10, speed: 1 });
    let replaced = 0;
    // Who reads records has to know all fields that they may have: back to an earlier release those who write go first, and from it last.
    for (const other of [main, {}]) {
      const names = processes.list().map(({ name }) => name);
      for (const name of other === main ? names : names.toReversed()) {
        await processes.replace(name, other);
        await cluster.settled();
        replaced += 1;
      }
    }
    await untilWell(cluster);
    await load.finish();
    players.end();
    await players.finished;
    const folded = await cluster.quiet();

    const { ledger } = load;
    const truth = await truthOn(cluster.env, ledger, { folded });
    const report = makeReport(players);
    const errors = Object.entries(report.counts).filter(([what]) => /^error .* [5]\d\d/.test(what));
    const answers = ledger.calls + report.calls;
    const degraded = ledger.degraded + report.starts.degraded;
    const violations = [
      ...truth.violations,
      ...ledger.wrong,
      ...(ledger.unavailable + ledger.lost === 0
        ? []
        : [`${ledger.unavailable} answers of 503, ${ledger.lost} calls without an answer`]),
      ...errors.map(([what, times]) => `${times} times: ${what}`),
      ...objectionsOf(report).map((objection) => `players: ${objection}`),
    ];
    const { oldestMs } = ledger;
    const late = [
      ...(degraded <= answers * 0.02 ? [] : [`${degraded} of ${answers} answers were degraded`]),
      ...(oldestMs <= OLDEST_MS ? [] : [`a decision was ${oldestMs} ms old`]),
    ];
    return { violations, late, replaced, acknowledged: ledger.acknowledged.length, answers, degraded, oldestMs };
  } finally {
    await cluster.close();
    await parts.stop();
  }
};

/** Another commit's files, with the packages of this one. */
const checkOut = (commit: string): { readonly main: string; remove(): void } => {
  const folder = join(mkdtempSync(join(tmpdir(), 'playbeat-previous-')), 'tree');
  execFileSync('git', ['worktree', 'add', '--detach', folder, commit], { cwd: root, stdio: 'ignore' });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return {
    main: join(folder, 'services', 'main.ts'),
    remove: () => {
      execFileSync('git', ['worktree', 'remove', '--force', folder], { cwd: root, stdio: 'ignore' });
      rmSync(join(folder, '..'), { recursive: true, force: true });
    },
  };
};

if (import.meta.main) {
  const { values } = parseArgs({
    options: { previous: { type: 'string', default: 'HEAD~1' }, accounts: { type: 'string', default: '300' } },
  });
  const previous = checkOut(values.previous);
  try {
    show(
      await runRolling({
        previous: previous.main,
        accounts: Number(values.accounts),
      }),
    );
  } finally {
    previous.remove();
  }
}
