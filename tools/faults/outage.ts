import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startLoad } from '../../services/testing/load.ts';
import { truthOn } from '../../services/testing/truth.ts';
import { memoryOf } from '../../bench/proc.ts';
import { quantile } from '../../bench/row.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { startOwnKafka } from '../stack/own-kafka.ts';
import { startOwnRedis } from '../stack/own-redis.ts';
import { startCrowd } from './crowd.ts';
import { untilWell } from './watch.ts';
import { show } from './show.ts';

/**
 * node tools/faults/outage.ts --seconds 180
 *
 * The only broker of a cluster is killed and comes back after a while. What is acknowledged is stored, what is not stored is
 * refused at once, memory does not grow, and every stream that ran before runs after.
 */
export type OutageOptions = { readonly seconds: number };
export type OutageReport = {
  readonly violations: readonly string[];
  /** What took longer than it may on a machine that does nothing else. */
  readonly late: readonly string[];
  readonly refusedP50Ms: number;
  readonly refusedP99Ms: number;
  readonly recoveredAfterMs: number;
  readonly grownMib: number;
  readonly acknowledged: number;
  readonly refused: number;
};

const RUNNING = 100;
const BEAT_MS = 10_000;
const RECOVERED_WITHIN_MS = 10_000;
/** `APPEND_TIMEOUT_MS`, and what a busy machine adds. */
const REFUSED_WITHIN_MS = 250;
const GROWN_MIB = 64;

const rssMib = (cluster: Cluster): number =>
  cluster.processes.list().reduce((sum, { pid }) => sum + memoryOf(pid).nowMiB, 0);

export const runOutage = async ({ seconds }: OutageOptions): Promise<OutageReport> => {
  const [kafka, redis] = await Promise.all([startOwnKafka(1), startOwnRedis({ mode: 'single' })]);
  const env = { KAFKA_BROKERS: kafka.brokers.join(','), REDIS_URL: redis.first.url };
  const counts = { ingest: 2, concurrency: 2 };
  const cluster = await startCluster({ env, counts, port: 0, adminPort: 0 });
  try {
    await untilWell(cluster);
    const url = (): string => cluster.url;
    const crowd = startCrowd({ name: 'running', size: RUNNING, intervalMs: BEAT_MS, url });
    await crowd.begin();
    crowd.play();
    const load = startLoad({ url, households: 8, seed: 1, thinkMs: 100 });
    await sleep(BEAT_MS);

    const { seen } = crowd;
    const before = { rss: rssMib(cluster), accepted: seen.accepted, failed: seen.failed.length };
    await kafka.kill(1);
    // What was on its way is answered first.
    await sleep(Math.min(1_000, seconds * 100));
    const during = { accepted: seen.accepted, from: seen.tookMs.length };
    await sleep(seconds * 1_000);
    const refusedMs = seen.tookMs.slice(during.from);
    const acceptedMeanwhile = seen.accepted - during.accepted;
    const grownMib = rssMib(cluster) - before.rss;
    await kafka.restart(1);
    const backMs = performance.now();
    await untilWell(cluster);
    const recoveredAfterMs = performance.now() - backMs;
    // Everybody beats once more before somebody asks who is left.
    await sleep(BEAT_MS);
    const without = await crowd.withoutSlot();
    await crowd.end();
    await load.finish();
    const folded = await cluster.quiet();

    const truth = await truthOn(cluster.env, load.ledger, { folded });
    const refusedP99Ms = quantile(refusedMs, 0.99);
    const violations = [
      ...truth.violations,
      ...load.ledger.wrong.slice(0, 5).map((answer) => `a player was answered ${answer}`),
      ...without.map((account) => `${account} lost its slot in the outage`),
      ...seen.stopped.map((stopped) => `a running stream was told to stop: ${stopped}`),
      ...seen.failed.map((failed) => `a beat was answered ${failed}`),
      ...(acceptedMeanwhile === 0 ? [] : [`${acceptedMeanwhile} beats were accepted while there was no broker`]),
      ...(grownMib <= GROWN_MIB ? [] : [`the processes grew by ${grownMib.toFixed(0)} MiB`]),
    ];
    const late = [
      ...(refusedP99Ms <= REFUSED_WITHIN_MS ? [] : [`99 of 100 refusals took ${refusedP99Ms.toFixed(0)} ms`]),
      ...(recoveredAfterMs <= RECOVERED_WITHIN_MS ? [] : [`well again only after ${recoveredAfterMs.toFixed(0)} ms`]),
    ];
    return {
      violations,
      late,
      refusedP50Ms: quantile(refusedMs, 0.5),
      refusedP99Ms,
      recoveredAfterMs,
      grownMib,
      acknowledged: load.ledger.acknowledged.length,
      refused: seen.unavailable,
    };
  } finally {
    await cluster.close();
    await Promise.all([kafka.stop(), redis.stop()]);
  }
};

if (import.meta.main) {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '180' } } });
  show(await runOutage({ seconds: Number(values.seconds) }));
}
