import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import type { Decision, IngestResponse } from '../../schemas/generated/http.ts';
import { type Response, send } from '../../services/testing/http.ts';
import { beat, start } from '../../services/testing/player.ts';
import { startCluster } from '../cluster/cluster.ts';
import { startOwnKafka } from '../stack/own-kafka.ts';
import { startOwnRedis } from '../stack/own-redis.ts';
import { inTurns, untilTaken } from './crowd.ts';
import { untilWell } from './watch.ts';
import { show } from './show.ts';

/**
 * node tools/faults/wipe.ts --accounts 200000 --rate 2000
 *
 * Redis is emptied under load. Nobody who runs is blocked, who was refused or replaced stays so, no account gets more than its
 * limit beyond it, and none 36 s after.
 */
export type WipeOptions = { readonly accounts: number; readonly rate: number };
export type WipeReport = {
  readonly violations: readonly string[];
  /** What took longer than it may on a machine that does nothing else. */
  readonly late: readonly string[];
  readonly live: number;
  readonly rightAfterMs: number;
  readonly extrasAtMost: number;
  readonly newcomersLetIn: number;
  readonly degraded: number;
  readonly beatsMeanwhile: number;
};

const LIMIT = 2;
const WATCHED = 150;
const BATCH = 50;
const RIGHT_WITHIN_MS = 15_000;
const NO_EXTRA_AFTER_MS = 36_000;
const WATCH_MS = 45_000;
const ROUND_MS = 2_000;

/** So long a lease that all accounts live though a laptop cannot send the beats of them all every 10 s. */
const policy = stringify({
  version: 2,
  description: 'Two streams per account, patient with the silent.',
  defaults: { leaseMs: 600_000, lateMs: 590_000, pausedHoldsMs: 300_000, failMode: 'open' },
  rules: [{ id: 'two-streams', countBy: 'sessions', limit: LIMIT, onExceed: 'deny-newest', sameDevice: 'replace' }],
});

type Watched = { readonly accountId: string; sequence: number; extras: number };

export const runWipe = async ({ accounts, rate }: WipeOptions): Promise<WipeReport> => {
  const folder = await mkdtemp(join(tmpdir(), 'playbeat-wipe-'));
  const file = join(folder, 'policy.yaml');
  await writeFile(file, policy);
  const [kafka, redis] = await Promise.all([
    startOwnKafka(1),
    startOwnRedis({ mode: 'single', settings: ['--maxmemory', '2gb'] }),
  ]);
  const env = { KAFKA_BROKERS: kafka.brokers.join(','), REDIS_URL: redis.first.url, POLICY_FILE: file };
  const cluster = await startCluster({ env, counts: { ingest: 2, concurrency: 2 }, port: 0, adminPort: 0 });
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const { url } = cluster;
  const call = (path: string, body?: unknown): Promise<Response> =>
    send(url, { path, agent, ...(body === undefined ? {} : { body }) });
  const violations: string[] = [];
  try {
    await untilWell(cluster);
    const sequences = new Map<number, number>();
    const beatOf = (i: number) => {
      const sequence = (sequences.get(i) ?? 0) + 1;
      sequences.set(i, sequence);
      return beat({ accountId: `live-${i}`, sequence });
    };
    const batches = Array.from({ length: Math.ceil(accounts / BATCH) }, (_, b) => b * BATCH);
    const beatBatch = async (from: number): Promise<number> => {
      const heartbeats = Array.from({ length: Math.min(BATCH, accounts - from) }, (_, i) => beatOf(from + i));
      const answer = await call('/v1/heartbeats', { heartbeats });
      if (answer.status === 503) return 0;
      if (answer.status !== 202) throw new Error(`${answer.status} ${answer.text}`);
      const { results } = answer.json as IngestResponse;
      for (const { sessionId, decision } of results)
        if (decision?.decision === 'stop') violations.push(`live ${sessionId} was told to stop: ${decision.reason}`);
      return results.length;
    };
    await inTurns(batches, 8, async (from) => {
      while ((await beatBatch(from)) === 0) await sleep(100);
    });

    const watched = Array.from({ length: WATCHED }, (_, i): Watched => ({
      accountId: `watched-${i}`,
      sequence: 1,
      extras: 0,
    }));
    await inTurns(watched, 8, ({ accountId }) => prepare(accountId, call));

    let playing = true;
    let beatsMeanwhile = 0;
    const load = (async () => {
      for (let at = 0; playing; at = (at + 1) % batches.length) {
        const next = sleep((1_000 * BATCH) / rate);
        void beatBatch(batches[at]!).then(
          (taken) => (beatsMeanwhile += taken),
          (error: unknown) => violations.push(`a batch: ${String(error)}`),
        );
        await next;
      }
    })();
    await sleep(ROUND_MS);
    beatsMeanwhile = 0;

    await redis.first.admin.flushall();
    const wipedMs = performance.now();
    let rightAfterMs = Infinity;
    let degraded = 0;
    while (performance.now() - wipedMs < WATCH_MS) {
      const round = sleep(ROUND_MS);
      const sinceMs = performance.now() - wipedMs;
      const seen = { degraded: 0, wrong: [] as string[] };
      await inTurns(watched, 16, (one) => ask(one, { call, sinceMs, seen }));
      degraded += seen.degraded;
      violations.push(...seen.wrong);
      if (seen.degraded > 0) rightAfterMs = Infinity;
      else if (rightAfterMs === Infinity) rightAfterMs = performance.now() - wipedMs;
      await round;
    }
    playing = false;
    await load;
    const extrasAtMost = Math.max(...watched.map(({ extras }) => extras));
    if (extrasAtMost > LIMIT) violations.push(`an account got ${extrasAtMost} streams beyond its ${LIMIT}`);
    return {
      violations: violations.slice(0, 20),
      late: rightAfterMs <= RIGHT_WITHIN_MS ? [] : [`right again only after ${rightAfterMs.toFixed(0)} ms`],
      live: accounts + WATCHED,
      rightAfterMs,
      extrasAtMost,
      newcomersLetIn: watched.reduce((sum, { extras }) => sum + extras, 0),
      degraded,
      beatsMeanwhile,
    };
  } finally {
    agent.destroy();
    await cluster.close();
    await Promise.all([kafka.stop(), redis.stop(), rm(folder, { recursive: true, force: true })]);
  }
};

