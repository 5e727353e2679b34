import { parseArgs } from 'node:util';
import { runRaces } from '../services/testing/races.ts';
import { randomOf } from '../services/testing/random.ts';
import { PATIENT, startServer } from '../services/testing/server.ts';
import { startCluster } from './cluster/cluster.ts';
import { startParts } from './cluster/parts.ts';

/**
 * node tools/race.ts --rounds 1000 --clients 64
 * node tools/race.ts --rounds 500 --clients 64 --cluster
 *
 * Clients race for the last slot of a household over HTTP. On a cluster they are spread over two ingest nodes, and one of
 * three owners is killed every 3 s. Ends with 1 when in any round not exactly one of them wins, or when who lost is not told
 * by whom. The short forms are services/race.e2e.test.ts and tools/cluster/cluster.e2e.test.ts.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1000' },
    clients: { type: 'string', default: '64' },
    cluster: { type: 'boolean', default: false },
  },
});
const KILL_EVERY_MS = 3_000;

type Place = { readonly urls: () => readonly string[]; readonly kills: () => number; close(): Promise<void> };

const onCluster = async (): Promise<Place> => {
  const parts = await startParts({ brokers: 1, redis: 'single' });
  const counts = { ingest: 2, concurrency: 3 };
  // Who waits long enough gets a decision, though its owner has just died.
  const env = { ...parts.env, ...PATIENT };
  const { processes, close } = await startCluster({ env, counts, port: 0, adminPort: 0 });
  const random = randomOf(1);
  let kills = 0;
  const killing = setInterval(() => {
    kills += 1;
    process.kill(random.pick(processes.ready('concurrency')).pid, 'SIGKILL');
  }, KILL_EVERY_MS);
  return {
    urls: () => processes.ready('ingest').map(({ url }) => url),
    kills: () => kills,
    close: async () => {
      clearInterval(killing);
      await close();
      await parts.stop();
    },
  };
};
const onServer = async (): Promise<Place> => {
  const server = await startServer();
  return { urls: () => [server.url()], kills: () => 0, close: server.close };
};

const place = await (values.cluster ? onCluster() : onServer());
try {
  const { urls } = place;
  const [rounds, clients] = [Number(values.rounds), Number(values.clients)];
  const report = await runRaces({
    urls,
    rounds,
    clients,
    onRound: (round) => {
      if (round % 100 === 0) console.error(`round ${round}/${rounds}`);
    },
  });
  for (const violation of report.violations) console.log(violation);
  console.log(
    `${report.rounds} rounds of ${clients} clients on ${urls().length} ingest nodes, ${place.kills()} owners killed: ` +
      `${report.violations.length} violations; the slowest round took ${report.slowestMs.toFixed(0)} ms`,
  );
  process.exitCode = report.violations.length === 0 ? 0 : 1;
} finally {
  await place.close();
}
