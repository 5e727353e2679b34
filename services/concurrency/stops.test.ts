import { describe, expect, it } from '@jest/globals';
import { household, rules } from './testing/household.ts';

const ONE_STREAM = rules(1, '{ id: one, limit: 1 }');

describe('a stop', () => {
  it('frees the slot at once, whoever asked, and says who', () => {
    for (const [by, reason] of [
      ['player', 'STOPPED'],
      ['user', 'TERMINATED_BY_USER'],
      ['service', 'TERMINATED_BY_USER'],
    ] as const) {
      const home = household(ONE_STREAM);
      home.start('tv');
      home.stop('tv', by);
      expect(home.told('tv')).toBe(`stop ${reason}`);
      expect(home.start('phone')).toBe('allow');
      expect(home.story()).toEqual(['admitted tv OK', `stopped tv ${reason}`, 'admitted phone OK']);
    }
  });

  it('is meant by the states ended, stopped and failed', () => {
    for (const state of ['ended', 'stopped', 'failed'] as const) {
      const home = household(ONE_STREAM);
      home.start('tv');
      home.beat('tv', { state });
      expect(home.told('tv')).toBe('stop STOPPED');
      expect(home.start('phone')).toBe('allow');
    }
  });

  it('is not meant by paused, buffering and seeking', () => {
    const home = household(ONE_STREAM);
    home.start('tv');
    for (const state of ['paused', 'buffering', 'seeking', 'starting'] as const) {
      expect(home.beat('tv', { state })).toBe('allow');
    }
  });

  it('sent again, or for a session that nobody knows, changes nothing', () => {
    const home = household();
    home.start('tv');
    home.stop('tv', 'user', 'r-1');
    const before = home.seen().account;
    home.story();
    home.stop('tv', 'user', 'r-1');
    home.stop('tv', 'player');
    home.stop('nobody');
    expect(home.seen().account).toEqual(before);
    expect(home.story()).toEqual([]);
  });

  it('is not undone by the beats that were on their way, nor by a later one', () => {
    const home = household();
    home.start('tv');
    home.beat('tv', { sequence: 7 });
    home.stop('tv');
    expect(home.beat('tv', { sequence: 6 })).toBe('stop STOPPED');
    expect(home.beat('tv', { sequence: 8 })).toBe('stop STOPPED');
    expect(home.holders()).toEqual([]);
  });

  it('keeps a session away that had lost its slot in silence and might have come back', () => {
    const home = household();
    home.start('tv');
    home.silence(36);
    home.stop('tv', 'user');
    expect(home.beat('tv')).toBe('stop TERMINATED_BY_USER');
  });
});

describe('the stop of an undecided claim', () => {
  it('frees the slot that the claim took, and forgets it, so that the same start sent again is judged', () => {
    const home = household(ONE_STREAM);
    home.start('tv', { requestId: 'r-1' });
    home.stop('tv', 'undecided', 'r-1');
    expect(home.seen().account).toBeUndefined();
    expect(home.story()).toEqual(['admitted tv OK', 'stopped tv SERVICE_DEGRADED']);
    expect(home.start('tv', { requestId: 'r-1', sequence: 0 })).toBe('allow');
  });

  it('does nothing to another claim of that session', () => {
    const home = household(ONE_STREAM);
    home.start('tv', { requestId: 'r-1' });
    home.start('tv', { requestId: 'r-2' });
    home.stop('tv', 'undecided', 'r-1');
    expect(home.told('tv')).toBe('allow');
    expect(home.holders()).toEqual(['tv']);
  });

  it('forgets a denied claim without a record', () => {
    const home = household(ONE_STREAM);
    home.start('tv');
    home.start('phone', { requestId: 'r-1' });
    home.story();
    home.stop('phone', 'undecided', 'r-1');
    expect(home.session('phone')).toBeUndefined();
    expect(home.story()).toEqual([]);
  });
});

describe('the erasure of an account', () => {
  it('forgets every session of it', () => {
    const home = household();
    home.start('tv');
    home.start('phone');
    home.erase();
    expect(home.seen().account).toBeUndefined();
    home.silence(700);
    expect(home.story()).toEqual(['admitted tv OK', 'admitted phone OK']);
  });
});
