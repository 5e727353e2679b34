import { parseArgs } from 'node:util';
import { openApi } from '../services/testing/contract.ts';
import { runHostile, slopePerMinute } from '../services/testing/hostile.ts';
import { startServer } from '../services/testing/server.ts';

/**
 * node tools/hostile.ts --bodies 20000 [--seed 1]
 *
 * Sends bodies that nobody means well with to every call that takes one. Ends with 1 when an answer is not one of the
 * document, or a 5xx. Prints how the memory of the service grows. The short form is services/hostile.e2e.test.ts.
 */
const { values } = parseArgs({
  options: {
    bodies: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const [bodies, seed] = [Number(values.bodies), Number(values.seed)];
const MIB = 1_048_576;
const server = await startServer();
try {
  const api = await openApi(server);
  const report = await runHostile(api, {
    bodies,
    seed,
    concurrency: 8,
    sampleEvery: Math.max(100, Math.floor(bodies / 20)),
    onSample: (sent, bytes) => console.error(`${String(sent).padStart(7)} bodies: ${(bytes / MIB).toFixed(1)} MiB`),
  });
  for (const violation of report.violations.slice(0, 20)) console.log(violation);
  const statuses = [...report.statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  console.log(`seed ${seed}, ${report.sent} bodies, ${report.violations.length} violations; ${statuses.join(', ')}`);
  console.log(`memory grows by ${(slopePerMinute(report.rss) / MIB).toFixed(2)} MiB per minute in the second half`);
  process.exitCode = report.violations.length === 0 ? 0 : 1;
} finally {
  await server.close();
}
