import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../schemas/time.ts';
import { type Board, board, type When } from './board.ts';
import { audienceOf, momentumOf, suspiciousOf } from './figures.ts';
import { counted, NOON, type Said } from './testing/counted.ts';

const T = 'tenant';
/** A board that was told so, from the first record of the topic on. */
const told = (...said: readonly Said[]): Board => {
  const of = board();
  said.forEach((one, offset) => of.take(counted(one), offset));
  return of;
};
const audiences = (of: Board, when: When = 'now', tenant = T): Readonly<Record<string, number>> => {
  const found: Record<string, number> = {};
  of.each(tenant, when, (contentId, figures) => (found[contentId] = audienceOf(figures, '5m')));
  return found;
};
const seconds = (n: number): number => NOON + n * SECOND_MS;

describe('the board', () => {
  it('has nothing, and no time, before it was told anything', () => {
    const of = board();
    expect([of.asOfMs(), of.totals(T), of.history(T), audiences(of)]).toEqual([null, null, [], {}]);
  });

  it('has the newest figures of each content, and removes a content that nobody watched in 24 hours', () => {
    const of = told({ contentId: 'a', audience: 20 }, { contentId: 'b' }, { contentId: 'a', audience: 30 });
    expect(audiences(of)).toEqual({ a: 30, b: 10 });
    of.take(counted({ contentId: 'a', audience: [0, 0, 0, 1] }), 3);
    expect(audiences(of)).toEqual({ a: 0, b: 10 });
    of.take(counted({ contentId: 'a', audience: 0 }), 4);
    expect(audiences(of)).toEqual({ b: 10 });
  });

  it('keeps all that was said of a content, by window, country and device type', () => {
    const byCountry = { DE: 4, AT: 6 };
    const of = told({ audience: [7, 8, 9, 10], suspicious: 3, momentum: 1.5, byCountry, byDeviceType: { tv: 2 } });
    of.each(T, 'now', (_, figures) => {
      expect([audienceOf(figures, '1m'), audienceOf(figures, '24h')]).toEqual([7, 10]);
      expect([suspiciousOf(figures, '5m'), momentumOf(figures, '1h'), momentumOf(figures, '24h')]).toEqual([
        3,
        1.5,
        NaN,
      ]);
      const of = (kind: 'country' | 'deviceType', name: string) => audienceOf(figures, '1h', { kind, name });
      expect([of('country', 'DE'), of('country', 'AT'), of('deviceType', 'tv')]).toEqual([4, 6, 2]);
      expect([of('country', 'FR'), of('country', '4'), of('deviceType', 'DE'), of('country', 'toString')]).toEqual([
        0, 0, 0, 0,
      ]);
    });
    expect.assertions(4);
  });

  it('keeps a country of one window alone, and names that every object has', () => {
    const windows = counted().windows.map((window, i) => ({
      ...window,
      byDeviceType: i === 2 ? { constructor: 5 } : {},
    }));
    const of = board();
    of.take({ ...counted(), windows }, 0);
    of.each(T, 'now', (_, figures) => {
      const scope = { kind: 'deviceType', name: 'constructor' } as const;
      expect([audienceOf(figures, '5m', scope), audienceOf(figures, '1h', scope)]).toEqual([0, 5]);
    });
    expect.assertions(1);
  });

  it('leaves out what is older than what it has: a processor that makes its counts again', () => {
    const of = told({ contentId: 'a', atMs: seconds(60) }, { contentId: 'a', atMs: seconds(59), audience: 99 });
    of.take(counted({ contentId: 'b', atMs: NOON - 10 * MINUTE_MS, audience: 99 }), 2);
    expect([audiences(of), of.asOfMs(), of.version()]).toEqual([{ a: 10 }, seconds(60), 1]);
  });

  it('drops a content that was not said again for 10 minutes of its time, and not before', () => {
    const of = told({ contentId: 'a', atMs: NOON }, { contentId: 'b', atMs: NOON });
    for (let s = 5; s <= 600; s += 5) of.take(counted({ contentId: 'b', atMs: seconds(s) }), s);
    expect(audiences(of)).toEqual({ a: 10, b: 10 });
    of.take(counted({ contentId: 'b', atMs: seconds(610) }), 610);
    expect([audiences(of), of.totals(T)]).toEqual([{ b: 10 }, { atMs: seconds(610), live: 10, vod: 0 }]);
  });

  it('keeps tenants apart', () => {
    const of = told({ tenant: 'one', audience: 11 }, { tenant: 'two', audience: 22 });
    expect([audiences(of, 'now', 'one'), audiences(of, 'now', 'two')]).toEqual([{ content: 11 }, { content: 22 }]);
    expect([of.totals('one')?.live, of.totals('two')?.live, of.totals('three')?.live]).toEqual([11, 22, 0]);
  });

  it('remembers what stood when the minute began, for as long as it lasts', () => {
    const of = told({ contentId: 'a', audience: 10 }, { contentId: 'b', audience: 20, atMs: seconds(59) });
    expect(audiences(of, 'minute-began')).toEqual({});
    of.take(counted({ contentId: 'a', audience: 30, atMs: seconds(60) }), 2);
    of.take(counted({ contentId: 'b', audience: 0, atMs: seconds(70) }), 3);
    of.take(counted({ contentId: 'b', audience: 5, atMs: seconds(80) }), 4);
    of.take(counted({ contentId: 'c', atMs: seconds(119) }), 5);
    expect(audiences(of, 'minute-began')).toEqual({ a: 10, b: 20 });
    of.take(counted({ contentId: 'c', atMs: seconds(120), audience: 11 }), 6);
    expect(audiences(of, 'minute-began')).toEqual({ a: 30, b: 5, c: 10 });
  });

  it('for whatever is said in whatever order: totals are sums, and the minute began as it was then', () => {
    const said = fc.record({
      contentId: fc.constantFrom('a', 'b', 'c', 'd'),
      contentType: fc.constantFrom('live' as const, 'vod' as const),
      audience: fc.nat(3),
      stepMs: fc.integer({ min: -20_000, max: 40_000 }),
    });
    fc.assert(
      fc.property(fc.array(said, { maxLength: 60 }), (all) => {
        const of = board();
        let nowMs = NOON;
        let began = {};
        all.forEach(({ stepMs, ...one }, offset) => {
          const minute = of.minute();
          const before = audiences(of);
          of.take(counted({ ...one, atMs: (nowMs += stepMs) }), offset);
          if (of.minute() !== minute) began = before;
          const sums = { live: 0, vod: 0 };
          of.each(T, 'now', (_, figures) => (sums[figures.contentType] += audienceOf(figures, '1m')));
          expect(of.totals(T)).toEqual({ atMs: of.asOfMs(), ...sums });
          expect(audiences(of, 'minute-began')).toEqual(began);
        });
      }),
    );
  });
});

