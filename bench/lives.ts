import type { NewRecord } from '../shared/log/log.ts';
import { partitionOf } from '../shared/log/partition.ts';
import { BEAT_EVERY_MS, beatRecord, nthAccount, policyRecord, startRecord } from './records.ts';

export const PARTITIONS = 4;
/** Each account starts once and then beats: a decision goes out for every seven beats. */
export const BEATS_PER_START = 7;
/** Records that go into one append, over all partitions. */
const CHUNK = 2_000;
export const START_MS = 1_800_000_000_000;

/** What is appended at one moment, by partition. */
export type Chunk = {
  readonly atMs: number;
  readonly records: readonly (readonly NewRecord[])[];
  readonly count: number;
};

export const recordsOf = (accounts: number): number => PARTITIONS + accounts * (1 + BEATS_PER_START);

/** A log of whole lives: a policy for each partition, all starts, then beats, 10 s of the players' time apart. */
export function* livesOf(
  accounts: number,
  {
    startMs = START_MS,
    end = false,
  }: { readonly startMs?: number; /** The last beat says so. */ readonly end?: boolean } = {},
): Generator<Chunk> {
  const policy = [policyRecord(startMs)];
  yield { atMs: startMs, records: Array.from({ length: PARTITIONS }, () => policy), count: PARTITIONS };
  const total = accounts * (1 + BEATS_PER_START);
  for (let from = 0; from < total; from += CHUNK) {
    const records: NewRecord[][] = Array.from({ length: PARTITIONS }, () => []);
    const to = Math.min(total, from + CHUNK);
    const atMs = startMs + Math.round(((to - 1) / accounts) * BEAT_EVERY_MS);
    for (let i = from; i < to; i++) {
      const account = nthAccount(i % accounts, accounts);
      const sequence = Math.floor(i / accounts);
      const record =
        sequence === 0
          ? startRecord(account, atMs)
          : beatRecord(account, sequence, atMs, end && sequence === BEATS_PER_START ? 'ended' : 'playing');
      records[partitionOf(record.key ?? '', PARTITIONS)]!.push(record);
    }
    yield { atMs, records, count: to - from };
  }
}
