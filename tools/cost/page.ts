import { measured } from './measured.ts';
import { costOf, firewallUsd, type Line, totalOf } from './model.ts';
import { HOURS_PER_MONTH } from './prices.ts';
import { HEAD, rounded, rowsFor } from './report.ts';
import { viewing } from './viewing.ts';

type Making = {
  readonly table: (head: readonly string[], rows: readonly (readonly string[])[]) => string;
  readonly madeFrom: (source: string) => string;
};

const VIEWERS = [100_000, 1_000_000, 10_000_000] as const;
const MEANS = [1, 0.4] as const;
const PROMISED_USD = 0.04;

const usdOf = (lines: readonly Line[], name: string): number => lines.find((line) => line.name === name)?.usd ?? 0;

/** `docs/reference/cost.md`. */
export const costPage = ({ table, madeFrom }: Making): string => {
  const seen = viewing();
  const rates = measured(seen);
  const each = (viewers: number, mean: number): number =>
    totalOf(costOf({ viewers, mean, keepAlive: 1 }, rates)) / viewers;
  const promise = VIEWERS.map((viewers) => [
    viewers.toLocaleString('en-GB'),
    ...MEANS.map((mean) => `${each(viewers, mean).toFixed(3)}${each(viewers, mean) > PROMISED_USD ? '' : ', held'}`),
  ]);
  const beatsPerMonth = (viewers: number): number => (viewers / 10) * 3_600 * HOURS_PER_MONTH;
  const withFirewall = VIEWERS.map((viewers) => {
    const load = { viewers, mean: 1, keepAlive: 1 };
    const [plain, guarded] = [costOf(load, rates), costOf({ ...load, firewall: true }, rates)];
    return [
      viewers.toLocaleString('en-GB'),
      ...[usdOf(plain, 'load balancer'), usdOf(guarded, 'load balancer'), usdOf(guarded, 'web firewall')].map(rounded),
      rounded(usdOf(guarded, 'web firewall') + firewallUsd(beatsPerMonth(viewers))),
    ];
  });
  const { puts = 0, units = 0 } = seen.tables['resume-positions'] ?? {};
  const rest = rates.viewing.units - units;
  return `# What it costs

${madeFrom('tools/cost')}

A month on AWS in us-east-1 at list prices (\`tools/cost/prices.ts\`), with the rates and sizes that were measured (\`tools/cost/measured.ts\`, each with
the command that says it), as [the stacks](../how-to/deploy.md) would run it. It is arithmetic: nobody has paid such a bill. For other numbers:

\`\`\`sh
npm run cost -- --viewers 1000000
npm run cost -- --viewers 250000 --mean 0.4
\`\`\`

## The promise

At most ${PROMISED_USD} USD for each viewer at the peak, with players that keep their connections. What it comes to:

${table(['Viewers at the peak', 'a peak that lasts all month', '40 % of the peak on average'], promise)}

Where the peak never ends, it is **not held**. Three things make the difference:

- Where to go on is written ${puts} times in an hour, and DynamoDB charges ${units} units for it, against ${rest} for all other rows: each put moves the row in two lists, and each
  move deletes an entry and writes another. Without the lists it would be ${puts}.
- Each of the ${rates.tasks.folds} folds writes its whole row for each beat, ${seen.stateBytes.toLocaleString('en-GB')} bytes of JSON together, most of it to another zone.
- Rows of where to go on are kept for 400 days, in three places each. The figure is that of the fourteenth month.

## A peak that lasts all month

The worst that can come. The columns say how many players keep their connection from one heartbeat to the next: one that does not costs a TLS handshake each time, which the load
balancer charges, and some 4 KB that leave. Players in browsers keep it by themselves.

${VIEWERS.map((viewers) => `### ${viewers.toLocaleString('en-GB')} viewers\n\n${table(HEAD, rowsFor({ viewers, mean: 1 }, rates))}`).join('\n\n')}

## With a web firewall

Off, unless a stage names one (\`npm run cost -- --firewall\`): a web ACL without rules that are paid for, before a start and a stop in each hour of viewing. Heartbeats come by
[a second load balancer](../how-to/deploy.md#a-web-firewall). The last column is what the firewall costs where players send heartbeats by the first one all the same.

${table(['Viewers at the peak', 'load balancer, without', 'both load balancers', 'web firewall', 'before heartbeats, too'], withFirewall)}

## What is reckoned with

- A heartbeat every 10 s from each viewer, alone in its call: ${rates.http.upBytes} bytes in, ${rates.http.downBytes} out, as \`node tools/cost/measure.ts\` saw them, and ${rates.http.carriedBytes} that carry the answer.
- An hour of viewing as \`tools/cost/viewing.ts\` folds it: ${seen.beats} beats, ${Math.round(rates.log.bytesPerBeat)} bytes in the log for each with all that follows from it, before compression.
- Tasks of one core as the scaling asks for them: ${rates.tasks.callsPerTask.toLocaleString('en-GB')} calls a second and ${Math.round(rates.tasks.busy * 100)} % of the core at most; a record costs ${rates.tasks.recordMicros} us in each
  processor, measured for one of them and taken for all.
- The load balancer is charged by the greatest of four things. With connections kept it is the bytes, and close behind them the ${rates.http.rules} rules.

## What is not in it

Support, taxes, discounts; what is read by apps (resume positions, trending) beside heartbeats; the archive; the rules of a web firewall; metrics of MSK beyond the free ones; backups.
`;
};
