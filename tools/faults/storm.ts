import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Decision } from '../../schemas/generated/http.ts';
import { send } from '../../services/testing/http.ts';
import { start } from '../../services/testing/player.ts';
import type { Environment } from '../../services/testing/server.ts';
import { quantile } from '../../bench/row.ts';
import { startCluster } from '../cluster/cluster.ts';
import { startParts } from '../cluster/parts.ts';
import { startCrowd } from './crowd.ts';
import { show } from './show.ts';

/**
 * node tools/faults/storm.ts --steady 20 --times 10 --seconds 60
 *
 * A cluster with running streams and a steady rate of starts, then so many times as many starts, each on a connection of its
 * own. Running streams must not notice; starts are decided soon or told when to come back.
 */
export type StormOptions = {
  readonly steady: number;
  readonly times: number;
  readonly seconds: number;
  /** Settings over the defaults. */
  readonly env?: Environment;
};
export type StormReport = {
  readonly violations: readonly string[];
  /** What took longer than it may on a machine that does nothing else. */
  readonly late: readonly string[];
  readonly starts: number;
  readonly decided: number;
  readonly refused: number;
  readonly degraded: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly beats: number;
  readonly beatP99Ms: number;
};

const RUNNING = 200;
const BEAT_MS = 10_000;
const STEADY_SECONDS = 20;
const DECIDED_WITHIN_MS = 500;

export const runStorm = async ({ steady, times, seconds, env = {} }: StormOptions): Promise<StormReport> => {
  const parts = await startParts({ brokers: 1, redis: 'single' });
  const cluster = await startCluster({
    env: { ...parts.env, ...env },
    counts: { ingest: 2, concurrency: 2 },
    port: 0,
    adminPort: 0,
  });
  const urls = cluster.processes.ready('ingest').map(({ url }) => url);
  try {
    const crowd = startCrowd({ name: 'running', size: RUNNING, intervalMs: BEAT_MS, url: () => cluster.url });
    await crowd.begin();
    crowd.play();
    await startsAt(steady, STEADY_SECONDS, urls);
    const storm = await startsAt(steady * times, seconds, urls);
    const without = await crowd.withoutSlot();
    await crowd.end();
    const { seen } = crowd;
    const p99Ms = quantile(storm.decidedMs, 0.99);
    return {
      violations: [
        ...without.map((account) => `${account} lost its slot in the storm`),
        ...seen.stopped.map((stopped) => `a running stream was told to stop: ${stopped}`),
        ...seen.failed.map((failed) => `a beat of a running stream: ${failed}`),
        ...(seen.unavailable === 0 ? [] : [`${seen.unavailable} beats of running streams were refused`]),
        ...storm.wrong.slice(0, 5),
        ...(storm.retries.size > 1 || storm.refused < 2 ? [] : ['all are told to come back at the same moment']),
      ],
      late: p99Ms <= DECIDED_WITHIN_MS ? [] : [`99 of 100 starts were decided within ${p99Ms.toFixed(0)} ms`],
      starts: storm.sent,
      decided: storm.decidedMs.length,
      refused: storm.refused,
      degraded: storm.degraded,
      p50Ms: quantile(storm.decidedMs, 0.5),
      p99Ms,
      beats: seen.accepted,
      beatP99Ms: quantile(seen.tookMs, 0.99),
    };
  } finally {
    await cluster.close();
    await parts.stop();
  }
};

let accounts = 0;
const startsAt = async (perSecond: number, seconds: number, urls: readonly string[]) => {
  const found = {
    sent: 0,
    refused: 0,
    degraded: 0,
    decidedMs: [] as number[],
    retries: new Set<number>(),
    wrong: [] as string[],
  };
  const startOnce = async (url: string): Promise<void> => {
    const agent = new Agent({ keepAlive: false });
    const sentMs = performance.now();
    try {
      const body = start({ accountId: `storm-${(accounts += 1)}` });
      const answer = await send(url, { path: '/v1/sessions', body, agent });
      const { code, retryAfterMs, degraded } = answer.json as Decision & { code?: string };
      if (answer.status === 503 && code === 'OVERLOADED') {
        found.refused += 1;
        found.retries.add(retryAfterMs ?? 0);
      } else if (answer.status !== 201) found.wrong.push(`a start was answered ${answer.status} ${answer.text}`);
      else {
        found.decidedMs.push(performance.now() - sentMs);
        if (degraded) found.degraded += 1;
      }
    } catch (error) {
      found.wrong.push(`a start had no answer: ${String(error)}`);
    } finally {
      agent.destroy();
    }
  };
  const startMs = performance.now();
  const under: Promise<void>[] = [];
  while (performance.now() - startMs < seconds * 1_000) {
    const due = ((performance.now() - startMs) / 1_000) * perSecond;
    while (found.sent < due) under.push(startOnce(urls[(found.sent += 1) % urls.length]!));
    await sleep(5);
  }
  await Promise.all(under);
  return found;
};

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      steady: { type: 'string', default: '20' },
      times: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '60' },
    },
  });
  show(
    await runStorm({
      steady: Number(values.steady),
      times: Number(values.times),
      seconds: Number(values.seconds),
    }),
  );
}
