import type { EpochMs } from '../../../schemas/time.ts';
import type { Erasure, Table, TableKey, TableRow } from '../table.ts';

/** The durable table as a plain map, that adapters are compared with. It knows nothing of their parts. */
export const modelTable = (clock: () => EpochMs): Omit<Table, 'close'> => {
  const stored = new Map<string, TableRow>();
  const erasures: Erasure[] = [];
  /** Names that stood there when it was erased. */
  const buried = new Map<Erasure, ReadonlySet<string>>();
  const name = ({ table, key, id }: TableKey): string => JSON.stringify([table, key, id]);
  const visible = (row: TableRow | undefined): TableRow | null =>
    row !== undefined && row.expiresAtMs > clock() ? row : null;

  return {
    put: async (rows) => {
      const newest = new Map<string, TableRow>();
      for (const row of rows) {
        const other = newest.get(name(row));
        if (other === undefined || isLess(other.version, row.version)) newest.set(name(row), row);
      }
      for (const [of, row] of newest) {
        const old = visible(stored.get(of));
        const isLate = erasures.some(
          (erasure) =>
            buried.get(erasure)!.has(of) && (row.source ?? Infinity) <= erasure.source && clock() < erasure.untilMs,
        );
        if (isLate) continue;
        const { source: _, ...kept } = row;
        if (old === null || isLess(old.version, row.version)) stored.set(of, kept);
      }
    },
    get: async (keys) => keys.map((key) => visible(stored.get(name(key)))),
    erase: async (erasure) => {
      const theirs = [...stored].filter(([, row]) => row.table === erasure.table && row.key === erasure.key);
      const names = new Set(theirs.map(([of]) => of));
      for (const [other, of] of buried)
        if (other.table === erasure.table && other.key === erasure.key) for (const one of of) names.add(one);
      buried.set(erasure, names);
      erasures.push(erasure);
      for (const [of] of theirs) stored.delete(of);
    },
    list: async ({ table, key, list, below, limit }) => {
      const standing = [...stored.values()].flatMap((row) => {
        const place = list === 'id' ? row.id : row.places[list];
        const asked = row.table === table && row.key === key && visible(row) !== null && place !== undefined;
        return asked && (below === null || isLess(place, below)) ? [{ row, place }] : [];
      });
      standing.sort((a, b) => (isLess(a.place, b.place) ? 1 : -1));
      const page = standing.slice(0, limit);
      return {
        rows: page.map(({ row }) => row),
        next: standing.length > page.length ? page.at(-1)!.place : null,
      };
    },
  };
};

/** By code points, which UTF-8 bytes keep the order of. */
const isLess = (a: string, b: string): boolean => {
  const [left, right] = [a, b].map((text) => Array.from(text, (character) => character.codePointAt(0)!));
  for (const [i, point] of left!.entries()) {
    const other = right![i];
    if (other !== point) return other !== undefined && point < other;
  }
  return left!.length < right!.length;
};
