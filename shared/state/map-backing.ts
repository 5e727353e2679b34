import type { Checkpoint, Due, Row } from './state.ts';
import { packingOf, type Shape } from './packing.ts';
import type { Backing, Snapshot } from './partition-state.ts';

/** Stored snapshots on plain maps: what a simulated crash leaves behind. */
export type MapBacking = {
  backingOf(processor: string, partition: number): Backing;
  /** Stores a snapshot, whole. */
  store(snapshot: Snapshot): void;
};

type Stored = { checkpoint: Checkpoint | null; readonly rows: Map<string, Row> };

/** With the shape of a state its rows come back as a store has written them. */
export const createMapBacking = <T>(shape?: Shape<T>): MapBacking => {
  const packing = shape === undefined ? null : packingOf(shape);
  const written = (row: Row): Row =>
    packing === null ? row : { ...row, state: packing.unpack(JSON.parse(JSON.stringify(packing.pack(row.state)))) };
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
        else stored.rows.set(key, written(row));
      }
    },
  };
};
