import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatPosition, parsePosition, positionOf } from './position.ts';

describe('a position', () => {
  it('carries the generation of its topic', () => {
    expect(positionOf('heartbeats.v1', 3, 41)).toEqual({ generation: 1, partition: 3, offset: 41 });
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
