import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { liveMs } from '../../schemas/time.ts';
import type { Checkpoint, Row } from './state.ts';
import type { Backing } from './partition-state.ts';
import { errorOf, failureOf } from './embedded-state-file.ts';
import type { PackingFor } from './packing.ts';
import { StateDamaged } from './state-errors.ts';

/** Reads the newest checkpoint on the main thread: a row takes a few microseconds, less than asking another thread. */
export type SnapshotReader = {
  backingOf(processor: string, partition: number): Backing;
  close(): void;
};

export const openSnapshotReader = (file: string, packing: PackingFor): SnapshotReader => {
  const guarded = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw error instanceof StateDamaged ? error : errorOf(file, failureOf(error));
    }
  };
  const number = (value: SQLOutputValue | undefined): number => {
    if (typeof value !== 'number') throw new StateDamaged(file, 'a number is missing');
    return value;
  };
  const text = (value: SQLOutputValue | undefined): string => {
    if (typeof value !== 'string') throw new StateDamaged(file, 'a text is missing');
    return value;
  };
  const json = (value: SQLOutputValue | undefined): unknown => {
    try {
      return JSON.parse(text(value));
    } catch {
      throw new StateDamaged(file, 'a text is no JSON');
    }
  };

  const db = guarded(() => new DatabaseSync(file, { readOnly: true, timeout: 1_000 }));
  const selectPartition = db.prepare('SELECT id, checkpoint FROM partitions WHERE processor = ? AND partition = ?');
  const selectRow = db.prepare('SELECT version, due, state FROM rows WHERE partition_id = ? AND key = ?');
  const selectDue = db.prepare(
    'SELECT key, due FROM rows WHERE partition_id = ? AND due > ? AND due <= ? ORDER BY partition_id, due',
  );

  return {
    backingOf: (processor, partition) => {
      const { unpack } = packing(processor);
      const stored = guarded(() => selectPartition.get(processor, partition));
      const id = stored === undefined ? 0 : guarded(() => number(stored['id']));
      return {
        checkpoint: () =>
          // Only the writer of this release, or of one with the same layout, wrote it.
          stored?.['checkpoint'] == null ? null : guarded(() => json(stored['checkpoint']) as Checkpoint),
        row: (key) =>
          guarded((): Row | undefined => {
            const row = selectRow.get(id, key);
            if (row === undefined) return undefined;
            return {
              state: row['state'] === null ? undefined : unpack(json(row['state'])),
              version: number(row['version']),
              dueMs: row['due'] === null ? null : liveMs(number(row['due'])),
            };
          }),
        dueBetween: (fromExclusiveMs, toInclusiveMs) =>
          guarded(() =>
            selectDue
              .all(id, fromExclusiveMs ?? -Infinity, toInclusiveMs)
              .map((row) => ({ key: text(row['key']), dueMs: liveMs(number(row['due'])) })),
          ),
      };
    },
    close: () => db.close(),
  };
};
