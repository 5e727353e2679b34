import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { LOCAL_ROLES } from '../services/roles.ts';
import { openClusterStage, usedBytes } from './cluster-parts.ts';
import { openStage, SESSIONS, type Stage } from './http-parts.ts';
import { headerOf, machine } from './report.ts';
import { median } from './row.ts';
import { type Seen, slopeOf } from './slope.ts';

const USAGE = `node bench/steady.ts [--minutes 40] [--warm-up 22] [--engine embedded|cluster] [--beats 2000] [--starts 20]
                   [--memory 1024] [--json]

P10: memory of each process under a load that stays the same, every minute, and how it grows after the warm-up. Ends with 1 when
one of Playbeat's own grows by 1 MiB a minute or more. What has ended is remembered for 10 minutes, and its view for another
10 when it has become final: before that, there is nothing steady. On the embedded engine it is all that \`npm start\` runs.
Each process has the heap that Node gives itself in a container of so many MiB of memory, half of them: where there is much
more, V8 leaves garbage lying for long.`;

const MOST_MIB_PER_MINUTE = 1;
const LOOK_MS = 5_000;
const MIB = 1_024 * 1_024;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '40' },
    'warm-up': { type: 'string' },
    engine: { type: 'string', default: 'embedded' },
    beats: { type: 'string', default: '2000' },
    starts: { type: 'string', default: '20' },
    memory: { type: 'string', default: '1024' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const warmUp = values['warm-up'] === undefined ? Math.min(22, minutes / 2) : Number(values['warm-up']);
if (values.help || !(minutes > warmUp) || !['embedded', 'cluster'].includes(values.engine)) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 2);
}

type Watched = {
  readonly name: string;
  /** Whether it is Playbeat's own: what others take is shown. */
  readonly gates: boolean;
  readonly mib: () => number | Promise<number>;
  readonly seen: Seen[];
};

const open = async (): Promise<{ readonly stage: Stage; readonly watched: readonly Watched[] }> => {
  const env = { NODE_OPTIONS: `--max-old-space-size=${Math.floor(Number(values.memory) / 2)}` };
  if (values.engine === 'embedded') {
    const stage = await openStage({ pin: false, env }, LOCAL_ROLES);
    return {
      stage,
      watched: [{ name: 'playbeat', gates: true, mib: () => stage.playbeat.memory().nowMiB, seen: [] }],
    };
  }
  const stage = await openClusterStage({ pin: false, env });
  const { playbeat, owner, parts } = stage;
  return {
    stage,
    watched: [
      { name: 'ingest', gates: true, mib: () => playbeat.memory().nowMiB, seen: [] },
      { name: 'owner', gates: true, mib: () => owner.memory().nowMiB, seen: [] },
      { name: 'redis (used)', gates: false, mib: async () => (await usedBytes(parts.redis)) / MIB, seen: [] },
    ],
  };
};

/**
 * Households that start a stream now and then: at 20 starts a second each comes back after 20 minutes. Trending counts who watched
 * in the last 24 hours; if nobody ever came back, there would be more of them for a day.
 */
const HOUSEHOLDS = 24_000;

/** Beats of the same streams, and starts of streams that fall silent at once and are forgotten after a while. */
const play = async ({ load, playbeat }: Stage, untilMs: number): Promise<void> => {
  let beatsBefore = 0;
  let started = 0;
  for (;;) {
    const ms = Math.min(60_000, untilMs - performance.now());
    if (ms < 500) return;
    const shared = {
      port: playbeat.port,
      sessions: SESSIONS,
      beatsBefore,
      firstAccount: SESSIONS + (started % HOUSEHOLDS),
      ms,
    };
    const result = await load.run({
      kind: 'arrivals',
      ...shared,
      startsPerSecond: Number(values.starts),
      beatsPerSecond: Number(values.beats),
      readsPerSecond: 0,
    });
    const { 201: admitted = 0, 202: stored = 0 } = result.statuses;
    if (admitted + stored < 0.99 * result.requests)
      throw new Error(`answers were not all 201 and 202: ${JSON.stringify(result.statuses)}`);
    beatsBefore += result.beatsMs.length;
    started += result.startsMs.length;
  }
};

const here = machine();
console.error(`${headerOf(here)}; ${values.beats} beats and ${values.starts} starts a second on ${values.engine}`);
const { stage, watched } = await open();
const startedMs = performance.now();
const untilMs = startedMs + minutes * 60_000;
let playing = true;
const played = play(stage, untilMs).finally(() => {
  playing = false;
});
const minuteNow = (): number => (performance.now() - startedMs) / 60_000;
const inMinute = ({ seen }: Watched, number: number): number =>
  median(seen.filter((one) => Math.floor(one.minute) === number).map((one) => one.mib));

for (let told = 0; playing;) {
  await Promise.race([sleep(Math.min(LOOK_MS, (minutes * 60_000) / 8)), played]);
  for (const one of watched) one.seen.push({ minute: minuteNow(), mib: await one.mib() });
  if (Math.floor(minuteNow()) === told) continue;
  const line = watched.map((one) => `${one.name} ${inMinute(one, told).toFixed(1)}`).join(', ');
  console.error(`  minute ${(told += 1)}: ${line} MiB`);
}
await played;
await stage.close();

const rows = watched.map(({ name, gates, seen }) => {
  const mibPerMinute = slopeOf(seen, warmUp);
  const mib = { first: seen[0]?.mib ?? Number.NaN, last: seen.at(-1)?.mib ?? Number.NaN };
  return { name, gates, ...mib, mibPerMinute, held: !gates || mibPerMinute < MOST_MIB_PER_MINUTE };
});
if (values.json) console.log(JSON.stringify({ machine: here, minutes, warmUp, engine: values.engine, rows }));
else {
  const head = ['', 'first MiB', 'last MiB', `MiB a minute after ${warmUp} min`, 'under 1'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { name, gates, first, last, mibPerMinute, held } of rows)
    table.push([
      name,
      first.toFixed(1),
      last.toFixed(1),
      mibPerMinute.toFixed(2),
      gates ? (held ? 'yes' : 'NO') : 'shown',
    ]);
  console.log(table.toString());
}
process.exit(rows.every(({ held }) => held) ? 0 : 1);
