import { describe, expect, it } from '@jest/globals';
import { holdsSlot } from './account.ts';
import { household, rules, TWO_STREAMS } from './testing/household.ts';

const remembered = (home: ReturnType<typeof household>): readonly string[] =>
  (home.seen().account?.sessions ?? []).filter((s) => !holdsSlot(s)).map((s) => s.sessionId);

describe('an ended session', () => {
  it('is remembered until 10 minutes after its last beat, and the account with it', () => {
    const home = household();
    home.start('tv');
    home.stop('tv');
    home.silence(599.999);
    expect(home.told('tv')).toBe('stop STOPPED');
    home.silence(0.001);
    expect(home.seen().account).toBeUndefined();
  });

  it('is remembered for 10 minutes more by each beat of a player that does not listen', () => {
    const home = household();
    home.start('tv');
    home.stop('tv');
    home.watch(1_200, 'tv');
    expect(home.told('tv')).toBe('stop STOPPED');
    home.silence(600);
    expect(home.seen().account).toBeUndefined();
  });

  it('is never brought back by a late beat with a lower sequence, whichever way it ended', () => {
    const home = household(rules(1, '{ id: one, limit: 1, onExceed: evict-oldest }'));
    home.start('stopped', { sequence: 10 });
    home.stop('stopped');
    home.start('evicted', { sequence: 10 });
    home.start('replaced', { sequence: 10, deviceId: 'phone' });
    home.start('expired', { sequence: 10, deviceId: 'phone' });
    home.silence(35);
    for (const id of ['stopped', 'evicted', 'replaced', 'expired']) {
      for (const sequence of [1, 9, 10]) home.beat(id, { sequence });
    }
    expect(home.holders()).toEqual([]);
    expect(home.session('expired')?.status).toBe('gone');
  });
});

describe('the memory of an account', () => {
  it('holds 64 ended sessions and forgets the one with the oldest last beat first', () => {
    const home = household();
    for (let n = 1; n <= 66; n++) {
      home.start(`session-${n}`);
      home.stop(`session-${n}`);
      home.silence(1);
    }
    expect(remembered(home)).toHaveLength(64);
    expect(home.session('session-2')).toBeUndefined();
    expect(home.session('session-3')).toBeDefined();
  });

  it('holds 64 of them however they ended: by a stop, a last beat, or silence', () => {
    const full = () => {
      const home = household();
      for (let n = 1; n <= 64; n++) {
        home.start(`session-${n}`);
        home.stop(`session-${n}`);
      }
      home.start('last');
      return home;
    };
    const stopped = full();
    stopped.stop('last');
    const ended = full();
    ended.beat('last', { state: 'ended' });
    const silent = full();
    silent.silence(35);
    for (const home of [stopped, ended, silent]) {
      expect(remembered(home)).toHaveLength(64);
      expect(home.session('last')).toBeDefined();
    }
  });

  it('forgets no holder for it', () => {
    const home = household(rules(1, '{ id: free, limit: none }'));
    home.start('first');
    for (let n = 1; n <= 80; n++) {
      home.start(`session-${n}`);
      home.stop(`session-${n}`);
    }
    expect(home.holders()).toEqual(['first']);
  });
});

describe('after the loss of all state', () => {
  it('knows a session again by what its last beat says that it was told', () => {
    for (const [told, answer] of [
      ['OK', 'allow'],
      ['SERVICE_DEGRADED', 'allow'],
      ['LIMIT_REACHED', 'stop LIMIT_REACHED'],
      ['SESSION_CAP', 'stop SESSION_CAP'],
      ['EVICTED_BY_NEWER', 'stop EVICTED_BY_NEWER'],
      ['REPLACED_ON_DEVICE', 'stop REPLACED_ON_DEVICE'],
      ['TERMINATED_BY_USER', 'stop TERMINATED_BY_USER'],
      ['STOPPED', 'stop STOPPED'],
    ] as const) {
      const home = household();
      expect(home.beat('tv', { sequence: 57, lastDecision: told })).toBe(answer);
      expect(home.holders()).toEqual(answer === 'allow' ? ['tv'] : []);
      expect(home.story()).toEqual([]);
    }
  });

  it('lets go on who was told to, even over the limit, and judges the next newcomer', () => {
    const home = household();
    for (const id of ['a', 'b', 'c']) home.beat(id, { sequence: 57, lastDecision: 'OK' });
    expect(home.holders()).toEqual(['a', 'b', 'c']);
    expect(home.start('d')).toBe('stop LIMIT_REACHED');
  });

  it('judges who lost its slot in silence as a newcomer that evicts nobody', () => {
    for (const lastDecision of ['SILENT_TOO_LONG', 'PAUSED_TOO_LONG'] as const) {
      const home = household(rules(1, '{ id: one, limit: 1, onExceed: evict-oldest }'));
      home.start('phone');
      expect(home.beat('tv', { sequence: 2, lastDecision })).toBe('stop LIMIT_REACHED');
      home.stop('phone');
      expect(home.beat('laptop', { sequence: 2, lastDecision })).toBe('allow');
    }
  });

  it('folds the log of a household again to the same sessions, and sends nothing twice', () => {
    const home = household(TWO_STREAMS);
    home.start('tv');
    home.start('phone');
    home.start('tablet');
    home.watch(60, 'tv', 'phone', 'tablet');
    home.stop('phone');
    home.watch(30, 'tv', 'tablet');
    const sent = home.driver.outputs.length;
    const before = home.seen();
    home.driver.wipe();
    home.driver.fold({ batch: 7 });
    expect(home.seen().account).toEqual(before.account);
    expect(home.driver.outputs).toHaveLength(sent);
  });

  it('knows holders and denied ones again by their stamps when retention took the starts', () => {
    const home = household(TWO_STREAMS);
    for (const id of ['tv', 'phone', 'tablet']) home.start(id);
    home.watch(60, 'tv', 'phone', 'tablet');
    home.driver.trim(home.driver.log.length);
    home.driver.wipe();
    home.driver.fold();
    home.activate(TWO_STREAMS, { activatedAtMs: home.driver.now() });
    for (const id of ['tv', 'phone']) home.beat(id, { lastDecision: 'OK' });
    expect(home.beat('tablet', { lastDecision: 'LIMIT_REACHED' })).toBe('stop LIMIT_REACHED');
    expect(home.holders()).toEqual(['tv', 'phone']);
  });
});
