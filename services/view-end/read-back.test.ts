import { describe, expect, it } from '@jest/globals';
import { evening, type Evening, KEY } from './testing/evening.ts';
import { viewEnd } from './view-end.ts';

/** A session of 40 s that ended so many seconds ago; its view leaves the state after 600. */
const ended = (secondsAgo: number): Evening => {
  const home = evening();
  home.start('tv');
  home.play('tv', 30);
  home.beat('tv', { state: 'ended' });
  home.silence(secondsAgo);
  return home;
};
const LEFT = 600;
const STAYS = 599.999;

/** How often the table is read from now on. */
const readsOf = ({ driver: { table } }: Evening): { readonly count: number } => {
  const { get } = table;
  const seen = { count: 0 };
  table.get = (keys) => {
    seen.count += 1;
    return get(keys);
  };
  return seen;
};

describe('a view that has left the state', () => {
  it('goes on as the same view when its session does, as one that is still there 9 min 59 s after its end', () => {
    const [here, left] = [STAYS, LEFT].map((seconds) => {
      const home = ended(seconds);
      const kept = home.kept();
      home.story();
      home.play('tv', 20);
      home.beat('tv', { state: 'ended' });
      return { kept, story: home.story(), view: home.view('tv'), row: home.stored('tv') };
    });
    expect([here?.kept, left?.kept]).toEqual([['tv'], []]);
    expect(left?.story).toEqual(['open corrected', 'final finished corrected']);
    expect(left?.story).toEqual(here?.story);
    expect(left?.row).toEqual(left?.view);
    expect(left?.view).toEqual({
      ...here?.view,
      revision: left?.view.revision,
      endedAtMs: (here?.view.endedAtMs ?? 0) + 1,
    });
  });

  it('is not changed by repeats of its beats, and is read once for all that come within 9 min 25 s', () => {
    const home = ended(LEFT);
    const before = home.row('tv');
    const reads = readsOf(home);
    home.story();
    for (const sequence of [0, 3, 4, 4]) {
      home.beat('tv', { sequence, state: 'playing' });
      home.silence(188);
    }
    home.start('tv', { sequence: 0 });
    home.silence(0.999);
    expect([reads.count, home.kept(), home.story(), home.row('tv')]).toEqual([2, ['tv'], [], before]);
    home.silence(564.001);
    expect(home.driver.state(KEY)).toBeUndefined();
  });

  it('goes on where its player starts the session again: with a new token, or after it was refused', () => {
    const asleep = evening();
    asleep.start('laptop');
    asleep.play('laptop', 100);
    asleep.hours(13);
    asleep.start('laptop', { state: 'playing' });
    asleep.play('laptop', 20);
    expect(asleep.view('laptop')).toMatchObject({ status: 'open', partial: false, corrected: true, beatsReceived: 14 });

    const refused = evening();
    const firstAtMs = refused.driver.now();
    refused.start('tv');
    refused.hours(0.5);
    refused.start('tv', { sequence: 0 });
    refused.play('tv', 20);
    refused.beat('tv', { state: 'ended' });
    expect(refused.story()).toEqual([
      'provisional silent',
      'final silent',
      'open corrected',
      'final finished corrected',
    ]);
    expect(refused.stored('tv')).toMatchObject({ startedAtMs: firstAtMs, beatsReceived: 4, partial: false });
  });

  it('keeps its end where the player speaks for 35 s after a stop that the row has', () => {
    for (const [ageMs, story] of [
      [0, ['open corrected']],
      [LEFT * 1_000 - 35_000, []],
    ] as const) {
      const home = evening();
      home.start('tv');
      home.play('tv', 30);
      home.stop('tv', 'user');
      home.silence(LEFT);
      home.story();
      home.beat('tv', { ageMs });
      expect([home.story(), home.view('tv').beatsReceived]).toEqual([story, 5]);
      home.stop('tv', 'user');
      home.silence(60);
      expect(home.stored('tv')).toMatchObject({ reason: 'stopped', corrected: true, beatsReceived: 5 });
    }
  });

  it('takes its times afresh, where live time has begun anew as well', () => {
    const home = ended(LEFT);
    home.driver.wipe();
    home.driver.trim(home.driver.log.length);
    home.story();
    home.beat('tv', { sequence: 5 });
    home.silence(34.999);
    expect(home.story()).toEqual(['open corrected']);
    home.silence(0.001);
    expect(home.story()).toEqual(['provisional silent corrected']);
    home.silence(600);
    expect(home.story()).toEqual(['final silent corrected']);
    home.silence(STAYS);
    expect(home.kept()).toEqual(['tv']);
    home.silence(0.001);
    expect(home.driver.state(KEY)).toBeUndefined();
  });

  it('is a new one once its row has expired, 90 days later', () => {
    const home = ended(LEFT);
    const { expiresAtMs } = home.row('tv')!;
    for (const [nowMs, beatsReceived] of [
      [expiresAtMs - 1, 6],
      [expiresAtMs, 1],
    ] as const) {
      const later = ended(LEFT);
      later.driver.setNow(nowMs);
      later.beat('tv', { sequence: 5 });
      expect(later.view('tv').beatsReceived).toBe(beatsReceived);
    }
  });
});

