import { describe, expect, it } from '@jest/globals';
import { decode } from '../../schemas/codec.ts';
import { type TestDriver, testDriver } from './test-driver.ts';
import { counting, poke } from './testing/counting.ts';

const START_MS = 1_800_000_000_000;
const driverOf = () => testDriver({ ...counting, relays: 'audience-moves.v1' }, { partition: 3, startAtMs: START_MS });

/** What was sent, an output by the key that it is of and a relay by the second that it tells. */
const story = ({ sent }: TestDriver<unknown>): readonly string[] =>
  sent.map(({ topic, key, value }) => {
    if (key !== null) return key;
    const { type, value: told } = decode(value);
    if (type !== 'TimeRelayed') throw new Error(`${type} is no relay`);
    return `${topic} ${told.processor} ${told.position} +${(told.atMs - START_MS) / 1_000}`;
  });

describe('time', () => {
  it('is relayed behind the outputs of a batch, with the position up to which all is folded', () => {
    const driver = driverOf();
    driver.append('a', poke());
    driver.append('b', poke());
    driver.fold();
    expect(story(driver)).toEqual(['a', 'b', 'audience-moves.v1 concurrency 1.3.2 +0']);
  });

  it('is relayed when a second has gone by in the log, with nothing but ticks in it', () => {
    const driver = driverOf();
    driver.append('a', poke());
    driver.fold();
    for (let i = 0; i < 5; i++) {
      driver.setNow(driver.now() + 400);
      driver.append('a', poke());
      driver.fold();
    }
    driver.advance(3_000);
    driver.fold({ batch: 1 });
    const relays = story(driver).filter((told) => told.startsWith('audience'));
    expect(relays.map((told) => told.split('+')[1])).toEqual(['0', '1.2', '3', '4', '5']);
  });

  it('goes back with a clock that is set back', () => {
    const driver = driverOf();
    driver.append('a', poke());
    driver.fold();
    driver.setNow(START_MS - 60_000);
    driver.append('a', poke());
    driver.fold();
    expect(story(driver).at(-1)).toBe('audience-moves.v1 concurrency 1.3.2 +-60');
  });

  it('is told again after a crash, and not for what was folded and sent before', () => {
    const driver = driverOf();
    driver.append('a', poke());
    expect(() => driver.fold({ crash: { step: 3, applied: false } })).toThrow('before commit');
    driver.crash();
    driver.fold();
    const once = ['a', 'audience-moves.v1 concurrency 1.3.1 +0'];
    expect(story(driver)).toEqual([...once, ...once]);
    driver.wipe();
    driver.fold();
    expect(story(driver)).toHaveLength(4);
  });

  it('is not relayed by a processor that names no topic for it', () => {
    const driver = testDriver(counting);
    driver.append('a', poke());
    driver.fold();
    expect(driver.sent.map(({ key }) => key)).toEqual(['a']);
  });
});
