import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RECORD_NAMES } from '../../schemas/codec.ts';
import { epochMs } from '../../schemas/time.ts';
import type { LogEvent } from '../../schemas/events.ts';
import { letsTimePass, liveClock, MAX_STEP_MS, SHEDDING_HOLD_MS } from './live-time.ts';

const START_MS = 1_800_000_000_000;
type Append = { readonly afterMs: number; readonly shedding?: boolean; readonly call?: boolean };

const tick = (shedding = false): LogEvent => ({ type: 'Tick', value: { source: 'node', shedding, receivedAtMs: 0 } });
const CALL: LogEvent = {
  type: 'AccountErased',
  value: { requestId: 'r', tenant: 't', receivedAtMs: 0 },
};

/** Live time at each append. */
const lives = (...appends: readonly Append[]): readonly number[] => {
  const clock = liveClock(null);
  clock.step(epochMs(START_MS), tick());
  let at = START_MS;
  return appends.map(({ afterMs, shedding, call }) =>
    clock.step(epochMs((at += afterMs)), call ? CALL : tick(shedding)),
  );
};

describe('live time', () => {
  it('starts at 0 and grows by the difference of append times', () => {
    expect(lives({ afterMs: 0 }, { afterMs: 10 }, { afterMs: 990 })).toEqual([0, 10, 1_000]);
  });

  it('grows by 5 s at most, however long the log was silent', () => {
    expect(lives({ afterMs: 4_999 })).toEqual([4_999]);
    expect(lives({ afterMs: 5_000 })).toEqual([5_000]);
    expect(lives({ afterMs: 5_001 })).toEqual([5_000]);
    expect(lives({ afterMs: 86_400_000 }, { afterMs: 1 })).toEqual([5_000, 5_001]);
  });

  it('does not grow over a clock set back, and goes on from the clock as it is then', () => {
    expect(lives({ afterMs: 1_000 }, { afterMs: -60_000 }, { afterMs: 1_000 })).toEqual([1_000, 1_000, 2_000]);
  });

  it('does not grow by a span that ends at a shedding tick, nor in the 12 s after', () => {
    const shed = { afterMs: 1_000, shedding: true };
    expect(lives({ afterMs: 500 }, shed)).toEqual([500, 500]);
    expect(lives(shed, { afterMs: 500 }, { afterMs: 1_500 })).toEqual([0, 0, 0]);
    expect(lives(shed, { afterMs: 12_000 }, { afterMs: 1 })).toEqual([0, 0, 1]);
  });

  it('stands still for as long as a node sheds each second: 10 minutes of ticks add nothing', () => {
    const minutes = Array.from({ length: 1_200 }, (_, i) => ({ afterMs: 500, shedding: i % 2 === 0 }));
    expect(lives(...minutes).at(-1)).toBe(0);
  });

  it('stands still between the refused beats of the only viewer: 1 s at most each 10 s', () => {
    const tenSeconds = Array.from({ length: 10 }, (_, i) => ({ afterMs: 1_000, shedding: i === 0 }));
    expect(lives(...Array.from({ length: 6 }, () => tenSeconds).flat()).at(-1)).toBe(0);
  });

  it('is held for 12 s at most after a clock set back by an hour', () => {
    const shed = { afterMs: 1_000, shedding: true };
    const appended = lives(shed, { afterMs: -3_600_000 }, { afterMs: 12_000 }, { afterMs: 1_000 });
    expect(appended).toEqual([0, 0, 0, 1_000]);
  });

  const appends = fc.array(
    fc.record({ afterMs: fc.integer({ min: -9_000, max: 9_000 }), shedding: fc.boolean(), call: fc.boolean() }),
  );

  it('never goes back, and never grows by more than a step', () => {
    fc.assert(
      fc.property(appends, (all) => {
        const seen = [0, ...lives(...all)];
        for (let i = 1; i < seen.length; i++) {
          expect(seen[i]! - seen[i - 1]!).toBeGreaterThanOrEqual(0);
          expect(seen[i]! - seen[i - 1]!).toBeLessThanOrEqual(MAX_STEP_MS);
        }
      }),
    );
  });

  it('goes on from what was committed as if nothing had happened between', () => {
    fc.assert(
      fc.property(appends, fc.nat(), (all, cut) => {
        let at = START_MS;
        let clock = liveClock(null);
        clock.step(epochMs(at), tick());
        const resumed = all.map(({ afterMs, shedding, call }, i) => {
          if (i === cut % Math.max(1, all.length)) clock = liveClock(clock.now());
          return clock.step(epochMs((at += afterMs)), call ? CALL : tick(shedding));
        });
        expect(resumed).toEqual(lives(...all));
      }),
    );
  });

  it('takes no notice of what comes in beside ingest, whose outage counts 5 s however many calls there are', () => {
    const call = { afterMs: 4_000, call: true };
    expect(lives(...Array.from({ length: 75 }, () => call), { afterMs: 1_000 }).at(-1)).toBe(5_000);
    expect(lives({ afterMs: 1_000 }, { afterMs: 500, call: true }, { afterMs: 500 })).toEqual([1_000, 1_000, 2_000]);
    const shed = { afterMs: 1_000, shedding: true };
    expect(lives(shed, call, { afterMs: 8_000 }, { afterMs: 1 })).toEqual([0, 0, 0, 1]);
  });

  it('goes on with beats, starts, stops and ticks, and with what other folds send', () => {
    const passing = RECORD_NAMES.filter(letsTimePass);
    for (const name of ['Heartbeat', 'SessionStarted', 'SessionStopRequested', 'Tick', 'AudienceMoved', 'TimeRelayed'])
      expect(passing).toContain(name);
    for (const name of ['PolicyActivated', 'AccountErased', 'ResumeHidden', 'ResumeUndone'])
      expect(passing).not.toContain(name);
  });

  it('does not begin with 5 s where nothing could be read before the first record', () => {
    const clock = liveClock(liveClock(null).now());
    expect(clock.step(epochMs(START_MS), tick())).toBe(0);
  });

  it('holds longer than the time between two beats and a tick', () => {
    expect(SHEDDING_HOLD_MS).toBeGreaterThan(11_000);
  });
});
