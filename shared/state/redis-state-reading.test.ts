import { describe, expect, it } from '@jest/globals';
import { gatherReads } from './redis-state-reading.ts';

/** Answers each key with itself, and remembers what it was asked at once. */
const place = () => {
  const calls: (readonly string[])[] = [];
  const read = async (keys: readonly string[]) => {
    calls.push(keys);
    return { head: calls.length, rows: keys.map((key) => `row of ${key}`) };
  };
  return { calls, read };
};

describe('reads that are asked for in one turn', () => {
  it('go in one call for each place, and each has its own rows', async () => {
    const [one, other] = [place(), place()];
    const gathered = gatherReads<number, string>();
    const answers = await Promise.all([
      gathered('one', ['a'], one.read),
      gathered('other', ['x'], other.read),
      gathered('one', ['b', 'a'], one.read),
      gathered('one', [], one.read),
    ]);
    expect(answers.map(({ rows }) => rows)).toEqual([['row of a'], ['row of x'], ['row of b', 'row of a'], []]);
    expect([one.calls, other.calls]).toEqual([[['a', 'b', 'a']], [['x']]]);
    await gathered('one', ['c'], one.read);
    expect(one.calls).toHaveLength(2);
  });

  it('go in another call beyond 500 keys', async () => {
    const { calls, read } = place();
    const gathered = gatherReads<number, string>();
    const keys = Array.from({ length: 501 }, (_, i) => String(i));
    await Promise.all(keys.map((key) => gathered('one', [key], read)));
    expect(calls.map(({ length }) => length)).toEqual([500, 1]);
  });

  it('all fail with the call, and the next turn asks anew', async () => {
    const { read } = place();
    const gathered = gatherReads<number, string>();
    const away = async (): Promise<never> => {
      throw new Error('away');
    };
    const answers = await Promise.allSettled([gathered('one', ['a'], away), gathered('one', ['b'], away)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await gathered('one', ['a'], read)).rows).toEqual(['row of a']);
  });
});
