import { describe, expect, it } from '@jest/globals';
import { household, KEY, rules } from './testing/household.ts';

describe('the record of a decision', () => {
  it('names the rule, the policy version, the limit and the position of its cause', () => {
    const home = household(rules(3, '{ id: one, limit: 1 }'));
    home.start('tv', { contentId: 'news', contentType: 'live', deviceType: 'stick' });
    expect(home.decided()).toEqual([
      {
        id: 'concurrency:1.0.1:0',
        cause: '1.0.1',
        tenant: 'tenant',
        sessionId: 'tv',
        outcome: 'admitted',
        reason: 'OK',
        rule: 'one',
        policyVersion: 3,
        limit: 1,
        observed: false,
        returned: false,
        bySessionId: null,
        holders: 1,
        deviceId: 'tv',
        deviceType: 'stick',
        contentId: 'news',
        contentType: 'live',
        decidedAtMs: home.driver.now(),
      },
    ]);
  });

  it('is made for each admission, denial, eviction, replacement, displacement, stop and expiry, with its cause', () => {
    const home = household(rules(1, '{ id: two, limit: 2 }'));
    const cause = (): string => `1.0.${home.driver.log.length - 1}`;
    const expected: unknown[] = [];
    const expecting = (outcome: string, sessionId: string, bySessionId: string | null, holders: number): void => {
      expected.push({
        outcome,
        sessionId,
        bySessionId,
        holders,
        cause: cause(),
        policyVersion: 1,
        rule: 'two',
        limit: 2,
      });
    };
    home.start('a', { deviceId: 'tv' });
    expecting('admitted', 'a', null, 1);
    home.start('b', { deviceId: 'tv' });
    expecting('replaced', 'a', 'b', 1);
    expecting('admitted', 'b', null, 1);
    home.start('c');
    expecting('admitted', 'c', null, 2);
    home.start('d');
    expecting('denied', 'd', null, 2);
    home.silence(22);
    home.start('e');
    expecting('displaced', 'b', 'e', 2);
    expecting('admitted', 'e', null, 2);
    home.stop('e');
    expecting('stopped', 'e', null, 1);
    home.silence(13);
    expecting('expired', 'c', null, 0);
    home.activate(rules(2, '{ id: one, limit: 1, onExceed: evict-oldest }'));
    home.start('f');
    home.start('g');
    const decided = home.decided();
    expect(decided.slice(0, expected.length)).toMatchObject(expected);
    expect(decided.slice(expected.length)).toMatchObject([
      { outcome: 'admitted', sessionId: 'f', rule: 'one', policyVersion: 2 },
      { outcome: 'evicted', sessionId: 'f', rule: 'one', policyVersion: 2, limit: 1, bySessionId: 'g', holders: 1 },
      { outcome: 'admitted', sessionId: 'g', rule: 'one', policyVersion: 2 },
    ]);
  });

  it('has an id of its own for each decision of one cause', () => {
    const home = household(rules(1, '{ id: four, limit: 4 }'));
    for (const id of ['a', 'b', 'c', 'd']) home.start(id);
    home.silence(35);
    const ids = home.decided().map((d) => d.id);
    expect(new Set(ids).size).toBe(8);
    expect(ids.slice(4)).toEqual([0, 1, 2, 3].map((n) => `concurrency:1.0.39:${n}`));
  });

  it('is not made for a beat that goes on, a repeat, or a beat that is told stop', () => {
    const home = household(rules(1, '{ id: one, limit: 1 }'));
    home.start('tv');
    home.start('phone');
    home.story();
    home.watch(100, 'tv', 'phone');
    home.beat('tv', { sequence: 1 });
    expect(home.story()).toEqual([]);
  });

  it('has the account as its key, so that a reader has the decisions of one account in order', () => {
    const home = household();
    home.start('tv');
    const [effects] = home.driver.events.flatMap((e) =>
      e.kind === 'folded' && e.effects.length > 0 ? [e.effects] : [],
    );
    expect(effects).toMatchObject([{ emit: 'stream-decisions.v1', key: KEY }]);
  });
});
