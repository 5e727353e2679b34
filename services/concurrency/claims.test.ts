import { describe, expect, it } from '@jest/globals';
import { household, rules } from './testing/household.ts';

const ONE_STREAM = rules(1, '{ id: one, limit: 1 }');
const EVICTING = rules(1, '{ id: one, limit: 1, onExceed: evict-oldest }');

describe('a claim', () => {
  it('is admitted as the second of two streams and denied as the third', () => {
    const home = household();
    expect(home.start('tv')).toBe('allow');
    expect(home.start('phone')).toBe('allow');
    expect(home.start('tablet')).toBe('stop LIMIT_REACHED');
    expect(home.holders()).toEqual(['tv', 'phone']);
  });

  it('has one winner when two starts ask for the last slot within a millisecond: the first in the log', () => {
    const home = household(ONE_STREAM);
    home.start('tv');
    home.start('phone');
    expect([home.told('tv'), home.told('phone')]).toEqual(['allow', 'stop LIMIT_REACHED']);
  });

  it('is made by the beats 1, 2 and 3 of an unknown session, whose start was lost', () => {
    for (const sequence of [1, 2, 3]) {
      const home = household(EVICTING);
      home.start('tv');
      expect(home.beat('phone', { sequence })).toBe('allow');
      expect(home.told('tv')).toBe('stop EVICTED_BY_NEWER');
    }
  });

  it('by beat 4 of an unknown session evicts nobody: a laptop opened after 8 hours is denied at the limit', () => {
    const home = household(EVICTING);
    home.start('tv');
    expect(home.beat('laptop', { sequence: 4 })).toBe('stop LIMIT_REACHED');
    expect(home.holders()).toEqual(['tv']);
    home.stop('tv');
    expect(home.beat('desktop', { sequence: 2_880 })).toBe('allow');
  });

  it('by beat 4 of an unknown session replaces nobody on its device', () => {
    const home = household();
    home.start('new', { deviceId: 'laptop' });
    home.beat('old', { deviceId: 'laptop', sequence: 4 });
    expect(home.holders()).toEqual(['new', 'old']);
  });

  it('is starting until a beat says otherwise, and active from the start where it starts playing', () => {
    const home = household();
    home.start('tv');
    expect(home.session('tv')?.status).toBe('starting');
    home.beat('tv', { state: 'starting' });
    expect(home.session('tv')?.status).toBe('starting');
    home.beat('tv', { state: 'buffering' });
    expect(home.session('tv')?.status).toBe('active');
    home.start('phone', { state: 'playing' });
    expect(home.session('phone')?.status).toBe('active');
  });

  it('is not made by the last beat of an unknown session', () => {
    const home = household();
    for (const state of ['ended', 'stopped', 'failed'] as const) home.beat(state, { state });
    expect(home.seen().account).toBeUndefined();
    expect(home.story()).toEqual([]);
  });

  it('of a limits-only session holds a slot like any other', () => {
    const home = household(ONE_STREAM);
    expect(home.start('tv', { tracking: 'limits_only' })).toBe('allow');
    expect(home.start('phone')).toBe('stop LIMIT_REACHED');
  });
});

describe('a repeated start', () => {
  it('with the same request id changes nothing, and a denied one is not judged again by it', () => {
    const home = household(ONE_STREAM);
    home.start('tv', { requestId: 'r-1' });
    home.start('phone', { requestId: 'r-2' });
    home.story();
    const before = home.seen().account;
    home.start('tv', { requestId: 'r-1', sequence: 0 });
    expect(home.seen().account).toEqual(before);
    home.stop('tv');
    home.story();
    expect(home.start('phone', { requestId: 'r-2', sequence: 0 })).toBe('stop LIMIT_REACHED');
    expect(home.story()).toEqual([]);
  });

  it('of a holder with a new request id keeps the slot, is decided once, and counts as a sign of life', () => {
    const home = household(ONE_STREAM);
    home.start('tv');
    home.silence(30);
    expect(home.start('tv')).toBe('allow');
    expect(home.story()).toEqual(['admitted tv OK']);
    home.silence(21);
    expect(home.start('phone')).toBe('stop LIMIT_REACHED');
    expect(home.holders()).toEqual(['tv']);
  });

  it('brings back no session that was stopped, evicted or replaced', () => {
    const home = household(EVICTING);
    home.start('stopped');
    home.stop('stopped');
    home.start('evicted');
    home.start('replaced', { deviceId: 'phone' });
    home.start('last', { deviceId: 'phone' });
    for (const id of ['stopped', 'evicted', 'replaced']) expect(home.start(id)).toMatch(/^stop /);
    expect(home.holders()).toEqual(['last']);
  });
});

