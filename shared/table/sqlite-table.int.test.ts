import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { epochMs } from '../../schemas/time.ts';
import { openSqliteTable, type SqliteTable, type SqliteTableOptions, SWEEP_ROWS } from './sqlite-table.ts';
import { rowNumber } from './sqlite-table-putter.ts';
import { newAccount, rowIn, START_MS, tableContract } from './table.contract.ts';
import { TableUnavailable } from './table-errors.ts';

const LATER = epochMs(START_MS + 1_000_000);
const folder = mkdtempSync(join(tmpdir(), 'playbeat-table-'));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}`, 'tables.sqlite');
const tables: SqliteTable[] = [];
const opened = async (options: Partial<SqliteTableOptions> & { readonly file: string }): Promise<SqliteTable> => {
  const table = await openSqliteTable({ clock: () => epochMs(START_MS), ...options });
  tables.push(table);
  return table;
};
afterEach(async () => {
  for (const table of tables.splice(0)) await table.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = newFile();
tableContract({ name: 'the SQLite table', make: (clock) => openSqliteTable({ file, clock }) });

/** What stands in the file, seen from outside. */
const storedIn = (path: string): number => {
  const db = new DatabaseSync(path, { readOnly: true });
  const count = Number(db.prepare('select count(*) as count from rows').get()?.['count']);
  db.close();
  return count;
};

describe('the SQLite table', () => {
  it('has everything again after it was closed and opened, and leaves one file', async () => {
    const path = newFile();
    const key = newAccount();
    const rows = Array.from({ length: 20 }, (_, i) => rowIn(key, `${i}`, { places: { history: `${i}` } }));
    const first = await opened({ file: path });
    await first.put(rows);
    await first.close();
    expect([`${path}-wal`, `${path}-shm`].filter((one) => existsSync(one))).toEqual([]);
    expect(await (await opened({ file: path })).get(rows)).toEqual(rows);
  });

  it('after kill -9 has each put that had resolved, whole and in its list, five times in a row', async () => {
    const path = newFile();
    let from = 1;
    for (let round = 0; round < 5; round += 1) {
      const program = fileURLToPath(new URL('./sqlite-table-putter.ts', import.meta.url));
      const child = spawn(process.execPath, [program, path, `${from}`], { stdio: ['ignore', 'pipe', 'inherit'] });
      const resolved: number[] = [];
      for await (const line of createInterface(child.stdout)) {
        resolved.push(Number(line));
        if (resolved.length === 200 + round * 37) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');

      const table = await opened({ file: path });
      const expected = resolved.map(rowNumber);
      expect(await table.get(expected)).toEqual(expected);
      const newest = expected.at(-1)!;
      const place = newest.places['history']!;
      const { rows } = await table.list({
        table: newest.table,
        key: newest.key,
        list: 'history',
        below: `${place}~`,
        limit: 1,
      });
      expect(rows).toEqual([newest]);
      await table.close();
      from = Math.max(...resolved) + 4;
    }
  });

  it('stores the puts of one turn, and those that come while the disk is at work, in one transaction each', async () => {
    const path = newFile();
    const table = await opened({ file: path });
    const key = newAccount();
    const transactions = (): number => {
      // The last frame of a transaction in the write-ahead log says how large the file is then; the others say 0.
      const wal = readFileSync(`${path}-wal`);
      const pageBytes = wal.readUInt32BE(8);
      let commits = 0;
      for (let at = 32; at < wal.length; at += 24 + pageBytes) commits += wal.readUInt32BE(at + 4) === 0 ? 0 : 1;
      return commits;
    };
    const before = transactions();
    await Promise.all(Array.from({ length: 300 }, (_, i) => table.put([rowIn(key, `${i}`)])));
    expect(transactions() - before).toBe(1);
    const puts = [table.put([rowIn(key, 'first')])];
    await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 50; i++) puts.push(table.put([rowIn(key, `later-${i}`)]));
    await Promise.all(puts);
    expect(transactions() - before).toBe(3);
  });

  it('sweeps what has expired, however much, and leaves the rest', async () => {
    const path = newFile();
    let nowMs = START_MS;
    const table = await opened({ file: path, clock: () => epochMs(nowMs) });
    const key = newAccount();
    const count = 2 * SWEEP_ROWS + 7;
    const rowOf = (i: number) => rowIn(key, `${i}`, { expiresAtMs: epochMs(START_MS + (i < count ? 10 : 11)) });
    await table.put(Array.from({ length: count + 5 }, (_, i) => rowOf(i)));
    nowMs = START_MS + 9;
    expect(await table.sweep()).toBe(0);
    nowMs = START_MS + 10;
    const sweeping = table.sweep();
    await table.put([rowIn(key, 'meanwhile')]);
    expect(await sweeping).toBe(count);
    expect(storedIn(path)).toBe(6);
    expect(await table.sweep()).toBe(0);
  });

  it('leaves no byte of 40 erased rows in its files once their tombstones are swept, among 4,000 others that change', async () => {
    const path = newFile();
    let nowMs = START_MS;
    const table = await opened({ file: path, clock: () => epochMs(nowMs) });
    const others = Array.from({ length: 100 }, newAccount);
    const put = (round: number) =>
      table.put(
        [...others, 'who-is-gone'].flatMap((key) =>
          Array.from({ length: 40 }, (_, i) =>
            rowIn(key, `${key}-${i}`, {
              version: `${round}`,
              places: { history: `${(i * 7 + round) % 40}`.padStart(3, '0') + `${key}-${i}` },
              item: { of: key.repeat((i * i + 31 * round) % 400) },
            }),
          ),
        ),
      );
    for (let round = 0; round < 8; round++) await put(round);
    await table.erase({ table: 'resume-positions', key: 'who-is-gone', source: 1, untilMs: epochMs(START_MS + 10) });
    await table.sweep();
    const standing = (): number =>
      [path, `${path}-wal`]
        .map((one) => readFileSync(one, 'latin1').split('who-is-gone').length - 1)
        .reduce((a, b) => a + b);
    // A tombstone has the key and the id, in the table and in its index; this id has the key in it.
    expect(standing()).toBe(40 * 4);
    nowMs += 10;
    expect(await table.sweep()).toBe(40);
    expect(standing()).toBe(0);
    expect(storedIn(path)).toBe(4_000);
  });

  it('leaves no byte of erased accounts whose rows grew, which SQLite moves from page to page', async () => {
    const path = newFile();
    let nowMs = START_MS;
    const table = await opened({ file: path, clock: () => epochMs(nowMs) });
    const keys = Array.from({ length: 1_000 }, newAccount);
    for (let round = 0; round < 14; round++)
      await table.put(
        keys.map((key, i) =>
          rowIn(key, `${round % 4}`, {
            version: `${round}`.padStart(3, '0'),
            places: { history: `${(i * 7_919 + round * 31) % 99_991}` },
            item: { of: key.padEnd(10 + ((i * 31 + round * 101) % 1_500), 'x') },
          }),
        ),
      );
    const gone = keys.filter((_, i) => i % 10 === 0);
    for (const key of gone)
      await table.erase({ table: 'resume-positions', key, source: 1, untilMs: epochMs(START_MS + 10) });
    await table.sweep();
    nowMs += 10;
    await table.sweep();
    const text = [path, `${path}-wal`].map((one) => readFileSync(one, 'latin1')).join('');
    expect(gone.filter((key) => text.includes(key))).toEqual([]);
  });

  it('opens a file of before there were tombstones', async () => {
    const path = newFile();
    await (await opened({ file: path })).close();
    const db = new DatabaseSync(path);
    db.exec('alter table rows drop column erased; alter table rows drop column erased_until; pragma user_version = 1');
    db.exec(`insert into rows (table_name, account, id, version, expires, item)
      values ('views', 'key', 'id', '1', ${START_MS + 1}, '{"n":1}')`);
    db.close();
    const table = await opened({ file: path });
    expect((await table.get([rowIn('key', 'id', { table: 'views' })]))[0]?.item).toEqual({ n: 1 });
    await table.erase({ table: 'views', key: 'key', source: 1, untilMs: LATER });
    expect(await table.get([rowIn('key', 'id', { table: 'views' })])).toEqual([null]);
  });

  it('refuses puts while the disk is full, keeps all that it took, and goes on when there is space', async () => {
    let nowMs = START_MS;
    const path = newFile();
    const table = await opened({ file: path, maxPages: 200, clock: () => epochMs(nowMs) });
    const key = newAccount();
    const putOne = (i: number) =>
      table.put([rowIn(key, `${i}`, { item: { text: 'x'.repeat(20_000) }, expiresAtMs: epochMs(START_MS + 10) })]);
    let stored = 0;
    const error: unknown = await (async () => {
      for (;;) {
        await putOne(stored);
        stored += 1;
      }
    })().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TableUnavailable);
    expect(String(error)).toContain(path);
    expect(String(error)).toContain('no space left');
    expect(stored).toBeGreaterThan(10);
    const keys = Array.from({ length: stored + 1 }, (_, i) => rowIn(key, `${i}`));
    expect((await table.get(keys)).map((row) => row !== null)).toEqual(keys.map((_, i) => i < stored));

    nowMs = START_MS + 10;
    expect(await table.sweep()).toBe(stored);
    await table.put([rowIn(key, 'again')]);
    expect(await table.get([rowIn(key, 'again')])).toEqual([rowIn(key, 'again')]);
  });

  it('names the file, and what to do, when the folder cannot be written', async () => {
    const own = mkdtempSync(join(folder, 'read-only-'));
    chmodSync(own, 0o555);
    // Nothing is read-only to root, but nobody can make a file in there.
    const path = join(process.getuid?.() === 0 ? '/proc/self/fdinfo' : own, 'tables.sqlite');
    const error: unknown = await opened({ file: path }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TableUnavailable);
    expect(String(error)).toContain(
      `${path} cannot be had (it cannot be opened or written; give this user write access`,
    );
    chmodSync(own, 0o755);
  });

  it('names the file, and what to do, when that is no database, is damaged, or is of a newer release', async () => {
    const none = mkdtempSync(join(folder, 'none-'));
    writeFileSync(join(none, 'tables.sqlite'), 'this is no database '.repeat(1_000));
    await expect(opened({ file: join(none, 'tables.sqlite') })).rejects.toThrow(
      `${join(none, 'tables.sqlite')} cannot be had (it is damaged; stop the process`,
    );

    const newer = newFile();
    await (await opened({ file: newer })).close();
    const db = new DatabaseSync(newer);
    db.exec('pragma user_version = 99');
    db.close();
    await expect(opened({ file: newer })).rejects.toThrow('a newer release wrote this file (layout 99)');

    const damaged = newFile();
    const first = await opened({ file: damaged });
    const key = newAccount();
    const rows = Array.from({ length: 200 }, (_, i) => rowIn(key, `${i}`, { item: { text: 'x'.repeat(2_000) } }));
    await first.put(rows);
    await first.close();
    const bytes = readFileSync(damaged);
    writeFileSync(damaged, bytes.fill(0x5a, 8_192));
    const table = await opened({ file: damaged });
    for (const call of [() => table.get(rows), () => table.put(rows)]) {
      const error: unknown = await call().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TableUnavailable);
      expect(String(error)).toContain(damaged);
      expect(String(error)).toContain('it is damaged');
    }
  });
});
