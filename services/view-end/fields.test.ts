import { describe, expect, it } from '@jest/globals';
import { REASON_NAMES } from '../../schemas/reasons.ts';
import { evening, KEY, type Said } from './testing/evening.ts';
import { viewIdOf } from './revision.ts';

/** A view of these beats, each so many seconds after the one before. */
const viewOfBeats = (...beats: readonly (Said & { readonly after?: number })[]) => {
  const home = evening();
  for (const { after = 10, ...said } of beats) {
    home.silence(after);
    home.beat('tv', said);
  }
  home.silence(700);
  return home.view('tv');
};
const at = (seconds: number): Pick<Said, 'positionMs'> => ({ positionMs: seconds * 1_000 });

describe('the record of a view', () => {
  it('has each field, and its row the same', () => {
    const home = evening();
    const startedAtMs = home.driver.now();
    const film = { durationMs: 100_000, seriesId: 'series', profileId: 'child' };
    home.start('tv', film);
    home.play('tv', 50, { ...film, quality: { bitrateKbps: 4_000.4, stallCount: 0, stallMs: 0, startupMs: 812.6 } });
    home.silence(635);
    const { cause, id, ...record } = home.revisions.at(-1)!;
    expect(record).toEqual({
      viewId: viewIdOf(KEY, 'tv'),
      revision: 10_000_000_000_000 + 4 * Number(cause.split('.')[2]),
      status: 'final',
      corrected: false,
      partial: false,
      tenant: 'tenant',
      sessionId: 'tv',
      profileId: 'child',
      deviceId: 'tv',
      deviceType: 'tv',
      contentId: 'film',
      contentType: 'vod',
      seriesId: 'series',
      startedAtMs,
      endedAtMs: startedAtMs + 50_000,
      reason: 'silent',
      confidence: 'inferred',
      exitBeforeStart: false,
      watchedMs: 40_000,
      distinctMs: 40_000,
      completionPercent: 40,
      durationMs: 100_000,
      furthestPositionMs: 50_000,
      lastPositionMs: 50_000,
      pauses: 0,
      seeks: 0,
      stalls: 0,
      stallMs: 0,
      adBreaks: 0,
      adMs: 0,
      startupMs: 813,
      meanBitrateKbps: 4_000,
      beatsReceived: 6,
      beatsMissed: 0,
      lastDecision: null,
      revisedAtMs: home.driver.now(),
    });
    expect(id).toBe(`view-end:${cause}:${record.viewId}.${record.revision}`);
    const { tenant: _tenant, revisedAtMs: _revised, ...view } = record;
    expect(home.stored('tv')).toEqual(view);
    expect(home.row('tv')?.places).toEqual({ views: `000${startedAtMs + 50_000} tv` });
  });

  it('has the account as its key, in view-ends.v1', () => {
    const home = evening();
    home.start('tv');
    home.stop('tv');
    const effects = home.driver.events.flatMap((e) => (e.kind === 'folded' ? e.effects : []));
    expect(effects).toMatchObject([{ emit: 'view-ends.v1', key: KEY }]);
  });

  it('writes paused_out in Avro and paused-out over HTTP', () => {
    const home = evening();
    home.beat('tv', { state: 'paused' });
    home.silence(35);
    expect([home.revisions[0]?.reason, home.view('tv').reason]).toEqual(['paused_out', 'paused-out']);
  });
});

describe('the end', () => {
  it('of a session that paused and went silent is its pause', () => {
    const home = evening();
    home.start('tv');
    home.play('tv', 30);
    home.silence(4);
    const pausedAtMs = home.driver.now();
    for (let i = 0; i < 12; i++) {
      home.beat('tv', { state: 'paused' });
      home.silence(10);
    }
    home.silence(700);
    expect(home.view('tv')).toMatchObject({
      reason: 'paused-out',
      confidence: 'inferred',
      endedAtMs: pausedAtMs,
      pauses: 1,
    });
  });

  it.each([
    ['EVICTED_BY_NEWER', 'playing', 'evicted', 'certain'],
    ['EVICTED_BY_NEWER', 'stopped', 'evicted', 'certain'],
    ['REPLACED_ON_DEVICE', 'playing', 'replaced', 'certain'],
    ['PAUSED_TOO_LONG', 'paused', 'paused-out', 'certain'],
    ['PAUSED_TOO_LONG', 'playing', 'silent', 'inferred'],
    ['TERMINATED_BY_USER', 'playing', 'stopped', 'certain'],
    ['STOPPED', 'playing', 'stopped', 'certain'],
    ['EVICTED_BY_NEWER', 'ended', 'finished', 'certain'],
    ['EVICTED_BY_NEWER', 'failed', 'failed', 'certain'],
    ['OK', 'playing', 'silent', 'inferred'],
    ['LIMIT_REACHED', 'playing', 'silent', 'inferred'],
  ] as const)('of a session told %s that says %s is %s, %s', (lastDecision, state, reason, confidence) => {
    expect(REASON_NAMES).toContain(lastDecision);
    const view = viewOfBeats({}, {}, { state, lastDecision });
    expect(view).toMatchObject({ reason, confidence, lastDecision });
  });

  it('of a session that never left starting is an exit before start', () => {
    expect(viewOfBeats({ state: 'starting' }, { state: 'starting' })).toMatchObject({
      exitBeforeStart: true,
      reason: 'silent',
      watchedMs: 0,
    });
    expect(viewOfBeats({ state: 'starting' }, { state: 'failed' })).toMatchObject({
      exitBeforeStart: true,
      reason: 'failed',
    });
    expect(viewOfBeats({ state: 'starting' }, { state: 'playing' }).exitBeforeStart).toBe(false);
  });
});

