import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DAY_MS, epochMs, HOUR_MS, MINUTE_MS } from '../../schemas/time.ts';
import { createMemoryTable } from '../../shared/table/memory-table.ts';
import { compareText } from '../../shared/table/table-rows.ts';
import { nameOf } from '../../shared/table/table.ts';
import { MAX_TITLES, PUT_EVERY_MS } from './resume.ts';
import { placeOf, rowKey, rowOf, shelfOf, titleIn, versionOf } from './row.ts';
import { MAX_CALLS, MAX_PAST, MAX_TRIALS, newTitle, type Point, type Title } from './title.ts';
import { play, script } from './testing/scripts.ts';
import { KEY, viewers } from './testing/viewers.ts';

/** How often the table is read from now on. */
const readsOf = ({ driver: { table } }: ReturnType<typeof viewers>): { readonly count: number } => {
  const { get } = table;
  const seen = { count: 0 };
  table.get = (keys) => {
    seen.count += 1;
    return get(keys);
  };
  return seen;
};
const countOf = (home: ReturnType<typeof viewers>): number => home.driver.state(KEY)?.entries.length ?? 0;

describe('a row', () => {
  it('is put at once on pause, stop, end, fail, hide and undo, and is then what the state is', () => {
    const settling: readonly ((home: ReturnType<typeof viewers>) => void)[] = [
      ...(['paused', 'stopped', 'ended', 'failed'] as const).map(
        (state) => (home: ReturnType<typeof viewers>) => home.beat('tv', 61_000, { state }),
      ),
      (home) => home.stop('tv'),
      (home) => home.hide(),
      (home) => home.undo(),
    ];
    for (const settle of settling) {
      const home = viewers();
      home.watch('tv', 0, 60);
      expect(home.puts).toEqual([]);
      settle(home);
      expect(home.puts.length).toBe(1);
      expect(home.row() === null ? null : titleIn(home.row()!)).toEqual(home.title());
    }
  });

  it('is otherwise put once in 5 minutes while its title plays, for an evening', () => {
    const home = viewers();
    home.watch('tv', 0, 60 * 60);
    expect(home.puts.length).toBe(12);
    const behindMs = home.at()! - titleIn(home.row()!).now!.positionMs;
    expect(behindMs).toBeLessThanOrEqual(PUT_EVERY_MS);
    home.silence(PUT_EVERY_MS);
    expect(titleIn(home.row()!)).toEqual(home.title());
    home.silence(HOUR_MS);
    expect(home.puts.length).toBe(13);
  });

  it('is not put for a title that was tried for a moment and left', () => {
    const home = viewers();
    home.watch('tv', 0, 10);
    home.beat('tv', 11_000, { state: 'stopped' });
    expect(home.driver.state(KEY)).toBeUndefined();
    home.silence(HOUR_MS);
    expect(home.puts).toEqual([]);
  });

  it('remembers what was tried and not left, so that it counts later', () => {
    const home = viewers();
    home.watch('tv', 0, 20);
    home.beat('tv', 20_000, { state: 'paused' });
    home.silence(PUT_EVERY_MS);
    home.driver.wipe();
    home.driver.trim(home.driver.log.length);
    home.watch('tv', 20_000, 10);
    expect(home.at()).toBe(30_000);
  });

  it('takes the title over when the title leaves the state, 10 minutes after its last change, and gives it back', () => {
    const home = viewers();
    home.watch('tv', 0, 60);
    home.silence(10 * MINUTE_MS - 1);
    expect([countOf(home), home.puts.length]).toEqual([1, 1]);
    home.silence(1);
    expect([countOf(home), home.puts.length, home.at()]).toEqual([0, 1, 60_000]);
    // A late beat changes nothing, and the title is in the state again.
    home.beat('tv', 50_000, { sequence: 5 });
    expect([countOf(home), home.at()]).toEqual([1, 60_000]);
    home.watch('phone', 60_000, 10);
    expect(home.point()).toMatchObject({ sessionId: 'phone', positionMs: 70_000 });
    expect(home.title()?.before?.point).toMatchObject({ sessionId: 'tv', positionMs: 60_000 });
  });

  it('stays away for as long as its title is paused: beats that say nothing new keep the title, to 5 minutes', () => {
    const home = viewers();
    home.watch('tv', 0, 60);
    home.beat('tv', 60_000, { state: 'paused' });
    const reads = readsOf(home);
    for (let i = 0; i < 360; i++) {
      home.silence(10_000);
      home.beat('tv', 60_000, { state: 'paused' });
    }
    expect([countOf(home), reads.count, home.puts.length]).toEqual([1, 0, 1]);
    home.silence(5 * MINUTE_MS);
    expect(countOf(home)).toBe(1);
    home.silence(5 * MINUTE_MS);
    expect(countOf(home)).toBe(0);
  });

  it('is hidden and undone where it stands only in the table', () => {
    const home = viewers();
    home.watch('tv', 0, 60);
    home.watch('child', 30 * MINUTE_MS, 60);
    home.silence(PUT_EVERY_MS);
    home.driver.wipe();
    home.driver.trim(home.driver.log.length);
    home.hide();
    expect(home.point()).toMatchObject({ hidden: true, sessionId: 'child' });
    home.undo();
    expect(home.point()).toMatchObject({ sessionId: 'tv', positionMs: 60_000 });
  });

  it('stands in the lists that its title belongs in', () => {
    const home = viewers();
    home.watch('tv', 0, 60);
    home.beat('tv', 61_000, { state: 'paused' });
    expect(Object.keys(home.row()!.places)).toEqual(['in-progress', 'history']);
    home.beat('tv', 99 * MINUTE_MS, { state: 'ended' });
    expect(Object.keys(home.row()!.places)).toEqual(['history']);
    expect(home.row()?.expiresAtMs).toBe(home.driver.now() + 400 * DAY_MS);
  });
});

