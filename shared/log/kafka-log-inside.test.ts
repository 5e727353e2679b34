import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
// @ts-expect-error the inside of kafkajs has no types; package.json pins its version
import Encoder from 'kafkajs/src/protocol/encoder.js';
import { writeNumbersInPlace } from './kafka-log-inside.ts';

type Encoding = {
  readonly buffer: Buffer;
  writeUVarInt(value: number): Encoding;
  writeVarInt(value: number): Encoding;
  writeVarLong(value: number): Encoding;
};
const Kafkajs = Encoder as {
  new (bytes: number): Encoding;
  sizeOfVarLong(value: number): number;
};

const EDGES = [0, 1, 63, 64, 127, 128, 8_191, 8_192, 2 ** 28, 2 ** 30 - 1, 2 ** 30, 2 ** 31 - 1, 2 ** 40, 2 ** 52];
const ofBothSigns = EDGES.flatMap((value) => [value, -value]);
const longs = [...ofBothSigns, ...fc.sample(fc.maxSafeInteger(), { numRuns: 300, seed: 7 })];
const ints = longs.filter((value) => Math.abs(value) < 2 ** 31);

/** From the smallest buffer on, so that each number has to make room. */
const written = (): readonly string[] => {
  const inOne = new Kafkajs(1);
  for (const value of ints) inOne.writeVarInt(value).writeUVarInt(Math.abs(value)).writeVarLong(value);
  const alone = longs.map((value) => `${new Kafkajs(1).writeVarLong(value).buffer.toString('hex')} ${value}`);
  return [inOne.buffer.toString('hex'), ...alone];
};

describe('the numbers of a record', () => {
  it('are written as kafkajs writes them, to the byte', () => {
    const before = written();
    const sizes = longs.map((value) => Kafkajs.sizeOfVarLong(value));
    writeNumbersInPlace();
    expect(written()).toEqual(before);
    expect(longs.map((value) => Kafkajs.sizeOfVarLong(value))).toEqual(sizes);
  });
});
