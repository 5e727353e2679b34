import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { HOUR_MS } from '../../schemas/time.ts';
import { openEmbeddedState, type EmbeddedStateOptions } from './embedded-state.ts';
import { StateClosed, StateDamaged, StateUnwritable } from './state-errors.ts';
import { checkpointAt, loadNow, rowOf, stateContract } from './state.contract.ts';
import type { Owner, Row, StateStore } from './state.ts';
import { KEYS, rowsOf } from './embedded-state-rows.ts';

const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'playbeat-state-'));
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Closed after each test, so that one that fails does not leave a thread behind that keeps the run alive. */
const stores: StateStore[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});
const opened = async (options: EmbeddedStateOptions): Promise<StateStore> => {
  const store = await openEmbeddedState(options);
  stores.push(store);
  return store;
};

const noError = (error: unknown): void => {
  throw error;
};

/** Checkpoints happen when the test says so: `turn` ends the interval. */
const byHand = (folder: string, options: Partial<EmbeddedStateOptions> = {}) => {
  let run: (() => void) | null = null;
  let scheduled = (): void => {};
  const opening = opened({
    folder,
    onError: noError,
    ...options,
    after: (_ms, next) => {
      run = next;
      scheduled();
      return () => (run = null);
    },
  });
  /** Resolves when the checkpoint has ended, with success or without. */
  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      scheduled = resolve;
      run!();
    });
  return opening.then((store) => ({ store, turn }));
};

const open = async (store: StateStore, discard = false): Promise<Owner> =>
  (await store.open({ processor: 'p', partition: 0, discard })).owner;
const commit = async (store: StateStore, owner: Owner, from: number | null, to: number, rows: [string, Row | null][]) =>
  expect(await store.commit({ owner, from, to: checkpointAt(to), rows: new Map(rows) })).toBe('committed');
const many = (count: number, state: unknown): [string, Row][] =>
  Array.from({ length: count }, (_, i) => [`key-${i}`, rowOf(state, i)]);

stateContract({
  name: 'the embedded state store',
  make: () => opened({ folder: newFolder(), checkpointMs: 5, onError: noError }),
});

