import { describe, expect, it } from '@jest/globals';
import type { LogEvent } from '../../schemas/events.ts';
import { HOUR_MS } from '../../schemas/time.ts';
import { beatOf, evening, KEY } from './testing/evening.ts';
import { viewEnd } from './view-end.ts';

describe('a late beat', () => {
  const flushed = (home: ReturnType<typeof evening>, sequences: readonly number[], firstAtMs: number): void => {
    for (const sequence of sequences) {
      const ageMs = home.driver.now() - (firstAtMs + sequence * 10_000);
      home.beat('tv', { sequence, positionMs: sequence * 10_000, ageMs });
    }
  };
  const shuffled = [27, 12, 30, 13, 29, 28, 14, 11, 26, 15, 25, 16, 24, 17, 23, 18, 22, 19, 21, 20];

  it('corrects a final view once, when the queue is flushed: hours later, in any order, with repeats', () => {
    const home = evening();
    const firstAtMs = home.driver.now();
    home.start('tv');
    home.play('tv', 100);
    home.hours(5);
    expect(home.story()).toEqual(['provisional silent', 'final silent']);
    expect(home.view('tv')).toMatchObject({ watchedMs: 90_000, beatsReceived: 11 });
    flushed(home, [...shuffled, 20, 12], firstAtMs);
    home.silence(34.999);
    expect(home.story()).toEqual([]);
    home.silence(0.001);
    expect(home.story()).toEqual(['final silent corrected']);
    const view = home.view('tv');
    expect(view).toMatchObject({ watchedMs: 290_000, distinctMs: 290_000, beatsReceived: 31, beatsMissed: 0 });
    expect(view.endedAtMs).toBe(firstAtMs + 300_000);
    expect([home.stored('tv'), home.row('tv')?.version]).toEqual([view, `whole 00${view.revision}`]);
  });

  it('of a session that nobody has seen makes its view, final 35 s after the last of them', () => {
    const home = evening();
    const firstAtMs = home.driver.now();
    home.hours(5);
    flushed(home, [3, 0, 2, 1], firstAtMs);
    expect(home.view('tv').status).toBe('provisional');
    home.silence(35);
    expect(home.story()).toEqual(['final silent']);
    expect(home.view('tv')).toMatchObject({ startedAtMs: firstAtMs, endedAtMs: firstAtMs + 30_000, partial: false });
  });

  it('does not open a view again, and a late end does not wait for 10 minutes', () => {
    const home = evening();
    home.start('tv');
    home.play('tv', 30);
    home.silence(40);
    home.beat('tv', { state: 'ended', ageMs: 30_000 });
    home.silence(35);
    expect(home.story()).toEqual(['provisional silent', 'final finished']);
  });

  it('with a lower number that only took longer is taken in, and opens nothing', () => {
    const home = evening();
    home.start('tv');
    home.beat('tv', { sequence: 2, state: 'ended' });
    home.beat('tv', { sequence: 1 });
    home.silence(35);
    expect(home.story()).toEqual(['final finished', 'final finished corrected']);
    expect(home.view('tv').beatsReceived).toBe(3);
  });

  it('puts the end of its view off until 35 s after it: the queue may go on', () => {
    const home = evening();
    home.start('tv');
    home.silence(630);
    home.beat('tv', { ageMs: 630_000 });
    home.silence(34.999);
    expect(home.story()).toEqual(['provisional silent']);
    home.silence(0.001);
    expect(home.story()).toEqual(['final silent']);
  });

  it('with a lower number does not make a lease longer', () => {
    const home = evening();
    home.start('tv');
    home.beat('tv', { sequence: 2 });
    home.silence(30);
    home.beat('tv', { sequence: 1 });
    home.silence(5);
    expect(home.story()).toEqual(['provisional silent']);
  });

  it('says what is watched, on what and by whom, where no lower one does', () => {
    const home = evening();
    home.beat('tv', { sequence: 3, profileId: 'third' });
    home.beat('tv', { sequence: 2, profileId: 'second' });
    home.beat('tv', { sequence: 4, profileId: 'fourth' });
    expect(home.view('tv').profileId).toBe('second');
  });

  it('is of a whole view again when all state is lost and the log has all of it, though the table has its row', () => {
    const home = evening();
    const firstAtMs = home.driver.now();
    home.hours(5);
    flushed(home, [0, 1, 2, 3], firstAtMs);
    home.silence(35);
    home.driver.wipe();
    home.driver.fold();
    expect([home.kept(), home.view('tv')]).toEqual([['tv'], home.stored('tv')]);
    flushed(home, [4], firstAtMs);
    home.silence(35);
    expect(home.stored('tv')).toMatchObject({ beatsReceived: 5, partial: false, corrected: true });
  });

  it('corrects the whole view 25 h later, too, each time once', () => {
    const home = evening();
    const firstAtMs = home.driver.now();
    home.start('tv');
    home.play('tv', 100);
    home.hours(25);
    expect([home.driver.state(KEY), home.stored('tv')?.watchedMs]).toEqual([undefined, 90_000]);
    home.story();
    flushed(home, [22, 21, 13, 12, 11], firstAtMs);
    home.silence(35);
    expect(home.story()).toEqual(['final silent corrected']);
    home.hours(25);
    flushed(home, [14, 15], firstAtMs);
    home.silence(35);
    expect(home.story()).toEqual(['final silent corrected']);
    expect(home.stored('tv')).toMatchObject({ partial: false, beatsReceived: 18, watchedMs: 210_000 });
  });

  it('of a view whose beginning nobody has seen corrects what there is, until the beginning comes', () => {
    const home = evening();
    const firstAtMs = home.driver.now() - 30 * HOUR_MS;
    flushed(home, [50, 51], firstAtMs);
    home.silence(35);
    expect(home.stored('tv')).toMatchObject({ partial: true, beatsReceived: 2 });
    home.hours(25);
    flushed(home, [60, 61, 62], firstAtMs);
    home.silence(35);
    expect(home.stored('tv')).toMatchObject({ partial: true, beatsReceived: 5, corrected: true });
    home.hours(25);
    flushed(home, [0], firstAtMs);
    home.silence(35);
    expect(home.stored('tv')).toMatchObject({ partial: false, beatsReceived: 6, startedAtMs: firstAtMs });
  });
});

