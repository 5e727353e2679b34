import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { assignSticky, claimsOf, NO_CLAIMS, type Claimant } from './kafka-log-assigner.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const member = (id: string, partitions: readonly number[], generation = 1): Claimant => ({
  id,
  claims: { generation, partitions },
});
const claimants = (partitions: number) =>
  fc.uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1, maxLength: 4 }),
      claims: fc.record({
        generation: fc.integer({ min: -1, max: 3 }),
        // Also some that are not there any more, or twice.
        partitions: fc.array(fc.integer({ min: 0, max: partitions + 2 }), { maxLength: partitions + 3 }),
      }),
    }),
    { selector: ({ id }) => id, minLength: 1, maxLength: 8 },
  );
const group = fc
  .integer({ min: 0, max: 70 })
  .chain((partitions) => fc.record({ partitions: fc.constant(range(partitions)), members: claimants(partitions) }));

describe('the assignment of partitions', () => {
  it('gives each partition to one member, and each member as many as the others or one more', () => {
    fc.assert(
      fc.property(group, ({ partitions, members }) => {
        const assigned = assignSticky(partitions, members);
        expect([...assigned.keys()].sort()).toEqual(members.map(({ id }) => id).sort());
        expect([...assigned.values()].flat().sort((a, b) => a - b)).toEqual(partitions);
        const sizes = [...assigned.values()].map((own) => own.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('moves no more partitions than the balance takes', () => {
    fc.assert(
      fc.property(group, ({ partitions, members }) => {
        // Of what each one had nobody else claims any.
        const unclaimed = new Set(partitions);
        const honest = members.map(({ id, claims }) => {
          const had = claims.partitions.filter((one) => unclaimed.delete(one));
          return member(id, had);
        });
        const assigned = assignSticky(partitions, honest);
        const kept = honest.reduce(
          (sum, { id, claims }) => sum + claims.partitions.filter((one) => assigned.get(id)!.includes(one)).length,
          0,
        );
        const least = Math.floor(partitions.length / honest.length);
        const mayKeepMore = Math.min(
          partitions.length % honest.length,
          honest.filter(({ claims }) => claims.partitions.length > least).length,
        );
        const most = honest.reduce((sum, { claims }) => sum + Math.min(least, claims.partitions.length), mayKeepMore);
        expect(kept).toBe(most);
      }),
    );
  });

  it('is the same in whatever order members are listed, and stays when nobody comes or goes', () => {
    fc.assert(
      fc.property(group, ({ partitions, members }) => {
        const assigned = assignSticky(partitions, members);
        expect(assignSticky(partitions.toReversed(), members.toReversed())).toEqual(assigned);
        const again = members.map(({ id }) => member(id, assigned.get(id)!));
        expect(assignSticky(partitions, again)).toEqual(assigned);
      }),
    );
  });

  it('takes 2 of 6 from two members for a third, and gives them back when it goes', () => {
    const three = assignSticky(range(6), [member('a', [0, 1, 2]), member('b', [3, 4, 5]), member('c', [])]);
    expect([...three]).toEqual([
      ['a', [0, 1]],
      ['b', [3, 4]],
      ['c', [2, 5]],
    ]);
    const two = assignSticky(range(6), [member('a', [0, 1]), member('b', [3, 4])]);
    expect([...two]).toEqual([
      ['a', [0, 1, 2]],
      ['b', [3, 4, 5]],
    ]);
  });

  it('believes the newer of two that had the same partitions', () => {
    const assigned = assignSticky(range(4), [member('a', [0, 1], 7), member('b', [2, 3], 8), member('c', [0, 1], 8)]);
    expect(assigned.get('c')).toContain(0);
    expect(assigned.get('b')).toContain(2);
    expect(assigned.get('a')!.length).toBeGreaterThan(0);
  });

  it('takes nonsense of a member for nothing', () => {
    for (const text of [
      '',
      'nonsense',
      '7',
      'null',
      '{}',
      '{"generation":"1","partitions":[]}',
      '{"generation":1,"partitions":7}',
    ])
      expect(claimsOf(Buffer.from(text))).toEqual(NO_CLAIMS);
    expect(claimsOf(undefined)).toEqual(NO_CLAIMS);
    expect(claimsOf(Buffer.from('{"generation":3,"partitions":[1,"x",2.5,4]}'))).toEqual({
      generation: 3,
      partitions: [1, 4],
    });
  });
});
