import { describe, expect, it } from '@jest/globals';
import { MINUTE_MS } from '../../schemas/time.ts';
import { PUT_EVERY_MS } from './resume.ts';
import { type Viewers, viewers } from './testing/viewers.ts';
import { type ListAsked, MAX_ROWS_READ, type Page, pageOf, titlesOf } from './view.ts';

const ask = (home: Viewers, asked: Partial<ListAsked> = {}): Promise<Page> =>
  pageOf(home.seen(), home.driver.table, {
    profileId: 'parent',
    list: 'in-progress',
    bySeries: false,
    below: null,
    limit: 20,
    ...asked,
  });
const contentsOf = ({ items }: Page): readonly string[] => items.map(({ contentId }) => contentId);

/** All pages, as who scrolls to the end sees them. */
const scroll = async (home: Viewers, asked: Partial<ListAsked>): Promise<readonly (readonly string[])[]> => {
  const pages: (readonly string[])[] = [];
  let below: string | null = null;
  do {
    const page: Page = await ask(home, { ...asked, below });
    pages.push(contentsOf(page));
    below = page.next;
  } while (below !== null);
  return pages;
};

/** Films watched one after the other; where they are known is up to the caller. */
const watched = (home: Viewers, from: number, to: number, said = {}): void => {
  for (let i = from; i < to; i++) home.watch(`s-${i}`, 0, 30, { contentId: `film-${i}`, ...said });
};
/** From now on they stand in the table alone. */
const toTheTable = (home: Viewers): void => {
  home.silence(PUT_EVERY_MS);
  home.driver.wipe();
  home.driver.trim(home.driver.log.length);
  home.silence(1_000);
};
const names = (from: number, to: number): readonly string[] => {
  const down = [];
  for (let i = from - 1; i >= to; i--) down.push(`film-${i}`);
  return down;
};

describe('the list of what to go on with', () => {
  it('is newest first, wherever a title is known from: the state, the table, or both', async () => {
    const home = viewers();
    watched(home, 0, 5);
    expect(contentsOf(await ask(home))).toEqual(names(5, 0));
    toTheTable(home);
    expect(contentsOf(await ask(home))).toEqual(names(5, 0));
    watched(home, 5, 8);
    home.watch('again', 30_000, 10, { contentId: 'film-2' });
    const page = await ask(home);
    expect(contentsOf(page)).toEqual(['film-2', 'film-7', 'film-6', 'film-5', 'film-4', 'film-3', 'film-1', 'film-0']);
    expect(page.items[0]).toMatchObject({ sessionId: 'again', positionMs: 40_000 });
    expect(page.next).toBeNull();
  });

  it('comes in pages that miss none and repeat none, whatever their size', async () => {
    const home = viewers();
    watched(home, 0, 12);
    toTheTable(home);
    watched(home, 12, 20);
    for (const limit of [1, 3, 7, 19, 20, 21]) {
      const pages = await scroll(home, { limit });
      expect(pages.flat()).toEqual(names(20, 0));
      expect(pages.length).toBe(Math.ceil(20 / limit));
    }
  });

  it('is without what the state knows to be finished or hidden while the table does not yet', async () => {
    const home = viewers();
    watched(home, 0, 4);
    toTheTable(home);
    home.watch('s-1', 98 * MINUTE_MS, 10, { contentId: 'film-1' });
    home.hide({ contentId: 'film-3' });
    expect(contentsOf(await ask(home))).toEqual(['film-2', 'film-0']);
    expect(contentsOf(await ask(home, { list: 'history' }))).toEqual(['film-1', 'film-3', 'film-2', 'film-0']);
  });

  it('is one profile’s, also where the id of one begins with that of another', async () => {
    const home = viewers();
    for (const profileId of ['p', 'p1', 'p 1'])
      home.watch(`s ${profileId}`, 0, 30, { profileId, contentId: `of ${profileId}` });
    toTheTable(home);
    for (const profileId of ['p', 'p1', 'p 1']) {
      expect(contentsOf(await ask(home, { profileId }))).toEqual([`of ${profileId}`]);
    }
  });

  it('by series has the newest of each, over all pages, and titles of no series one by one', async () => {
    const home = viewers();
    for (const [contentId, seriesId] of [
      ['a-1', 'a'],
      ['b-1', 'b'],
      ['film', null],
      ['a-2', 'a'],
      ['c-1', 'c'],
      ['other', null],
      ['b-2', 'b'],
    ] as const)
      home.watch(`s ${contentId}`, 0, 30, { contentId, seriesId });
    for (const place of ['state', 'table']) {
      if (place === 'table') toTheTable(home);
      for (const limit of [1, 2, 5, 20]) {
        expect((await scroll(home, { bySeries: true, limit })).flat()).toEqual(['b-2', 'other', 'c-1', 'a-2', 'film']);
      }
    }
  });

  it(`reads ${MAX_ROWS_READ} rows for a page and no more, and says where to go on`, async () => {
    const home = viewers();
    watched(home, 0, 1);
    home.silence(PUT_EVERY_MS);
    const row = home.row({ contentId: 'film-0' })!;
    const many = Array.from({ length: 1_500 }, (_, i) => {
      const contentId = `more-${String(i).padStart(4, '0')}`;
      const place = row.places['in-progress']!.replace('film-0', contentId);
      const title = { ...(row.item['title'] as object), contentId };
      const seriesId = 'the same';
      const item = { ...row.item, title: { ...title, now: { ...home.title({ contentId: 'film-0' })!.now, seriesId } } };
      return { ...row, id: `parent\t${contentId}`, places: { 'in-progress': place }, item };
    });
    home.driver.table.put(many);
    let lists = 0;
    const table: typeof home.driver.table = {
      ...home.driver.table,
      list: (request) => {
        lists += 1;
        return home.driver.table.list(request);
      },
    };
    const asked: ListAsked = {
      profileId: 'parent',
      list: 'in-progress',
      bySeries: true,
      below: null,
      limit: 20,
    };
    expect(contentsOf(await pageOf(home.seen(), table, asked))).toEqual(['more-1499']);
    expect(lists).toBe(10);
  });
});

describe('titles asked for by name', () => {
  it('come in the order of the names, those that the state lacks in one read of the table', async () => {
    const home = viewers();
    watched(home, 0, 60);
    toTheTable(home);
    watched(home, 60, 75);
    const asked = [...names(75, 0), 'never seen'].map((contentId) => ({ profileId: 'parent', contentId }));
    const reads: number[] = [];
    const table: Pick<typeof home.driver.table, 'get'> = {
      get: (keys) => {
        reads.push(keys.length);
        return home.driver.table.get(keys);
      },
    };
    const titles = await titlesOf(home.seen(), table, asked);
    expect(titles.map((title) => title?.contentId ?? null)).toEqual([...names(75, 0), null]);
    expect(reads).toEqual([61]);
    await titlesOf(home.seen(), table, asked.slice(0, 15));
    expect(reads).toEqual([61]);
  });
});
