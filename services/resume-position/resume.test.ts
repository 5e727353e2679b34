import { describe, expect, it } from '@jest/globals';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../schemas/time.ts';
import { FILM_MS, KEY, viewers } from './testing/viewers.ts';

const TEN_MIN = 10 * MINUTE_MS;

describe('a resume position', () => {
  it('is where the viewer is, with all that an answer says of it', () => {
    const home = viewers();
    home.watch('tv', TEN_MIN, 60, { seriesId: 'series', deviceId: 'television' });
    expect(home.point()).toEqual({
      contentId: 'film',
      seriesId: 'series',
      positionMs: TEN_MIN + 60_000,
      durationMs: FILM_MS,
      status: 'in-progress',
      asOfMs: home.driver.now(),
      source: 'heartbeat',
      sessionId: 'tv',
      deviceId: 'television',
      position: `1.0.${home.driver.log.length - 1}`,
    });
  });

  it('survives a TV cut off at the wall: at most 10 s behind, however long nobody says anything', () => {
    const home = viewers();
    home.watch('tv', 0, 600);
    home.silence(HOUR_MS);
    expect(home.at()).toBe(600_000);
    expect(home.point()).toMatchObject({ source: 'heartbeat', status: 'in-progress' });
  });

  it('is each profile’s and each content’s own', () => {
    const home = viewers();
    home.watch('tv', TEN_MIN, 30);
    home.watch('phone', 0, 40, { profileId: 'child' });
    home.watch('tablet', 0, 50, { contentId: 'other' });
    expect([home.at(), home.at({ profileId: 'child' }), home.at({ contentId: 'other' })]).toEqual([
      TEN_MIN + 30_000,
      40_000,
      50_000,
    ]);
    expect(home.at({ profileId: 'child', contentId: 'other' })).toBeNull();
  });

  it('is none before 30 s were really watched, and is one from then on', () => {
    const home = viewers();
    home.watch('tv', TEN_MIN, 20);
    home.silence(5_000);
    home.beat('tv', TEN_MIN + 25_000);
    expect(home.at()).toBeNull();
    home.silence(5_000);
    home.beat('tv', TEN_MIN + 30_000);
    expect(home.at()).toBe(TEN_MIN + 30_000);
  });

  it('is none by jumping about, pausing or buffering for however long', () => {
    const home = viewers();
    home.start('tv', 0);
    for (let i = 1; i <= 20; i++) {
      home.beat('tv', i * TEN_MIN, { state: 'seeking' });
      home.silence(10_000);
      home.beat('tv', i * TEN_MIN, { state: i % 2 === 0 ? 'paused' : 'buffering' });
      home.silence(10_000);
    }
    expect(home.at()).toBeNull();
  });

  it('follows a seek back, too', () => {
    const home = viewers();
    home.watch('tv', 30 * MINUTE_MS, 60);
    home.beat('tv', 5 * MINUTE_MS, { state: 'seeking' });
    expect(home.at()).toBe(5 * MINUTE_MS);
    home.watch('tv', 5 * MINUTE_MS, 10);
    expect(home.at()).toBe(5 * MINUTE_MS + 10_000);
  });

  it('is not changed by a repeat, nor by a lower sequence that comes late', () => {
    const home = viewers();
    home.watch('tv', 0, 60);
    const before = home.title();
    home.beat('tv', 60_000, { sequence: 7 });
    home.beat('tv', 20_000, { sequence: 3 });
    expect(home.title()).toBe(before);
  });

  it('is not put again by a pause that goes on for an hour, and its state is written once in 5 minutes', () => {
    const home = viewers();
    home.watch('tv', 0, 60);
    home.beat('tv', 60_000, { state: 'paused' });
    const [title, puts] = [home.title(), home.puts.length];
    const states = new Set<unknown>();
    for (let i = 0; i < 360; i++) {
      home.silence(10_000);
      home.beat('tv', 60_000, { state: 'paused' });
      states.add(home.driver.state(KEY));
    }
    expect([home.title(), home.puts.length, states.size]).toEqual([title, puts, 13]);
  });

  it('says that its session was ended, by the player’s last beat or by a call', () => {
    for (const state of ['ended', 'stopped', 'failed'] as const) {
      const home = viewers();
      home.watch('tv', 0, 60);
      home.beat('tv', 61_000, { state });
      expect(home.point()).toMatchObject({ positionMs: 61_000, source: 'stop' });
    }
    const home = viewers();
    home.watch('tv', 0, 60);
    home.stop('tv', 'user');
    expect(home.point()).toMatchObject({ positionMs: 60_000, source: 'stop' });
    // A claim that was answered 503 says nothing about what was watched.
    home.watch('phone', 60_000, 10);
    home.stop('phone', 'undecided');
    expect(home.point()).toMatchObject({ positionMs: 70_000, source: 'heartbeat' });
  });

  it('says that its session was stopped by a call 40 minutes into a pause, or 5 minutes after the last beat', () => {
    for (const [pausedMs, silentMs, source] of [
      [40 * MINUTE_MS, 9_000, 'stop'],
      [40 * MINUTE_MS, 5 * MINUTE_MS - 1, 'stop'],
      [0, 10 * MINUTE_MS - 1, 'stop'],
      [0, 10 * MINUTE_MS, 'heartbeat'],
      [40 * MINUTE_MS, 10 * MINUTE_MS, 'heartbeat'],
    ] as const) {
      const home = viewers();
      home.watch('tv', 0, 60);
      home.beat('tv', 60_000, { state: 'paused' });
      for (let ms = 0; ms < pausedMs; ms += 10_000) {
        home.silence(10_000);
        home.beat('tv', 60_000, { state: 'paused' });
      }
      home.silence(silentMs);
      home.stop('tv', 'user');
      expect([pausedMs, silentMs, home.point()?.source]).toEqual([pausedMs, silentMs, source]);
    }
  });

  it('takes a duration of 0 for one that is not known, and keeps what an earlier beat said', () => {
    const home = viewers();
    home.watch('tv', 0, 40, { seriesId: 'series' });
    home.beat('tv', 41_000, { durationMs: 0 });
    expect(home.point()).toMatchObject({ durationMs: FILM_MS, seriesId: 'series' });
    home.watch('phone', 41_000, 10, { durationMs: null });
    expect(home.point()).toMatchObject({ sessionId: 'phone', durationMs: FILM_MS, seriesId: 'series' });
  });

  it('is forgotten with its account, and so is the row', () => {
    const home = viewers();
    home.watch('tv', 0, 60);
    home.beat('tv', 61_000, { state: 'paused' });
    expect(home.row()).not.toBeNull();
    home.erase();
    expect([home.point(), home.row(), home.driver.state(KEY)]).toEqual([null, null, undefined]);
    home.watch('tv', 61_000, 30);
    expect(home.title()?.past).toEqual([]);
    expect(home.at()).toBe(91_000);
  });
});

