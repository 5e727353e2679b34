import { describe, expect, it } from '@jest/globals';
import type { Right } from '../identity/caller.ts';
import type { SessionToken } from '../identity/tokens.ts';
import { type Call, type Identified, ProblemError } from './call.ts';
import { createLimits, KEPT_EVERY_MS, KEPT_SESSIONS, type LimitedBy } from './limits.ts';

const RATES = { session: 20, account: 60, address: 40, node: 0 };

const session = (sessionId: string, accountId = 'house'): Identified => ({
  caller: null,
  // Of a session token, limits look at whose it is.
  session: { tenant: 'default', accountId, sessionId } as SessionToken,
});
const caller = (right: Right, accountId: string | null): Identified => ({
  caller: { who: null, tenant: 'default', accountId, profileId: null, rights: new Set([right]), claims: {} },
  session: null,
});
/** Of a call, limits look at who makes it, from where, and at its id. */
const callOf = (who: Identified, address = '192.0.2.1'): Call =>
  ({ ...who, requestId: 'r', req: { address } }) as never;

const limitsAt = (rates: Partial<typeof RATES> = {}, asked = true) => {
  let nowMs = 0;
  const by: LimitedBy[] = [];
  const limits = createLimits({
    asked,
    rates: { ...RATES, ...rates },
    addressOf: (req) => (req as unknown as { address: string }).address,
    steadyMs: () => nowMs,
    limited: (one) => by.push(one),
  });
  const passes = (who: Identified, kept = false): boolean => {
    try {
      limits.pass(callOf(who), kept);
      return true;
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'RATE_LIMITED') return false;
      throw error;
    }
  };
  /** How many of so many pass. */
  const passed = (who: Identified, calls: number, kept = false): number =>
    Array.from({ length: calls }, () => passes(who, kept)).filter(Boolean).length;
  return { limits, passes, passed, by, at: (ms: number) => (nowMs = ms) };
};

describe('calls with a good token', () => {
  it('of a session: a quarter of a minute’s at once, 5 of 20, and not a sixth', () => {
    const { passed, by } = limitsAt();
    expect(passed(session('s'), 6)).toBe(5);
    expect(by).toEqual(['session']);
  });

  it('of an account: all its sessions and its player tokens together', () => {
    const { passed, by } = limitsAt();
    expect(['a', 'b'].map((id) => passed(session(id), 5))).toEqual([5, 5]);
    expect(passed(caller('player', 'house'), 6)).toBe(5);
    expect(passed(caller('player', 'other'), 15)).toBe(15);
    expect(by).toEqual(['account']);
  });

  it('of a service: as many as come', () => {
    const { passed } = limitsAt();
    expect(passed(caller('service', null), 1_000)).toBe(1_000);
    expect(passed(caller('service', 'house'), 1_000)).toBe(1_000);
  });

  it('of anybody: no more than the node takes', () => {
    const { passed, by } = limitsAt({ node: 400 });
    expect(passed(caller('service', null), 101)).toBe(100);
    expect(by).toEqual(['node']);
  });

  it('cost as many calls as they are charged', () => {
    const { limits, passed } = limitsAt();
    limits.charge(session('s'), 4);
    expect(passed(session('s'), 5)).toBe(1);
  });

  it('are asked to come back when they will pass, spread over a second', () => {
    const { limits, passed, passes, at } = limitsAt();
    passed(session('s'), 5);
    let retryAfterMs = 0;
    try {
      limits.pass(callOf(session('s')), false);
    } catch (error) {
      if (error instanceof ProblemError) retryAfterMs = error.details.retryAfterMs ?? 0;
    }
    expect(retryAfterMs).toBeGreaterThanOrEqual(3_000);
    expect(retryAfterMs).toBeLessThan(4_000);
    at(2_999);
    expect(passes(session('s'))).toBe(false);
    at(3_000);
    expect(passes(session('s'))).toBe(true);
  });
});

describe('a stream that runs', () => {
  it('beats every 5 s, whatever its account and everybody else do', () => {
    const { passed, passes, at } = limitsAt({ node: 12 });
    for (let nowMs = 0; nowMs < 600_000; nowMs += KEPT_EVERY_MS) {
      at(nowMs);
      passed(caller('player', 'house'), 100);
      passed(caller('service', null), 100);
      expect([nowMs, passes(session('tv'), true)]).toEqual([nowMs, true]);
    }
  });

  it('is one of at most 20 of an account that do, so that ids of sessions are no way past its limit', () => {
    const { passed, at } = limitsAt();
    let beats = 0;
    for (let nowMs = 0; nowMs < 600_000; nowMs += KEPT_EVERY_MS) {
      at(nowMs);
      passed(caller('player', 'house'), 100);
      for (let n = 0; n < 100; n++) beats += passed(session(`s-${n}`), 1, true);
    }
    const most = KEPT_SESSIONS * (600_000 / KEPT_EVERY_MS);
    expect(beats).toBeGreaterThanOrEqual(most);
    // And a quarter of a minute’s at once, at first.
    expect(beats).toBeLessThanOrEqual(most + 3 * KEPT_SESSIONS);
  });

  it('is not kept in calls that it does not live on', () => {
    const { passed, passes } = limitsAt();
    passed(caller('player', 'house'), 100);
    expect([passes(session('tv')), passes(session('tv'), true)]).toEqual([false, true]);
  });
});

describe('calls without a good token', () => {
  const missing = new ProblemError('UNAUTHENTICATED', 'the call has no token');

  it('hear so 10 times at once of 40 a minute, and then that they are too many', () => {
    const { limits, by } = limitsAt();
    const answers = Array.from({ length: 11 }, () => limits.refused(callOf(session('s')), missing));
    expect(answers.slice(0, 10)).toEqual(Array<unknown>(10).fill(missing));
    expect(answers[10]).toMatchObject({ code: 'RATE_LIMITED' });
    expect(by).toEqual(['address']);
  });

  it('are counted by address, and take nothing from those with one', () => {
    const { limits, passed } = limitsAt();
    for (let n = 0; n < 100; n++) limits.refused(callOf(session('s'), '192.0.2.1'), missing);
    expect(limits.refused(callOf(session('s'), '192.0.2.2'), missing)).toBe(missing);
    expect(passed(session('s'), 5)).toBe(5);
  });

  it('are of one line where their IPv6 addresses have the same /64', () => {
    const { limits } = limitsAt();
    const answer = (address: string): unknown => limits.refused(callOf(session('s'), address), missing);
    for (let n = 0; n < 10; n++) expect(answer(`2001:db8:1:2::${n}`)).toBe(missing);
    expect(answer('2001:db8:1:2:3:4:5:6')).toMatchObject({ code: 'RATE_LIMITED' });
    expect(answer('2001:db8:1:3::1')).toBe(missing);
    for (let n = 0; n < 10; n++) expect(answer('192.0.2.9')).toBe(missing);
    expect(answer('::ffff:192.0.2.9')).toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('are what they are for every other reason', () => {
    const { limits } = limitsAt();
    const other = new ProblemError('VALIDATION_FAILED', 'it does not fit');
    for (let n = 0; n < 100; n++) expect(limits.refused(callOf(session('s')), other)).toBe(other);
  });
});

describe('where nobody is asked who calls', () => {
  it('as many pass as come, unless the node takes fewer', () => {
    expect(limitsAt({}, false).passed(session('s'), 1_000)).toBe(1_000);
    expect(limitsAt({ node: 400 }, false).passed(session('s'), 1_000, true)).toBe(100);
  });
});
