import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Fenced } from './partition.ts';
import { Crashed, testDriver } from './test-driver.ts';
import { counting, poke } from './testing/counting.ts';
import { aScript, distinct, play, result } from './testing/script.ts';

describe('a crash', () => {
  it('before or after any step, with whatever was durable, leaves the same state and outputs in the end', () => {
    const crashes = fc.array(
      fc.record({
        step: fc.nat({ max: 12 }),
        applied: fc.boolean(),
        batch: fc.integer({ min: 1, max: 6 }),
        checkpoint: fc.boolean(),
        wipe: fc.boolean(),
      }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(aScript, crashes, (script, all) => {
        const whole = testDriver(counting);
        play(whole, script);
        whole.fold();
        const crashing = testDriver(counting);
        play(crashing, script);
        for (const { step, applied, batch, checkpoint, wipe } of all) {
          try {
            crashing.open();
            crashing.fold({ batch, crash: { step, applied } });
          } catch (error) {
            if (!(error instanceof Crashed)) throw error;
          }
          if (checkpoint) crashing.checkpoint();
          // A rebuild starts at a window, and this log may have been set back beyond it: only where it was not.
          if (wipe && !script.some((s) => s.do === 'jump')) crashing.wipe();
          else crashing.crash();
        }
        crashing.fold();
        expect(result(crashing)).toEqual(result(whole));
      }),
      { numRuns: 300 },
    );
  });

  it('after sending and before the commit sends again, with the same ids and contents', () => {
    const driver = testDriver(counting);
    driver.append('a', poke());
    driver.append('b', poke());
    driver.open();
    expect(() => driver.fold({ crash: { step: 1, applied: true } })).toThrow('after send');
    driver.crash();
    driver.fold();
    expect(driver.outputs.map((o) => o.id)).toEqual([0, 1, 0, 1].map((n) => `concurrency:1.0.${n}:0`));
    expect(distinct(driver.outputs)).toHaveLength(2);
  });

  it('that loses committed state sends nothing twice that the group offset covers', () => {
    const driver = testDriver(counting);
    driver.append('a', poke());
    driver.fold();
    driver.crash();
    driver.append('a', poke());
    driver.fold();
    expect(driver.outputs.map((o) => o.id)).toEqual(['concurrency:1.0.0:0', 'concurrency:1.0.1:0']);
    expect(driver.state('a')).toMatchObject({ pokes: 2 });
  });

  it('goes back to the last checkpoint, rows, timers, clock and offset together', () => {
    const driver = testDriver(counting);
    driver.append('a', poke(3_000));
    driver.advance(1_000);
    driver.fold();
    driver.checkpoint();
    const durable = driver.view(['a']);
    driver.append('a', poke());
    driver.fold();
    driver.crash();
    expect(driver.view(['a'])).toEqual(durable);
  });
});

describe('the owner of before', () => {
  it('is fenced by the next, and cannot commit', () => {
    const driver = testDriver(counting);
    const old = driver.open();
    const next = driver.open();
    driver.append('a', poke());
    expect(() => old.fold()).toThrow(Fenced);
    expect(driver.state('a')).toBeUndefined();
    next.fold();
    expect(driver.state('a')).toMatchObject({ pokes: 1 });
  });
});

describe('a rebuild', () => {
  it('starts 20 minutes before now and skips what is older', () => {
    const driver = testDriver(counting);
    driver.append('a', poke());
    driver.fold();
    driver.setNow(driver.now() + 20 * 60_000 + 1);
    driver.append('a', poke());
    driver.fold();
    expect(driver.state('a')).toMatchObject({ pokes: 2 });
    driver.wipe();
    driver.fold();
    expect(driver.events.filter((e) => e.kind === 'rebuild').at(-1)).toMatchObject({ from: 1, to: 2, lost: false });
    expect(driver.state('a')).toMatchObject({ pokes: 1 });
  });

  it('says that state was lost when retention took the stored offset', () => {
    const driver = testDriver(counting);
    driver.append('a', poke());
    driver.fold();
    for (let n = 0; n < 3; n++) driver.append('a', poke());
    driver.trim(3);
    driver.open();
    expect(driver.events.at(-1)).toMatchObject({ kind: 'rebuild', from: 3, to: 4, lost: true });
    driver.fold();
    expect(driver.state('a')).toMatchObject({ pokes: 1 });
  });
});

describe('bytes that no version can read', () => {
  it('are set aside with their bytes, position and reason, and the partition goes on', () => {
    const driver = testDriver(counting);
    driver.append('a', poke());
    driver.appendBytes('a', Uint8Array.of(9, 9));
    driver.appendBytes('a', null);
    driver.append('a', poke());
    driver.fold();
    expect(driver.state('a')).toMatchObject({ pokes: 2 });
    expect(driver.parked).toMatchObject([
      {
        id: 'concurrency:1.0.1',
        cause: '1.0.1',
        topic: 'heartbeats.v1',
        processor: 'concurrency',
        reason: 'not in the wire format',
      },
      { id: 'concurrency:1.0.2', cause: '1.0.2', reason: 'no bytes' },
    ]);
    expect(driver.parked.map((p) => [...p.bytes])).toEqual([[9, 9], []]);
    expect(driver.events).toContainEqual({ kind: 'parked', partition: 0, offset: 1, reason: 'not in the wire format' });
  });

  it('are not set aside twice when the state is rebuilt', () => {
    const driver = testDriver(counting);
    driver.appendBytes('a', Uint8Array.of(9));
    driver.append('a', poke());
    driver.fold();
    driver.wipe();
    driver.fold();
    expect(driver.parked).toHaveLength(1);
  });
});
