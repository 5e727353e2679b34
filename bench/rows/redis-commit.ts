import { epochMs, liveMs } from '../../schemas/time.ts';
import { openRedisState } from '../../shared/state/redis-state.ts';
import type { Row } from '../../shared/state/state.ts';
import { startOwnRedis } from '../../tools/stack/own-redis.ts';
import { figure, median } from '../row.ts';

/**
 * P5: rows per second of a commit to Redis, against one awaited Lua call for each event, and against the same rows in a
 * plain MULTI[MSET], which keeps no timers, fences nobody and compares nothing. Run it with `node bench/rows/redis-commit.ts`.
 */
const ROUNDS = 5;
const BATCHES = [100, 500, 2_000];
const ROWS_A_ROUND = 40_000;
const EVENTS_A_ROUND = 4_000;
const ACCOUNTS = 20_000;

/** What an account with one live session takes, about. */
const rowAt = (n: number): Row => ({
  state: {
    sessions: [
      {
        id: `session-${n}`,
        device: { id: `device-${n % ACCOUNTS}`, type: 'tv' },
        content: { id: 'film-7', type: 'vod' },
        startedAtMs: 1_800_000_000_000 + n,
        lastBeatAtMs: 1_800_000_010_000 + n,
        sequence: n % 1_000,
        status: 'admitted',
        leaseMs: 36_000,
      },
    ],
    decided: { outcome: 'admitted', reason: 'OK', policyVersion: 3, at: n },
  },
  version: 1,
  dueMs: liveMs(36_000 + n),
});
const keyAt = (n: number): string => `account-${(n * 7_919) % ACCOUNTS}`;

const PER_EVENT = `
if redis.call('HGET', KEYS[1], 'nonce') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[2])
redis.call('HSET', KEYS[1], 'offset', ARGV[5])
return 1`;

const redis = await startOwnRedis({ mode: 'single' });
const { admin, url } = redis.first;
const store = await openRedisState({ server: { url }, onError: console.error });
const sha = String(await admin.script('LOAD', PER_EVENT));
let n = 0;

const rate = async (events: number, work: () => Promise<void>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return (events * 1_000) / (performance.now() - startedAt);
};

const { owner } = await store.open({ processor: 'bench', partition: 0, discard: true });
let from: number | null = null;
const commits = (batch: number) => async (): Promise<void> => {
  for (let done = 0; done < ROWS_A_ROUND; done += batch) {
    const rows = new Map<string, Row>();
    for (let i = 0; i < batch; i++) rows.set(keyAt(++n), rowAt(n));
    const clock = { liveMs: liveMs(n), appendedAtMs: epochMs(n), heldUntilMs: epochMs(0) };
    const to = { offset: n, clock, control: null, rebuild: null };
    const outcome = await store.commit({ owner, from, to, rows });
    if (outcome !== 'committed') throw new Error(`the commit was ${outcome}`);
    from = n;
  }
};
const msets = (batch: number) => async (): Promise<void> => {
  for (let done = 0; done < ROWS_A_ROUND; done += batch) {
    const pairs: string[] = [];
    for (let i = 0; i < batch; i++) pairs.push(`mset:${keyAt(++n)}`, JSON.stringify(rowAt(n)));
    await admin.multi().mset(pairs).exec();
  }
};
const single = async (): Promise<void> => {
  await admin.hset('one:head', 'nonce', 'x');
  for (let done = 0; done < EVENTS_A_ROUND; done++) {
    n += 1;
    const row = rowAt(n);
    const args = ['one:head', 'one:rows', 'one:timers', 'x', keyAt(n), JSON.stringify(row), Number(row.dueMs), n];
    await admin.evalsha(sha, 3, ...args);
  }
};

await commits(500)();
await msets(500)();
await single();
console.log(`rows/s, median of ${ROUNDS} rounds; ${JSON.stringify(rowAt(1)).length} bytes a row`);
for (const batch of BATCHES) {
  const ours: number[] = [];
  const perEvent: number[] = [];
  const mset: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await rate(ROWS_A_ROUND, commits(batch)));
    mset.push(await rate(ROWS_A_ROUND, msets(batch)));
    perEvent.push(await rate(EVENTS_A_ROUND, single));
  }
  const over = (others: readonly number[]): string => median(ours.map((one, i) => one / others[i]!)).toFixed(2);
  console.log(
    `batches of ${batch}: ours ${figure(median(ours))}, a call per event ${figure(median(perEvent))} (ratio ${over(perEvent)}, ` +
      `goal 25), MULTI[MSET] ${figure(median(mset))} (ratio ${over(mset)}, goal 0.6)`,
  );
}
await store.close();
await redis.stop();
