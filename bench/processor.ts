import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { startParts, usedBytes } from './cluster-parts.ts';
import { AHEAD, appendAll } from './embedded-parts.ts';
import { BEATS_PER_START, livesOf, recordsOf } from './lives.ts';
import { ALL_CORES, canPin, CORES, keepTo, coreOf } from './proc.ts';
import { launchPlaybeat, type Program } from './processes.ts';
import { type Drained, drained } from './processor/drain.ts';
import { type Killed, killed } from './processor/kill.ts';
import { type Visible, visible } from './processor/visible.ts';
import { headerOf, machine } from './report.ts';
import { figure } from './row.ts';

const USAGE = `node bench/processor.ts [--records 3000000] [--rate 2000] [--seconds 12] [--settle 50] [--kills 1]
                         [--session-timeout 1000] [--no-pin] [--json]

P11, our side: one process that decides, with four partitions, on a real Kafka and Redis. How fast it folds a full topic, how
soon an append is a decision at a steady rate, what memory that takes, and how long a kill -9 is felt. The process has a core to
itself where taskset is there; Kafka, Redis and this client share the others. Another Kafka is named by KAFKA_BROKERS.`;

const MIB = 1_024 * 1_024;

const options = () => {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      records: { type: 'string', default: '3000000' },
      rate: { type: 'string', default: '2000' },
      seconds: { type: 'string', default: '12' },
      settle: { type: 'string', default: '50' },
      kills: { type: 'string', default: '1' },
      'session-timeout': { type: 'string', default: '1000' },
      pin: { type: 'boolean', default: true },
      json: { type: 'boolean', default: false },
    },
  });
  const number = (
    name: 'records' | 'rate' | 'seconds' | 'settle' | 'kills' | 'session-timeout',
    least: number,
  ): number => {
    const value = Number(values[name]);
    if (!(value >= least)) throw new Error(`--${name} must be a number of at least ${least}\n\n${USAGE}`);
    return value;
  };
  return {
    records: number('records', 1_000),
    rate: number('rate', 10),
    seconds: number('seconds', 0.5),
    settleSeconds: number('settle', 0),
    kills: number('kills', 0),
    sessionTimeoutMs: number('session-timeout', 500),
    pin: values.pin && canPin(),
    json: values.json,
  };
};

type Memory = { readonly ownerMiB: number; readonly ownerMostMiB: number; readonly redisMiB: number };
type Report = {
  readonly accounts: number;
  readonly filledPerSecond: number;
  readonly drained: Drained;
  readonly memory: Memory;
  readonly redisBytesPerAccount: number;
  readonly visible: Visible;
  readonly kills: readonly Killed[];
};

const say = (line: string): void => console.error(`  ${line}`);

const measure = async (asked: ReturnType<typeof options>): Promise<Report> => {
  const { records, rate, seconds, settleSeconds, sessionTimeoutMs, pin } = asked;
  if (pin) keepTo(CORES.others);
  const parts = await startParts({ sessionTimeoutMs });
  if (pin) keepTo(ALL_CORES);
  const log = await parts.openLog();
  const accounts = Math.round(records / (1 + BEATS_PER_START));
  const total = recordsOf(accounts);
  const fillMs = performance.now();
  await appendAll(log, livesOf(accounts, { startMs: Date.now() }), { ahead: AHEAD });
  const filledPerSecond = (total * 1_000) / (performance.now() - fillMs);
  say(`${total} records of ${accounts} accounts are written, ${figure(filledPerSecond)} a second`);

  if (pin) keepTo(CORES.others);
  const store = await parts.openStore({ pollMs: 1 });
  const usedBefore = await usedBytes(parts.redis);
  const launch = (): Promise<Program> => launchPlaybeat({ core: coreOf(pin), roles: ['concurrency'], env: parts.env });
  const startedMs = performance.now();
  let owner = await launch();
  const folded = await drained(owner, { log, store, startedMs });
  const used = await usedBytes(parts.redis);
  say(`drained at ${figure(folded.perSecond)} records a second`);

  const seen = await visible({ log, store, owner, perSecond: rate, accounts, settleSeconds, seconds });
  say(
    `${figure(seen.perSecond)} a second: p50 ${figure(seen.fromCallMs.p50)} ms, p99 ${figure(seen.fromCallMs.p99)} ms`,
  );
  const { nowMiB, mostMiB } = owner.memory();
  const memory = { ownerMiB: nowMiB, ownerMostMiB: mostMiB, redisMiB: used / MIB };

  const kills: Killed[] = [];
  for (let number = 1; number <= asked.kills; number++) {
    const one = await killed({ owner, launch, log, perSecond: rate, accounts, number });
    owner = one.owner;
    kills.push(one.killed);
    say(`kill ${number}: right again after ${one.killed.firstMs.toFixed(0)} ms`);
  }
  await owner.stop();
  await store.close();
  await log.close();
  await parts.stop();
  const redisBytesPerAccount = (used - usedBefore) / accounts;
  return { accounts, filledPerSecond, drained: folded, memory, redisBytesPerAccount, visible: seen, kills };
};

const tableOf = (report: Report, sessionTimeoutMs: number): string => {
  const { drained: folded, memory, visible: seen, kills } = report;
  const ms = ({ p50, p99, p999 }: Visible['fromCallMs']): string =>
    `p50 ${figure(p50)} ms, p99 ${figure(p99)} ms, p99.9 ${figure(p999)} ms`;
  const table = new Table({ style: { head: [], border: [], compact: true } });
  table.push(
    [`drain of ${folded.records} records`, `${figure(folded.perSecond)} records/s`],
    ['CPU of the processor', `${figure(folded.cpuSecondsPerMillion)} s per million records`],
    ['its core was used', `${Math.round(100 * folded.busy)} %`],
    ['with the start of the process', `${folded.allSeconds.toFixed(1)} s`],
    [`append to visible decision, ${figure(seen.perSecond)} records/s`, ms(seen.fromCallMs)],
    ['the same from when it is stored', ms(seen.fromStoredMs)],
    ['its core was used then', `${Math.round(100 * seen.ownerBusy)} %`],
    [`longest while ${report.accounts} sessions end at once`, `${figure(seen.mostWhileSettlingMs)} ms`],
    ['RSS of the processor, most', `${figure(memory.ownerMiB)} MiB, ${figure(memory.ownerMostMiB)} MiB`],
    [`Redis with ${report.accounts} accounts`, `${figure(memory.redisMiB)} MiB`],
    ['an account with one session', `${figure(report.redisBytesPerAccount)} bytes`],
    ...kills.map(({ firstMs, allMs }) => [
      `kill -9, session timeout ${sessionTimeoutMs} ms`,
      `first right answer after ${firstMs.toFixed(0)} ms, in all partitions ${allMs.toFixed(0)} ms`,
    ]),
  );
  return table.toString();
};

const asked = options();
const here = machine();
console.error(headerOf(here));
const report = await measure(asked);
if (asked.json) console.log(JSON.stringify({ machine: here, options: asked, ...report }));
else console.log(`${headerOf(here)}\n${tableOf(report, asked.sessionTimeoutMs)}`);
process.exit(0);
