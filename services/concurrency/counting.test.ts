import { describe, expect, it } from '@jest/globals';
import { household, rules } from './testing/household.ts';

describe('countBy', () => {
  it('sessions: each counts one', () => {
    const home = household(rules(1, '{ id: two, limit: 2, sameDevice: count }'));
    for (const id of ['a', 'b']) home.start(id, { deviceId: 'tv' });
    expect(home.start('c', { deviceId: 'tv' })).toBe('stop LIMIT_REACHED');
  });

  it('devices: two sessions of one device count one', () => {
    const home = household(rules(1, '{ id: two, limit: 2, countBy: devices, sameDevice: count }'));
    for (const id of ['a', 'b', 'c']) expect(home.start(id, { deviceId: 'tv' })).toBe('allow');
    expect(home.start('d', { deviceId: 'phone' })).toBe('allow');
    expect(home.start('e', { deviceId: 'tablet' })).toBe('stop LIMIT_REACHED');
    expect(home.start('f', { deviceId: 'phone' })).toBe('allow');
  });

  it('profiles: a family of two on five devices counts two', () => {
    const home = household(rules(1, '{ id: two, limit: 2, countBy: profiles }'));
    for (const id of ['a', 'b', 'c']) expect(home.start(id, { profileId: 'parent' })).toBe('allow');
    for (const id of ['d', 'e']) expect(home.start(id, { profileId: 'child' })).toBe('allow');
    expect(home.start('f', { profileId: 'guest' })).toBe('stop LIMIT_REACHED');
  });

  it('countries: one at a time, whatever the number of streams there', () => {
    const home = household(rules(1, '{ id: one-country, limit: 1, countBy: countries }'));
    for (const id of ['a', 'b', 'c']) expect(home.start(id, { country: 'FR' })).toBe('allow');
    expect(home.start('d', { country: 'DE' })).toBe('stop LIMIT_REACHED');
  });

  it('devices: a device is silent only when all of its sessions are', () => {
    const home = household(rules(1, '{ id: one, limit: 1, countBy: devices, sameDevice: count }'));
    home.start('a', { deviceId: 'tv' });
    home.start('b', { deviceId: 'tv' });
    home.watch(30, 'b');
    expect(home.start('c', { deviceId: 'phone' })).toBe('stop LIMIT_REACHED');
    home.silence(22);
    expect(home.start('d', { deviceId: 'phone' })).toBe('allow');
    expect(home.holders()).toEqual(['d']);
  });

  it('devices: evict-oldest stops the whole of the oldest device', () => {
    const home = household(
      rules(1, '{ id: one, limit: 1, countBy: devices, sameDevice: count, onExceed: evict-oldest }'),
    );
    home.start('a', { deviceId: 'tv' });
    home.start('b', { deviceId: 'tv' });
    home.start('c', { deviceId: 'phone' });
    expect(home.holders()).toEqual(['c']);
  });
});

describe('several rules', () => {
  const SPORT = rules(1, '{ id: total, limit: 3 }', '{ id: sport, limit: 1, match: { contentId: sport } }');

  it('must all hold: three streams, and one of them the match', () => {
    const home = household(SPORT);
    expect(home.start('a', { contentId: 'sport' })).toBe('allow');
    expect(home.start('b', { contentId: 'sport' })).toBe('stop LIMIT_REACHED');
    expect(home.decision('b')).toMatchObject({ rule: 'sport', limit: 1 });
    expect(home.start('c')).toBe('allow');
    expect(home.start('d')).toBe('allow');
    expect(home.start('e')).toBe('stop LIMIT_REACHED');
    expect(home.decision('e')).toMatchObject({ rule: 'total', limit: 3 });
  });

  it('count only the sessions of which they speak', () => {
    const home = household(rules(1, '{ id: live, limit: 1, match: { contentType: live } }'));
    for (const id of ['a', 'b', 'c']) expect(home.start(id, { contentType: 'vod' })).toBe('allow');
    expect(home.start('d', { contentType: 'live' })).toBe('allow');
    expect(home.start('e', { contentType: 'live' })).toBe('stop LIMIT_REACHED');
  });

  it('let what one of them evicts make room under the other, in either order', () => {
    const total = '{ id: total, limit: 2 }';
    const live = '{ id: live, limit: 1, onExceed: evict-oldest, match: { contentType: live } }';
    for (const yaml of [rules(1, total, live), rules(1, live, total)]) {
      const home = household(yaml);
      home.start('film');
      home.start('news', { contentType: 'live' });
      expect(home.start('sport', { contentType: 'live' })).toBe('allow');
      expect(home.holders()).toEqual(['film', 'sport']);
    }
  });

  it('let nobody lose a slot to a claim that one of them refuses', () => {
    const home = household(
      rules(
        1,
        '{ id: live, limit: 1, onExceed: evict-oldest, match: { contentType: live } }',
        '{ id: total, limit: 2 }',
      ),
    );
    home.start('film-1');
    home.start('film-2');
    home.activate(
      rules(
        2,
        '{ id: live, limit: 1, onExceed: evict-oldest, match: { contentType: live } }',
        '{ id: total, limit: 1 }',
      ),
    );
    expect(home.start('news', { contentType: 'live' })).toBe('stop LIMIT_REACHED');
    expect(home.holders()).toEqual(['film-1', 'film-2']);
  });
});

describe('the limit', () => {
  const BY_PLAN = rules(1, '{ id: plan, limit: plan.streams, limitWithoutClaim: 1 }');
  const streams = (n: number | string) => ({ claims: { 'plan.streams': n } });

  it('comes from the claim that it names, of the newcomer’s own token', () => {
    const home = household(BY_PLAN);
    expect(home.start('a', streams(2))).toBe('allow');
    expect(home.start('b', streams(2))).toBe('allow');
    expect(home.start('c', streams(2))).toBe('stop LIMIT_REACHED');
    expect(home.start('d', streams('4'))).toBe('allow');
    expect(home.decision('d').limit).toBe(4);
  });

  it('is limitWithoutClaim for a token without the claim', () => {
    const home = household(BY_PLAN);
    expect(home.start('a')).toBe('allow');
    expect(home.start('b')).toBe('stop LIMIT_REACHED');
    expect(home.decision('b').limit).toBe(1);
  });

  it('none admits up to the cap', () => {
    const home = household(rules(1, '{ id: free, limit: none }'));
    for (let n = 1; n <= 16; n++) expect(home.start(`device-${n}`)).toBe('allow');
    expect(home.decision('device-1').limit).toBeNull();
  });
});
