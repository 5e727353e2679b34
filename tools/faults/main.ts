import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { formatReport } from '../players/report.ts';
import { FAULT_NAMES, type FaultName } from './kinds.ts';
import { type FaultReport, runFaults } from './run.ts';

/**
 * node tools/faults/main.ts --minutes 20 --accounts 400 --seed 7 [--every 60] [--only "owner killed,Redis wiped"] [--logs <folder>]
 *
 * A cluster on three brokers and a Redis with a replica, broken once a minute in every way that `kinds.ts` knows. Ends with
 * 1 when anything was lost, doubled, decided otherwise than the log says, or degraded 10 s after a fault.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    accounts: { type: 'string', default: '400' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    every: { type: 'string', default: '60' },
    only: { type: 'string' },
    logs: { type: 'string' },
  },
});
const isFault = (name: string): name is FaultName => FAULT_NAMES.some((known) => known === name);
const names = values.only === undefined ? FAULT_NAMES : values.only.split(',').filter(isFault);
if (names.length === 0) throw new Error(`--only takes some of: ${FAULT_NAMES.join(', ')}`);

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
const row = ({ number, name, tookMs, wellAfterMs, degraded }: FaultReport): (string | number)[] => [
  number,
  name,
  seconds(tookMs),
  seconds(wellAfterMs),
  degraded,
];

console.error(`seed ${values.seed}`);
const report = await runFaults({
  seconds: Number(values.minutes) * 60,
  accounts: Number(values.accounts),
  seed: Number(values.seed),
  everyMs: Number(values.every) * 1_000,
  names,
  ...(values.logs === undefined ? {} : { logs: values.logs }),
  onFault: (fault) => console.error(row(fault).join('  ')),
});
const table = new Table({
  head: ['#', 'fault', 'lasted s', 'well after s', 'degraded'],
  style: { head: [], border: [] },
});
table.push(...report.faults.map(row));
console.log(formatReport(report.players));
console.log(table.toString());
const { truth, answers, degraded, acknowledged, violations, late } = report;
console.log(
  `${acknowledged} acknowledged, ${truth.records} records in the log, ${truth.repeats} of them repeats; ` +
    `${truth.decisionsChecked} decisions and ${truth.outputs} outputs held against the log; ` +
    `${degraded} of ${answers} answers degraded (${((100 * degraded) / answers).toFixed(2)} %)`,
);
for (const line of [...violations, ...late]) console.log(line);
console.log(`${report.faults.length} faults: ${violations.length} violations, ${late.length} too late`);
// What was broken on purpose may hold on to something: the report is all that was wanted.
process.exit(violations.length + late.length === 0 ? 0 : 1);
