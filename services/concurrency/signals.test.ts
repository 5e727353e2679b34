import { describe, expect, it } from '@jest/globals';
import { household, rules } from './testing/household.ts';

const ONE_STREAM = rules(1, '{ id: one, limit: 1, onExceed: evict-oldest }');
const STICK = { deviceId: 'stick', contentId: 'channel' } as const;
const MINUTE = { ...STICK, leaseMs: 60_000 };

describe('a signal for a silent player', () => {
  it('holds a slot of its own for its own lease: 60 s, and not late before', () => {
    const home = household(rules(1, '{ id: one, limit: 1 }'));
    expect(home.signal('lic-1', MINUTE)).toBe('allow');
    home.silence(59);
    expect(home.start('phone')).toBe('stop LIMIT_REACHED');
    home.silence(1);
    expect(home.holders()).toEqual([]);
  });

  it('evicts nobody and replaces nobody: at the limit it is denied', () => {
    const home = household(ONE_STREAM);
    home.start('tv', { deviceId: 'stick', contentId: 'film' });
    expect(home.signal('lic-1', MINUTE)).toBe('stop LIMIT_REACHED');
    expect(home.holders()).toEqual(['tv']);
  });

  it('extends the session of that device and content by its own lease, 60 s, and takes no slot', () => {
    const home = household(ONE_STREAM);
    home.start('player', STICK);
    home.silence(30);
    home.signal('lic-1', MINUTE);
    expect(home.session('lic-1')).toBeUndefined();
    home.silence(59);
    expect(home.holders()).toEqual(['player']);
    home.silence(1);
    expect(home.holders()).toEqual([]);
  });

  it('counts no more once the player has beaten: 35 s after its last beat the slot is free', () => {
    const home = household(ONE_STREAM);
    home.start('player', STICK);
    home.signal('lic-1', MINUTE);
    home.beat('player', STICK);
    home.silence(34);
    expect(home.holders()).toEqual(['player']);
    home.silence(1);
    expect(home.holders()).toEqual([]);
  });

  it('extends it by no more than its own lease: 10 s', () => {
    const home = household(ONE_STREAM);
    home.start('player', STICK);
    home.silence(30);
    home.signal('lic-1', { ...STICK, leaseMs: 10_000 });
    home.silence(9);
    expect(home.holders()).toEqual(['player']);
    home.silence(1);
    expect(home.holders()).toEqual([]);
  });

  it('never shortens a lease', () => {
    const home = household(ONE_STREAM);
    home.start('player', STICK);
    home.signal('lic-1', { ...STICK, leaseMs: 5_000 });
    home.silence(34);
    expect(home.holders()).toEqual(['player']);
  });

  it('of another content of that device is a session beside it', () => {
    const home = household(rules(1, '{ id: two, limit: 2 }'));
    home.start('player', { deviceId: 'stick', contentId: 'film' });
    home.signal('lic-1', MINUTE);
    expect(home.holders()).toEqual(['player', 'lic-1']);
  });

  it('with the id of one that was seen changes nothing', () => {
    const home = household(ONE_STREAM);
    home.signal('lic-1', { ...MINUTE, requestId: 'r-1' });
    const before = home.seen().account;
    home.silence(30);
    home.signal('lic-1', { ...MINUTE, requestId: 'r-1' });
    expect(home.seen().account).toEqual(before);
  });
});

describe('the player behind a signal', () => {
  it('takes over its session by a start, on the same slot', () => {
    const home = household(rules(1, '{ id: one, limit: 1, sameDevice: count }'));
    home.signal('lic-1', MINUTE);
    expect(home.start('player', STICK)).toBe('allow');
    expect(home.holders()).toEqual(['player']);
    expect(home.story()).toEqual(['admitted lic-1 OK', 'replaced lic-1 REPLACED_ON_DEVICE', 'admitted player OK']);
  });

  it('takes it over by its first beat, whatever the number of that beat', () => {
    for (const sequence of [1, 3, 4, 120]) {
      const home = household(rules(1, '{ id: one, limit: 1, sameDevice: count }'));
      home.signal('lic-1', MINUTE);
      expect(home.beat('player', { ...STICK, sequence })).toBe('allow');
      expect(home.holders()).toEqual(['player']);
    }
  });

  it('takes it over when it comes back from a long silence', () => {
    const home = household(rules(1, '{ id: one, limit: 1 }'));
    home.start('player', STICK);
    home.silence(40);
    home.signal('lic-1', MINUTE);
    expect(home.beat('player')).toBe('allow');
    expect(home.holders()).toEqual(['player']);
  });

  it('takes over nothing from a signal for another device or content', () => {
    const home = household(rules(1, '{ id: one, limit: 1 }'));
    home.signal('lic-1', MINUTE);
    expect(home.start('player', { deviceId: 'stick-2', contentId: 'channel' })).toBe('stop LIMIT_REACHED');
    expect(home.beat('other', { deviceId: 'stick', contentId: 'film', sequence: 9 })).toBe('stop LIMIT_REACHED');
  });

  it('is no longer a signal: its lease is 35 s', () => {
    const home = household(ONE_STREAM);
    home.signal('lic-1', MINUTE);
    home.start('player', STICK);
    home.silence(35);
    expect(home.holders()).toEqual([]);
  });
});
