import { describe, expect, it } from '@jest/globals';
import { beatOf, household, rules, TWO_STREAMS } from './testing/household.ts';

const ONE_STREAM = rules(1, '{ id: one, limit: 1 }');

describe('a session that falls silent', () => {
  it('frees the slot of a silent device 35 s after its last beat, at the next tick', () => {
    const home = household();
    home.start('tv');
    home.silence(34.999);
    expect(home.holders()).toEqual(['tv']);
    home.silence(0.001);
    expect(home.holders()).toEqual([]);
    expect(home.session('tv')).toMatchObject({ status: 'gone', reason: 'SILENT_TOO_LONG' });
    expect(home.story()).toEqual(['admitted tv OK', 'expired tv SILENT_TOO_LONG']);
  });

  it('frees it without a tick too, at the next beat of anybody in its partition', () => {
    const home = household(ONE_STREAM);
    home.start('tv');
    for (let i = 1; i <= 7; i++) {
      home.driver.setNow(home.driver.now() + 5_000);
      const value = beatOf('neighbour', home.driver.now(), { sequence: i });
      home.driver.append('neighbour', { type: 'Heartbeat', value });
    }
    home.driver.fold();
    expect(home.holders()).toEqual([]);
  });

  it('counts the 35 s from the last of its beats', () => {
    const home = household();
    home.start('tv');
    home.watch(60, 'tv');
    home.silence(34);
    expect(home.holders()).toEqual(['tv']);
    home.silence(1);
    expect(home.holders()).toEqual([]);
  });

  it('counts from when a beat happened, where the beat was 20 s old on arrival', () => {
    const home = household();
    home.start('tv');
    home.silence(20);
    home.beat('tv', { ageMs: 20_000 });
    home.silence(14.999);
    expect(home.holders()).toEqual(['tv']);
    home.silence(0.001);
    expect(home.holders()).toEqual([]);
  });

  it('loses no lease to an outage of ingest, whatever is called meanwhile: policies, titles taken off a list', () => {
    const home = household();
    home.start('tv');
    home.watch(20, 'tv');
    for (let minutes = 0; minutes < 5; minutes++) {
      home.driver.setNow(home.driver.now() + 30_000);
      home.activate(TWO_STREAMS);
      home.callNextDoor(30_000);
    }
    home.silence(1);
    expect(home.holders()).toEqual(['tv']);
    // 10 s before the outage, 5 s of it: a newcomer may not take the slot of one who is not late.
    home.start('phone');
    home.start('tablet');
    expect(home.told('tablet')).toBe('stop LIMIT_REACHED');
  });

  it('loses no lease to an outage of the log of one hour: 5 s of it count', () => {
    const home = household();
    home.start('tv');
    home.silence(10);
    home.driver.setNow(home.driver.now() + 3_600_000);
    home.driver.append(null, { type: 'Tick', value: { source: 'test', shedding: false, receivedAtMs: 0 } });
    home.silence(19);
    expect(home.holders()).toEqual(['tv']);
    home.silence(1);
    expect(home.holders()).toEqual([]);
  });

  it('expires nobody while ingest sheds beats for 10 minutes, nor in the 2 s after', () => {
    const home = household();
    home.start('tv');
    home.silence(30);
    home.driver.advance(600_000, { shedding: true });
    home.silence(2);
    expect(home.told('tv')).toBe('allow');
    expect(home.beat('tv')).toBe('allow');
    home.silence(34);
    expect(home.holders()).toEqual(['tv']);
  });
});

describe('silent first', () => {
  it('lets a TV cut off at the wall block its owner for 22 s at most', () => {
    const home = household(ONE_STREAM);
    home.start('tv');
    home.silence(21.999);
    expect(home.start('phone')).toBe('stop LIMIT_REACHED');
    home.silence(0.001);
    expect(home.start('phone')).toBe('allow');
    expect(home.session('tv')).toMatchObject({
      status: 'displaced',
      reason: 'SILENT_TOO_LONG',
      takenBy: { sessionId: 'phone', deviceId: 'phone' },
    });
  });

  it('takes a late slot before it denies, and the longest silent of several', () => {
    const home = household(rules(1, '{ id: three, limit: 3 }'));
    home.start('attic');
    home.silence(1);
    home.start('kitchen');
    home.start('tv');
    home.watch(30, 'tv');
    expect(home.start('phone')).toBe('allow');
    expect(home.holders()).toEqual(['kitchen', 'tv', 'phone']);
  });

  it('takes a late slot before it evicts a live stream that is older', () => {
    const home = household(rules(1, '{ id: two, limit: 2, onExceed: evict-oldest }'));
    home.start('oldest');
    home.start('silent');
    home.watch(30, 'oldest');
    home.story();
    home.start('phone');
    expect(home.story()).toEqual(['displaced silent SILENT_TOO_LONG', 'admitted phone OK']);
    expect(home.told('oldest')).toBe('allow');
  });

  it('leaves a late session alone where there is room', () => {
    const home = household();
    home.start('tv');
    home.silence(30);
    home.start('phone');
    expect(home.holders()).toEqual(['tv', 'phone']);
    expect(home.beat('tv')).toBe('allow');
  });

  it('takes no more late slots than it needs', () => {
    const home = household(rules(1, '{ id: three, limit: 3 }'));
    for (const id of ['a', 'b', 'c']) home.start(id);
    home.silence(25);
    home.start('d');
    expect(home.holders()).toEqual(['b', 'c', 'd']);
  });
});

