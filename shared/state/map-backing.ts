import type { Checkpoint, Due, Row } from './state.ts';
import type { Backing, Snapshot } from './partition-state.ts';

/** Stored snapshots on plain maps: what a simulated crash leaves behind. */
export type MapBacking = {
  backingOf(processor: string, partition: number): Backing;
  /** Stores a snapshot, whole. */
  store(snapshot: Snapshot): void;
};

type Stored = { checkpoint: Checkpoint | null; readonly rows: Map<string, Row> };

export const createMapBacking = (): MapBacking => {
  const partitions = new Map<string, Stored>();
  const storedOf = (processor: string, partition: number): Stored => {
    const id = `${processor}/${partition}`;
    const stored = partitions.get(id) ?? { checkpoint: null, rows: new Map<string, Row>() };
    partitions.set(id, stored);
    return stored;
  };

  return {
    backingOf: (processor, partition) => {
      const stored = storedOf(processor, partition);
      return {
        checkpoint: () => stored.checkpoint,
        row: (key) => stored.rows.get(key),
        dueBetween: (fromExclusiveMs, toInclusiveMs) => {
          const due: Due[] = [];
          for (const [key, { dueMs }] of stored.rows) {
            if (dueMs !== null && dueMs <= toInclusiveMs && dueMs > (fromExclusiveMs ?? -Infinity))
              due.push({ key, dueMs });
          }
          return due.sort((a, b) => a.dueMs - b.dueMs);
        },
      };
    },
    store: ({ processor, partition, discard, checkpoint, rows }) => {
      const stored = storedOf(processor, partition);
      if (discard) stored.rows.clear();
      stored.checkpoint = checkpoint;
      for (const { key, row } of rows) {
        if (row === null) stored.rows.delete(key);
        else stored.rows.set(key, row);
      }
    },
  };
};
