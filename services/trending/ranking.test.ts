import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareText } from '../../shared/table/table-rows.ts';
import { type Board, board } from './board.ts';
import { WINDOW_NAMES } from './minutes.ts';
import { type Asked, rankings } from './ranking.ts';
import { counted, NOON, type Said } from './testing/counted.ts';

const ASKED: Asked = { tenant: 'tenant', contentType: 'live', window: '5m', by: 'audience', scope: null };
const told = (...said: readonly Said[]): Board => {
  const of = board();
  said.forEach((one, offset) => of.take(counted(one), offset));
  return of;
};
const listOf = (of: Board, asked: Partial<Asked> = {}, minAudience = 10) =>
  rankings(of, minAudience)({ ...ASKED, ...asked });
const idsOf = (of: Board, asked: Partial<Asked> = {}, minAudience = 10): readonly string[] =>
  listOf(of, asked, minAudience).map(({ contentId }) => contentId);

describe('a list', () => {
  it('has the largest audience first, from 10 accounts on, of one content type', () => {
    const of = told(
      { contentId: 'a', audience: 10 },
      { contentId: 'b', audience: 12 },
      { contentId: 'c', audience: 9 },
      { contentId: 'd', audience: 99, contentType: 'vod' },
    );
    expect(idsOf(of)).toEqual(['b', 'a']);
    expect(idsOf(of, {}, 1)).toEqual(['b', 'a', 'c']);
    expect(idsOf(of, { contentType: 'vod' })).toEqual(['d']);
    expect(idsOf(of, { tenant: 'other' })).toEqual([]);
  });

  it('has its own order for each window', () => {
    const of = told(
      { contentId: 'a', audience: [13, 20, 30, 40] },
      { contentId: 'b', audience: [12, 21, 31, 39] },
      { contentId: 'c', audience: [9, 22, 29, 41] },
    );
    expect(WINDOW_NAMES.map((window) => idsOf(of, { window }).join(''))).toEqual(['ab', 'cba', 'bac', 'cab']);
  });

  it('by momentum has what grows most first, of those with 10 accounts', () => {
    const of = told(
      { contentId: 'a', audience: 1_000, momentum: 1.1 },
      { contentId: 'b', audience: 10, momentum: 4 },
      { contentId: 'c', audience: 9, momentum: 40 },
      { contentId: 'd', audience: 50, momentum: null },
    );
    expect(listOf(of, { by: 'momentum' })).toEqual([
      { contentId: 'b', rank: 1, previousRank: null, audience: 10, momentum: 4, suspiciousShare: 0 },
      { contentId: 'a', rank: 2, previousRank: null, audience: 1_000, momentum: 1.1, suspiciousShare: 0 },
    ]);
    expect(idsOf(of, { by: 'momentum', window: '24h' })).toEqual([]);
  });

  it('of a country or a device type has the audience there, and the momentum of all', () => {
    const of = told(
      { contentId: 'a', audience: 99, byCountry: { DE: 11, AT: 88 }, byDeviceType: { tv: 30 }, momentum: 3 },
      { contentId: 'b', audience: 99, byCountry: { DE: 12 }, byDeviceType: { tv: 20 }, momentum: 2 },
      { contentId: 'c', audience: 99, byCountry: { DE: 9 }, momentum: 5 },
    );
    const scope = { kind: 'country', name: 'DE' } as const;
    expect(listOf(of, { scope }).map(({ contentId, audience }) => [contentId, audience])).toEqual([
      ['b', 12],
      ['a', 11],
    ]);
    expect(listOf(of, { scope, by: 'momentum' }).map(({ contentId, momentum }) => [contentId, momentum])).toEqual([
      ['a', 3],
      ['b', 2],
    ]);
    expect(idsOf(of, { scope: { kind: 'deviceType', name: 'tv' } })).toEqual(['a', 'b']);
    expect(idsOf(of, { scope: { kind: 'country', name: 'tv' } })).toEqual([]);
  });

  it('has equals in the byte order of their ids', () => {
    const of = told({ contentId: '\uFF5E' }, { contentId: '\u{1F600}' }, { contentId: 'b' }, { contentId: 'B' });
    expect(idsOf(of)).toEqual(['B', 'b', '\uFF5E', '\u{1F600}']);
  });

  it.each([
    [10, 0, 0],
    [10, 1, 0.1],
    [3_000, 2, 0.001],
    [3, 2, 0.667],
    [10, 90, 1],
  ])('of %p accounts and %p suspicious ones says the share %p', (audience, suspicious, share) => {
    expect(listOf(told({ audience, suspicious }), {}, 1)).toMatchObject([{ suspiciousShare: share }]);
  });

  it('says the rank that a content had when the minute began, null where it was not in the list', () => {
    const of = told(
      { contentId: 'a', audience: 30 },
      { contentId: 'b', audience: 20 },
      { contentId: 'c', audience: 9 },
      { contentId: 'b', audience: 31, atMs: NOON + 60_000 },
      { contentId: 'c', audience: 32, atMs: NOON + 61_000 },
      { contentId: 'd', audience: 33, atMs: NOON + 62_000 },
      { contentId: 'e', audience: 10, atMs: NOON + 119_000 },
    );
    const ranks = () => listOf(of).map(({ contentId, previousRank }) => [contentId, previousRank]);
    expect(ranks()).toEqual([
      ['d', null],
      ['c', null],
      ['b', 2],
      ['a', 1],
      ['e', null],
    ]);
    of.take(counted({ contentId: 'e', audience: 11, atMs: NOON + 120_000 }), 7);
    expect(ranks().map(([, rank]) => rank)).toEqual([1, 2, 3, 4, 5]);
  });

  it('is made anew after each record, and once for all that ask in between', () => {
    const of = told({ contentId: 'a', audience: 30 });
    let looked = 0;
    const rank = rankings({ ...of, each: (...args) => ((looked += 1), of.each(...args)) }, 10);
    const first = rank(ASKED);
    expect([rank(ASKED) === first, looked]).toEqual([true, 2]);
    of.take(counted({ contentId: 'b', audience: 40 }), 1);
    expect(rank(ASKED).map(({ contentId }) => contentId)).toEqual(['b', 'a']);
    // What stood when the minute began is looked at once in that minute.
    expect(looked).toBe(3);
  });

  it('is remembered beside 255 others: names of device types may be anything', () => {
    const of = told({});
    let looked = 0;
    const rank = rankings({ ...of, each: (...args) => ((looked += 1), of.each(...args)) }, 10);
    const others = (n: number) => {
      for (let i = 0; i < n; i++) rank({ ...ASKED, scope: { kind: 'deviceType', name: `type-${i}` } });
    };
    const first = rank(ASKED);
    others(255);
    expect([looked, rank(ASKED) === first]).toEqual([512, true]);
    others(256);
    expect(rank(ASKED) === first).toBe(false);
  });
});