describe('the embedded state store', () => {
  it('leaves no byte of a row that was forgotten, in its file or beside it, an hour later at most', async () => {
    const folder = newFolder();
    const { store, turn } = await byHand(folder, { checkpointMs: HOUR_MS / 2 });
    const owner = await open(store);
    const standing = (): boolean =>
      ['state.sqlite', 'state.sqlite-wal'].some((name) => readFileSync(join(folder, name)).includes('who-is-gone'));
    const gone = rowOf({ text: 'of who-is-gone '.repeat(900) }, 1);
    await commit(store, owner, null, 1, [...many(200, { text: 'x'.repeat(900) }), ['who-is-gone', gone]]);
    await turn();
    expect(standing()).toBe(true);
    await commit(store, owner, 1, 2, [['who-is-gone', null]]);
    await turn();
    expect(standing()).toBe(false);
    expect((await store.read('p', 0, ['key-7'])).rows[0]?.state).toEqual({ text: 'x'.repeat(900) });
  });

  it('has everything again after a restart: rows, deletions, wake-ups, checkpoint, a discard', async () => {
    const folder = newFolder();
    const first = await byHand(folder);
    const owner = await open(first.store);
    const states = [{ text: 'a\u0000"é\u{1F600}' }, [1, null], 'x', 0, null];
    await commit(first.store, owner, null, 1, [
      ...states.map((state, i): [string, Row] => [`k${i}\u0000\u{1F600}`, rowOf(state, i === 0 ? null : i + 0.5)]),
      ['gone', rowOf(1, 1)],
    ]);
    await first.turn();
    await commit(first.store, owner, 1, 2, [['gone', null]]);
    await first.store.close();

    const second = await byHand(folder);
    const keys = [...states.map((_, i) => `k${i}\u0000\u{1F600}`), 'gone'];
    expect(await second.store.read('p', 0, keys)).toEqual({
      rows: [...states.map((state, i) => rowOf(state, i === 0 ? null : i + 0.5)), null],
      checkpoint: checkpointAt(2),
    });
    const again = await open(second.store);
    const { due } = await loadNow(second.store, again, { keys: [], due: 3 });
    expect(due.map(({ dueMs }) => dueMs)).toEqual([1.5, 2.5]);
    const fresh = await open(second.store, true);
    await commit(second.store, fresh, null, 1, [['new', rowOf('new', 9)]]);
    await second.store.close();

    const third = await byHand(folder);
    expect(await third.store.read('p', 0, [...keys, 'new'])).toEqual({
      rows: [...keys.map(() => null), rowOf('new', 9)],
      checkpoint: checkpointAt(1),
    });
    await third.store.close();
    expect(existsSync(join(folder, 'state.sqlite-wal'))).toBe(false);
  });

  it('hands out the very value that was committed', async () => {
    const { store } = await byHand(newFolder());
    const owner = await open(store);
    const row = rowOf({ big: 'value' });
    await commit(store, owner, null, 1, [['a', row]]);
    expect((await store.read('p', 0, ['a'])).rows[0]).toBe(row);
    await store.close();
    expect(() => store.read('p', 0, ['a'])).toThrow(StateClosed);
    await expect(store.waitFor('p', 0, 1, 0)).rejects.toThrow(StateClosed);
  });

  it('ends waiting with false when it closes', async () => {
    const store = await opened({ folder: newFolder(), onError: noError });
    const waiting = store.waitFor('p', 0, 1, 60_000);
    await store.close();
    expect(await waiting).toBe(false);
  });

  it('after kill -9 holds one commit whole: the rows agree with the checkpoint, five times in a row', async () => {
    const folder = newFolder();
    let reached = 0;
    for (let round = 0; round < 5; round += 1) {
      const program = fileURLToPath(new URL('./embedded-state-committer.ts', import.meta.url));
      const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      const until = reached + 1_500 + round * 333;
      let printed = reached;
      for await (const line of createInterface(child.stdout)) {
        printed = Number(line);
        if (printed === until) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');

      const store = await opened({ folder, onError: noError });
      const { owner, checkpoint } = await store.open({ processor: 'p', partition: 0, discard: false });
      const stored = checkpoint?.offset ?? 0;
      expect(stored).toBeGreaterThanOrEqual(reached);
      // One more than was printed: the last commit may have been stored before its line was.
      expect(stored).toBeLessThanOrEqual(printed + 1);
      const expected = new Map<string, Row>();
      for (let n = 1; n <= stored; n += 1) {
        for (const [key, row] of rowsOf(n)) {
          if (row === null) expected.delete(key);
          else expected.set(key, row);
        }
      }
      const keys = Array.from({ length: KEYS }, (_, i) => `key-${i}`);
      const loaded = await loadNow(store, owner, { keys, due: stored + 100 });
      expect(loaded.rows).toEqual(expected);
      expect(loaded.due).toHaveLength(expected.size);
      await store.close();
      reached = stored;
    }
    expect(reached).toBeGreaterThan(0);
  });

  it('does not read a million rows to answer for one', async () => {
    const folder = newFolder();
    const empty = await opened({ folder, onError: noError });
    await commit(empty, await open(empty), null, 1, []);
    await empty.close();
    const db = new DatabaseSync(join(folder, 'state.sqlite'));
    db.exec(`
      WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)
      INSERT INTO rows SELECT 1, printf('key-%07d', i), 1, i * 0.036, '{"status":"playing","i":' || i || '}' FROM n`);
    db.close();

    const start = performance.now();
    const store = await opened({ folder, onError: noError });
    const owner = await open(store);
    const openedAt = performance.now();
    const keys = Array.from({ length: 1_000 }, (_, i) => `key-${String(i * 997).padStart(7, '0')}`);
    const loaded = await loadNow(store, owner, { keys, due: 36 });
    const loadedAt = performance.now();
    process.stdout.write(
      `1,000,000 rows: open ${(openedAt - start).toFixed(0)} ms, first load of 1,000 keys and ` +
        `${loaded.due.length} wake-ups ${(loadedAt - openedAt).toFixed(0)} ms\n`,
    );
    expect(loaded.due).toHaveLength(1_001);
    expect(loaded.rows.get('key-0000997')?.state).toEqual({ status: 'playing', i: 997 });
    await store.close();
  });
});

describe('when the storage fails', () => {
  it('a full disk is told, memory goes on, and the next checkpoint stores everything', async () => {
    const folder = newFolder();
    const errors: unknown[] = [];
    const { store, turn } = await byHand(folder, { maxPages: 600, onError: (error) => errors.push(error) });
    const owner = await open(store);
    await commit(store, owner, null, 1, many(100, 'small'));
    await turn();
    expect(errors).toEqual([]);
    await commit(store, owner, 1, 2, many(5_000, 'x'.repeat(1_000)));
    await turn();
    expect(errors).toHaveLength(1);
    expect(errors[0]).toBeInstanceOf(StateUnwritable);
    expect(String(errors[0])).toContain(join(folder, 'state.sqlite'));
    expect(String(errors[0])).toContain('full');

    // Nothing of the failed checkpoint is in the file; everything is in memory.
    const db = new DatabaseSync(join(folder, 'state.sqlite'), { readOnly: true });
    expect(db.prepare('SELECT count(*) AS n FROM rows').get()?.['n']).toBe(100);
    db.close();
    expect((await store.read('p', 0, ['key-4999'])).rows[0]?.state).toHaveLength(1_000);

    await commit(
      store,
      owner,
      2,
      3,
      many(5_000, 'small')
        .slice(150)
        .map(([key]) => [key, null]),
    );
    await commit(store, owner, 3, 4, [['key-0', null]]);
    await turn();
    expect(errors).toHaveLength(1);
    await store.close();

    const after = await byHand(folder);
    const keys = many(5_000, null).map(([key]) => key);
    const view = await after.store.read('p', 0, keys);
    expect(view.checkpoint).toEqual(checkpointAt(4));
    expect(view.rows.map((row) => row !== null)).toEqual(keys.map((_, i) => i >= 1 && i < 150));
    await after.store.close();
  });

  it('a state that JSON cannot hold is told, and all is stored once it is replaced', async () => {
    const folder = newFolder();
    const errors: unknown[] = [];
    const { store, turn } = await byHand(folder, { onError: (error) => errors.push(error) });
    const owner = await open(store);
    await commit(store, owner, null, 1, [
      ['a', rowOf(1n)],
      ['b', rowOf('b')],
    ]);
    await turn();
    expect(String(errors[0])).toContain('BigInt');
    await commit(store, owner, 1, 2, [['a', rowOf('a')]]);
    await store.close();
    expect(errors).toHaveLength(1);
    const after = await byHand(folder);
    expect((await after.store.read('p', 0, ['a', 'b'])).rows).toEqual([rowOf('a'), rowOf('b')]);
    await after.store.close();
  });

  it('a folder that cannot be written is told at the start, with the name of the file', async () => {
    const own = newFolder();
    chmodSync(own, 0o555);
    // Nothing is read-only to root, but nobody can make a file in there.
    const folder = process.getuid?.() === 0 ? '/proc/self/fdinfo' : own;
    await expect(openEmbeddedState({ folder, onError: () => {} })).rejects.toMatchObject({
      name: 'StateUnwritable',
      message: expect.stringContaining(`${join(folder, 'state.sqlite')} cannot be written`),
    });
    chmodSync(own, 0o755);
  });

  it('a damaged file is told, with what to do', async () => {
    const make = async (): Promise<string> => {
      const folder = newFolder();
      const { store } = await byHand(folder);
      await commit(store, await open(store), null, 1, many(2_000, 'row'));
      await store.close();
      return folder;
    };
    const no = newFolder();
    writeFileSync(join(no, 'state.sqlite'), 'this is no database '.repeat(1_000));
    const cut = await make();
    truncateSync(join(cut, 'state.sqlite'), 20_000);
    const newer = await make();
    const db = new DatabaseSync(join(newer, 'state.sqlite'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    for (const folder of [no, cut, newer]) {
      const opening = opened({ folder, onError: noError });
      await expect(opening).rejects.toThrow(StateDamaged);
      const file = join(folder, 'state.sqlite');
      await expect(opening).rejects.toThrow(`Stop the process, delete ${file}, ${file}-wal and ${file}-shm`);
    }
  });

  it('damage that is met later is told by the call that meets it', async () => {
    const folder = newFolder();
    const first = await byHand(folder);
    await commit(first.store, await open(first.store), null, 1, [['a', rowOf(1)]]);
    await first.store.close();
    const db = new DatabaseSync(join(folder, 'state.sqlite'));
    db.exec(`UPDATE rows SET state = '{"half":'`);
    db.close();
    const { store } = await byHand(folder);
    expect(() => store.read('p', 0, ['a'])).toThrow(StateDamaged);
    await store.close();
  });
});
