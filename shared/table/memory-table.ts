import type { EpochMs } from '../../schemas/time.ts';
import {
  checkedList,
  checkErasure,
  checkKeys,
  compareText,
  pageOf,
  placeIn,
  rowOf,
  rowsToStore,
} from './table-rows.ts';
import { type Erasure, type Listed, type ListRequest, nameOf, type TableKey, type TableRow } from './table.ts';

/** The durable table in memory, answering at once: what the test driver and the simulator put rows into. */
export type MemoryTable = {
  put(rows: readonly TableRow[]): void;
  get(keys: readonly TableKey[]): readonly (TableRow | null)[];
  list(request: ListRequest): Listed;
  erase(erasure: Erasure): void;
};

/** Of a row that was erased: what it is put over with has to come after it. */
export type Tombstone = Pick<Erasure, 'source' | 'untilMs'>;

/** `rows` and `tombstones`: what one before it has left. */
export const createMemoryTable = (
  clock: () => EpochMs,
  rows = new Map<string, TableRow>(),
  tombstones = new Map<string, Tombstone>(),
): MemoryTable => {
  const live = (row: TableRow | undefined): TableRow | null =>
    row === undefined || row.expiresAtMs <= clock() ? null : row;
  const rowsOf = ({ table, key }: Pick<TableKey, 'table' | 'key'>): readonly TableRow[] =>
    [...rows.values()].filter((row) => row.table === table && row.key === key && live(row) !== null);

  return {
    put: (puts) => {
      for (const { source, ...put } of rowsToStore(puts)) {
        const row = rowOf(put);
        const name = nameOf(row);
        const erased = tombstones.get(name);
        if (erased !== undefined && source <= erased.source && clock() < erased.untilMs) continue;
        const stored = live(rows.get(name));
        if (stored === null || compareText(row.version, stored.version) > 0) rows.set(name, row);
      }
    },
    get: (keys) => {
      checkKeys(keys);
      return keys.map((key) => live(rows.get(nameOf(key))));
    },
    list: (request) => {
      checkedList(request);
      const { list, below } = request;
      const placed = rowsOf(request).flatMap((row) => {
        const place = placeIn(list, row);
        return place !== undefined && (below === null || compareText(place, below) < 0) ? [{ row, place }] : [];
      });
      placed.sort((a, b) => compareText(b.place, a.place));
      return pageOf(
        request,
        placed.map(({ row }) => row),
      );
    },
    erase: (erasure) => {
      checkErasure(erasure);
      const { table, key, source, untilMs } = erasure;
      const start = nameOf({ table, key, id: '' });
      for (const name of new Set([...rows.keys(), ...tombstones.keys()])) {
        if (!name.startsWith(start) || (tombstones.get(name)?.source ?? source) > source) continue;
        rows.delete(name);
        tombstones.set(name, { source, untilMs });
      }
    },
  };
};
