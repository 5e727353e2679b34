import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { HOUR_MS } from '../../schemas/time.ts';
import type { StateStore } from './state.ts';
import { createMemoryState, storeOver } from './memory-state.ts';
import { openSnapshotReader } from './embedded-state-reader.ts';
import { createSnapshotWriter } from './embedded-state-writer.ts';
import { NO_PACKING, type PackingFor } from './packing.ts';
import { StateClosed } from './state-errors.ts';
import type { After } from './waiters.ts';
import { realTimer } from './real-timer.ts';

/**
 * The state store of one process: memory, with a checkpoint of what changed in `state.sqlite` every now and then. A
 * commit is visible at once, and durable with the next checkpoint; what a crash loses is made again from the log.
 * Rows are read from the file when they are first asked for, so opening does not take longer the more there are.
 * One process per folder: the embedded log, which is opened first, sees to that.
 */
export type EmbeddedStateOptions = {
  readonly folder: string;
  /** How much a crash may cost, in time that the log is read again for, where a checkpoint takes no more than a quarter of it. */
  readonly checkpointMs?: number;
  /** A checkpoint failed. Memory goes on, and the next one stores what this one could not. */
  onError(error: unknown): void;
  /** The file's size limit in pages of 8 KiB. */
  readonly maxPages?: number;
  /** How the rows of a processor are written. */
  readonly packing?: PackingFor;
  /** Another timer, for tests. */
  readonly after?: After;
};

export const CHECKPOINT_MS = 2_000;
/** A checkpoint that takes long is followed by so many times as long without one: whoever catches up has other work to do. */
const PAUSES = 4;
/** But not for longer: a crash would cost too much. */
const LONGEST_PAUSE_MS = 15_000;
/** A row that was deleted stands in the write-ahead log for no longer. */
const CUT_EVERY_MS = HOUR_MS;

export const openEmbeddedState = async (options: EmbeddedStateOptions): Promise<StateStore> => {
  const { folder, checkpointMs = CHECKPOINT_MS, onError, maxPages = null, after = realTimer } = options;
  const { packing = () => NO_PACKING } = options;
  const file = join(folder, 'state.sqlite');
  const writer = createSnapshotWriter({ file, maxPages }, packing);
  try {
    await writer.open();
  } catch (error) {
    await writer.close().catch(() => {});
    throw error;
  }
  const reader = openSnapshotReader(file, packing);
  const memory = createMemoryState({ backingOf: reader.backingOf, nonce: randomUUID });
  const store = storeOver(memory, after);

  const checkpoint = async (): Promise<void> => {
    for (const partition of memory.partitions()) {
      const snapshot = partition.snapshot();
      if (snapshot === null) continue;
      try {
        await writer.write(snapshot);
        partition.snapshotStored(snapshot);
      } catch (error) {
        partition.snapshotFailed(snapshot);
        onError(error);
      }
    }
  };

  let closing: Promise<void> | null = null;
  let running = Promise.resolve();
  let cancelNext = (): void => {};
  let untilCutMs = CUT_EVERY_MS;
  const checkpointAndCut = async (waitedMs: number): Promise<void> => {
    const startedMs = performance.now();
    await checkpoint();
    const tookMs = performance.now() - startedMs;
    untilCutMs -= waitedMs;
    if (untilCutMs <= 0) {
      untilCutMs = CUT_EVERY_MS;
      await writer.cut().catch(onError);
    }
    if (closing === null) scheduleNext(tookMs);
  };
  const scheduleNext = (tookMs: number): void => {
    const waitMs = Math.max(checkpointMs, Math.min(PAUSES * tookMs, LONGEST_PAUSE_MS));
    cancelNext = after(waitMs, () => {
      running = checkpointAndCut(waitMs);
    });
  };
  scheduleNext(0);

  const close = async (): Promise<void> => {
    cancelNext();
    store.endWaits();
    await running;
    await checkpoint();
    reader.close();
    await writer.close().catch(onError);
  };

  const checkOpen = (): void => {
    if (closing !== null) throw new StateClosed(file);
  };

  return {
    open: (request) => {
      checkOpen();
      return store.open(request);
    },
    load: (request) => {
      checkOpen();
      return store.load(request);
    },
    commit: (commit) => {
      checkOpen();
      return store.commit(commit);
    },
    read: (processor, partition, keys) => {
      checkOpen();
      return store.read(processor, partition, keys);
    },
    waitFor: (processor, partition, offset, timeoutMs) => {
      // Not `checkOpen`, which throws: this one answers with a promise.
      if (closing !== null) return Promise.reject(new StateClosed(file));
      return store.waitFor(processor, partition, offset, timeoutMs);
    },
    close: () => (closing ??= close()),
  };
};