describe('a displaced session that beats again', () => {
  const displaced = (limit: string) => {
    const home = household(rules(1, limit));
    home.start('tv');
    home.silence(22);
    home.start('phone');
    home.story();
    return home;
  };

  it('is denied at the limit, even by a rule that evicts, and then told stop', () => {
    for (const onExceed of ['deny-newest', 'evict-oldest', 'ask']) {
      const home = displaced(`{ id: one, limit: 1, onExceed: ${onExceed} }`);
      expect(home.beat('tv')).toBe('stop LIMIT_REACHED');
      expect(home.holders()).toEqual(['phone']);
      expect(home.story()).toEqual(['denied tv LIMIT_REACHED']);
    }
  });

  it('has its slot back once there is room, and its record says that it returned', () => {
    const home = displaced('{ id: one, limit: 1 }');
    home.stop('phone');
    expect(home.beat('tv')).toBe('allow');
    const [, admitted] = home.decided();
    expect(admitted).toMatchObject({ outcome: 'admitted', sessionId: 'tv', returned: true });
  });

  it('replaces nobody on its own device', () => {
    const home = household(rules(1, '{ id: two, limit: 2 }'));
    home.start('film', { deviceId: 'tv' });
    home.silence(22);
    home.start('a');
    home.start('b');
    expect(home.session('film')?.status).toBe('displaced');
    home.stop('b');
    home.start('series', { deviceId: 'tv', requestId: 'r' });
    expect(home.beat('film')).toBe('stop LIMIT_REACHED');
    expect(home.holders()).toEqual(['a', 'series']);
  });

  it('may take the slot of one that is silent by now', () => {
    const home = displaced('{ id: one, limit: 1 }');
    home.silence(22);
    expect(home.beat('tv')).toBe('allow');
    expect(home.holders()).toEqual(['tv']);
  });

  it('comes back from gone in the same way: with room it goes on, without it is denied', () => {
    const home = household(rules(1, '{ id: one, limit: 1 }'));
    home.start('tv');
    home.silence(40);
    expect(home.beat('tv')).toBe('allow');
    home.silence(40);
    home.start('phone');
    expect(home.beat('tv')).toBe('stop LIMIT_REACHED');
  });
});

describe('a pause', () => {
  it('holds the slot for 5 minutes of beats, and is late from then on', () => {
    const home = household(ONE_STREAM);
    home.start('tv');
    home.beat('tv', { state: 'paused' });
    for (let s = 0; s < 290; s += 10) {
      home.silence(10);
      home.beat('tv', { state: 'paused' });
    }
    home.silence(9.999);
    expect(home.start('phone')).toBe('stop LIMIT_REACHED');
    home.silence(0.001);
    expect(home.start('phone')).toBe('allow');
    expect(home.told('tv')).toBe('stop PAUSED_TOO_LONG');
  });

  it('is over with the first playing beat: the next one has 5 minutes of its own', () => {
    const home = household(ONE_STREAM);
    home.start('tv');
    const pausedFor = (seconds: number): void => {
      for (let s = 0; s < seconds; s += 10) {
        home.beat('tv', { state: 'paused' });
        home.silence(10);
      }
    };
    pausedFor(290);
    home.beat('tv', { state: 'playing' });
    pausedFor(290);
    expect(home.start('phone')).toBe('stop LIMIT_REACHED');
  });

  it('does not hold a slot in silence: paused and cut off, it is gone after 35 s', () => {
    const home = household();
    home.start('tv');
    home.beat('tv', { state: 'paused' });
    home.silence(35);
    expect(home.session('tv')).toMatchObject({ status: 'gone', reason: 'SILENT_TOO_LONG' });
  });

  it('of a session that was paused from its start counts from the start', () => {
    const home = household(rules(1, '{ id: one, limit: 1, pausedHoldsMs: 15000 }'));
    home.start('tv', { state: 'paused' });
    home.silence(15);
    home.start('phone');
    expect(home.told('tv')).toBe('stop PAUSED_TOO_LONG');
  });
});
