import { TABLES, type TableName } from '../../schemas/tables.ts';
import { movedRow as movedResume } from '../../services/resume-position/row.ts';
import { movedRow as movedView } from '../../services/view-end/revision.ts';
import type { Position } from '../../shared/log/position.ts';
import { rowsById, type Table, type TableRow } from '../../shared/table/table.ts';

/** Rows that are put at once. */
const AT_ONCE = 100;
export type RowsMove = {
  readonly table: Pick<Table, 'list' | 'put'>;
  /** Takes all that there is of a key out of a table. */
  remove(table: TableName, key: string): Promise<void>;
  readonly tables: readonly TableName[];
  /** Old key to new one. */
  readonly moving: ReadonlyMap<string, string>;
  /** The newest position of the partition in which a key is now. */
  readonly newestOf: (key: string) => Position;
};

/** Puts each row under its new key, and removes those of the old one behind it. Repeated, it does what is left. */
export const moveRows = async ({ table, remove, tables, moving, newestOf }: RowsMove): Promise<number> => {
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
      await remove(name, from);
      moved += found;
    }
  return moved;
};

const under = (key: string, row: TableRow, newestOf: RowsMove['newestOf']): TableRow => {
  if (row.table === 'resume-positions') return movedResume(row, key, newestOf(key));
  return row.table === 'views' ? movedView(row, key) : { ...row, key };
};
