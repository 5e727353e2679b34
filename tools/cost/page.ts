import { measured } from './measured.ts';
import { costOf, totalOf } from './model.ts';
import { HEAD, rowsFor } from './report.ts';
import { viewing } from './viewing.ts';

type Making = {
  readonly table: (head: readonly string[], rows: readonly (readonly string[])[]) => string;
  readonly madeFrom: (source: string) => string;
};

const VIEWERS = [100_000, 1_000_000, 10_000_000] as const;
const MEANS = [1, 0.4] as const;
const PROMISED_USD = 0.04;

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

## What is reckoned with

- A heartbeat every 10 s from each viewer, alone in its call: ${rates.http.upBytes} bytes in, ${rates.http.downBytes} out, as \`node tools/cost/measure.ts\` saw them, and ${rates.http.carriedBytes} that carry the answer.
- An hour of viewing as \`tools/cost/viewing.ts\` folds it: ${seen.beats} beats, ${Math.round(rates.log.bytesPerBeat)} bytes in the log for each with all that follows from it, before compression.
- Tasks of one core as the scaling asks for them: ${rates.tasks.callsPerTask.toLocaleString('en-GB')} calls a second and ${rates.tasks.busy * 100} % of the core at most; a record costs ${rates.tasks.recordMicros} us in each
  processor, measured for one of them and taken for all.
- The load balancer is charged by the greatest of four things. With connections kept it is the rules: the heartbeat’s is asked for behind nearly all of ${rates.http.rules}.

## What is not in it

Support, taxes, discounts; what is read by apps (resume positions, trending) beside heartbeats; the archive; a web application firewall; metrics of MSK beyond the free ones; backups.
`;
};
