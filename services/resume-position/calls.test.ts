import { describe, expect, it } from '@jest/globals';
import { DAY_MS, MINUTE_MS } from '../../schemas/time.ts';
import { KEY, viewers } from './testing/viewers.ts';

describe('a title taken off the list', () => {
  it('is hidden and not unwatched: where to go on is still known', () => {
    const home = viewers();
    home.watch('tv', 0, 60);
    home.hide();
    expect(home.point()).toMatchObject({ hidden: true, positionMs: 60_000, status: 'in-progress' });
    expect(Object.keys(home.row()?.places ?? {})).toEqual(['history']);
  });

  it('returns when it is played again, in the same session or another', () => {
    for (const session of ['tv', 'phone']) {
      const home = viewers();
      home.watch('tv', 0, 60);
      home.hide();
      home.silence(1_000);
      home.watch(session, 60_000, 10);
      expect(home.point()).not.toHaveProperty('hidden');
      expect(home.at()).toBe(70_000);
    }
  });

  it('does not return with what was played before, with a pause, or with too little of another place', () => {
    const home = viewers();
    home.watch('tv', 0, 60);
    home.silence(MINUTE_MS);
    home.hide();
    home.beat('tv', 65_000, { ageMs: 55_000 });
    home.silence(1_000);
    home.beat('tv', 65_000, { state: 'paused' });
    home.watch('phone', 30 * MINUTE_MS, 20);
    expect(home.point()).toMatchObject({ hidden: true, positionMs: 65_000 });
  });

  it('is hidden once for each request: one that is sent again hides nothing that has returned', () => {
    const home = viewers();
    home.watch('tv', 0, 60);
    home.hide({}, 'r-1');
    home.silence(1_000);
    home.watch('tv', 60_000, 10);
    home.hide({}, 'r-1');
    expect(home.point()).not.toHaveProperty('hidden');
    home.hide({}, 'r-2');
    expect(home.point()).toHaveProperty('hidden');
  });

  it('that nobody has watched is nothing to hide', () => {
    const home = viewers();
    home.hide();
    home.undo();
    expect([home.driver.state(KEY), home.puts]).toEqual([undefined, []]);
  });
});

describe('an undo', () => {
  it('brings back what stood there before the last session', () => {
    const home = viewers();
    home.watch('tv', 50 * MINUTE_MS, 60);
    const before = home.point();
    home.watch('child', 0, 120, { deviceId: 'tablet' });
    expect(home.at()).toBe(120_000);
    home.undo();
    expect(home.point()).toEqual(before);
    expect(home.row()?.item['title']).toEqual(home.title());
  });

  it('after autoplay of a title that nobody had watched leaves no position', () => {
    const home = viewers();
    home.watch('autoplay', 0, 120);
    home.undo();
    expect(home.point()).toBeNull();
    expect(home.row()?.places).toEqual({});
  });

  it('is not undone by the beats of the session that it took away', () => {
    const home = viewers();
    home.watch('tv', 50 * MINUTE_MS, 60);
    home.watch('child', 0, 120);
    home.undo();
    home.watch('child', 120_000, 60);
    home.stop('child');
    expect(home.at()).toBe(51 * MINUTE_MS);
  });

  it('lets the session go on that it brings back, and a new one win', () => {
    const home = viewers();
    home.watch('tv', 50 * MINUTE_MS, 60);
    home.watch('child', 0, 120);
    home.undo();
    home.watch('tv', 51 * MINUTE_MS, 30);
    expect(home.at()).toBe(51 * MINUTE_MS + 30_000);
    home.watch('phone', 0, 30);
    expect(home.point()).toMatchObject({ sessionId: 'phone', positionMs: 30_000 });
  });

  it('brings a title back as it was: hidden, if it was hidden', () => {
    const home = viewers();
    home.watch('tv', 50 * MINUTE_MS, 60);
    home.hide();
    home.silence(1_000);
    home.watch('child', 0, 120);
    expect(home.point()).not.toHaveProperty('hidden');
    home.undo();
    expect(home.point()).toMatchObject({ hidden: true, positionMs: 51 * MINUTE_MS });
  });

  it('is done once: again with the same request or with another it changes nothing', () => {
    const home = viewers();
    home.watch('a', 10 * MINUTE_MS, 60);
    home.watch('b', 20 * MINUTE_MS, 60);
    home.watch('c', 30 * MINUTE_MS, 60);
    home.undo({}, 'r-1');
    expect(home.at()).toBe(21 * MINUTE_MS);
    home.undo({}, 'r-1');
    home.undo({}, 'r-2');
    expect(home.at()).toBe(21 * MINUTE_MS);
    expect(home.title()?.calls).toEqual([
      { requestId: 'r-1', did: true },
      { requestId: 'r-2', did: false },
    ]);
  });

  it('is possible for a day, and not a moment longer', () => {
    for (const [lateMs, positionMs] of [
      [-1, 11 * MINUTE_MS],
      [0, 60_000],
    ] as const) {
      const home = viewers();
      home.watch('tv', 10 * MINUTE_MS, 60);
      home.watch('child', 0, 30);
      const countedAtMs = home.driver.now();
      home.watch('child', 30_000, 30);
      home.driver.setNow(countedAtMs + DAY_MS + lateMs);
      home.undo();
      expect(home.at()).toBe(positionMs);
    }
  });
});
