import { epochMs, liveMs } from '../../schemas/time.ts';
import type { Row as StateRow } from '../../shared/state/state.ts';
import { openRedisState } from '../../shared/state/redis-state.ts';
import { startOwnRedis } from '../../tools/stack/own-redis.ts';
import { fail } from '../cluster-parts.ts';
import { canPin, CORES, keepTo } from '../proc.ts';
import { type Bench, figure, median, type Round, rowOf } from '../row.ts';

const BATCH = 500;
const ACCOUNTS = 20_000;
/** A call per event is so much slower that fewer events take as long. */
const FEWER_EVENTS = 10;

/** What an account with one live session takes, about. */
const rowAt = (n: number): StateRow => ({
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

/**
 * P5: rows per second of a commit to Redis, against one awaited Lua call for each event. P5b: against the same rows in a plain
 * MULTI[MSET], which keeps no timers, fences nobody and compares nothing.
 */
export const committing: Bench = async ({ rounds, accounts, pin }, say) => {
  const pinned = pin && canPin();
  if (pinned) keepTo(CORES.others);
  const redis = await startOwnRedis({ mode: 'single' });
  if (pinned) keepTo(CORES.measured);
  const { admin, url } = redis.first;
  const store = await openRedisState({ server: { url }, onError: fail });
  const sha = String(await admin.script('LOAD', PER_EVENT));
  await admin.hset('one:head', 'nonce', 'x');
  const { owner } = await store.open({ processor: 'bench', partition: 0, discard: true });
  let n = 0;
  let from: number | null = null;

  /** As the runtime says: of an account that was there before a timer stands. */
  const seen = new Set<string>();
  const commits = async (rows: number): Promise<void> => {
    for (let done = 0; done < rows; done += BATCH) {
      const changed = new Map<string, StateRow>();
      const sooner = new Set<string>();
      for (let i = 0; i < BATCH; i++) {
        const key = keyAt(++n);
        changed.set(key, rowAt(n));
        if (seen.has(key)) continue;
        seen.add(key);
        sooner.add(key);
      }
      const clock = { liveMs: liveMs(n), appendedAtMs: epochMs(n), heldUntilMs: epochMs(0) };
      const to = { offset: n, clock, control: null, rebuild: null };
      const outcome = await store.commit({ owner, from, to, rows: changed, sooner });
      if (outcome !== 'committed') throw new Error(`the commit was ${outcome}`);
      from = n;
    }
  };
  const msets = async (rows: number): Promise<void> => {
    for (let done = 0; done < rows; done += BATCH) {
      const pairs: string[] = [];
      for (let i = 0; i < BATCH; i++) pairs.push(`mset:${keyAt(++n)}`, JSON.stringify(rowAt(n)));
      await admin.multi().mset(pairs).exec();
    }
  };
  const calls = async (rows: number): Promise<void> => {
    for (let done = 0; done < rows; done++) {
      n += 1;
      const row = rowAt(n);
      const args = ['one:head', 'one:rows', 'one:timers', 'x', keyAt(n), JSON.stringify(row), Number(row.dueMs), n];
      await admin.evalsha(sha, 3, ...args);
    }
  };
  const rate = async (work: (rows: number) => Promise<void>, rows: number): Promise<number> => {
    globalThis.gc?.();
    const startedAt = performance.now();
    await work(rows);
    return (rows * 1_000) / (performance.now() - startedAt);
  };

  const rows = BATCH * Math.ceil(accounts / BATCH);
  const perEvent: Round[] = [];
  const plain: Round[] = [];
  for (let round = -1; round < rounds; round++) {
    const ours = await rate(commits, rows);
    const mset = await rate(msets, rows);
    const single = await rate(calls, Math.ceil(rows / FEWER_EVENTS));
    // The first is for all to be compiled, and for the keys to be there.
    if (round < 0) continue;
    perEvent.push({ ours, baseline: single });
    plain.push({ ours, baseline: mset });
    say(
      `P5 round ${round + 1}: ours ${figure(ours)}, a call per event ${figure(single)}, MULTI[MSET] ${figure(mset)} rows/s`,
    );
  }
  await store.close();
  await redis.stop();
  const bytes = JSON.stringify(rowAt(1)).length;
  const over = (goal: number): string => `${figure(median(perEvent.map((one) => goal * one.baseline)))} rows/s`;
  return [
    rowOf('P5', perEvent, [
      `batches of ${BATCH} rows of ${bytes} bytes; this process and Redis ${pinned ? 'on a core each' : 'not pinned to cores'}`,
      `25 calls per event are ${over(25)}, MULTI[MSET] is ${figure(median(plain.map((one) => one.baseline)))} rows/s`,
    ]),
    rowOf('P5b', plain, []),
  ];
};