describe('the state of an account', () => {
  const watchTitles = (home: ReturnType<typeof viewers>, from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      home.beat(`s-${i}`, 0, { contentId: `film-${i}`, durationMs: 1_000 });
      home.driver.setNow(home.driver.now() + 100);
      home.beat(`s-${i}`, 100, { contentId: `film-${i}`, durationMs: 1_000 });
    }
  };

  it(`holds ${MAX_TITLES} titles, and of more the last to change: the others are rows, and come back`, () => {
    const home = viewers();
    watchTitles(home, 0, MAX_TITLES);
    expect([countOf(home), home.puts.length]).toEqual([MAX_TITLES, 0]);
    watchTitles(home, MAX_TITLES, MAX_TITLES + 1);
    expect([countOf(home), home.puts.length]).toEqual([MAX_TITLES, 1]);
    expect(home.row({ contentId: 'film-0' })).not.toBeNull();
    home.driver.setNow(home.driver.now() + 500);
    home.beat('s-0', 600, { contentId: 'film-0' });
    expect(home.point({ contentId: 'film-0' })).toMatchObject({ positionMs: 600, sessionId: 's-0' });
    expect(home.title({ contentId: 'film-0' })?.now?.watchedMs).toBe(600);
  });

  it.each([1, MAX_TITLES])('loses nothing where one batch drops one of %p titles and needs it again', (there) => {
    const home = viewers();
    watchTitles(home, 0, there);
    const { driver } = home;
    const mark = driver.log.length;
    watchTitles(home, there, MAX_TITLES + 1);
    home.driver.setNow(home.driver.now() + 500);
    home.beat('s-0', 600, { contentId: 'film-0' });
    const expected = home.title({ contentId: 'film-0' });
    // The same records in one batch, by an owner that starts from what was there before them.
    const again = viewers();
    for (const { key, value, appendedAtMs } of driver.log) {
      again.driver.setNow(appendedAtMs);
      again.driver.appendBytes(key, value);
      if (again.driver.log.length === mark) again.driver.fold();
    }
    again.driver.fold();
    expect([expected?.now?.watchedMs, again.title({ contentId: 'film-0' })]).toEqual([600, expected]);
  });

  it(`holds of one title ${MAX_TRIALS} sessions on trial, ${MAX_PAST} past ones and ${MAX_CALLS} calls`, () => {
    const home = viewers();
    home.watch('tv', 30 * MINUTE_MS, 60);
    for (let i = 0; i < 20; i++) {
      home.silence(1_000);
      home.beat(`s-${i}`, 0);
      home.hide({}, `r-${i}`);
    }
    const title = home.title()!;
    expect([title.trials.length, title.calls.length]).toEqual([MAX_TRIALS, MAX_CALLS]);
    for (let i = 0; i < 20; i++) home.watch(`t-${i}`, i * MINUTE_MS, 30);
    expect(home.title()?.past.length).toBe(MAX_PAST);
  });
});

