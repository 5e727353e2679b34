import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { testDriver } from '../shared/runtime/test-driver.ts';
import { smallestFold } from './examples/smallest-fold.ts';
import { fenceWith, readPage } from './testing/fences.ts';

const page = await readPage('docs/architecture.md');

describe('docs/architecture.md', () => {
  it('shows the smallest fold as it is', async () => {
    const file = await readFile(new URL('examples/smallest-fold.ts', import.meta.url), 'utf8');
    expect(fenceWith(page, 'ts', 'import')).toBe(file.trimEnd());
  });

  it('opens with ten words', () => {
    const rows = page.slice(0, page.indexOf('## The smallest fold')).match(/^\| [a-z][\w -]* \|/gm) ?? [];
    expect(rows.map((row) => row.slice(1, -1).trim())).toEqual([
      'record',
      'key',
      'state',
      'effect',
      'wake-up',
      'position',
      'live time',
      'lease',
      'slot',
      'processor',
    ]);
  });

  it('names only files and folders that there are', () => {
    const named = page.match(/\b(schemas|services|shared|tools|docs|bench)\/[\w./-]*/g) ?? [];
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !existsSync(new URL(`../${path}`, import.meta.url)))).toEqual([]);
  });
});

describe('the smallest fold', () => {
  const stop = (driver: ReturnType<typeof testDriver>): number =>
    driver.append('account', {
      type: 'SessionStopRequested',
      value: {
        requestId: 'r-1',
        tenant: 'default',
        sessionId: 's-1',
        by: 'player',
        receivedAtMs: driver.now(),
        source: 'api',
      },
    });

  it('counts two records, and forgets the account 35 s after the last', () => {
    const driver = testDriver(smallestFold);
    stop(driver);
    driver.fold();
    driver.advance(30_000);
    stop(driver);
    driver.advance(34_000);
    driver.fold();
    expect(driver.state('account')).toEqual({ records: 2 });
    driver.advance(1_000);
    driver.fold();
    expect(driver.state('account')).toBeUndefined();
  });

  it('comes to the same after a crash', () => {
    const driver = testDriver(smallestFold);
    stop(driver);
    driver.fold();
    driver.checkpoint();
    stop(driver);
    driver.fold();
    driver.crash();
    driver.fold();
    expect(driver.state('account')).toEqual({ records: 2 });
  });
});
