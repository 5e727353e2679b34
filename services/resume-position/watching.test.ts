import { describe, expect, it } from '@jest/globals';
import { isFinished, isWatched, progressOf } from './watching.ts';

const playing = { state: 'playing', positionMs: 60_000, playbackRate: 1, asOfMs: 1_000_000 } as const;
const later = (ms: number, positionMs: number, playbackRate: number | null = null) => ({
  positionMs,
  playbackRate,
  occurredAtMs: playing.asOfMs + ms,
});

describe('what was watched between two beats', () => {
  it('is how far the position went forward', () => {
    expect(progressOf(playing, later(10_000, 70_000))).toBe(10_000);
    expect(progressOf(playing, later(10_000, 64_000))).toBe(4_000);
  });

  it('is no more than the time between them allows, at the rate of playback', () => {
    expect(progressOf(playing, later(10_000, 600_000))).toBe(10_000);
    expect(progressOf(playing, later(10_000, 80_000, 2))).toBe(20_000);
    expect(progressOf({ ...playing, playbackRate: 1.5 }, later(10_000, 80_000))).toBe(15_000);
    // Winding is not watching, whatever the player calls it.
    expect(progressOf(playing, later(10_000, 600_000, 64))).toBe(40_000);
  });

  it('is nothing for a jump back, playing backwards, a clock that was turned back, and a player that did not play', () => {
    expect(progressOf(playing, later(10_000, 50_000))).toBe(0);
    expect(progressOf({ ...playing, playbackRate: -2 }, later(10_000, 60_000, -2))).toBe(0);
    expect(progressOf(playing, later(-5_000, 70_000))).toBe(0);
    for (const state of ['starting', 'paused', 'buffering', 'seeking'] as const) {
      expect(progressOf({ ...playing, state }, later(10_000, 70_000))).toBe(0);
    }
  });
});

describe('enough watched', () => {
  it.each([
    ['30 s of a film', 30_000, 6_000_000],
    ['30 s where nobody said how long it is', 30_000, null],
    ['2 % of a clip of 5 min', 6_000, 300_000],
    ['2 % of 25 min, which is 30 s', 30_000, 1_500_000],
  ])('is %s, and not a millisecond less', (_name, watchedMs, durationMs) => {
    expect(isWatched({ watchedMs, durationMs })).toBe(true);
    expect(isWatched({ watchedMs: watchedMs - 1, durationMs })).toBe(false);
  });
});

describe('finished', () => {
  const at = (positionMs: number, durationMs: number | null, creditsMs: number | null = null) =>
    isFinished({ state: 'playing', positionMs, durationMs, creditsMs });

  it.each([
    ['95 % of a film', 5_700_000, 6_000_000, null],
    ['the last 30 s of 5 min', 270_000, 300_000, null],
    ['the second half of a clip under a minute', 10_000, 20_000, null],
    ['the credits', 5_000_000, 6_000_000, 5_000_000],
    ['the credits where nobody said how long it is', 5_000_000, null, 5_000_000],
  ])('is %s, and not a millisecond before', (_name, positionMs, durationMs, creditsMs) => {
    expect(at(positionMs, durationMs, creditsMs)).toBe(true);
    expect(at(positionMs - 1, durationMs, creditsMs)).toBe(false);
  });

  it('is the word of the player where nobody said how long it is, and only there', () => {
    const ended = { state: 'ended', positionMs: 0, creditsMs: null } as const;
    expect(isFinished({ ...ended, durationMs: null })).toBe(true);
    expect(isFinished({ ...ended, durationMs: 6_000_000 })).toBe(false);
  });
});
