import { createMemoryTable, type Tombstone } from './memory-table.ts';
import { TableClosed } from './table-errors.ts';
import { tableContract } from './table.contract.ts';
import type { TableRow } from './table.ts';

const left = new Map<string, TableRow>();
const tombstones = new Map<string, Tombstone>();

tableContract({
  name: 'the table in memory',
  make: async (clock) => {
    const table = createMemoryTable(clock, left, tombstones);
    let closed = false;
    const open = (): typeof table => {
      if (closed) throw new TableClosed('memory');
      return table;
    };
    return {
      put: async (rows) => open().put(rows),
      get: async (keys) => open().get(keys),
      list: async (request) => open().list(request),
      erase: async (erasure) => open().erase(erasure),
      close: async () => {
        closed = true;
      },
    };
  },
});
