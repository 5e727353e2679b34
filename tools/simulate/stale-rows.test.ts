import { describe, expect, it } from '@jest/globals';
import { household } from '../../services/concurrency/testing/household.ts';
import { Fenced } from '../../shared/runtime/partition.ts';

describe('an owner that was replaced', () => {
  it('sends nothing: what it would fold may be of another offset than its own', () => {
    const { driver, ...home } = household();
    const first = driver.open();
    home.start('tv');
    const stop = {
      requestId: 'r',
      tenant: 't',
      sessionId: 'tv',
      by: 'player' as const,
      receivedAtMs: 0,
      source: 'test',
    };
    first.fold();
    driver.append('household', { type: 'SessionStopRequested', value: stop });
    const sent = driver.outputs.length;
    driver.open();
    expect(() => first.fold()).toThrow(Fenced);
    expect(driver.outputs).toHaveLength(sent);
    driver.fold();
    expect(driver.outputs.slice(sent)).toMatchObject([{ sessionId: 'tv', outcome: 'stopped' }]);
  });
});
