import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type EpochMs, epochMs } from '../../schemas/time.ts';
import { TableClosed, TableRefusal } from './table-errors.ts';
import { BY_ID, type Listed, type Table, type TableKey, type TableRow } from './table.ts';
import { modelTable } from './testing/model-table.ts';

/**
 * What every adapter of the durable table promises. `make` opens one over the same storage each time, with this clock; the
 * suite closes it. Each test has accounts of its own.
 */
export type TableContract = { readonly name: string; make(clock: () => EpochMs): Promise<Table> };

/** Far ahead of the machine's clock: DynamoDB deletes what has expired by its own. */
export const START_MS = 4_000_000_000_000;
const LATER = epochMs(START_MS + 1_000_000);

let accounts = 0;
/** An account that no other test has. */
export const newAccount = (): string => `account-${(accounts += 1)}`;

export const rowIn = (key: string, id: string, row: Partial<TableRow> = {}): TableRow => ({
  table: 'resume-positions',
  key,
  id,
  version: '1',
  places: {},
  expiresAtMs: LATER,
  item: { id },
  ...row,
});

export const tableContract = ({ name, make }: TableContract): void => {
  describe(`${name} keeps the promises of the durable table`, () => {
    let table: Table;
    let nowMs: number;
    let key: string;
    beforeEach(async () => {
      nowMs = START_MS;
      key = newAccount();
      table = await make(() => epochMs(nowMs));
    });
    afterEach(() => table.close());

    const row = (id: string, of: Partial<TableRow> = {}): TableRow => rowIn(key, id, of);
    const keyOf = (id: string): TableKey => ({ table: 'resume-positions', key, id });
    const get = async (id: string): Promise<TableRow | null | undefined> => (await table.get([keyOf(id)]))[0];
    const history = (below: string | null = null, limit = 100): Promise<Listed> =>
      table.list({ table: 'resume-positions', key, list: 'history', below, limit });
    const historyIds = async (): Promise<string[]> => (await history()).rows.map(({ id }) => id);

    describe('rows', () => {
      it('come back as they were put, whatever is in them', async () => {
        const rows = [
          row('a', {
            places: { 'in-progress': '7', history: '9' },
            item: { text: 'é\u{1F600}\u0000"', n: [1.5, null] },
          }),
          row('b', { item: {} }),
          row('c\u0000\u{1F600} /#', { version: '', places: { history: 'x' } }),
          rowIn(key, 'd', { table: 'views', places: { views: 'v' }, expiresAtMs: epochMs(nowMs + 1) }),
        ];
        await table.put(rows);
        expect(await table.get(rows)).toEqual(rows);
      });

      it('are answered in the order of the keys, null where there is none, as often as they are asked for', async () => {
        await table.put([row('a'), row('b')]);
        const found = await table.get(['b', 'none', 'a', 'b', 'none'].map(keyOf));
        expect(found.map((one) => one?.id ?? null)).toEqual(['b', null, 'a', 'b', null]);
      });

      it('can be put and asked for by the hundred, in both tables together', async () => {
        const ids = Array.from({ length: 130 }, (_, i) => `row-${i}`);
        const rows = ids.flatMap((id) => [row(id), row(id, { table: 'views', item: { view: id } })]);
        await table.put(rows);
        expect(await table.get(rows)).toEqual(rows);
      });

      it('that never differ may be put again, by the hundred and beside others', async () => {
        const rows = Array.from({ length: 60 }, (_, i) =>
          row(`row-${i}`, { table: i % 6 === 0 ? 'views' : 'payloads' }),
        );
        await table.put(rows);
        await table.put(rows.toReversed());
        expect(await table.get(rows)).toEqual(rows);
      });

      it('of none is nothing', async () => {
        await table.put([]);
        expect(await table.get([])).toEqual([]);
      });

      it('of another account or table with the same id are others', async () => {
        const other = newAccount();
        const rows = [row('a'), rowIn(other, 'a', { version: '0', item: { of: other } }), row('a', { table: 'views' })];
        await table.put(rows.map((one) => (one.table === 'views' ? one : { ...one, places: { history: '1' } })));
        expect((await table.get(rows)).map((one) => one?.item)).toEqual(rows.map(({ item }) => item));
        expect(await historyIds()).toEqual(['a']);
        expect((await table.list({ table: 'views', key, list: 'views', below: null, limit: 9 })).rows).toEqual([]);
      });
    });

    describe('versions', () => {
      it('an older one and the same one change nothing, a newer one replaces all', async () => {
        await table.put([row('a', { version: '5', item: { n: 5 }, places: { history: '5' } })]);
        await table.put([row('a', { version: '4', item: { n: 4 }, places: { history: '4' } })]);
        await table.put([row('a', { version: '5', item: { n: 55 }, places: { history: '55' } })]);
        expect(await get('a')).toEqual(row('a', { version: '5', item: { n: 5 }, places: { history: '5' } }));
        const newer = row('a', { version: '6', places: { 'in-progress': '6' }, expiresAtMs: epochMs(nowMs + 5) });
        await table.put([newer]);
        expect(await get('a')).toEqual(newer);
        expect(await historyIds()).toEqual([]);
      });

      it('are compared as text by UTF-8 bytes: by code point, not as numbers and not by UTF-16 code unit', async () => {
        // U+FF5E is smaller than the emoji as a code point, and greater as a UTF-16 code unit.
        const ascending = ['', '\u0000', '10', '9', 'A', 'a', 'aa', 'é', '\uFF5E', '\u{1F600}', '\u{1F600}\u0000'];
        for (const [i, version] of ascending.entries()) {
          for (const [j, other] of ascending.entries()) {
            const id = `${i}-${j}`;
            await table.put([row(id, { version })]);
            await table.put([row(id, { version: other })]);
            expect((await get(id))?.version).toBe(ascending[Math.max(i, j)]);
          }
        }
      });

      it('of two in one call the greater one stands, in either order; of two that are the same, the first', async () => {
        const [old, young] = [
          row('a', { version: '\uFF5E' }),
          row('a', { version: '\u{1F600}', item: { young: true } }),
        ];
        await table.put([old, young]);
        await table.put([
          { ...young, id: 'b' },
          { ...old, id: 'b' },
        ]);
        await table.put([row('c', { item: { n: 1 } }), row('c', { item: { n: 2 } })]);
        const found = await table.get(['a', 'b', 'c'].map(keyOf));
        expect(found.map((one) => one?.item)).toEqual([{ young: true }, { young: true }, { n: 1 }]);
      });

      it('in calls side by side the greatest one stands', async () => {
        const versions = Array.from({ length: 40 }, (_, i) => String((i * 17) % 40).padStart(2, '0'));
        await Promise.all(versions.map((version) => table.put([row('a', { version, places: { history: version } })])));
        expect((await get('a'))?.version).toBe('39');
        expect((await history()).rows.map(({ places }) => places['history'])).toEqual(['39']);
      });
    });

    describe('lists', () => {
      it('have the greatest place first, by UTF-8 bytes', async () => {
        const places = ['a', '\u{1F600}', 'Z', '\uFF5E', 'é', 'aa', '10', '9', '\u0001'];
        await table.put(places.map((place, i) => row(`${i}`, { places: { history: place } })));
        const found = (await history()).rows.map((one) => one.places['history']);
        expect(found).toEqual(['\u{1F600}', '\uFF5E', 'é', 'aa', 'a', 'Z', '9', '10', '\u0001']);
      });

      it('lose a row that leaves, move one that moves, and take one back', async () => {
        await table.put(['1', '2', '3'].map((n) => row(n, { places: { history: n, 'in-progress': n } })));
        await table.put([row('2', { version: '2', places: { 'in-progress': '2' } })]);
        expect(await historyIds()).toEqual(['3', '1']);
        await table.put([row('1', { version: '2', places: { history: '4' } })]);
        expect(await historyIds()).toEqual(['1', '3']);
        await table.put([row('2', { version: '3', places: { history: '5' } })]);
        expect(await historyIds()).toEqual(['2', '1', '3']);
        const { rows } = await table.list({
          table: 'resume-positions',
          key,
          list: 'in-progress',
          below: null,
          limit: 9,
        });
        expect(rows.map(({ id }) => id)).toEqual(['3']);
      });

      it('by id there is in every table, rows without a place among them', async () => {
        const rows = ['a', '\uFF5E', '\u{1F600}', '10', '9'].map((id) => row(id, { table: 'decisions' }));
        await table.put([...rows, row('other', { table: 'views' }), rowIn(newAccount(), 'b', { table: 'decisions' })]);
        const byId = (below: string | null, limit: number): Promise<Listed> =>
          table.list({ table: 'decisions', key, list: 'id', below, limit });
        const first = await byId(null, 3);
        expect([first.rows.map(({ id }) => id), first.next]).toEqual([['\u{1F600}', '\uFF5E', 'a'], 'a']);
        const second = await byId('a', 3);
        expect([second.rows.map(({ id }) => id), second.next]).toEqual([['9', '10'], null]);
        expect((await byId('9x', 9)).rows).toEqual([
          row('9', { table: 'decisions' }),
          row('10', { table: 'decisions' }),
        ]);
      });

      it('tell the next page where there is one, and none where a page ends with the list', async () => {
        await table.put(['1', '2', '3', '4'].map((n) => row(n, { places: { history: n } })));
        expect((await history(null, 3)).next).toBe('2');
        expect((await history(null, 4)).next).toBeNull();
        expect((await history('3', 2)).rows.map(({ id }) => id)).toEqual(['2', '1']);
        expect((await history('3', 2)).next).toBeNull();
        expect(await history('1')).toEqual({ rows: [], next: null });
        expect((await history('25', 1)).rows.map(({ id }) => id)).toEqual(['2']);
      });

      it('page through 230 rows of 16 KiB, each once, while others come, leave and move to the front', async () => {
        const place = (n: number): string => String(n).padStart(5, '0');
        const text = 'x'.repeat(16_000);
        const ids = Array.from({ length: 230 }, (_, i) => i);
        await table.put(ids.map((n) => row(`${n}`, { places: { history: place(n) }, item: { text } })));
        const seen: string[] = [];
        let page = await history(null, 40);
        for (let n = 0; ; n++) {
          seen.push(...page.rows.map(({ id }) => id));
          if (page.next === null) break;
          // One that was seen comes to the front, one that was not leaves, a new one comes to the front and one to the end.
          await table.put([
            row(seen[n]!, { version: '2', places: { history: place(1_000 + n) } }),
            row(`${n}`, { version: '2', places: {} }),
            row(`front-${n}`, { places: { history: place(2_000 + n) } }),
            row(`end-${n}`, { places: { history: `00000-${n}` } }),
          ]);
          page = await history(page.next, 40);
        }
        const left = ids.slice(5).reverse().map(String);
        expect(seen).toEqual([...left, ...['end-4', 'end-3', 'end-2', 'end-1', 'end-0']]);
      });
    });

    describe('expiry', () => {
      it('a row is there until its time, and gone from then on, from its lists too', async () => {
        await table.put([
          row('a', { places: { history: '1' }, expiresAtMs: epochMs(START_MS + 10) }),
          row('b', { places: { history: '2' }, expiresAtMs: epochMs(START_MS + 11) }),
        ]);
        nowMs = START_MS + 9;
        expect(await historyIds()).toEqual(['b', 'a']);
        nowMs = START_MS + 10;
        expect([await get('a'), (await get('b'))?.id]).toEqual([null, 'b']);
        expect(await history(null, 1)).toEqual({ rows: [await get('b')], next: null });
      });

      it('a put after it makes the row anew, whatever its version', async () => {
        await table.put([row('a', { version: '9', expiresAtMs: epochMs(START_MS + 10) })]);
        nowMs = START_MS + 9;
        await table.put([row('a', { version: '1' })]);
        expect((await get('a'))?.version).toBe('9');
        nowMs = START_MS + 10;
        await table.put([row('a', { version: '1' })]);
        expect((await get('a'))?.version).toBe('1');
      });

      it('pages are full although 300 expired rows stand between those that are left', async () => {
        const soon = epochMs(START_MS + 10);
        const rows = Array.from({ length: 303 }, (_, i) =>
          row(`${i}`, { places: { history: String(i).padStart(3, '0') }, expiresAtMs: i % 101 === 0 ? LATER : soon }),
        );
        await table.put(rows);
        nowMs = START_MS + 10;
        const first = await history(null, 2);
        expect([first.rows.map(({ id }) => id), first.next]).toEqual([['202', '101'], '101']);
        const second = await history('101', 2);
        expect([second.rows.map(({ id }) => id), second.next]).toEqual([['0'], null]);
      });
    });

    const everyRow = (): Promise<Listed> =>
      table.list({ table: 'resume-positions', key, list: BY_ID, below: null, limit: 100 });

    describe('all rows of an account', () => {
      const allOf = async (of: string, limit: number): Promise<string[]> => {
        const ids: string[] = [];
        let below: string | null = null;
        do {
          const page: Listed = await table.list({ table: 'resume-positions', key: of, list: BY_ID, below, limit });
          expect(page.rows.length).toBeLessThanOrEqual(limit);
          ids.push(...page.rows.map(({ id }) => id));
          below = page.next;
        } while (below !== null);
        return ids;
      };

      it('come by id, in whichever list they stand or in none, and nothing of others or of what has expired', async () => {
        const other = newAccount();
        await table.put([
          row('\u{1F600}', { places: { history: '1' } }),
          row('b'),
          row('gone', { expiresAtMs: epochMs(nowMs + 1) }),
          row('\uFF5E', { places: { 'in-progress': '1' }, source: 7 }),
          row('a', { table: 'views', places: { views: '1' } }),
          rowIn(other, 'a'),
        ]);
        nowMs += 1;
        const { rows, next } = await everyRow();
        expect([rows.map(({ id }) => id), next]).toEqual([['\u{1F600}', '\uFF5E', 'b'], null]);
        expect(rows[1]).toEqual(row('\uFF5E', { places: { 'in-progress': '1' } }));
        for (const limit of [1, 2, 3]) expect(await allOf(key, limit)).toEqual(['\u{1F600}', '\uFF5E', 'b']);
      });
    });

    describe('erasure', () => {
      const UNTIL = epochMs(START_MS + 50);
      const erase = (source: number, of: string = key): Promise<void> =>
        table.erase({ table: 'resume-positions', key: of, source, untilMs: UNTIL });
      const left = async () => [await get('a'), await historyIds(), (await everyRow()).rows];

      it('leaves no row of the account in the table, of 230, and all of others and of other tables', async () => {
        const other = newAccount();
        const rows = Array.from({ length: 230 }, (_, i) =>
          row(`${i}`, { places: i % 2 === 0 ? { history: String(i).padStart(3, '0') } : {} }),
        );
        const others = [rowIn(other, '1', { places: { history: '1' } }), row('1', { table: 'views' })];
        await table.put([...rows, ...others]);
        await erase(10);
        expect(await table.get(rows)).toEqual(rows.map(() => null));
        expect(await everyRow()).toEqual({ rows: [], next: null });
        expect(await historyIds()).toEqual([]);
        expect(await table.get(others)).toEqual(others);
        await erase(10, newAccount());
      });

      it('refuses what was caused before it, whatever its version, and takes what was caused after it', async () => {
        await table.put([row('a', { version: '5', source: 9, places: { history: '1' } })]);
        await erase(10);
        await table.put([row('a', { version: '9', source: 10, places: { history: '1' } })]);
        expect(await left()).toEqual([null, [], []]);
        const young = row('a', { version: '1', places: { history: '2' } });
        await table.put([{ ...young, source: 11 }]);
        expect(await left()).toEqual([young, ['a'], [young]]);
        // What stands over a tombstone keeps its promise.
        await table.put([row('a', { version: '9', source: 9 })]);
        expect(await get('a')).toEqual(young);
        await table.put([row('a', { version: '2', source: 12 })]);
        expect((await get('a'))?.version).toBe('2');
      });

      it('takes what no record caused', async () => {
        await table.put([row('a')]);
        await erase(10);
        await table.put([row('a', { version: '1' })]);
        expect((await get('a'))?.version).toBe('1');
      });

      it('repeated, it takes what came after it too, and leaves what has an erasure of later', async () => {
        await table.put([row('a', { source: 9 }), row('b', { source: 9 })]);
        await erase(10);
        await table.put([row('a', { source: 11 })]);
        await erase(10);
        expect(await get('a')).toBeNull();
        await table.put([row('a', { source: 11 })]);
        await erase(20);
        await table.put([row('a', { source: 21 })]);
        await erase(10);
        expect((await get('a'))?.id).toBe('a');
        await table.put([row('b', { source: 20 })]);
        expect(await get('b')).toBeNull();
      });

      it('is forgotten itself at its time: then a row of any source is put anew', async () => {
        await table.put([row('a', { source: 9 }), row('b', { source: 9 })]);
        await erase(10);
        await table.put([row('b', { version: '1', source: 11 })]);
        nowMs = UNTIL - 1;
        await table.put([row('a', { source: 9 })]);
        expect(await get('a')).toBeNull();
        nowMs = UNTIL;
        await table.put([row('a', { source: 9 }), row('b', { version: '2', source: 9 })]);
        expect([(await get('a'))?.id, (await get('b'))?.version]).toEqual(['a', '2']);
      });

      it('takes a row that has expired, and waits for what was put before it', async () => {
        await table.put([row('a', { expiresAtMs: epochMs(nowMs + 1) })]);
        nowMs += 1;
        const putting = table.put([row('b', { source: 9 })]);
        await Promise.all([putting.then(() => erase(10)), table.put([row('c', { source: 9 })])]);
        await table.put([row('a', { source: 9 }), row('b', { version: '2', source: 9 })]);
        expect([await get('a'), await get('b')]).toEqual([null, null]);
      });
    });

    describe('limits', () => {
      const refused = async (call: Promise<unknown>, path: string): Promise<void> => {
        const error = await call.then(
          () => null,
          (reason: unknown) => reason,
        );
        expect(error).toBeInstanceOf(TableRefusal);
        expect(error).toMatchObject({ path, message: expect.stringContaining(path) });
      };
      const put = (of: Partial<TableRow>): Promise<void> => table.put([row('fine'), row('a', of)]);

      it('an id has 1 to 512 bytes of UTF-8', async () => {
        const longest = row('é'.repeat(256), { places: { history: '1' } });
        await table.put([longest]);
        expect(await table.get([longest])).toEqual([longest]);
        for (const id of ['', `${'é'.repeat(256)}a`, 'half \uD83D']) {
          await refused(put({ id }), 'rows[1].id');
          await refused(table.get([keyOf('a'), keyOf(id)]), 'keys[1].id');
        }
        expect(await get('fine')).toBeNull();
      });

      it('an item has at most 64 KiB of JSON, and a list reads 100 of them', async () => {
        const itemOf = (bytes: number) => ({ t: 'é'.repeat((bytes - 8) / 2) });
        expect(Buffer.byteLength(JSON.stringify(itemOf(65_536)))).toBe(65_536);
        const rows = Array.from({ length: 101 }, (_, i) =>
          row(`${i}`, { item: itemOf(65_536), places: { history: String(i).padStart(3, '0') } }),
        );
        await table.put(rows);
        expect(await table.get(rows)).toEqual(rows);
        const page = await history();
        expect(page.rows).toEqual(rows.slice(1).reverse());
        expect(page.next).toBe('001');
        for (const item of [{ n: 1n }, [] as unknown as TableRow['item']]) await refused(put({ item }), 'rows[1].item');
        await refused(put({ item: { t: `${itemOf(65_536).t}a` } }), 'rows[1].item');
      });

      it('a list is read 1 to 100 rows at a time, and has to be one of its table', async () => {
        for (const limit of [0, 101, 1.5, -1, NaN]) await refused(history(null, limit), 'limit');
        for (const limit of [1, 100]) expect((await history(null, limit)).rows).toEqual([]);
        await refused(table.list({ table: 'views', key, list: 'history', below: null, limit: 1 }), 'list');
        await refused(put({ places: { views: '1' } }), 'rows[1].places.views');
        await refused(history(''), 'below');
      });

      it('places and versions have at most 1,024 bytes, a place at least one, and a time is a whole number', async () => {
        const longest = { version: 'é'.repeat(512), places: { history: 'é'.repeat(512), 'in-progress': 'x' } };
        await table.put([row('a', longest)]);
        expect((await history('\u{1F600}')).rows).toEqual([row('a', longest)]);
        await refused(put({ version: 'x'.repeat(1_025) }), 'rows[1].version');
        await refused(put({ version: '\uDE00' }), 'rows[1].version');
        for (const history of ['', 'x'.repeat(1_025), '\uDE00']) {
          await refused(put({ places: { history } }), 'rows[1].places.history');
        }
        for (const ms of [1.5, NaN, -1]) await refused(put({ expiresAtMs: epochMs(ms) }), 'rows[1].expiresAtMs');
        const erasure = { table: 'views', key, source: 1, untilMs: LATER } as const;
        await refused(table.erase({ ...erasure, source: 1.5 }), 'source');
        await refused(table.erase({ ...erasure, untilMs: epochMs(NaN) }), 'untilMs');
        await refused(table.erase({ ...erasure, key: '' }), 'key');
      });
    });

    describe('closing', () => {
      it('waits for puts that are under way, and closing twice is closing once', async () => {
        const putting = table.put(Array.from({ length: 50 }, (_, i) => row(`${i}`)));
        const ended: string[] = [];
        const both = [putting.then(() => ended.push('put')), table.close().then(() => ended.push('close'))];
        await Promise.all(both);
        expect(ended).toEqual(['put', 'close']);
        await table.close();
        table = await make(() => epochMs(nowMs));
        expect((await get('49'))?.id).toBe('49');
      });

      it('then every call fails as closed', async () => {
        await table.close();
        const erasing = table.erase({ table: 'views', key, source: 1, untilMs: LATER });
        for (const call of [table.put([row('a')]), table.put([]), get('a'), history(), erasing]) {
          await expect(call).rejects.toBeInstanceOf(TableClosed);
        }
      });
    });

    it('any sequence of puts, erasures, gets, pages and moments agrees with a plain map', async () => {
      const ids = ['a', 'b', 'c', '\uFF5E', '\u{1F600}'];
      const text = fc.constantFrom('1', '2', '22', '3', 'é', '\uFF5E', '\u{1F600}');
      const place = fc.option(text, { nil: undefined });
      const change = fc.record({
        id: fc.constantFrom(...ids),
        table: fc.constantFrom('resume-positions' as const, 'views' as const),
        version: text,
        first: place,
        second: place,
        forMs: fc.integer({ min: -5, max: 60 }),
        /** So many steps late. */
        late: fc.constantFrom(0, 0, 1, 3),
      });
      const step = fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({ do: fc.constant('put' as const), changes: fc.array(change, { maxLength: 6 }) }),
        },
        {
          weight: 1,
          arbitrary: fc.record({
            do: fc.constant('erase' as const),
            table: fc.constantFrom('resume-positions' as const, 'views' as const),
            forMs: fc.integer({ min: 1, max: 60 }),
          }),
        },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 20 }) }) },
        {
          weight: 3,
          arbitrary: fc.record({ do: fc.constant('look' as const), limit: fc.integer({ min: 1, max: 4 }) }),
        },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          key = newAccount();
          const model = modelTable(() => epochMs(nowMs));
          const rowsOf = (changes: readonly (typeof change extends fc.Arbitrary<infer T> ? T : never)[], n: number) =>
            changes.map(({ id, table: of, version, first, second, forMs, late }, i): TableRow => {
              // The id makes a place the row's own.
              const places = Object.entries(
                of === 'views' ? { views: first } : { 'in-progress': first, history: second },
              ).flatMap(([list, at]) => (at === undefined ? [] : [[list, `${at}/${id}`]]));
              const expiresAtMs = epochMs(nowMs + forMs);
              const row = { table: of, key, id, version, expiresAtMs, item: { n, i } };
              return { ...row, places: Object.fromEntries(places), source: n - late };
            });
          for (const [n, now] of [...steps, { do: 'look' as const, limit: 2 }].entries()) {
            if (now.do === 'wait') nowMs += now.ms;
            else if (now.do === 'erase') {
              const erasure = { table: now.table, key, source: n, untilMs: epochMs(nowMs + now.forMs) };
              await Promise.all([table.erase(erasure), model.erase(erasure)]);
            } else if (now.do === 'put') {
              const rows = rowsOf(now.changes, n);
              await Promise.all([table.put(rows), model.put(rows)]);
            } else {
              const keys = ids.flatMap((id) => [keyOf(id), { ...keyOf(id), table: 'views' as const }]);
              expect(await table.get(keys)).toEqual(await model.get(keys));
              for (const [of, list] of [
                ['resume-positions', 'in-progress'],
                ['resume-positions', 'history'],
                ['views', 'views'],
                ['views', 'id'],
              ] as const) {
                let below: string | null = null;
                do {
                  const request = { table: of, key, list, below, limit: now.limit };
                  const page: Listed = await table.list(request);
                  expect(page).toEqual(await model.list(request));
                  below = page.next;
                } while (below !== null);
              }
            }
          }
        }),
        { numRuns: 40 },
      );
    });
  });
};
