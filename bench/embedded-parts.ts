import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EpochMs, epochMs } from '../schemas/time.ts';
import type { TopicName } from '../schemas/topics.ts';
import type { Log } from '../shared/log/log.ts';
import { runProcessor } from '../shared/runtime/run.ts';
import type { StateStore } from '../shared/state/state.ts';
import type { Table } from '../shared/table/table.ts';
import type { AnyProcessor } from './folds.ts';
import { type Chunk, PARTITIONS, START_MS } from './lives.ts';

const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Gone when the process ends. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'playbeat-bench-'));
  folders.push(folder);
  return folder;
};

/** Time by hand: the log's clock says when the chunk at hand was made. */
export type HandClock = { nowMs: number };
export const handClock = (): HandClock => ({ nowMs: START_MS });
export const read = (clock: HandClock) => (): EpochMs => epochMs(clock.nowMs);

/** Chunks on their way at once, where a log is filled as fast as it goes. */
export const AHEAD = 8;

/** Appends them all, `ahead` chunks on their way at once. */
export const appendAll = async (
  log: Log,
  chunks: Iterable<Omit<Chunk, 'count'>>,
  {
    clock = handClock(),
    ahead,
    topic = 'heartbeats.v1',
  }: { readonly clock?: HandClock; readonly ahead: number; readonly topic?: TopicName },
): Promise<void> => {
  const underWay: Promise<unknown>[] = [];
  for (const { atMs, records } of chunks) {
    if (underWay.length >= ahead) await underWay.shift();
    clock.nowMs = atMs;
    underWay.push(
      Promise.all(records.map((own, partition) => (own.length === 0 ? null : log.append(topic, partition, own)))),
    );
  }
  await Promise.all(underWay);
};

export type Running = { readonly close: () => Promise<void> };
export type RunParts = {
  readonly processor: AnyProcessor;
  readonly log: Log;
  readonly store: StateStore;
  readonly clock: HandClock;
  readonly table?: Table;
};

export const run = ({ clock, ...parts }: RunParts): Promise<Running> =>
  runProcessor({
    ...parts,
    partitions: PARTITIONS,
    parks: true,
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
