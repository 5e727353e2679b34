import type { EpochMs } from '../../schemas/time.ts';
import { checkedList, checkKeys, compareText, rowOf, rowsToStore } from './table-rows.ts';
import { type Listed, type ListRequest, nameOf, type TableKey, type TableRow } from './table.ts';

/** The durable table in memory, answering at once: what the test driver and the simulator put rows into. */
export type MemoryTable = {
  put(rows: readonly TableRow[]): void;
  get(keys: readonly TableKey[]): readonly (TableRow | null)[];
  list(request: ListRequest): Listed;
};

/** `rows`: what one before it has left. */
export const createMemoryTable = (clock: () => EpochMs, rows = new Map<string, TableRow>()): MemoryTable => {
  const live = (row: TableRow | undefined): TableRow | null =>
    row === undefined || row.expiresAtMs <= clock() ? null : row;

  return {
    put: (puts) => {
      for (const row of rowsToStore(puts).map(rowOf)) {
        const stored = live(rows.get(nameOf(row)));
        if (stored === null || compareText(row.version, stored.version) > 0) rows.set(nameOf(row), row);
      }
    },
    get: (keys) => {
      checkKeys(keys);
      return keys.map((key) => live(rows.get(nameOf(key))));
    },
    list: (request) => {
      checkedList(request);
      const { table, key, list, below, limit } = request;
      const placed = [...rows.values()].flatMap((row) => {
        const place = row.places[list];
        const listed = row.table === table && row.key === key && live(row) !== null;
        return listed && place !== undefined && (below === null || compareText(place, below) < 0)
          ? [{ row, place }]
          : [];
      });
      placed.sort((a, b) => compareText(b.place, a.place));
      const page = placed.slice(0, limit);
      return { rows: page.map(({ row }) => row), next: placed.length > limit ? (page.at(-1)?.place ?? null) : null };
    },
  };
};