describe('a household that is full', () => {
  /** 64 sessions that play. */
  const full = (): Evening => {
    const home = ended(LEFT);
    for (let i = 0; i < 64; i++) home.start(`s-${i}`);
    home.story();
    return home;
  };

  it('lets nothing leave for a repeat, and the one that was silent for longest for a beat that is new', () => {
    const home = full();
    const before = home.driver.state(KEY);
    home.beat('tv', { sequence: 2 });
    expect([home.driver.state(KEY)?.viewings, home.story()]).toEqual([before?.viewings, []]);
    home.beat('tv', { sequence: 5 });
    expect([home.story(), home.kept().length, home.kept().includes('s-0')]).toEqual([
      ['final silent', 'open corrected'],
      64,
      false,
    ]);
    home.beat('s-0');
    expect(home.view('s-0')).toMatchObject({ beatsReceived: 2, partial: false, corrected: true });
  });

  it('lets what was only read leave before all others', () => {
    const home = ended(LEFT);
    for (let i = 0; i < 62; i++) home.start(`s-${i}`);
    home.start('over');
    home.beat('over', { state: 'ended' });
    home.beat('tv', { sequence: 2 });
    expect(home.kept().at(-1)).toBe('tv');
    home.story();
    home.start('one more');
    expect([home.story(), home.kept().length, home.kept().includes('tv')]).toEqual([[], 64, false]);
  });

  it('loses nothing where one batch drops a view that was there before it and needs it again', () => {
    const calm = ended(40);
    const again = evening();
    for (let i = 0; i < 64; i++) {
      calm.start(`zap-${i}`);
      calm.beat(`zap-${i}`, { state: 'ended' });
    }
    calm.beat('tv', { sequence: 5 });
    expect(calm.view('tv')).toMatchObject({ beatsReceived: 6, partial: false, corrected: true });
    for (const [i, { key, value, appendedAtMs }] of calm.driver.log.entries()) {
      again.driver.setNow(appendedAtMs);
      again.driver.appendBytes(key, value);
      // All that comes after the end is one batch.
      if (i === 44) again.driver.fold();
    }
    expect(again.kept()).toEqual(['tv']);
    again.driver.fold();
    expect(again.driver.state(KEY)).toEqual(calm.driver.state(KEY));
  });
});

describe('a replay over rows that are ahead of it', () => {
  it('ends early whom it ended before, since views that began after the checkpoint are made again from their beginning', () => {
    const home = evening();
    home.start('open');
    home.driver.checkpoint();
    home.silence(1);
    for (let i = 0; i < 64; i++) {
      home.start(`zap-${i}`);
      home.beat(`zap-${i}`, { state: 'ended' });
    }
    const [state, row] = [home.driver.state(KEY), home.row('open')];
    expect([home.kept().includes('open'), home.stored('open')?.status]).toEqual([false, 'final']);
    home.driver.crash();
    home.driver.fold();
    expect([home.driver.state(KEY), home.row('open')]).toEqual([state, row]);
    home.beat('open');
    expect(home.view('open')).toMatchObject({ status: 'open', corrected: true, beatsReceived: 2 });
  });
});

describe('a state of the release before', () => {
  it('is read: its views go on, but for parts of one whose whole is in the table', () => {
    const home = ended(0);
    const { tenant, viewings } = home.driver.state(KEY)!;
    const before = viewings.flatMap(({ since: _since, ...v }) => [
      { ...v, forgotten: false },
      { ...v, sessionId: 'part', forgotten: true },
    ]);
    expect(viewEnd.upgrade({ tenant, viewings: before }, 1)).toEqual({
      tenant,
      viewings: viewings.map((v) => ({ ...v, since: '' })),
    });
  });
});
