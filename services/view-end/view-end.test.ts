import { describe, expect, it } from '@jest/globals';
import { evening, KEY } from './testing/evening.ts';

describe('a view', () => {
  it('of a TV switched off at the wall is provisional 35 s after its last beat, and final 10 minutes later', () => {
    const home = evening();
    home.start('tv');
    home.play('tv', 60);
    const lastBeatAtMs = home.driver.now();
    home.silence(34.999);
    expect([home.story(), home.view('tv').status]).toEqual([[], 'open']);
    home.silence(0.001);
    expect(home.story()).toEqual(['provisional silent']);
    home.silence(599.999);
    expect([home.story(), home.row('tv')]).toEqual([[], null]);
    home.silence(0.001);
    expect(home.story()).toEqual(['final silent']);
    expect(home.view('tv')).toMatchObject({
      endedAtMs: lastBeatAtMs,
      reason: 'silent',
      confidence: 'inferred',
      status: 'final',
    });
  });

  it.each([
    ['ended', 'finished'],
    ['stopped', 'stopped'],
    ['failed', 'failed'],
  ] as const)('is final at once after %s', (state, reason) => {
    const home = evening();
    home.start('tv');
    home.play('tv', 30);
    home.silence(4);
    home.beat('tv', { state });
    expect(home.story()).toEqual([`final ${reason}`]);
    expect(home.view('tv')).toMatchObject({ confidence: 'certain', endedAtMs: home.driver.now() });
  });

  it('is final at once when somebody asks for the end of its session', () => {
    for (const by of ['player', 'user', 'service'] as const) {
      const home = evening();
      home.start('tv');
      home.play('tv', 30);
      home.silence(4);
      home.stop('tv', by);
      expect(home.story()).toEqual(['final stopped']);
      expect(home.view('tv')).toMatchObject({ confidence: 'certain', endedAtMs: home.driver.now(), watchedMs: 20_000 });
    }
  });

  it('goes on where a claim could not be decided, and where the stop is of nobody', () => {
    const home = evening();
    home.stop('tv');
    home.start('tv');
    home.stop('tv', 'undecided');
    expect([home.story(), home.view('tv').status]).toEqual([[], 'open']);
  });

  it('keeps its end where the player speaks for 35 s after a stop, and is corrected once', () => {
    const home = evening();
    home.start('tv');
    home.play('tv', 30);
    home.stop('tv', 'user');
    home.play('tv', 20);
    home.beat('tv', { state: 'stopped', lastDecision: 'TERMINATED_BY_USER' });
    home.silence(60);
    expect(home.story()).toEqual(['final stopped', 'final stopped corrected']);
  });

  it('is open again where its player goes on after a stop', () => {
    const home = evening();
    home.start('tv');
    home.play('tv', 30);
    home.stop('tv', 'user');
    home.play('tv', 40);
    expect(home.story()).toEqual(['final stopped', 'open corrected']);
  });

  it('is open again when its viewer comes back: after 5 minutes, and after it was final', () => {
    const home = evening();
    home.start('tv');
    home.play('tv', 30);
    home.silence(300);
    home.play('tv', 30);
    expect(home.story()).toEqual(['provisional silent', 'open']);
    expect(home.view('tv')).toMatchObject({ status: 'open', endedAtMs: null, reason: null, confidence: null });
    home.silence(700);
    expect(home.story()).toEqual(['provisional silent', 'final silent']);
    home.play('tv', 30);
    home.beat('tv', { state: 'ended' });
    expect(home.story()).toEqual(['open corrected', 'final finished corrected']);
    const revisions = home.revisions.map((r) => r.revision);
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
    expect(home.stored('tv')).toEqual(home.view('tv'));
  });

  it('is never final while its player beats every 10 s, for 3 hours', () => {
    const home = evening();
    home.start('tv');
    home.play('tv', 3 * 3_600);
    expect([home.story(), home.view('tv').status]).toEqual([[], 'open']);
  });

  it('is not told of an account whose sessions are limits-only', () => {
    const home = evening();
    home.start('tv', { tracking: 'limits_only' });
    home.play('tv', 30, { tracking: 'limits_only' });
    home.silence(700);
    expect([home.story(), home.driver.state(KEY)]).toEqual([[], undefined]);
  });

  it('leaves the state 10 minutes after it is final, and the account with its last one; the row stays', () => {
    const home = evening();
    home.start('tv');
    home.beat('tv', { state: 'ended' });
    const view = home.view('tv');
    home.silence(599.999);
    expect(home.kept()).toEqual(['tv']);
    home.silence(0.001);
    expect(home.driver.state(KEY)).toBeUndefined();
    expect([home.story(), home.view('tv')]).toEqual([['final finished'], view]);
  });

  it('is forgotten with its account, and its row with it: what comes later is a view of its own', () => {
    const home = evening();
    home.start('ended');
    home.beat('ended', { state: 'ended' });
    home.start('tv');
    home.story();
    home.erase();
    home.silence(700);
    expect([home.story(), home.driver.state(KEY), home.row('ended')]).toEqual([[], undefined, null]);
    home.beat('ended', { sequence: 2 });
    expect(home.view('ended')).toMatchObject({ beatsReceived: 1, corrected: false });
  });
});

