import { parseArgs } from 'node:util';
import { runRaces } from '../services/testing/races.ts';
import { startServer } from '../services/testing/server.ts';

/**
 * node tools/race.ts --rounds 1000 --clients 64
 *
 * Clients race for the last slot of a household over HTTP. Ends with 1 when in any round not exactly one of them wins, or
 * when who lost is not told by whom. The short form is services/race.e2e.test.ts.
 */
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '1000' }, clients: { type: 'string', default: '64' } },
});
const [rounds, clients] = [Number(values.rounds), Number(values.clients)];
const server = await startServer();
try {
  const report = await runRaces(server, {
    rounds,
    clients,
    onRound: (round) => {
      if (round % 100 === 0) console.error(`round ${round}/${rounds}`);
    },
  });
  for (const violation of report.violations) console.log(violation);
  console.log(
    `${report.rounds} rounds of ${clients} clients: ${report.violations.length} violations; ` +
      `the slowest round took ${report.slowestMs.toFixed(0)} ms`,
  );
  process.exitCode = report.violations.length === 0 ? 0 : 1;
} finally {
  await server.close();
}
