import type { Batch } from './log.ts';

/**
 * What one of several who read a partition has read, for those behind it: they are given the same records, so that what is decoded
 * of them once serves all. It is let go of when all have had it.
 */
export type SharedReads = {
  join(): void;
  leave(): void;
  take(from: number): Batch | null;
  give(batch: Batch): void;
};

/** Who is farther behind than this reads by itself. */
const MOST_READS = 32;

export const openSharedReads = (): SharedReads => {
  const reads = new Map<number, { readonly batch: Batch; left: number }>();
  let readers = 0;
  return {
    join: () => {
      readers += 1;
    },
    leave: () => {
      readers -= 1;
      if (readers < 2) reads.clear();
    },
    take: (from) => {
      const read = reads.get(from);
      if (read === undefined) return null;
      read.left -= 1;
      if (read.left === 0) reads.delete(from);
      return read.batch;
    },
    give: (batch) => {
      if (readers < 2) return;
      reads.delete(batch.from);
      reads.set(batch.from, { batch, left: readers - 1 });
      const [oldest] = reads.keys();
      if (reads.size > MOST_READS && oldest !== undefined) reads.delete(oldest);
    },
  };
};