describe('a denied session', () => {
  it('is told so by each beat, and not judged by one, even when the slot is free', () => {
    const home = household(ONE_STREAM);
    home.start('tv');
    home.start('phone');
    home.stop('tv');
    for (let n = 1; n <= 5; n++) expect(home.beat('phone')).toBe('stop LIMIT_REACHED');
    expect(home.story()).toEqual(['admitted tv OK', 'denied phone LIMIT_REACHED', 'stopped tv STOPPED']);
  });

  it('is judged again by a new start', () => {
    const home = household(ONE_STREAM);
    home.start('tv');
    home.start('phone');
    home.stop('tv');
    expect(home.start('phone')).toBe('allow');
  });
});

describe('a beat', () => {
  it('with a sequence that was seen changes nothing', () => {
    const home = household();
    home.start('tv');
    home.silence(10);
    home.beat('tv', { sequence: 5 });
    const before = home.seen().account;
    home.silence(5);
    home.beat('tv', { sequence: 5, state: 'ended' });
    home.beat('tv', { sequence: 4, state: 'paused' });
    expect(home.seen().account).toEqual(before);
  });

  it('older than 22 s claims nothing, and one of exactly 22 s does', () => {
    const home = household();
    home.beat('phone', { ageMs: 22_001, sequence: 1 });
    expect(home.holders()).toEqual([]);
    home.beat('phone', { ageMs: 22_000, sequence: 1 });
    expect(home.holders()).toEqual(['phone']);
  });

  it('older than 22 s holds nothing: the lease runs on from the one before', () => {
    const home = household();
    home.start('tv');
    home.silence(30);
    home.beat('tv', { ageMs: 22_001 });
    home.silence(5);
    expect(home.holders()).toEqual([]);
  });

  it('older than 22 s evicts nobody and brings nobody back: an offline queue being flushed', () => {
    const home = household(EVICTING);
    home.start('tv');
    for (let n = 1; n <= 50; n++) home.beat('phone', { ageMs: 8 * 3_600_000, sequence: n });
    expect(home.holders()).toEqual(['tv']);
    home.silence(22);
    home.start('tablet');
    home.stop('tablet');
    home.beat('tv', { ageMs: 60_000 });
    expect(home.session('tv')?.status).toBe('displaced');
  });

  it('of an old queue that says the end is believed: the slot is free', () => {
    const home = household();
    home.start('tv');
    home.beat('tv', { ageMs: 25_000, state: 'ended' });
    expect(home.holders()).toEqual([]);
  });
});

describe('the cap of 16', () => {
  const NO_LIMIT = rules(1, '{ id: free, limit: none }');

  it('refuses the 17th holder whatever the policy says, and names itself', () => {
    for (const yaml of [NO_LIMIT, rules(1), rules(1, '{ id: many, limit: 100, onExceed: evict-oldest }')]) {
      const home = household(yaml);
      for (let n = 1; n <= 16; n++) expect(home.start(`device-${n}`)).toBe('allow');
      expect(home.start('device-17')).toBe('stop SESSION_CAP');
      expect(home.session('device-17')).toMatchObject({ status: 'denied', limit: 16 });
    }
  });

  it('counts holders only: 64 denied and ended sessions leave room for the 16th', () => {
    const home = household(NO_LIMIT);
    for (let n = 1; n <= 15; n++) home.start(`device-${n}`);
    for (let n = 1; n <= 64; n++) {
      home.start(`ended-${n}`);
      home.stop(`ended-${n}`);
    }
    expect(home.start('device-16')).toBe('allow');
  });

  it('is not hit by zapping through 64 channels that no rule speaks of', () => {
    const home = household(rules(1, '{ id: films, limit: 1, match: { contentType: vod } }'));
    for (let n = 1; n <= 64; n++) {
      expect(home.start(`channel-${n}`, { deviceId: 'tv', contentId: `channel-${n}`, contentType: 'live' })).toBe(
        'allow',
      );
    }
    expect(home.holders()).toHaveLength(16);
    expect(home.told('channel-48')).toBe('stop REPLACED_ON_DEVICE');
  });

  it('takes silent slots first', () => {
    const home = household(NO_LIMIT);
    for (let n = 1; n <= 16; n++) home.start(`device-${n}`);
    home.silence(22);
    expect(home.start('device-17')).toBe('allow');
    expect(home.told('device-1')).toBe('stop SILENT_TOO_LONG');
  });

  it('is kept when a session of no device of its own comes back late', () => {
    const home = household(NO_LIMIT);
    for (let n = 1; n <= 16; n++) home.start(`session-${n}`, { deviceId: `device-${n}` });
    expect(home.beat('late', { deviceId: 'device-1', sequence: 9 })).toBe('stop SESSION_CAP');
  });
});
