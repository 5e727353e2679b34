import { describe, expect, it } from '@jest/globals';
import { loadEngine } from './engine.ts';
import { readOptions } from './options.ts';
import { REGRESSION_SEEDS } from './regression-seeds.ts';
import { summarize } from './report.ts';
import { runSeed } from './world.ts';

describe('households in virtual time', () => {
  it('over 30 seeds of 3 hours violate nothing, and meet every fault', async () => {
    const engine = await loadEngine();
    const results = Array.from({ length: 30 }, (_, i) => runSeed(engine, { seed: 1_001 + i, hours: 3 }));
    const { failed, counts } = summarize(results, 0);
    expect(failed.map(({ seed, failure }) => `${seed}: ${failure?.text}`)).toEqual([]);
    for (const [name, count] of Object.entries(counts)) expect(`${name} ${count > 0}`).toBe(`${name} true`);
  });

  it('that once found a bug violate nothing any more', async () => {
    const engine = await loadEngine();
    for (const { seed, hours } of REGRESSION_SEEDS) {
      expect(runSeed(engine, { seed, hours }).failure).toBeNull();
    }
  });

  it('are the same again for the same seed', async () => {
    const engine = await loadEngine();
    const once = runSeed(engine, { seed: 7, hours: 2 });
    expect(runSeed(engine, { seed: 7, hours: 2 })).toEqual(once);
  });
});

describe('the options', () => {
  it('stand for 1,000 seeds of a day on 2 threads, unless they say otherwise', () => {
    expect(readOptions([])).toMatchObject({ from: 1, seeds: 1_000, hours: 24, workers: 2, alone: false });
    expect(readOptions(['--seed', '7'])).toMatchObject({ from: 7, seeds: 1, alone: true });
    expect(readOptions(['--help'])).toBeUndefined();
  });

  it('that make no sense are answered with a sentence', () => {
    expect(readOptions(['--seeds', '0'])).toMatch(/whole number of at least 1/);
    expect(readOptions(['--hours', 'x'])).toMatch(/above 0/);
    expect(readOptions(['--speed', '2'])).toMatch(/speed/);
  });
});
