import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EpochMs, epochMs } from '../schemas/time.ts';
import { type concurrency as Concurrency } from '../services/concurrency/concurrency.ts';
import type { Log, NewRecord } from '../shared/log/log.ts';
import { partitionOf } from '../shared/log/partition.ts';
import { runProcessor } from '../shared/runtime/run.ts';
import type { StateStore } from '../shared/state/state.ts';
import { BEAT_EVERY_MS, beatRecord, nthAccount, policyRecord, startRecord } from './records.ts';

export const PARTITIONS = 4;
/** Each account starts once and then beats: a decision goes out for every seven beats. */
export const BEATS_PER_START = 7;
/** Records that go into one append, over all partitions. */
const CHUNK = 2_000;
const START_MS = 1_800_000_000_000;

export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'playbeat-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** What is appended at one moment, by partition. */
export type Chunk = {
  readonly atMs: number;
  readonly records: readonly (readonly NewRecord[])[];
  readonly count: number;
};

/** A log of whole lives: a policy for each partition, all starts, then beats, 10 s of log time apart. */
export const chunksOf = (accounts: number): readonly Chunk[] => {
  const policy = [policyRecord(START_MS)];
  const chunks: Chunk[] = [
    { atMs: START_MS, records: Array.from({ length: PARTITIONS }, () => policy), count: PARTITIONS },
  ];
  const total = accounts * (1 + BEATS_PER_START);
  for (let from = 0; from < total; from += CHUNK) {
    const records: NewRecord[][] = Array.from({ length: PARTITIONS }, () => []);
    const to = Math.min(total, from + CHUNK);
    const atMs = START_MS + Math.round(((to - 1) / accounts) * BEAT_EVERY_MS);
    for (let i = from; i < to; i++) {
      const account = nthAccount(i % accounts, accounts);
      const sequence = Math.floor(i / accounts);
      const record = sequence === 0 ? startRecord(account, atMs) : beatRecord(account, sequence, atMs);
      records[partitionOf(record.key ?? '', PARTITIONS)]!.push(record);
    }
    chunks.push({ atMs, records, count: to - from });
  }
  return chunks;
};

export const recordsIn = (chunks: readonly Chunk[]): number => chunks.reduce((sum, { count }) => sum + count, 0);

/** Time by hand: the log's clock says when the chunk at hand was made. */
export type HandClock = { nowMs: number };
export const handClock = (): HandClock => ({ nowMs: START_MS });
export const read = (clock: HandClock) => (): EpochMs => epochMs(clock.nowMs);

/** Appends them all, `ahead` chunks on their way at once. */
export const appendAll = async (
  log: Log,
  chunks: readonly Chunk[],
  { clock, ahead }: { clock: HandClock; ahead: number },
): Promise<void> => {
  const underWay: Promise<unknown>[] = [];
  for (const { atMs, records } of chunks) {
    if (underWay.length >= ahead) await underWay.shift();
    clock.nowMs = atMs;
    underWay.push(
      Promise.all(
        records.map((own, partition) => (own.length === 0 ? null : log.append('heartbeats.v1', partition, own))),
      ),
    );
  }
  await Promise.all(underWay);
};

export type Running = { readonly close: () => Promise<void> };
export type RunParts = {
  readonly processor: typeof Concurrency;
  readonly log: Log;
  readonly store: StateStore;
  readonly clock: HandClock;
};

export const run = ({ processor, log, store, clock }: RunParts): Promise<Running> =>
  runProcessor({
    processor,
    log,
    store,
    partitions: PARTITIONS,
    clock: read(clock),
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    onEvent: (event) => {
      if (event.kind === 'failed' || event.kind === 'retry' || event.kind === 'parked')
        throw new Error(`the fold does not go on: ${event.kind}`);
    },
  });

const LONGEST_MS = 120_000;

/** Resolves once the fold has all that the log holds now. */
export const caughtUp = async ({ processor, log, store }: RunParts): Promise<void> => {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { end } = await log.bounds(processor.input, partition);
    if (!(await store.waitFor(processor.name, partition, end, LONGEST_MS))) throw new Error('the fold hangs');
  }
};
