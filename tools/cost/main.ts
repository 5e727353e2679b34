import Table from 'cli-table3';
import { parseArgs } from 'node:util';
import { measured } from './measured.ts';
import { HEAD, rowsFor } from './report.ts';

const USAGE = `npm run cost -- [--viewers 1000000] [--mean 1] [--firewall]

What Playbeat costs in a month on AWS, at the list prices of tools/cost/prices.ts and the rates of tools/cost/measured.ts.

  --viewers <n>   at the peak, 1,000 or more
  --mean <part>   what is watched on average, of the peak: 0.05 to 1 (1: a peak that lasts all month)
  --firewall      a web ACL before all but heartbeats, which get a second load balancer`;

const numberIn = (name: string, text: string, [least, most]: readonly [number, number]): number => {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new TypeError(`--${name} has to be a number from ${least} to ${most}, not "${text}"`);
};

try {
  const { values } = parseArgs({
    options: {
      viewers: { type: 'string', default: '1000000' },
      mean: { type: 'string', default: '1' },
      firewall: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) console.log(USAGE);
  else {
    const viewers = numberIn('viewers', values.viewers, [1_000, 1e9]);
    const mean = numberIn('mean', values.mean, [0.05, 1]);
    const table = new Table({
      head: HEAD,
      colAligns: ['left', 'right', 'right', 'right'],
      style: { head: [], border: [] },
    });
    for (const row of rowsFor({ viewers, mean, firewall: values.firewall }, measured())) table.push([...row]);
    console.log(`${viewers.toLocaleString('en-GB')} viewers at the peak, ${mean * 100} % of it on average\n${table}`);
  }
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
