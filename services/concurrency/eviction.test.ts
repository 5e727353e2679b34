import { describe, expect, it } from '@jest/globals';
import { household, rules, type Household } from './testing/household.ts';

describe('evict-oldest', () => {
  const EVICTING = rules(1, '{ id: two, limit: 2, onExceed: evict-oldest }');

  it('stops the stream that was admitted first, however lively it is', () => {
    const home = household(EVICTING);
    home.start('tv');
    home.start('phone');
    home.watch(120, 'tv', 'phone');
    expect(home.start('tablet')).toBe('allow');
    expect(home.holders()).toEqual(['phone', 'tablet']);
  });

  it('tells the loser with its next beat why, and which device took over', () => {
    const home = household(EVICTING);
    home.start('tv');
    home.start('phone');
    home.start('tablet', { deviceId: 'tablet-1', deviceName: 'Kids tablet' });
    expect(home.beat('tv')).toBe('stop EVICTED_BY_NEWER');
    expect(home.session('tv')?.takenBy).toEqual({
      sessionId: 'tablet',
      deviceId: 'tablet-1',
      deviceName: 'Kids tablet',
    });
    expect(home.story().slice(2)).toEqual(['evicted tv EVICTED_BY_NEWER', 'admitted tablet OK']);
  });

  it('never brings the loser back, by whatever beat', () => {
    const home = household(EVICTING);
    for (const id of ['tv', 'phone', 'tablet']) home.start(id);
    home.stop('phone');
    home.stop('tablet');
    for (const sequence of [1, 2, 3, 4, 500]) expect(home.beat('tv', { sequence })).toBe('stop EVICTED_BY_NEWER');
    expect(home.holders()).toEqual([]);
  });

  it('evicts as many as it takes after a smaller limit came into force, the claimant never', () => {
    const home = household(rules(1, '{ id: four, limit: 4 }'));
    for (const id of ['a', 'b', 'c', 'd']) home.start(id);
    home.activate(rules(2, '{ id: two, limit: 2, onExceed: evict-oldest }'));
    expect(home.start('e')).toBe('allow');
    expect(home.holders()).toEqual(['d', 'e']);
  });

  it('names the rule that evicted in the record, not the one that had admitted', () => {
    const home = household(
      rules(
        1,
        '{ id: total, limit: 4 }',
        '{ id: live, limit: 1, onExceed: evict-oldest, match: { contentType: live } }',
      ),
    );
    home.start('tv', { contentType: 'live' });
    home.start('phone', { contentType: 'live' });
    expect(home.decided()[1]).toMatchObject({ outcome: 'evicted', sessionId: 'tv', rule: 'live', limit: 1 });
    expect(home.decision('tv')).toMatchObject({ rule: 'live', limit: 1 });
  });

  it('with a limit of 0 denies: there is nothing to win by evicting', () => {
    const home = household(rules(1, '{ id: none, limit: 0, onExceed: evict-oldest }'));
    expect(home.start('tv')).toBe('stop LIMIT_REACHED');
  });
});

describe('ask', () => {
  const ASKING = rules(1, '{ id: two, limit: 2, onExceed: ask }');
  const asked = (): Household => {
    const home = household(ASKING);
    home.start('tv');
    home.start('phone');
    home.start('tablet');
    return home;
  };

  it('denies with the running sessions, each with a termination token', () => {
    const { active, decision, reason } = asked().decision('tablet');
    expect({ decision, reason }).toEqual({ decision: 'stop', reason: 'LIMIT_REACHED' });
    expect(active?.map(({ sessionId, terminationToken }) => [sessionId, terminationToken])).toEqual([
      ['tv', 'token of tv at 1.0.1'],
      ['phone', 'token of phone at 1.0.2'],
    ]);
  });

  it('gives no tokens to one who may go on, nor under a rule that just denies', () => {
    const tokens = (home: Household, id: string) => home.decision(id).active?.map((a) => a.terminationToken);
    expect(tokens(asked(), 'tv')).toEqual([undefined, undefined]);
    const home = household(rules(1, '{ id: one, limit: 1 }'));
    home.start('tv');
    home.start('phone');
    expect(tokens(home, 'phone')).toEqual([undefined]);
  });

  it('stops the session of the token for a new start', () => {
    const home = asked();
    home.story();
    expect(home.start('tablet', { terminate: [{ sessionId: 'tv', admittedAt: '1.0.1' }] })).toBe('allow');
    expect(home.told('tv')).toBe('stop TERMINATED_BY_USER');
    expect(home.session('tv')?.takenBy?.sessionId).toBe('tablet');
    expect(home.story()).toEqual(['stopped tv TERMINATED_BY_USER', 'admitted tablet OK']);
  });

  it('does nothing with a token of an ended admission', () => {
    const home = asked();
    home.silence(22);
    home.start('radio'); // takes the slot of the television
    home.beat('phone');
    home.stop('radio');
    home.beat('tv'); // and has it back: another admission
    const terminate = [{ sessionId: 'tv', admittedAt: '1.0.1' }];
    expect(home.start('tablet', { terminate })).toBe('stop LIMIT_REACHED');
    expect(home.told('tv')).toBe('allow');
    const admittedAt = home.session('tv')?.admittedAt ?? '';
    expect(home.start('tablet', { terminate: [{ sessionId: 'tv', admittedAt }] })).toBe('allow');
  });

  it('stops several for one start, and what its owner stopped stays stopped if the start is refused all the same', () => {
    const home = household(rules(1, '{ id: three, limit: 3, onExceed: ask }'));
    for (const id of ['a', 'b', 'c', 'd']) home.start(id);
    home.activate(rules(2, '{ id: none, limit: 0 }'));
    const terminate = ['a', 'b'].map((id) => ({ sessionId: id, admittedAt: home.session(id)?.admittedAt ?? '' }));
    expect(home.start('d', { terminate })).toBe('stop LIMIT_REACHED');
    expect(home.holders()).toEqual(['c']);
  });
});
