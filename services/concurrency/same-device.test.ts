import { describe, expect, it } from '@jest/globals';
import { household, rules } from './testing/household.ts';

const on = (deviceId: string) => ({ deviceId });

describe('same device, same slot', () => {
  it('replaces the session of the device: reload, crash and restart need no second slot', () => {
    const home = household(rules(1, '{ id: one, limit: 1 }'));
    home.start('before', on('tv'));
    expect(home.start('after', on('tv'))).toBe('allow');
    expect(home.told('before')).toBe('stop REPLACED_ON_DEVICE');
    expect(home.session('before')?.takenBy).toEqual({ sessionId: 'after', deviceId: 'tv', deviceName: null });
    expect(home.story().slice(1)).toEqual(['replaced before REPLACED_ON_DEVICE', 'admitted after OK']);
  });

  it('zaps through 64 channels on one slot, with another device beside it untouched', () => {
    const home = household();
    home.start('film', on('phone'));
    for (let n = 1; n <= 64; n++) {
      const channel = { deviceId: 'tv', contentId: `channel-${n}`, contentType: 'live' } as const;
      expect(home.start(`zap-${n}`, channel)).toBe('allow');
      expect(home.holders()).toEqual(['film', `zap-${n}`]);
    }
  });

  it('is by rule: share-slot lets both run on one slot, count makes them two', () => {
    const shared = household(rules(1, '{ id: one, limit: 1, sameDevice: share-slot }'));
    shared.start('film', on('tv'));
    expect(shared.start('picture-in-picture', on('tv'))).toBe('allow');
    expect(shared.holders()).toEqual(['film', 'picture-in-picture']);
    expect(shared.start('other', on('phone'))).toBe('stop LIMIT_REACHED');

    const counted = household(rules(1, '{ id: one, limit: 1, sameDevice: count }'));
    counted.start('film', on('tv'));
    expect(counted.start('picture-in-picture', on('tv'))).toBe('stop LIMIT_REACHED');
  });

  it('stands only if the newcomer is admitted: a refused zap leaves the channel running', () => {
    const home = household(rules(1, '{ id: two, limit: 2 }', '{ id: sport, limit: 0, match: { contentId: sport } }'));
    home.start('news', on('tv'));
    expect(home.start('match', { deviceId: 'tv', contentId: 'sport' })).toBe('stop LIMIT_REACHED');
    expect(home.told('news')).toBe('allow');
    expect(home.holders()).toEqual(['news']);
    expect(home.story().slice(1)).toEqual(['denied match LIMIT_REACHED']);
  });

  it('counts first: a household at its limit may zap', () => {
    const home = household();
    home.start('a', on('tv'));
    home.start('b', on('phone'));
    expect(home.start('c', on('phone'))).toBe('allow');
    expect(home.holders()).toEqual(['a', 'c']);
  });

  it('replaces under all rules that match, whichever of them comes first', () => {
    const counting = '{ id: total, limit: 1, sameDevice: count }';
    const replacing = '{ id: live, limit: 1, match: { contentType: live } }';
    for (const yaml of [rules(1, counting, replacing), rules(1, replacing, counting)]) {
      const home = household(yaml);
      home.start('first', { deviceId: 'tv', contentType: 'live' });
      expect(home.start('second', { deviceId: 'tv', contentType: 'live' })).toBe('allow');
      expect(home.holders()).toEqual(['second']);
    }
  });

  it('does not happen where no rule matches: allowed, and replaces nothing', () => {
    const home = household(rules(1, '{ id: films, limit: 1, match: { contentType: vod } }'));
    home.start('one', { deviceId: 'tv', contentType: 'live' });
    expect(home.start('two', { deviceId: 'tv', contentType: 'live' })).toBe('allow');
    expect(home.holders()).toEqual(['one', 'two']);
    expect(home.session('two')).toMatchObject({ rule: null, limit: null });
  });

  it('happens under a rule without a limit', () => {
    const home = household(rules(1, '{ id: free, limit: none }'));
    home.start('one', on('tv'));
    home.start('two', on('tv'));
    expect(home.holders()).toEqual(['two']);
  });
});

describe('casting', () => {
  it('takes over the slot of the session that the start continues, on another device', () => {
    const home = household(rules(1, '{ id: one, limit: 1 }'));
    home.start('phone');
    expect(home.start('tv', { continuesSessionId: 'phone' })).toBe('allow');
    expect(home.holders()).toEqual(['tv']);
    expect(home.told('phone')).toBe('stop REPLACED_ON_DEVICE');
    expect(home.session('phone')?.takenBy?.deviceId).toBe('tv');
  });

  it('takes it over at the limit without touching a third session', () => {
    const home = household(rules(1, '{ id: two, limit: 2, onExceed: evict-oldest }'));
    home.start('kitchen');
    home.start('phone');
    home.start('tv', { continuesSessionId: 'phone' });
    expect(home.holders()).toEqual(['kitchen', 'tv']);
  });

  it('leaves the phone playing when the television is refused', () => {
    const home = household(rules(1, '{ id: two, limit: 2 }', '{ id: no-tv, limit: 0, match: { deviceType: tv } }'));
    home.start('phone', { deviceType: 'phone' });
    expect(home.start('tv', { continuesSessionId: 'phone' })).toBe('stop LIMIT_REACHED');
    expect(home.told('phone')).toBe('allow');
  });

  it('takes nothing from a session that has ended or that nobody knows', () => {
    const home = household(rules(1, '{ id: one, limit: 1 }'));
    home.start('phone');
    home.stop('phone');
    home.start('tablet');
    expect(home.start('tv', { continuesSessionId: 'phone' })).toBe('stop LIMIT_REACHED');
    expect(home.start('beamer', { continuesSessionId: 'nobody' })).toBe('stop LIMIT_REACHED');
  });
});
