import { TABLES, type TableName } from '../../schemas/tables.ts';
import { epochMs } from '../../schemas/time.ts';
import { movedRow as movedResume } from '../../services/resume-position/row.ts';
import { movedRow as movedView } from '../../services/view-end/revision.ts';
import type { Position } from '../../shared/log/position.ts';
import { rowsById, type Table, type TableRow } from '../../shared/table/table.ts';

/** Rows that are put at once. */
const AT_ONCE = 100;
/** Behind all of the log. */
const BEHIND_ALL = Number.MAX_SAFE_INTEGER;

export type RowsMove = {
  readonly table: Pick<Table, 'list' | 'put' | 'erase'>;
  readonly tables: readonly TableName[];
  /** Old key to new one. */
  readonly moving: ReadonlyMap<string, string>;
  /** The newest position of the partition in which a key is now. */
  readonly newestOf: (key: string) => Position;
};

/**
 * Puts each row under its new key, and erases those of the old one behind it. Repeated, it does what is left. Of what is erased
 * nothing stands longer than until the next sweep: no record is left that could be folded under the old key.
 */
export const moveRows = async ({ table, tables, moving, newestOf }: RowsMove): Promise<number> => {
  let moved = 0;
  for (const [from, to] of moving)
    for (const name of tables.filter((one) => TABLES[one].rowsOf === 'account')) {
      let rows: TableRow[] = [];
      let found = 0;
      const put = async (): Promise<void> => {
        await table.put(rows);
        found += rows.length;
        rows = [];
      };
      for await (const row of rowsById(table, { table: name, key: from, below: null })) {
        rows.push(under(to, row, newestOf));
        if (rows.length === AT_ONCE) await put();
      }
      await put();
      if (found === 0) continue;
      await table.erase({ table: name, key: from, source: BEHIND_ALL, untilMs: epochMs(0) });
      moved += found;
    }
  return moved;
};

const under = (key: string, row: TableRow, newestOf: RowsMove['newestOf']): TableRow => {
  if (row.table === 'resume-positions') return movedResume(row, key, newestOf(key));
  return row.table === 'views' ? movedView(row, key) : { ...row, key };
};