type Call = (path: string, body?: unknown) => Promise<Response>;

/** Two streams that run; one that was replaced on its device, and one that was refused. */
const prepare = async (accountId: string, call: Call): Promise<void> => {
  const begin = async (sessionId: string, deviceId: string, status: number): Promise<void> => {
    const answer = await untilTaken(() => call('/v1/sessions', start({ accountId, sessionId, deviceId })));
    if (answer.status !== status) throw new Error(`${accountId} ${sessionId}: ${answer.status} ${answer.text}`);
  };
  await begin('replaced', 'tv', 201);
  await begin('one', 'tv', 201);
  await begin('two', 'phone', 201);
  await begin('refused', 'laptop', 409);
  for (const [sessionId, deviceId] of DEVICES)
    await call('/v1/heartbeats', beat({ accountId, sessionId, deviceId, sequence: 1 }));
};
const DEVICES = Object.entries({ replaced: 'tv', one: 'tv', two: 'phone', refused: 'laptop' });
const RUNNING = ['one', 'two'];

type Asking = {
  readonly call: Call;
  readonly sinceMs: number;
  readonly seen: { degraded: number; readonly wrong: string[] };
};

/** Everybody beats, a newcomer tries, and it is looked at who holds slots. */
const ask = async (one: Watched, { call, sinceMs, seen }: Asking): Promise<void> => {
  const { accountId } = one;
  one.sequence += 1;
  for (const [sessionId, deviceId] of DEVICES) {
    const answer = await call('/v1/heartbeats', beat({ accountId, sessionId, deviceId, sequence: one.sequence }));
    const decision = answer.status === 202 ? (answer.json as IngestResponse).results[0]?.decision : undefined;
    // A beat may be answered without a decision, when none could be read in time.
    if (decision === undefined) continue;
    if (decision.degraded) {
      seen.degraded += 1;
      continue;
    }
    const right = RUNNING.includes(sessionId) ? 'allow' : 'stop';
    if (decision.decision !== right)
      seen.wrong.push(
        `${accountId} ${sessionId} ${sinceMs.toFixed(0)} ms after: ${decision.decision} ${decision.reason}`,
      );
  }
  const newcomer = `new-${one.sequence}`;
  const answer = await call('/v1/sessions', start({ accountId, sessionId: newcomer, deviceId: newcomer }));
  if (answer.status === 201) {
    one.extras += 1;
    if (!(answer.json as Decision).degraded)
      seen.wrong.push(`${accountId} let ${newcomer} in, and did not say degraded`);
    else seen.degraded += 1;
  }
  if (sinceMs < NO_EXTRA_AFTER_MS) return;
  const check = await call(`/v1/block-check?accountId=${accountId}&sessionId=one`);
  const holders = (check.json as Decision).active?.map(({ sessionId }) => sessionId).sort() ?? [];
  if (holders.join() !== 'one,two')
    seen.wrong.push(`${accountId} ${sinceMs.toFixed(0)} ms after: held by ${holders.join()}`);
};

if (import.meta.main) {
  const { values } = parseArgs({
    options: { accounts: { type: 'string', default: '200000' }, rate: { type: 'string', default: '2000' } },
  });
  show(
    await runWipe({
      accounts: Number(values.accounts),
      rate: Number(values.rate),
    }),
  );
}
