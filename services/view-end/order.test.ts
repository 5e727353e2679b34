import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Heartbeat } from '../../schemas/generated/records.ts';
import { beatOf, evening, KEY } from './testing/evening.ts';

/** One thing that a player does, and for how long. */
const aStretch = fc.record({
  state: fc.constantFrom('playing', 'playing', 'playing', 'paused', 'buffering', 'seeking', 'starting') as fc.Arbitrary<
    Heartbeat['state']
  >,
  seconds: fc.integer({ min: 1, max: 12 }),
  jumpTo: fc.option(fc.integer({ min: 0, max: 300 }), { nil: null, freq: 8 }),
  sleeps: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 100),
  lost: fc.constantFrom(false, false, false, false, true),
  ad: fc.constantFrom(null, null, null, null, 'a', 'b'),
  stallMs: fc.constantFrom(null, 0, 400),
  bitrateKbps: fc.constantFrom(null, 1_000, 5_000),
  told: fc.constantFrom(null, 'OK', 'OK', 'EVICTED_BY_NEWER'),
  rank: fc.integer(),
  twice: fc.boolean(),
});
type Stretch = typeof aStretch extends fc.Arbitrary<infer T> ? T : never;
const aSession = fc.record({
  stretches: fc.array(aStretch, { minLength: 1, maxLength: 60 }),
  end: fc.constantFrom(null, 'ended', 'stopped', 'failed') as fc.Arbitrary<Heartbeat['state'] | null>,
});

const FROM = 1_800_000_000_000;

/** The beats of a session as its player made them, without those that were lost. */
const beatsOf = (stretches: readonly Stretch[], end: Heartbeat['state'] | null): Heartbeat[] => {
  let nowMs = FROM;
  let positionMs = 0;
  const beats: Heartbeat[] = [];
  stretches.forEach(({ state, seconds, jumpTo, sleeps, lost, ad, stallMs, bitrateKbps, told }, i) => {
    if (jumpTo !== null) positionMs = jumpTo * 1_000;
    const last = i === stretches.length - 1;
    // The first is there, so that the view has its beginning.
    if (!lost || i === 0 || last) {
      beats.push(
        beatOf('tv', nowMs, {
          sequence: i,
          state: last && end !== null ? end : state,
          positionMs,
          durationMs: 300_000,
          ad: ad === null ? null : { breakId: ad },
          quality: { stallMs, bitrateKbps },
          lastDecision: told,
        }),
      );
    }
    nowMs += (seconds + sleeps) * 1_000;
    if (state === 'playing' && ad === null) positionMs += seconds * 1_000;
  });
  return beats;
};

