import { describe, expect, it } from '@jest/globals';
import { household, rules, TWO_STREAMS } from './testing/household.ts';

const ONE_STREAM = rules(2, '{ id: one-stream, limit: 1 }');

describe('before any policy', () => {
  it('nothing is judged: starts and beats leave nothing behind and are told to go on', () => {
    const home = household(null);
    for (const id of ['a', 'b', 'c']) expect(home.start(id)).toBe('allow');
    expect(home.beat('d', { sequence: 1 })).toBe('allow');
    expect(home.seen().account).toBeUndefined();
    expect(home.story()).toEqual([]);
  });

  it('keeps who was stamped as told, with a lease of 35 s', () => {
    const home = household(null);
    home.beat('tv', { sequence: 57, lastDecision: 'OK' });
    expect(home.holders()).toEqual(['tv']);
    home.silence(35);
    expect(home.holders()).toEqual([]);
  });
});

describe('a policy', () => {
  it('decides from its own record on, and not before', () => {
    const home = household(TWO_STREAMS);
    home.start('tv');
    expect(home.start('phone')).toBe('allow');
    home.stop('phone');
    home.activate(ONE_STREAM);
    expect(home.start('tablet')).toBe('stop LIMIT_REACHED');
    expect(home.decision('tablet')).toMatchObject({ rule: 'one-stream', policyVersion: 2, limit: 1 });
    expect(home.decision('tv')).toMatchObject({ rule: 'two-streams', policyVersion: 1, limit: 2 });
  });

  it('stops nobody who was admitted under the one before', () => {
    const home = household(TWO_STREAMS);
    home.start('tv');
    home.start('phone');
    home.activate(ONE_STREAM);
    expect([home.beat('tv'), home.beat('phone')]).toEqual(['allow', 'allow']);
  });

  it('of an older version is not taken, whenever its record comes', () => {
    const home = household(ONE_STREAM);
    home.activate(TWO_STREAMS, { activatedAtMs: home.driver.now() + 60_000 });
    home.start('tv');
    expect(home.start('phone')).toBe('stop LIMIT_REACHED');
  });

  it('restated changes nothing', () => {
    const home = household(TWO_STREAMS);
    home.start('tv');
    const before = home.seen();
    const at = home.driver.now();
    home.silence(300);
    home.activate(TWO_STREAMS, { activatedAtMs: at });
    expect(home.seen().checkpoint?.control).toEqual(before.checkpoint?.control);
    home.activate(rules(1, '{ id: other, limit: 0 }'), { activatedAtMs: at - 1 });
    expect(home.seen().checkpoint?.control).toEqual(before.checkpoint?.control);
  });

  it('restated every 5 minutes is found by a rebuild that starts 20 minutes ago', () => {
    const home = household(TWO_STREAMS);
    const at = home.driver.now();
    for (let n = 0; n < 8; n++) {
      home.silence(300);
      home.activate(TWO_STREAMS, { activatedAtMs: at });
    }
    home.driver.wipe();
    home.driver.fold();
    expect(home.driver.events).toContainEqual(expect.objectContaining({ kind: 'rebuild', lost: false }));
    expect(home.seen().checkpoint?.control).toMatchObject({ version: 1, mode: 'enforce' });
  });

  it('that is none stops the partition with an error: to go on would decide wrongly', () => {
    const home = household(TWO_STREAMS);
    const value = { version: 2, mode: 'enforce' as const, policy: '{}', activatedAtMs: 0, by: 'test' };
    home.driver.append(null, { type: 'PolicyActivated', value });
    expect(() => home.driver.fold()).toThrow(/heartbeats\.v1 partition 0 .*not a policy/);
  });

  it('gives its own lease and lateness to the sessions that it admits', () => {
    const home = household(rules(1, '{ id: one, limit: 1, leaseMs: 60000, lateMs: 40000 }'));
    home.start('tv');
    home.silence(39);
    expect(home.start('phone')).toBe('stop LIMIT_REACHED');
    home.silence(20);
    expect(home.holders()).toEqual(['tv']);
    home.silence(1);
    expect(home.holders()).toEqual([]);
  });
});

describe('observing', () => {
  it('a rule decides and records with observed: true, and answers allow', () => {
    const home = household(rules(1, '{ id: one, limit: 1, mode: observe }'));
    home.start('tv');
    expect(home.start('phone')).toBe('allow');
    expect(home.holders()).toEqual(['tv', 'phone']);
    const [, admitted, observed] = home.decided();
    expect(admitted).toMatchObject({ outcome: 'admitted', sessionId: 'phone', observed: false });
    expect(observed).toMatchObject({
      outcome: 'denied',
      sessionId: 'phone',
      reason: 'LIMIT_REACHED',
      rule: 'one',
      limit: 1,
      observed: true,
    });
  });

  it('a rule that evicts says whom it would have let in, and evicts nobody', () => {
    const home = household(rules(1, '{ id: one, limit: 1, mode: observe, onExceed: evict-oldest }'));
    home.start('tv');
    home.start('phone');
    expect(home.holders()).toEqual(['tv', 'phone']);
    expect(home.story()).toEqual(['admitted tv OK', 'admitted phone OK', 'admitted phone EVICTED_BY_NEWER observed']);
  });

  it('a rule takes no silent slot and replaces nobody, with a limit or without', () => {
    for (const limit of ['1', 'none']) {
      const home = household(rules(1, `{ id: one, limit: ${limit}, mode: observe }`));
      home.start('tv', { deviceId: 'tv' });
      home.start('tv-2', { deviceId: 'tv' });
      home.silence(30);
      home.start('phone');
      expect(home.holders()).toEqual(['tv', 'tv-2', 'phone']);
    }
  });

  it('a rule beside one that enforces leaves the other in force', () => {
    const home = household(rules(1, '{ id: one, limit: 1, mode: observe }', '{ id: two, limit: 2 }'));
    expect([home.start('a'), home.start('b'), home.start('c')]).toEqual(['allow', 'allow', 'stop LIMIT_REACHED']);
    expect(home.story().filter((line) => line.endsWith('observed'))).toHaveLength(2);
  });

  it('all of it by one switch of the mode, at its own record, and back again', () => {
    const home = household(TWO_STREAMS);
    for (const id of ['a', 'b']) home.start(id);
    const at = home.driver.now();
    home.activate(TWO_STREAMS, { mode: 'observe', activatedAtMs: at + 1 });
    expect(home.start('c')).toBe('allow');
    home.activate(TWO_STREAMS, { mode: 'enforce', activatedAtMs: at + 2 });
    expect(home.start('d')).toBe('stop LIMIT_REACHED');
    home.activate(TWO_STREAMS, { mode: 'observe', activatedAtMs: at + 1 });
    expect(home.start('e')).toBe('stop LIMIT_REACHED');
  });
});
