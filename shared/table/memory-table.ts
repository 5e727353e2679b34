import type { EpochMs } from '../../schemas/time.ts';
import { type Listed, type ListRequest, nameOf, type TableKey, type TableRow } from './table.ts';

/** The durable table in memory, answering at once: what the test driver and the simulator put rows into. */
export type MemoryTable = {
  put(rows: readonly TableRow[]): void;
  get(keys: readonly TableKey[]): readonly (TableRow | null)[];
  list(request: ListRequest): Listed;
  close(): Promise<void>;
};

/** By UTF-8 bytes, as databases compare; strings of JavaScript compare by code unit. */
export const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

export const createMemoryTable = (clock: () => EpochMs): MemoryTable => {
  const rows = new Map<string, TableRow>();
  const live = (row: TableRow | undefined): TableRow | null =>
    row === undefined || row.expiresAtMs <= clock() ? null : row;

  return {
    put: (puts) => {
      for (const row of puts) {
        const stored = rows.get(nameOf(row));
        if (stored === undefined || compareBytes(row.version, stored.version) > 0) rows.set(nameOf(row), row);
      }
    },
    get: (keys) => keys.map((key) => live(rows.get(nameOf(key)))),
    list: ({ table, key, list, below, limit }) => {
      const placed = [...rows.values()].flatMap((row) => {
        const place = row.places[list];
        const listed = row.table === table && row.key === key && live(row) !== null;
        return listed && place !== undefined && (below === null || compareBytes(place, below) < 0)
          ? [{ row, place }]
          : [];
      });
      placed.sort((a, b) => compareBytes(b.place, a.place));
      const page = placed.slice(0, limit);
      return { rows: page.map(({ row }) => row), next: placed.length > limit ? (page.at(-1)?.place ?? null) : null };
    },
    close: async () => {},
  };
};
