import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { allowances, atOnce } from './allowance.ts';

const MINUTE_MS = 60_000;

/** One call where it may pass; whether it did. */
const call = (of: ReturnType<typeof allowances>, key: string, nowMs: number): boolean => {
  if (of.wait(key, nowMs) > 0) return false;
  of.take(key, 1, nowMs);
  return true;
};

describe('an allowance of 60 calls a minute', () => {
  it('is 15 at once, then one each second', () => {
    const of = allowances(60);
    expect(Array.from({ length: 16 }, () => call(of, 'a', 0))).toEqual([...Array<boolean>(15).fill(true), false]);
    expect(of.wait('a', 0)).toBe(1_000);
    expect([call(of, 'a', 999), call(of, 'a', 1_000), call(of, 'a', 1_000)]).toEqual([false, true, false]);
  });

  it('is for each caller by itself', () => {
    const of = allowances(60);
    while (call(of, 'a', 0));
    expect(call(of, 'b', 0)).toBe(true);
  });

  it('is owed at most twice what it is at once: 30 s, whatever was taken', () => {
    const of = allowances(60);
    of.take('a', 1_000_000, 0);
    expect(of.wait('a', 0)).toBe(30_000 + 1_000 - 15_000);
    expect(of.wait('a', 16_000)).toBe(0);
  });

  it('forgets the longest unheard when there are too many, and lets them start afresh', () => {
    const of = allowances(60, 2);
    while (call(of, 'a', 0));
    for (const other of ['b', 'c', 'd', 'e']) of.take(other, 1, 0);
    expect(of.wait('a', 0)).toBe(0);
  });
});

describe('any allowance', () => {
  const arrivals = fc.array(
    fc.record({ key: fc.constantFrom('a', 'b', 'c'), afterMs: fc.integer({ min: 0, max: 20_000 }) }),
    { maxLength: 400 },
  );

  it('lets pass what a bucket that refills does, however long somebody was not heard of', () => {
    fc.assert(
      fc.property(fc.integer({ min: 12, max: 600 }), arrivals, (perMinute, calls) => {
        const of = allowances(perMinute);
        const full = atOnce(perMinute);
        const buckets = new Map<string, { left: number; atMs: number }>();
        let nowMs = 0;
        for (const { key, afterMs } of calls) {
          nowMs += afterMs;
          const { left, atMs } = buckets.get(key) ?? { left: full, atMs: nowMs };
          const now = Math.min(full, left + ((nowMs - atMs) * perMinute) / MINUTE_MS);
          // Within a rounding error of a whole call both answers are right.
          if (Math.abs(now - 1) < 1e-6) return;
          expect(call(of, key, nowMs)).toBe(now >= 1);
          buckets.set(key, { left: now >= 1 ? now - 1 : now, atMs: nowMs });
        }
      }),
    );
  });
});
