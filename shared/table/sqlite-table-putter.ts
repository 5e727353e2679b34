import { epochMs } from '../../schemas/time.ts';
import { openSqliteTable } from './sqlite-table.ts';
import type { TableRow } from './table.ts';

/**
 * A program for the tests: `node sqlite-table-putter.ts <file> <from>` puts one row after the other, three puts at a time, and
 * prints the number of each that has resolved, until it is killed.
 */
export const rowNumber = (n: number): TableRow => ({
  table: 'resume-positions',
  key: `account-${n % 7}`,
  id: `row-${n}`,
  version: String(n),
  places: { history: String(n).padStart(9, '0') },
  expiresAtMs: epochMs(Number.MAX_SAFE_INTEGER),
  item: { n, text: 'x'.repeat(n % 2_000) },
});

const [, program, file, from] = process.argv;
if (program === import.meta.filename && file !== undefined) {
  const table = await openSqliteTable({ file, clock: () => epochMs(0) });
  for (let n = Number(from); ; n += 3) {
    const puts = [n, n + 1, n + 2].map(async (one) => {
      await table.put([rowNumber(one)]);
      process.stdout.write(`${one}\n`);
    });
    await Promise.all(puts);
  }
}