describe('a list is what sorting everything gives', () => {
  const plain = (said: readonly Said[], { window, by, scope, contentType }: Asked, minAudience: number) => {
    const newest = new Map(said.map((one) => [one.contentId ?? '', counted(one)]));
    const at = WINDOW_NAMES.indexOf(window);
    return [...newest.values()]
      .filter((one) => one.contentType === contentType)
      .map(({ contentId, windows }) => {
        const { audience, momentum, byCountry, byDeviceType } = windows[at]!;
        const there =
          scope === null ? audience : ((scope.kind === 'country' ? byCountry : byDeviceType)[scope.name] ?? 0);
        return { contentId, audience: there, momentum };
      })
      .filter(({ audience, momentum }) => audience >= minAudience && (by === 'audience' || momentum !== null))
      .sort((a, b) => (b[by] ?? 0) - (a[by] ?? 0) || compareText(a.contentId, b.contentId))
      .slice(0, 100)
      .map((one, i) => ({ ...one, rank: i + 1 }));
  };
  const shown = (of: Board, asked: Asked, minAudience: number) =>
    rankings(
      of,
      minAudience,
    )(asked).map(({ contentId, audience, momentum, rank }) => ({ contentId, audience, momentum, rank }));

  const counts = (...names: readonly string[]) =>
    fc.dictionary(fc.constantFrom(...names), fc.nat(20), { noNullPrototype: true });
  const said = fc.record({
    contentId: fc.oneof(
      fc.nat(200).map((n) => `c-${n}`),
      fc.string({ minLength: 1, maxLength: 2, unit: 'grapheme' }),
    ),
    contentType: fc.constantFrom('live' as const, 'vod' as const),
    audience: fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20), fc.nat(20)),
    momentum: fc.constantFrom(null, 0, 0.5, 1, 7.25),
    byCountry: counts('DE', 'AT', 'CH'),
    byDeviceType: counts('tv', 'DE', '__proto__'),
  });
  const asked = fc.record({
    tenant: fc.constant('tenant'),
    contentType: fc.constantFrom('live' as const, 'vod' as const),
    window: fc.constantFrom(...WINDOW_NAMES),
    by: fc.constantFrom('audience' as const, 'momentum' as const),
    scope: fc.option(
      fc.record({
        kind: fc.constantFrom('country' as const, 'deviceType' as const),
        name: fc.constantFrom('DE', 'AT', 'tv', 'FR'),
      }),
    ),
  });

  it('for whatever is said and asked', () => {
    fc.assert(
      fc.property(
        fc.array(said, { maxLength: 150 }),
        fc.array(asked, { minLength: 1, maxLength: 4 }),
        fc.nat(12),
        (all, lists, min) => {
          const of = told(...all);
          for (const one of lists) expect(shown(of, one, min + 1)).toEqual(plain(all, one, min + 1));
        },
      ),
    );
  });

  it('for 100,000 contents, of which many are equal', () => {
    const all = Array.from({ length: 100_000 }, (_, i) => ({
      contentId: `content-${(i * 7_919) % 100_000}`,
      audience: 10 + ((i * 104_729) % 3_001),
      momentum: ((i * 31) % 977) / 16,
      byCountry: { DE: (i * 13) % 101, FR: 1 },
    }));
    const of = told(...all);
    const lists: readonly Partial<Asked>[] = [{}, { by: 'momentum', scope: { kind: 'country', name: 'DE' } }];
    for (const list of lists.map((one) => ({ ...ASKED, ...one })))
      expect(shown(of, list, 10)).toEqual(plain(all, list, 10));
  });
});