/** Counted from all beats at once, second by second where it can be: nothing of it is the fold's. */
const recount = (beats: readonly Heartbeat[]) => {
  const seen = new Set<number>();
  const count = { watchedMs: 0, adMs: 0, pauses: 0, seeks: 0, stalls: 0, adBreaks: 0, stallMs: 0 };
  const rates: [number, number][] = [];
  let told = false;
  beats.forEach((beat, i) => {
    const { quality, ad } = beat;
    if (quality?.stallMs != null) {
      count.stallMs += quality.stallMs;
      told = true;
    }
    const before = beats[i - 1];
    const entered = (state: string): boolean => beat.state === state && before?.state !== state;
    if (entered('paused')) count.pauses += 1;
    if (entered('seeking')) count.seeks += 1;
    if (entered('buffering') && before?.state === 'playing') count.stalls += 1;
    if (ad !== null && ad.breakId !== before?.ad?.breakId) count.adBreaks += 1;
    if (before === undefined) return;
    const seconds = (beat.occurredAtMs - before.occurredAtMs) / 1_000;
    const from = (before.positionMs ?? 0) / 1_000;
    const to = (beat.positionMs ?? 0) / 1_000;
    const far = to > from + seconds + 2;
    const quiet = ![before.state, beat.state].includes('seeking') && before.ad === null && ad === null;
    if (quiet && (far || to < from - 2)) count.seeks += 1;
    if (before.state !== 'playing' || seconds > 35 * (beat.sequence - before.sequence)) return;
    const playedMs = Math.max(0, seconds * 1_000 - (quality?.stallMs ?? 0));
    if (quality?.bitrateKbps != null) rates.push([playedMs, quality.bitrateKbps]);
    if (before.ad !== null) {
      count.adMs += playedMs;
      return;
    }
    count.watchedMs += playedMs;
    if (!far) for (let second = from; second < to; second++) seen.add(second);
  });

  const first = beats[0]!;
  const last = beats.at(-1)!;
  const evicted = last.lastDecision === 'EVICTED_BY_NEWER';
  const said: Partial<Record<Heartbeat['state'], string>> = { ended: 'finished', failed: 'failed' };
  const reason =
    said[last.state] ??
    (evicted ? 'evicted' : last.state === 'stopped' ? 'stopped' : last.state === 'paused' ? 'paused-out' : 'silent');
  let end = last;
  if (reason === 'paused-out')
    for (const beat of [...beats].reverse())
      if (beat.state === 'paused') end = beat;
      else break;
  const weight = rates.reduce((sum, [ms]) => sum + ms, 0);
  const began = beats.some((b) => !['starting', 'stopped', 'failed'].includes(b.state));
  return {
    ...count,
    stallMs: told ? count.stallMs : null,
    startedAtMs: first.occurredAtMs,
    endedAtMs: end.occurredAtMs,
    reason,
    exitBeforeStart: !began,
    distinctMs: seen.size * 1_000,
    completionPercent: Math.min(100, Math.round(seen.size / 3)),
    furthestPositionMs: beats
      .filter((b) => b.state !== 'seeking')
      .reduce<number | null>((most, b) => Math.max(most ?? 0, b.positionMs ?? 0), null),
    lastPositionMs: last.positionMs,
    meanBitrateKbps: weight === 0 ? null : Math.round(rates.reduce((sum, [ms, kbps]) => sum + ms * kbps, 0) / weight),
    beatsReceived: beats.length,
    beatsMissed: last.sequence + 1 - beats.length,
  };
};

/** Appends beats, each at its own time or, where that is past, now. */
const viewAfter = (beats: readonly Heartbeat[], arriveAt: (beat: Heartbeat) => number) => {
  const { driver, stored, revisions } = evening();
  for (const beat of beats) {
    const receivedAtMs = Math.max(driver.now(), arriveAt(beat));
    while (driver.now() < receivedAtMs) {
      driver.setNow(Math.min(receivedAtMs, driver.now() + 5_000));
      driver.append(null, { type: 'Tick', value: { source: 'test', shedding: false, receivedAtMs: driver.now() } });
    }
    driver.append(KEY, { type: 'Heartbeat', value: { ...beat, receivedAtMs } });
  }
  driver.advance(700_000);
  driver.fold({ batch: 50 });
  return { view: stored('tv'), last: revisions.at(-1) };
};

describe('the final view of a random session', () => {
  it('is what a plain recount of all its beats says, told as they happened', () => {
    fc.assert(
      fc.property(aSession, ({ stretches, end }) => {
        const beats = beatsOf(stretches, end);
        const { view, last } = viewAfter(beats, (beat) => beat.occurredAtMs);
        expect(view).toMatchObject(recount(beats));
        expect(last).toMatchObject({ status: 'final', revision: view?.revision });
      }),
      { numRuns: 60 },
    );
  });

  it('is the same when half of them come hours later, shuffled and repeated', () => {
    fc.assert(
      fc.property(aSession, ({ stretches, end }) => {
        const beats = beatsOf(stretches, end);
        const rankOf = (beat: Heartbeat): number => stretches[beat.sequence]!.rank;
        const online = beats.filter((beat) => rankOf(beat) % 2 === 0);
        const offline = beats.filter((beat) => rankOf(beat) % 2 !== 0).sort((a, b) => rankOf(a) - rankOf(b));
        const again = beats.filter((beat) => stretches[beat.sequence]!.twice);
        const late = FROM + 2 * 3_600_000;
        const { view } = viewAfter([...online, ...offline, ...again], (beat) =>
          online.includes(beat) ? beat.occurredAtMs : late,
        );
        expect(view).toMatchObject(recount(beats));
      }),
      { numRuns: 40 },
    );
  });
});