describe('a repeat', () => {
  it('changes nothing: of a beat, of a start, of a beat that was final', () => {
    const home = evening();
    home.start('tv');
    home.start('tv', { sequence: 0 });
    home.play('tv', 30);
    const before = home.driver.state(KEY);
    for (const sequence of [0, 1, 2, 3]) home.beat('tv', { sequence, state: 'failed', positionMs: 9_000_000 });
    expect(home.driver.state(KEY)).toBe(before);
    home.beat('tv', { sequence: 4, state: 'ended' });
    home.beat('tv', { sequence: 4, state: 'playing' });
    home.silence(120);
    expect(home.story()).toEqual(['final finished']);
  });
});

describe('the bounds of an account', () => {
  it('are 64 views in the state: the 65th makes the one that was final first leave, and sends nothing of it', () => {
    const home = evening();
    const ids = Array.from({ length: 64 }, (_, i) => `zap-${i}`);
    for (const id of ids) {
      home.start(id);
      if (id !== 'zap-0') home.beat(id, { state: 'ended' });
      home.silence(1);
    }
    expect(home.kept()).toHaveLength(64);
    home.story();
    home.start('one more');
    expect(home.kept()).toEqual(['zap-0', ...ids.slice(2), 'one more']);
    expect([home.story(), home.stored('zap-1')?.status]).toEqual([[], 'final']);
  });

  it('send the correction of a view that leaves with beats taken in', () => {
    const home = evening();
    for (let i = 0; i < 64; i++) {
      home.start(`s-${i}`);
      home.beat(`s-${i}`, { state: 'ended', sequence: 2 });
    }
    home.beat('s-0', { sequence: 1 });
    home.story();
    home.start('one more');
    expect([home.story(), home.stored('s-0')?.beatsReceived]).toEqual([['final finished corrected'], 3]);
  });

  it('make the one that was silent for longest final at once where none is', () => {
    const home = evening();
    for (let i = 0; i < 64; i++) {
      home.start(`s-${i}`);
      home.silence(0.1);
    }
    expect(home.story()).toEqual([]);
    home.start('one more');
    expect(home.story()).toEqual(['final silent']);
    expect([home.kept().length, home.stored('s-0')?.exitBeforeStart]).toEqual([64, true]);
    home.silence(35 + 600);
    expect(home.revisions.filter((r) => r.status === 'final').map((r) => r.sessionId)).toHaveLength(65);
  });

  it('keep one that became final less than 35 s ago, to which something may still come', () => {
    for (const seconds of [34, 35]) {
      const home = evening();
      home.start('ended');
      home.beat('ended', { state: 'ended' });
      home.start('goes on');
      home.silence(seconds - 10);
      home.beat('goes on');
      for (let i = 0; i < 62; i++) home.start(`zap-${i}`);
      home.silence(10);
      home.start('one more');
      const known = home.kept();
      expect([known.length, known.includes('ended'), known.includes('goes on')]).toEqual([
        64,
        seconds === 34,
        seconds === 35,
      ]);
    }
  });
});