describe('the newest session', () => {
  it('wins, and late beats of an older one move nothing', () => {
    const home = viewers();
    home.watch('tv', 0, 60);
    home.watch('phone', 50 * MINUTE_MS, 40);
    home.watch('tv', 60_000, 60);
    expect(home.point()).toMatchObject({ sessionId: 'phone', positionMs: 50 * MINUTE_MS + 40_000 });
  });

  it('counts from its first progress where it goes on from the position', () => {
    const home = viewers();
    home.watch('tv', 30 * MINUTE_MS, 60);
    home.watch('phone', 31 * MINUTE_MS, 10);
    expect(home.point()).toMatchObject({ sessionId: 'phone', positionMs: 31 * MINUTE_MS + 10_000 });
  });

  it('counts elsewhere in the content only once 30 s were watched: a wrong press loses nobody’s place', () => {
    const home = viewers();
    home.watch('tv', 30 * MINUTE_MS, 60);
    home.watch('phone', 0, 20);
    expect(home.at()).toBe(31 * MINUTE_MS);
    home.watch('tv', 31 * MINUTE_MS, 20);
    expect(home.at()).toBe(31 * MINUTE_MS + 20_000);
    home.watch('phone', 20_000, 10);
    expect(home.point()).toMatchObject({ sessionId: 'phone', positionMs: 30_000 });
  });

  it('is told by its first beat that was folded, also where that is the start', () => {
    const home = viewers();
    home.start('tv', 0);
    home.silence(10_000);
    home.start('phone', 0);
    home.watch('phone', 0, 60);
    home.watch('tv', 0, 60);
    expect(home.point()).toMatchObject({ sessionId: 'phone', positionMs: 60_000 });
  });

  it('is, of two that began in the same moment, the one with the greater id', () => {
    for (const order of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const home = viewers();
      for (const id of order) home.start(id, 0);
      for (let i = 0; i < 4; i++) {
        for (const id of order) home.beat(id, i * 10_000 + (id === 'a' ? 0 : 1));
        home.silence(10_000);
      }
      expect(home.point()).toMatchObject({ sessionId: 'b', positionMs: 30_001 });
    }
  });

  it('is not last Monday’s: an offline queue moves no newer position, and is used where there is none', () => {
    const home = viewers();
    home.watch('tv', 50 * MINUTE_MS, 60);
    const flush = (contentId: string): void => {
      for (let i = 0; i < 10; i++) {
        home.beat('tablet', 10_000 * i, { contentId, ageMs: 5 * DAY_MS - i * 10_000 });
      }
    };
    flush('film');
    flush('other');
    expect(home.at()).toBe(51 * MINUTE_MS);
    const { asOfMs, positionMs } = home.point({ contentId: 'other' })!;
    expect([asOfMs, positionMs]).toEqual([home.driver.now() - 5 * DAY_MS + 90_000, 90_000]);
    // The tablet is online again, and its session is still Monday's.
    home.watch('tablet', 100_000, 60);
    expect(home.at()).toBe(51 * MINUTE_MS);
  });
});

