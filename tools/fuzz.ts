import { parseArgs } from 'node:util';
import { type Api, openApi } from '../services/testing/contract.ts';
import { type FuzzReport, runFuzz, slopePerMinute, unanswered } from '../services/testing/fuzz.ts';
import { type Issuer, startIssuer } from '../services/testing/issuer.ts';
import { settle } from '../services/testing/known.ts';
import { startServer, UNCOUNTED } from '../services/testing/server.ts';

/**
 * node tools/fuzz.ts --requests 100000 [--seed 1]
 *
 * Calls every operation of the document that a running service shows, half of them with nobody asked who they are and half
 * with tokens: as documented, at each limit, one beyond, and broken. Ends with 1 when an answer is not one of the document,
 * or a 5xx, and prints the smallest call that gets it. The short form is services/fuzz.e2e.test.ts.
 */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const [requests, seed] = [Number(values.requests), Number(values.seed)];
const MIB = 1_048_576;

type Run = { readonly report: FuzzReport; readonly api: Api; readonly quiet: boolean };

const fuzz = async (name: string, issuer: Issuer | null): Promise<Run> => {
  const server = await startServer({ ...UNCOUNTED, ...issuer?.env });
  try {
    const api = await openApi(server);
    const report = await runFuzz(api, await settle(api, issuer), {
      requests: Math.ceil(requests / 2),
      seed,
      streams: 4,
      sampleEvery: Math.max(100, Math.floor(requests / 40)),
      onSample: (sent, bytes) =>
        console.error(`${name}: ${String(sent).padStart(7)} requests, ${(bytes / MIB).toFixed(1)} MiB`),
    });
    const { sent, violations } = report;
    for (const violation of violations) console.log(violation);
    console.log(`${name}, seed ${seed}: ${sent} requests, ${violations.length} violations; ${totals(report)}`);
    const growth = (slopePerMinute(report.rss) / MIB).toFixed(2);
    console.log(`${name}: memory grows by ${growth} MiB per minute in the second half`);
    return { report, api, quiet: !/"level":"error"/.test(server.output()) };
  } finally {
    await server.close();
  }
};

const totals = ({ answers }: FuzzReport): string => {
  const all = new Map<number, number>();
  for (const counts of answers.values())
    for (const [status, count] of counts) all.set(status, (all.get(status) ?? 0) + count);
  const sorted = [...all].sort(([a], [b]) => a - b);
  return sorted.map(([status, count]) => `${status}: ${count}`).join(', ');
};

const issuer = await startIssuer();
try {
  const runs = await Promise.all([fuzz('without tokens', null), fuzz('with tokens', issuer)]);
  const never = unanswered(
    runs[0].api,
    runs.map(({ report }) => report),
  );
  if (never.length > 0) console.log(`never answered as asked: ${never.join(', ')}`);
  const good = runs.every(({ report, quiet }) => report.violations.length === 0 && quiet) && never.length === 0;
  process.exitCode = good ? 0 : 1;
} finally {
  issuer.close();
}