describe('the durable table', () => {
  const nowMs = 1_800_000_000_000;
  const beat = (said: Parameters<typeof beatOf>[2]): LogEvent => ({
    type: 'Heartbeat',
    value: beatOf('tv', nowMs, said),
  });
  const start = (said: Parameters<typeof beatOf>[2]): LogEvent => ({
    type: 'SessionStarted',
    value: {
      ...{ requestId: 'r', origin: 'player', leaseMs: null, continuesSessionId: null, terminate: [] },
      beat: beatOf('tv', nowMs, said),
    },
  });
  const asked = (event: LogEvent) => viewEnd.reads?.(undefined, event, KEY);

  it('is asked for the view of an unknown session that starts or beats', () => {
    const wanted = { table: 'views', key: KEY, id: 'tv' };
    expect([asked(start({})), asked(beat({ sequence: 1 })), asked(beat({ sequence: 40 }))]).toEqual(
      Array(3).fill(wanted),
    );
    expect(asked(beat({ sequence: 4, tracking: 'limits_only' }))).toBeNull();
  });

  it('is not asked for what the state has, but where that has 33 viewings or more, of which one may have to leave', () => {
    const home = evening();
    home.start('tv');
    const next = beat({ sequence: 9 });
    for (let i = 0; i < 31; i++) home.start(`s-${i}`);
    expect(viewEnd.reads?.(home.driver.state(KEY), next, KEY)).toBeNull();
    home.start('one more');
    expect(viewEnd.reads?.(home.driver.state(KEY), next, KEY)).toMatchObject({ id: 'tv' });
  });
});
