import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HOUR_MS, MINUTE_MS } from '../../schemas/time.ts';
import { Crashed } from '../../shared/runtime/test-driver.ts';
import { PUT_EVERY_MS } from './resume.ts';
import { play, script } from './testing/scripts.ts';
import { type Viewers, viewers } from './testing/viewers.ts';

const CONTENTS = ['film', 'series-1'];
const points = (home: Viewers): readonly unknown[] => CONTENTS.map((contentId) => home.point({ contentId }));
const titles = (home: Viewers): readonly unknown[] => CONTENTS.map((contentId) => home.title({ contentId }));

/** An evening with all that makes a row: a pause, an undo, a title hidden, a trial. */
const evening = (home: Viewers): void => {
  home.watch('tv', 0, 60);
  home.beat('tv', 60_000, { state: 'paused' });
  home.silence(PUT_EVERY_MS);
  home.watch('child', 30 * MINUTE_MS, 40);
  home.undo();
  home.watch('phone', 60_000, 20);
  home.watch('tablet', 0, 40, { contentId: 'series-1' });
  home.hide({ contentId: 'series-1' });
  home.silence(PUT_EVERY_MS);
  home.watch('tv-2', 0, 20);
};

describe('a replay', () => {
  it('comes to the same wherever in a batch the process ends', () => {
    const whole = viewers();
    evening(whole);
    const expected = [titles(whole), CONTENTS.map((contentId) => whole.row({ contentId }))];
    for (const batch of [7, 100, 10_000]) {
      for (let step = 0, crashed = true; crashed; step += batch === 7 ? 41 : 1) {
        for (const applied of [false, true]) {
          const home = viewers();
          evening(home);
          home.driver.wipe();
          try {
            home.driver.fold({ batch, crash: { step, applied } });
            crashed = false;
          } catch (error) {
            if (!(error instanceof Crashed)) throw error;
          }
          home.driver.crash();
          home.driver.fold({ batch });
          expect({
            batch,
            step,
            applied,
            is: [titles(home), CONTENTS.map((contentId) => home.row({ contentId }))],
          }).toEqual({ batch, step, applied, is: expected });
        }
      }
    }
  });

  it('after the loss of all state comes to the same from what the table has and the last hour of the log', () => {
    fc.assert(
      fc.property(script, script, fc.boolean(), (before, after, hoursBetween) => {
        const home = viewers();
        play(home, before);
        if (hoursBetween) home.silence(2 * HOUR_MS);
        const expected = titles(home);
        home.driver.wipe();
        home.driver.fold();
        expect(titles(home)).toEqual(expected);

        const whole = viewers();
        play(whole, before);
        if (hoursBetween) whole.silence(2 * HOUR_MS);
        // A stop is for titles that were heard of lately, which is told to 5 minutes of live time: a rebuild has its own.
        const moves = hoursBetween ? after.filter(({ kind }) => kind !== 'stop') : after;
        play(whole, moves);
        play(home, moves);
        expect(points(home)).toEqual(points(whole));
      }),
      { numRuns: 60 },
    );
  });

  it('after kill -9 comes to the same from the last checkpoint, with a table that is ahead of it', () => {
    fc.assert(
      fc.property(script, script, fc.integer({ min: 1, max: 50 }), (before, after, batch) => {
        const home = viewers();
        play(home, before);
        home.driver.checkpoint();
        play(home, after);
        const expected = titles(home);
        home.driver.crash();
        home.driver.fold({ batch });
        expect(titles(home)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });
});
