import { describe, expect, it } from '@jest/globals';
import { REASON_NAMES } from '../../schemas/reasons.ts';
import type { Checkpoint } from '../../shared/state/state.ts';
import { claimantOf } from './sessions.ts';
import { beatOf, household, rules, type Who } from './testing/household.ts';
import { accountReader, type Asker, decisionBefore, decisionOf, decisionOpen, type Seen } from './view.ts';

const ONE_STREAM = rules(1, '{ id: one, limit: 1 }');
const asker = (nowMs: number): Asker => ({ profileId: null, nowMs, terminationToken: () => 'token' });
const home = (yaml = ONE_STREAM) => household(yaml);

describe('a decision', () => {
  it('to go on has every field, and says what it is based on', () => {
    const one = home();
    one.start('tv', { deviceName: 'Living room' });
    expect(one.decision('tv')).toEqual({
      sessionId: 'tv',
      decision: 'allow',
      reason: 'OK',
      rule: 'one',
      policyVersion: 1,
      limit: 1,
      degraded: false,
      asOfMs: one.driver.now(),
      position: '1.0.1',
      active: [
        {
          sessionId: 'tv',
          deviceId: 'tv',
          deviceName: 'Living room',
          deviceType: 'tv',
          contentId: 'film',
          startedAtMs: one.driver.now(),
          lastBeatAtMs: one.driver.now(),
          status: 'starting',
        },
      ],
    });
  });

  it('to stop lists who holds the slots, oldest admission first, with their last beat', () => {
    const one = home(rules(1, '{ id: two, limit: 2 }'));
    const startedAtMs = one.driver.now();
    one.start('tv');
    one.start('phone');
    one.watch(10, 'tv');
    one.start('tablet');
    expect(one.decision('tablet').active).toMatchObject([
      { sessionId: 'tv', startedAtMs, lastBeatAtMs: startedAtMs + 10_000, status: 'active' },
      { sessionId: 'phone', startedAtMs, lastBeatAtMs: startedAtMs, status: 'starting' },
    ]);
  });

  it('about a session that nobody knows is to go on', () => {
    expect(home().decision('nobody')).toMatchObject({ decision: 'allow', reason: 'OK', rule: null, policyVersion: 1 });
  });

  it('that could not be had is to go on, degraded, for a reason of the closed list', () => {
    const open = decisionOpen('tv', 7);
    expect(open).toMatchObject({ sessionId: 'tv', decision: 'allow', degraded: true, asOfMs: 7, position: null });
    expect(REASON_NAMES).toContain(open.reason);
  });
});

describe('freesInMs and retryAfterMs', () => {
  it('are for late sessions what is left of the lease: 35 s less 25 s', () => {
    const one = home(rules(1, '{ id: two, limit: 2 }'));
    one.start('tv');
    one.start('phone');
    one.watch(20, 'phone');
    one.silence(5);
    const [tv, phone] = one.decision('tv').active ?? [];
    expect(tv).toMatchObject({ sessionId: 'tv', status: 'late', freesInMs: 10_000 });
    expect(phone).toMatchObject({ sessionId: 'phone', status: 'active' });
    expect(phone).not.toHaveProperty('freesInMs');
  });

  it('are for a paused session what is left of its 5 minutes', () => {
    const one = home();
    one.start('tv');
    one.beat('tv', { state: 'paused' });
    one.silence(10);
    one.beat('tv', { state: 'paused' });
    one.start('phone');
    expect(one.decision('phone')).toMatchObject({
      retryAfterMs: 290_000,
      active: [{ status: 'paused', freesInMs: 290_000 }],
    });
  });

  it('give the least of several, and 30 s where no session says when', () => {
    const one = home(rules(1, '{ id: two, limit: 2 }'));
    one.start('tv');
    one.start('phone');
    one.start('tablet');
    expect(one.decision('tablet').retryAfterMs).toBe(30_000);
    one.beat('tv', { state: 'paused' });
    one.silence(10);
    one.beat('tv', { state: 'paused' });
    one.beat('phone', { state: 'paused' });
    expect(one.decision('tablet').retryAfterMs).toBe(290_000);
  });

  it('are not told to one who may go on', () => {
    const one = home();
    one.start('tv');
    expect(one.decision('tv')).not.toHaveProperty('retryAfterMs');
  });
});

