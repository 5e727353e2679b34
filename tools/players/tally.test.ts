import { describe, expect, it } from '@jest/globals';
import { readOptions } from './options.ts';
import { createPrng, pickWeighted } from './prng.ts';
import { createStalls } from './stalls.ts';
import { createLatencies } from './tally.ts';

describe('latencies', () => {
  it('knows percentiles to 1 % from 10 µs to a minute', () => {
    const latencies = createLatencies();
    for (let ms = 1; ms <= 1_000; ms += 1) latencies.add(ms);
    expect(Math.abs(latencies.percentile(0.5) - 500)).toBeLessThan(8);
    expect(Math.abs(latencies.percentile(0.999) - 999)).toBeLessThan(12);
    latencies.add(60_000);
    expect(Math.abs(latencies.percentile(1) - 60_000)).toBeLessThan(600);
  });

  it('says 0 of nothing', () => expect(createLatencies().percentile(0.99)).toBe(0));
});

describe('randomness', () => {
  it('repeats itself from a seed, and forks into independent streams', () => {
    const draw = (seed: number, salt: number): readonly number[] => {
      const rng = createPrng(seed).fork(salt);
      return Array.from({ length: 5 }, () => rng.between(1, 1_000_000));
    };
    expect(draw(7, 1)).toEqual(draw(7, 1));
    expect(draw(7, 1)).not.toEqual(draw(7, 2));
    expect(draw(7, 1)).not.toEqual(draw(8, 1));
  });

  it('draws by weight', () => {
    const rng = createPrng(1);
    const choices = [
      { weight: 9, item: 'often' },
      { weight: 1, item: 'seldom' },
    ];
    const seldom = Array.from({ length: 10_000 }, () => pickWeighted(rng, choices)).filter((item) => item === 'seldom');
    expect(seldom.length).toBeGreaterThan(800);
    expect(seldom.length).toBeLessThan(1_200);
  });
});

describe('stalls', () => {
  it('counts overlapping spans once', () => {
    const stalls = createStalls();
    stalls.add(10, 20);
    stalls.add(30, 40);
    stalls.add(15, 32);
    stalls.add(50, 60);
    expect(stalls.within(0, 100)).toBe(40);
    expect(stalls.within(35, 55)).toBe(10);
  });
});

describe('options', () => {
  it('have defaults for everything', () => {
    expect(readOptions([])).toMatchObject({ url: 'http://127.0.0.1:8080', accounts: 1_000, minutes: 2, limit: 2 });
    expect(readOptions(['--minutes', '0.5', '--json'])).toMatchObject({ minutes: 0.5, json: true });
    expect(readOptions(['--help'])).toBeUndefined();
  });

  it.each([
    ['--minutes', '0'],
    ['--accounts', 'x'],
    ['--url', 'ftp://x'],
    ['--limit', '0'],
    ['--rate', '-1'],
    ['--nonsense'],
  ])('says what is wrong with %s %s', (...args) => expect(typeof readOptions(args)).toBe('string'));
});