describe('the history', () => {
  const history = (of: Board) => of.history(T).map(({ atMs, live, vod }) => [(atMs - NOON) / SECOND_MS, live, vod]);

  it('has the totals of every 10 s, as they stood then', () => {
    const of = told(
      { contentId: 'a', audience: 5, atMs: seconds(2) },
      { contentId: 'b', audience: 7, atMs: seconds(9), contentType: 'vod' },
      { contentId: 'a', audience: 6, atMs: seconds(10) },
      { contentId: 'a', audience: 8, atMs: seconds(35) },
    );
    expect(history(of)).toEqual([
      [10, 5, 7],
      [20, 6, 7],
      [30, 6, 7],
    ]);
  });

  it('has 360 of them, of the last hour', () => {
    const of = board();
    for (let s = 0; s <= 2 * 3_600; s += 5) of.take(counted({ audience: 1 + (s % 3), atMs: seconds(s) }), s);
    expect([of.history(T).length, of.history(T)[0]?.atMs]).toEqual([360, NOON + HOUR_MS + 10 * SECOND_MS]);
  });

  it('has a gap where nothing was said for longer than 5 minutes', () => {
    const of = told({ atMs: NOON }, { atMs: seconds(300) }, { atMs: seconds(601) }, { atMs: seconds(611) });
    expect(history(of).map(([atS]) => atS)).toEqual([...Array.from({ length: 30 }, (_, i) => 10 * (i + 1)), 610]);
  });

  it('begins 5 minutes after the first record where that is not the first of the topic: until then some are missing', () => {
    const of = board();
    for (let s = 0; s <= 330; s += 5) of.take(counted({ atMs: seconds(s) }), 1_000 + s);
    expect(history(of).map(([atS]) => atS)).toEqual([300, 310, 320, 330]);
  });

  it('is the same where each record comes again, and the six before it with it', () => {
    const said = Array.from({ length: 200 }, (_, i) => ({
      contentId: `c-${i % 7}`,
      audience: i % 5,
      atMs: seconds(3 * i),
    }));
    const once = told(...said);
    const often = told(...said.flatMap((one, i) => [one, ...said.slice(Math.max(0, i - 6), i + 1)]));
    expect(often.history(T)).toEqual(once.history(T));
    expect(audiences(often)).toEqual(audiences(once));
  });
});