describe('the content of another profile', () => {
  it('is hidden from a player and shown to a service', () => {
    const one = home(rules(1, '{ id: three, limit: 3 }'));
    one.start('tv', { profileId: 'parent', contentId: 'thriller' });
    one.start('tablet', { profileId: 'child', contentId: 'cartoon' });
    const contents = (profileId: string | null) =>
      one.decision('tv', { profileId }).active?.map(({ contentId }) => contentId);
    expect(contents('parent')).toEqual(['thriller', undefined]);
    expect(contents('child')).toEqual([undefined, 'cartoon']);
    expect(contents(null)).toEqual(['thriller', 'cartoon']);
  });
});

describe('degraded', () => {
  it('is said when the newest folded record is older than 5 s, and not at 5 s', () => {
    const one = home();
    one.start('tv');
    const now = one.driver.now();
    expect(one.decision('tv', { nowMs: now + 5_000 }).degraded).toBe(false);
    expect(one.decision('tv', { nowMs: now + 5_001 })).toMatchObject({ degraded: true, asOfMs: now });
  });

  it('is said before the partition has folded anything', () => {
    expect(household(null).decision('tv')).toMatchObject({ degraded: true, position: null });
  });

  it('is said while the state is rebuilt, until the end that the log had then', () => {
    const one = home();
    one.start('tv');
    one.silence(10);
    one.driver.wipe();
    one.driver.fold({ until: 5, batch: 1 });
    const now = one.driver.now();
    const fresh = (): Seen => one.seen();
    expect(decisionOf(fresh(), 'tv', asker(now)).degraded).toBe(true);
    one.driver.fold();
    expect(decisionOf(one.seen(), 'tv', asker(now)).degraded).toBe(false);
  });

  it('is said while the store is behind what this process has seen of it, and not after', () => {
    const at = (offset: number): Checkpoint => ({
      offset,
      clock: { liveMs: 0, appendedAtMs: 0, heldUntilMs: 0 } as Checkpoint['clock'],
      control: undefined,
      rebuild: null,
    });
    let offset = 100;
    const read = accountReader({ read: () => ({ rows: [null], checkpoint: at(offset) }) });
    const degraded = async (): Promise<boolean> => {
      const [seen] = await read(0, ['household']);
      return decisionOf(seen!, 'tv', asker(0)).degraded;
    };
    const said = async (next: number): Promise<boolean> => {
      offset = next;
      return degraded();
    };
    return expect(
      (async () => [await said(100), await said(60), await said(99), await said(100), await said(101)])(),
    ).resolves.toEqual([false, true, true, false, false]);
  });
});

describe('a question before playback', () => {
  const ask = (one: ReturnType<typeof home>, who: Who = {}) =>
    decisionBefore(
      one.seen(),
      claimantOf(beatOf('', one.driver.now(), { deviceId: 'new', ...who })),
      asker(one.driver.now()),
    );

  it('is answered as the start would be, and changes nothing', () => {
    const one = home();
    expect(ask(one)).toMatchObject({ sessionId: null, decision: 'allow', rule: 'one', limit: 1 });
    one.start('tv');
    const before = one.seen();
    expect(ask(one)).toMatchObject({ decision: 'stop', reason: 'LIMIT_REACHED', retryAfterMs: 30_000 });
    expect(one.seen()).toEqual(before);
    expect(one.start('phone')).toBe('stop LIMIT_REACHED');
  });

  it('counts a zap on the same device, a silent slot and an eviction as room', () => {
    const one = home();
    one.start('tv');
    expect(ask(one, { deviceId: 'tv' }).decision).toBe('allow');
    one.silence(22);
    expect(ask(one).decision).toBe('allow');
    expect(one.holders()).toEqual(['tv']);
    const evicting = home(rules(1, '{ id: one, limit: 1, onExceed: evict-oldest }'));
    evicting.start('tv');
    expect(ask(evicting).decision).toBe('allow');
    expect(evicting.told('tv')).toBe('allow');
  });

  it('is allowed before any policy', () => {
    expect(ask(household(null))).toMatchObject({ decision: 'allow', policyVersion: 0 });
  });
});