describe('names', () => {
  const point: Point = {
    sessionId: 's',
    firstMs: 1,
    sequence: 1,
    deviceId: 'd',
    seriesId: null,
    state: 'playing',
    positionMs: 1,
    durationMs: null,
    creditsMs: null,
    playbackRate: 1,
    asOfMs: 1,
    watchedMs: 1,
    source: 'heartbeat',
    position: '1.0.0',
    hiddenAtMs: null,
  };
  const titled = (profileId: string, contentId: string, asOfMs = 1): Title => ({
    ...newTitle({ profileId, contentId }),
    now: { ...point, asOfMs },
  });
  const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 128 }).filter((s) => !/\p{Cc}|\p{Cs}/u.test(s));

  it('of rows fit the table, and no two titles share one', () => {
    fc.assert(
      fc.property(id, id, id, id, (a, b, c, d) => {
        const one = rowOf(KEY, titled(a, b), epochMs(1));
        expect(Buffer.byteLength(one.id)).toBeLessThanOrEqual(512);
        for (const place of Object.values(one.places))
          expect(Buffer.byteLength(place ?? '')).toBeLessThanOrEqual(1_024);
        expect(Buffer.byteLength(one.version)).toBeLessThanOrEqual(1_024);
        expect(rowKey(KEY, { profileId: a, contentId: b }).id === rowKey(KEY, { profileId: c, contentId: d }).id).toBe(
          a === c && b === d,
        );
      }),
    );
    const long = '📺'.repeat(128);
    expect(rowKey(KEY, { profileId: long, contentId: long }).id).not.toBe(
      rowKey(KEY, { profileId: long, contentId: `${long.slice(2)}x` }).id,
    );
  });

  it('of places keep a profile’s rows together, newest first', () => {
    fc.assert(
      fc.property(id, id, fc.nat(), fc.nat(), (a, b, x, y) => {
        const { first, end } = shelfOf(a);
        const place = placeOf(titled(a, 'film', x), 'history')!;
        expect(compareText(place, first) > 0 && compareText(place, end) < 0).toBe(true);
        const other = placeOf(titled(b, 'film', x), 'history')!;
        expect(other.startsWith(first)).toBe(a === b);
        const later = placeOf(titled(a, 'film', y), 'history')!;
        expect(Math.sign(compareText(place, later))).toBe(Math.sign(x - y));
      }),
    );
  });

  it('of versions compare as sessions do: by the time of the first beat, the id, the sequence, then by changes', () => {
    const key = fc.record({
      firstMs: fc.integer({ min: 0, max: 2 ** 42 }),
      sessionId: id,
      sequence: fc.nat(),
      changes: fc.nat(),
    });
    fc.assert(
      fc.property(key, key, (a, b) => {
        const text = ({ changes, ...top }: typeof a): string =>
          versionOf({ ...newTitle({ profileId: 'p', contentId: 'c' }), top, changes });
        const by =
          a.firstMs - b.firstMs ||
          compareText(a.sessionId, b.sessionId) ||
          a.sequence - b.sequence ||
          a.changes - b.changes;
        expect(Math.sign(compareText(text(a), text(b)))).toBe(Math.sign(by));
      }),
    );
  });
});

describe('nothing older overwrites something newer', () => {
  it('in a table that sees all puts shuffled and repeated', () => {
    fc.assert(
      fc.property(script, fc.infiniteStream(fc.nat()), (steps, random) => {
        const home = viewers();
        play(home, steps);
        home.silence(PUT_EVERY_MS);
        const number = (below: number): number => (random.next().value as number) % below;
        const shuffled = [...home.puts, ...home.puts.filter(() => number(2) === 0)];
        for (let i = shuffled.length - 1; i > 0; i--) {
          const j = number(i + 1);
          [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
        }
        const replayed = createMemoryTable(() => home.driver.now());
        for (const row of shuffled) replayed.put([row]);
        const keys = [...new Map(home.puts.map((row) => [nameOf(row), row])).values()];
        expect(replayed.get(keys)).toEqual(home.driver.table.get(keys));
        // And each row is what its title is.
        for (const row of replayed.get(keys)) {
          if (row !== null) expect(titleIn(row)).toEqual(home.title(titleIn(row)));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('since a version grows with each change, and two different rows never have the same', () => {
    fc.assert(
      fc.property(script, (steps) => {
        const home = viewers();
        play(home, steps);
        const newest = new Map<string, { version: string; item: unknown }>();
        for (const row of home.puts) {
          const before = newest.get(row.id);
          if (before !== undefined) {
            const order = compareText(row.version, before.version);
            expect(order).toBeGreaterThanOrEqual(0);
            if (order === 0) expect(row.item).toEqual(before.item);
          }
          newest.set(row.id, row);
        }
      }),
      { numRuns: 200 },
    );
  });
});
