import { parseArgs } from 'node:util';
import { MissingProgram } from '../stack/programs.ts';
import { shownProcesses, startCluster } from './cluster.ts';
import { startParts } from './parts.ts';

const USAGE = `npm run cluster -- [--ingest 2] [--owners 3] [--resume 0] [--views 0] [--trending 0] [--ledger 0]
                       [--archive 0] [--brokers 1|3] [--redis single|cluster] [--port 8080] [--admin-port 9090] [--json]

Kafka and Redis, and DynamoDB Local where resume positions, views, the ledger or the archive are asked for, on the loopback (or those of
KAFKA_BROKERS, REDIS_URL and DYNAMODB_ENDPOINT), each role as its own processes, and one
address before them. Ends with Ctrl-C and leaves nothing behind. While it runs:

  curl <admin>/cluster                                       which processes there are
  curl <admin>/cluster -d '{"ingest":3,"owners":4}'          more or fewer of them`;

class WrongUsage extends Error {}

const whole = (
  name: string,
  text: string,
  { least, most }: { readonly least: number; readonly most: number },
): number => {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new WrongUsage(`--${name} has to be a whole number from ${least} to ${most}, not "${text}"`);
};

/** Beside others on the same Kafka and Redis. */
const prefixes = (): Record<string, string> =>
  Object.fromEntries(
    ['KAFKA_PREFIX', 'REDIS_PREFIX', 'DYNAMODB_PREFIX'].flatMap((name) =>
      process.env[name] ? [[name, process.env[name]]] : [],
    ),
  );

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      ingest: { type: 'string', default: '2' },
      owners: { type: 'string', default: '3' },
      resume: { type: 'string', default: '0' },
      views: { type: 'string', default: '0' },
      trending: { type: 'string', default: '0' },
      ledger: { type: 'string', default: '0' },
      archive: { type: 'string', default: '0' },
      brokers: { type: 'string', default: '1' },
      redis: { type: 'string', default: 'single' },
      port: { type: 'string' },
      'admin-port': { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  // Whoever reads JSON reads the address, too: any free port will do.
  const port = (name: 'port' | 'admin-port', usual: number): number =>
    whole(name, values[name] ?? String(values.json ? 0 : usual), { least: 0, most: 65_535 });
  const counts = {
    ingest: whole('ingest', values.ingest, { least: 1, most: 32 }),
    concurrency: whole('owners', values.owners, { least: 1, most: 32 }),
    'resume-position': whole('resume', values.resume, { least: 0, most: 32 }),
    'view-end': whole('views', values.views, { least: 0, most: 32 }),
    trending: whole('trending', values.trending, { least: 0, most: 32 }),
    'decision-ledger': whole('ledger', values.ledger, { least: 0, most: 32 }),
    archive: whole('archive', values.archive, { least: 0, most: 32 }),
  };
  if (values.brokers !== '1' && values.brokers !== '3') throw new WrongUsage('--brokers is 1 or 3');
  const { redis } = values;
  if (redis !== 'single' && redis !== 'cluster') throw new WrongUsage('--redis is single or cluster');
  const places = { port: port('port', 8080), adminPort: port('admin-port', 9090) };
  const say = (line: string): void => {
    if (!values.json) console.log(line);
  };

  // From now on, and not from when it is said to be ready: nothing that was started stays behind.
  const toEnd = new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  say('starting Kafka and Redis');
  const dynamo = counts['resume-position'] + counts['view-end'] + counts['decision-ledger'] + counts.archive > 0;
  const parts = await startParts({ brokers: values.brokers === '3' ? 3 : 1, redis, dynamo });
  try {
    say(
      `starting ${Object.entries(counts)
        .map(([role, count]) => `${count} of ${role}`)
        .join(', ')}`,
    );
    const cluster = await startCluster({ env: { ...prefixes(), ...parts.env }, counts, ...places });
    const processes = shownProcesses(cluster.processes.list());
    const { url, admin, env } = cluster;
    if (values.json) console.log(JSON.stringify({ url, admin, env, processes }));
    for (const { role, pid, url: own } of processes) say(`  ${role.padEnd(12)} ${String(pid).padEnd(8)} ${own}`);
    say(`Playbeat is ready at ${url}, for operators at ${admin}. Ctrl-C ends it.`);
    say(`Play on it: npm run players -- --url ${url} --accounts 500 --minutes 2`);
    await toEnd;
    say('ending');
    await cluster.close();
  } finally {
    await parts.stop();
  }
};

try {
  await main();
} catch (error) {
  const wrong = error instanceof WrongUsage || (error instanceof TypeError && 'code' in error);
  if (!wrong && !(error instanceof MissingProgram)) throw error;
  console.error(wrong ? `${error.message}\n\n${USAGE}` : error.message);
  process.exitCode = wrong ? 2 : 1;
}
