import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { runKills } from '../services/testing/kills.ts';

/**
 * node tools/kills.ts --kills 50 [--households 24] [--seed 1]
 *
 * Kills the service with SIGKILL at random moments under load and starts it again on the same folder. Ends with 1 when an
 * acknowledged beat is lost or doubled, or when the surviving log, folded again, does not give the decisions that were
 * answered and the outputs that were sent. The short form is services/kill.e2e.test.ts.
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    households: { type: 'string', default: '24' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const [kills, households, seed] = [Number(values.kills), Number(values.households), Number(values.seed)];

const report = await runKills({
  kills,
  households,
  seed,
  onKill: ({ number, restartMs, acknowledged }) =>
    console.error(
      `kill ${number}/${kills}: right again after ${restartMs.toFixed(0)} ms, ${acknowledged} acknowledged`,
    ),
});
const restarts = report.kills.map((k) => k.restartMs).sort((a, b) => a - b);
const at = (share: number): string => `${(restarts[Math.floor(share * (restarts.length - 1))] ?? 0).toFixed(0)} ms`;

const table = new Table({ head: ['', `seed ${seed}`], style: { head: [], border: [], compact: true } });
table.push(
  ['kills', report.kills.length],
  ['from start to first right answer: p50, p90, most', [at(0.5), at(0.9), at(1)].join(', ')],
  ['records in the log', report.records],
  ['beats and stops acknowledged', report.acknowledged],
  ['beats sent again, of these stored again', `${report.sentAgain}, ${report.repeats}`],
  ['decisions answered and replayed', report.decisionsChecked],
  ['answered degraded', report.degraded],
  ['outputs, the same in the replay', report.outputs],
  ['violations', report.violations.length],
);
console.log(table.toString());
for (const violation of report.violations) console.log(violation);
process.exitCode = report.violations.length === 0 ? 0 : 1;
