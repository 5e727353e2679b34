import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { TABLES, type TableName } from '../../schemas/tables.ts';
import type { Accounts } from './accounts.ts';

/** How much is kept under keys that move, that stay, and that no account of the list has. */
export type Counted = {
  readonly moving: number;
  readonly staying: number;
  readonly unknown: number;
  readonly unknownKeys: number;
};

export const counted = (keys: Iterable<readonly [string, number]>, { moving, staying }: Accounts): Counted => {
  // Of a run before: it has been moved.
  const moved = new Set(moving.values());
  let [move, stay, unknown, unknownKeys] = [0, 0, 0, 0];
  for (const [key, count] of keys)
    if (moving.has(key)) move += count;
    else if (staying.has(key) || moved.has(key)) stay += count;
    else {
      unknown += count;
      unknownKeys += 1;
    }
  return { moving: move, staying: stay, unknown, unknownKeys };
};

/** The rows of each key in a file of tables that nobody writes to. */
export const keysOfTables = (file: string): ReadonlyMap<string, number> => {
  const keys = new Map<string, number>();
  if (!existsSync(file)) return keys;
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const found = db.prepare(
      "select table_name, account, count(*) as rows from rows where item <> '' group by table_name, account",
    );
    for (const { table_name: table, account, rows } of found.iterate())
      if (TABLES[table as TableName]?.rowsOf === 'account')
        keys.set(String(account), (keys.get(String(account)) ?? 0) + Number(rows));
  } finally {
    db.close();
  }
  return keys;
};
