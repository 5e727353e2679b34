import { describe, expect, it } from '@jest/globals';
import { slopeOf } from './slope.ts';

describe('the slope of memory', () => {
  const grown = [200, 260, 300, 302, 304, 306].map((mib, minute) => ({ minute, mib }));

  it('is 2 MiB per minute behind a warm-up of 2 minutes, and more than 15 with it', () => {
    expect(slopeOf(grown, 2)).toBeCloseTo(2, 5);
    expect(slopeOf(grown, 0)).toBeGreaterThan(15);
  });

  it('is 0 for a saw, and none for a single look', () => {
    const saw = Array.from({ length: 60 }, (_, i) => ({ minute: i / 10, mib: 300 + (i % 6) }));
    expect(Math.abs(slopeOf(saw, 0))).toBeLessThan(0.1);
    expect(slopeOf(grown, 5)).toBeNaN();
  });
});