describe('a content', () => {
  it('is finished by position, and stays readable', () => {
    const home = viewers();
    home.watch('tv', 0.95 * FILM_MS - 60_000, 60);
    expect(home.point()).toMatchObject({ status: 'finished', positionMs: 0.95 * FILM_MS });
  });

  it('is finished at its credits mark, also when later beats do not repeat it', () => {
    const home = viewers();
    home.watch('tv', 0, 40, { metadata: { creditsMs: String(50 * MINUTE_MS) } });
    expect(home.point()?.status).toBe('in-progress');
    home.beat('tv', 50 * MINUTE_MS);
    expect(home.point()?.status).toBe('finished');
  });

  it('that is finished and started again is in progress from there', () => {
    const home = viewers();
    home.watch('tv', FILM_MS - 60_000, 60);
    home.beat('tv', FILM_MS, { state: 'ended' });
    expect(home.point()?.status).toBe('finished');
    home.watch('tv-2', 0, 30);
    expect(home.point()).toMatchObject({ status: 'in-progress', positionMs: 30_000, sessionId: 'tv-2' });
  });

  it('that is live counts only where its viewer can start over', () => {
    const home = viewers();
    home.watch('tv', 0, 60, { contentType: 'live', durationMs: null });
    expect(home.title()).toBeNull();
    home.watch('tv', 60_000, 60, { contentType: 'live', durationMs: null, metadata: { startOver: 'true' } });
    expect(home.at()).toBe(120_000);
    home.beat('tv', 0, { contentType: 'live', positionMs: null, metadata: { startOver: 'true' } });
    expect(home.at()).toBe(120_000);
  });
});

describe('what does not count', () => {
  it('is a session with limits only, and a signal', () => {
    const home = viewers();
    home.watch('tv', 0, 60, { tracking: 'limits_only' });
    home.start('signal', 0, { origin: 'signal', tracking: 'limits_only' });
    expect(home.driver.state(KEY)).toBeUndefined();
  });

  it('is a denied session, also one that goes on from the position', () => {
    for (const lastDecision of ['LIMIT_REACHED', 'SESSION_CAP']) {
      const home = viewers();
      home.watch('tv', 0, 60);
      home.start('phone', 60_000);
      home.watch('phone', 60_000, 60, { lastDecision });
      expect(home.point()).toMatchObject({ sessionId: 'tv', positionMs: 60_000 });
    }
  });

  it('is not the last word of a session that was evicted, stopped or thought gone', () => {
    for (const lastDecision of ['EVICTED_BY_NEWER', 'TERMINATED_BY_USER', 'SILENT_TOO_LONG', 'SERVICE_DEGRADED']) {
      const home = viewers();
      home.watch('tv', 0, 60);
      home.beat('tv', 65_000, { state: 'stopped', lastDecision });
      expect(home.at()).toBe(65_000);
    }
  });

  it('is any other record: a tick or a stop of nobody’s session leaves the state as it is', () => {
    const home = viewers();
    home.watch('tv', 0, 60);
    const before = home.driver.state(KEY);
    home.silence(60_000);
    home.stop('nobody');
    home.beat('tv', 0, { sequence: 1 });
    expect(home.driver.state(KEY)).toBe(before);
  });
});
