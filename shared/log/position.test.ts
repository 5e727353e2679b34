import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  baseOf,
  formatPosition,
  GENERATION,
  MAX_GENERATION,
  offsetOf,
  orderOf,
  parsePosition,
  positionOf,
} from './position.ts';

describe('a position', () => {
  it('carries its generation', () => {
    expect(positionOf(3, 41)).toEqual({ generation: 1, partition: 3, offset: 41 });
  });

  it('says in which generation an offset of the log lies, and gives it back', () => {
    expect(positionOf(3, GENERATION + 41)).toEqual({ generation: 2, partition: 3, offset: 41 });
    expect(offsetOf({ generation: 2, partition: 3, offset: 41 })).toBe(GENERATION + 41);
  });

  it('of a generation stands behind all positions of the one before, for topics of accounts alone', () => {
    const last = positionOf(0, GENERATION - 1);
    const first = positionOf(0, baseOf('heartbeats.v1', 2));
    expect(orderOf(first)).toBeGreaterThan(orderOf(last));
    expect(Number.isSafeInteger(orderOf(positionOf(0, MAX_GENERATION * GENERATION - 1)))).toBe(true);
    expect([baseOf('heartbeats.v1', 1), baseOf('policies.v1', 2), baseOf('audience-moves.v1', 2)]).toEqual([0, 0, 0]);
  });

  it('is read back as it was written', () => {
    const part = fc.integer({ min: 0, max: 999_999 });
    const offset = fc.integer({ min: 0, max: 999_999_999_999_999 });
    fc.assert(
      fc.property(part, part, offset, (generation, partition, at) => {
        const position = { generation, partition, offset: at };
        expect(parsePosition(formatPosition(position))).toEqual(position);
      }),
    );
  });

  it.each([
    '',
    '1.2',
    '1.2.3.4',
    '1.2.-3',
    '1.2.3 ',
    ' 1.2.3',
    '1.2.0x3',
    '1.2.3e4',
    '1.2.1234567890123456',
    'a.b.c',
    '1..3',
  ])('is not made of %j', (text) => {
    expect(parsePosition(text)).toBeNull();
  });
});