describe('watched time', () => {
  it('is that between a playing beat and the next, less its stalls', () => {
    const view = viewOfBeats(
      { state: 'starting' },
      { after: 2, state: 'playing' },
      { after: 10, state: 'playing', quality: { stallMs: 1_500, stallCount: 1 } },
      { after: 4, state: 'buffering' },
      { after: 3, state: 'playing', quality: { stallMs: 3_000, stallCount: 1 } },
      { after: 5, state: 'paused' },
      { after: 10, state: 'paused' },
    );
    expect(view).toMatchObject({ watchedMs: 10_000 - 1_500 + 4_000 + 5_000, stalls: 2, stallMs: 4_500, pauses: 1 });
  });

  it('bridges lost beats, each of which may stand for 35 s, and nothing longer', () => {
    expect(viewOfBeats({ sequence: 1 }, { sequence: 4, after: 30 })).toMatchObject({
      watchedMs: 30_000,
      beatsMissed: 2,
    });
    expect(viewOfBeats({ sequence: 1 }, { sequence: 2, after: 35 }).watchedMs).toBe(35_000);
    expect(viewOfBeats({ sequence: 1 }, { sequence: 2, after: 35.001 }).watchedMs).toBe(0);
    expect(viewOfBeats({ sequence: 1 }, { sequence: 2, after: 8 * 3_600 }, {})).toMatchObject({ watchedMs: 10_000 });
  });

  it('of advertisements is told apart, with their breaks', () => {
    const ad = { breakId: 'mid' };
    const view = viewOfBeats(
      { ...at(0) },
      { ...at(10), ad },
      { ...at(10), ad },
      { ...at(10), ad: {} },
      { ...at(10) },
      at(20),
    );
    expect(view).toMatchObject({ watchedMs: 20_000, adMs: 30_000, adBreaks: 2, distinctMs: 20_000, seeks: 0 });
    const named = (n: number) => ({ ad: { breakId: `${'mid'.repeat(42)}${n}` } });
    expect(viewOfBeats({}, named(1), named(1), named(2), {}).adBreaks).toBe(2);
  });
});

describe('places in the content', () => {
  it('make the union of what was played: a scene seen three times counts once', () => {
    const view = viewOfBeats(
      ...[0, 10, 20, 30].map(at),
      { after: 1, state: 'seeking', ...at(31) },
      { after: 1, ...at(5) },
      ...[15, 25].map(at),
      { after: 1, state: 'seeking', ...at(26) },
      { after: 1, ...at(70), durationMs: 90_000 },
      at(80),
    );
    expect(view).toMatchObject({
      distinctMs: 31_000 + 10_000,
      watchedMs: 30_000 + 1_000 + 20_000 + 1_000 + 10_000,
      completionPercent: 46,
      seeks: 2,
      furthestPositionMs: 80_000,
      lastPositionMs: 80_000,
    });
  });

  it('that jump without a word are a seek, and what was played before it in these 10 s is not known', () => {
    expect(viewOfBeats(at(0), at(10), at(300), at(310), at(20))).toMatchObject({ seeks: 2, distinctMs: 20_000 });
    expect(viewOfBeats(at(100), at(112), at(110))).toMatchObject({ seeks: 0, distinctMs: 12_000 });
    expect(viewOfBeats(at(100), { positionMs: 112_001 }, at(111))).toMatchObject({ seeks: 1 });
  });

  it('move on at the speed of playback', () => {
    expect(viewOfBeats(at(0), { ...at(20), playbackRate: 2 })).toMatchObject({
      seeks: 0,
      distinctMs: 20_000,
      watchedMs: 10_000,
    });
  });

  it('of a place that was only sought count for the furthest when it was played', () => {
    expect(viewOfBeats(at(0), { ...at(10) }, { state: 'seeking', ...at(500) }, at(20))).toMatchObject({
      furthestPositionMs: 20_000,
    });
  });

  it('are not told of live', () => {
    const live = { contentType: 'live' as const };
    expect(viewOfBeats({ ...live, ...at(0) }, { ...live, ...at(10) }, { ...live, positionMs: null })).toMatchObject({
      watchedMs: 20_000,
      distinctMs: null,
      completionPercent: null,
      furthestPositionMs: null,
      lastPositionMs: null,
    });
  });
});

describe('quality', () => {
  it('is the mean bitrate by time: 10 s at 1000 and 5 s at 4000 make 2000', () => {
    const view = viewOfBeats({}, { quality: { bitrateKbps: 1_000 } }, { after: 5, quality: { bitrateKbps: 4_000 } });
    expect(view.meanBitrateKbps).toBe(2_000);
  });

  it('is null where no beat tells it, and stalls are then the times that playing became buffering', () => {
    const view = viewOfBeats(
      { state: 'buffering' },
      {},
      { state: 'buffering' },
      {},
      { state: 'seeking' },
      { state: 'buffering' },
      {},
    );
    expect(view).toMatchObject({ stalls: 1, stallMs: null, meanBitrateKbps: null, startupMs: null });
  });

  it('has the startup time of the lowest beat that told it, and the newest length', () => {
    const home = evening();
    home.beat('tv', { sequence: 3, quality: { startupMs: 900 }, durationMs: 60_000 });
    home.beat('tv', { sequence: 2, quality: { startupMs: 700 }, durationMs: 50_000 });
    expect(home.view('tv')).toMatchObject({ startupMs: 700, durationMs: 60_000 });
  });
});
