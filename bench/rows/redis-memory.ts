import { concurrency } from '../../services/concurrency/concurrency.ts';
import { epochMs } from '../../schemas/time.ts';
import type { LogRecord, NewRecord } from '../../shared/log/log.ts';
import { openRedisState } from '../../shared/state/redis-state.ts';
import { startOwnRedis } from '../../tools/stack/own-redis.ts';
import { fail, usedBytes } from '../cluster-parts.ts';
import { packing } from '../folds.ts';
import { batchesOf, foldLater } from '../memory-loop.ts';
import { accountKeyOf, policyRecord, startRecord } from '../records.ts';
import { type Bench, rowOf } from '../row.ts';

const START_MS = 1_800_000_000_000;
const CHUNK = 1_000;

/** Bytes of live accounts in Redis: with one session each, and then with one more. Baseline: the same rows as plain strings. */
export const rememberingInRedis: Bench = async ({ accounts }, say) => {
  const redis = await startOwnRedis({ mode: 'single', settings: ['--maxmemory', '4gb'] });
  const { admin, url } = redis.first;
  const store = await openRedisState({ server: { url }, packing, onError: fail });
  const fold = foldLater({ processor: concurrency, store }, 1);
  let offset = 0;
  const placed = ({ key, value }: NewRecord): LogRecord => ({
    key,
    value,
    offset: offset++,
    appendedAtMs: epochMs(START_MS),
  });
  const startAll = async (device: number): Promise<number> => {
    for (let from = 0; from < accounts; from += CHUNK) {
      const records: LogRecord[] = [];
      for (let i = from; i < Math.min(accounts, from + CHUNK); i++)
        records.push(placed(startRecord(i, START_MS, device)));
      for (const batch of batchesOf(0, records)) await fold(batch);
    }
    return usedBytes(redis.first);
  };
  for (const batch of batchesOf(0, [placed(policyRecord(START_MS))])) await fold(batch);

  const empty = await usedBytes(redis.first);
  const one = await startAll(0);
  const strings = await plainStrings();
  const two = (await startAll(1)) - strings;

  /** What they take that are read from the one and written to the other. */
  async function plainStrings(): Promise<number> {
    const before = await usedBytes(redis.first);
    const hash = `playbeat:{${concurrency.name}:0}:rows`;
    for (let from = 0; from < accounts; from += CHUNK) {
      const keys = Array.from({ length: Math.min(CHUNK, accounts - from) }, (_, i) => accountKeyOf(from + i));
      const rows = await admin.hmget(hash, ...keys);
      await admin.mset(keys.flatMap((key, i) => [`plain:${key}`, rows[i] ?? '']));
    }
    return (await usedBytes(redis.first)) - before;
  }
  await store.close();
  await redis.stop();
  const ours = (one - empty) / accounts;
  const further = (two - one) / accounts;
  const lines = [
    `${ours.toFixed(0)} bytes per account with one live session, ${further.toFixed(0)} per further session`,
    `${accounts} accounts of ${concurrency.name}, by used_memory; the baseline is a plain string for each`,
  ];
  say(`memory-redis: ${lines[0]}`);
  return [rowOf('memory-redis', [{ ours, baseline: strings / accounts }], lines)];
};
