import { describe, expect, it } from '@jest/globals';
import { asked, NEWS, told, viewOf, type Told } from './hand-made.ts';
import { judgeViews } from './lists.ts';
import { judgeView, type Circumstances, type ViewAnswer } from './views.ts';

const when = (second: number, crowded = false): Circumstances => ({ at: asked(second), restedSince: () => 0, crowded });
const judge = ({ viewing }: Told, says: Partial<ViewAnswer> | null, circumstances = when(1_000)) =>
  judgeView(viewing, says === null ? null : viewOf(viewing, says), circumstances);
const right = { wrong: undefined, uncertain: false };

/** Plays 100 s to 140 s of the content until 51 s. */
const PLACES = { watchedMs: 40_000, furthestPositionMs: 140_000, lastPositionMs: 140_000 };

describe('a view that its player ended', () => {
  const stopped = told('s1').plays(10, 40, 100).says(52, 'stopped', 141);
  const is: Partial<ViewAnswer> = {
    status: 'final',
    reason: 'stopped',
    watchedMs: 41_020,
    furthestPositionMs: 141_000,
    lastPositionMs: 141_000,
  };

  it('is final at once', () => expect(judge(stopped, is, when(53))).toEqual(right));

  it.each<[string, Partial<ViewAnswer> | null]>([
    ['none', null],
    ['open', { ...is, status: 'open', reason: null }],
    ['provisional', { ...is, status: 'provisional' }],
    ['silent', { ...is, reason: 'silent' }],
    ['without a reason', { ...is, reason: null }],
    ['with a beat too few', { ...is, beatsReceived: 6 }],
    ['with a beat too many', { ...is, beatsReceived: 8 }],
    ['with a second less', { ...is, watchedMs: 40_000 }],
    ['with a second more', { ...is, watchedMs: 42_000 }],
    ['at another place', { ...is, lastPositionMs: 140_000 }],
    ['that came further', { ...is, furthestPositionMs: 150_000 }],
    ['without a furthest place', { ...is, furthestPositionMs: null }],
    ['of another profile', { ...is, profileId: 'q' }],
    ['of another device', { ...is, deviceId: 'phone' }],
    ['of another content', { ...is, contentId: 'opera' }],
    ['that never began', { ...is, exitBeforeStart: true }],
  ])('is not one %s', (_, says) => expect(judge(stopped, says).wrong).toBeDefined());

  it.each([
    ['ended', 'finished'],
    ['failed', 'failed'],
  ])('that says %s is %s', (state, reason) => {
    const session = told('s1').plays(10, 40, 100).says(52, state, 141);
    expect(judge(session, { ...is, reason })).toEqual(right);
    expect(judge(session, is).wrong).toBeDefined();
  });
});

describe('a view that nobody ended', () => {
  const silent = told('s1').plays(10, 40, 100);

  it.each([
    [60, ['open']],
    [84, ['open']],
    [90, ['provisional']],
    [680, ['provisional']],
    [700, ['final']],
  ])('is, asked at %d s: %j', (second, statuses) => {
    const seen = ['open', 'provisional', 'final'].filter((status) => {
      const reason = status === 'open' ? null : 'silent';
      return judge(silent, { ...PLACES, status, reason }, when(second)).wrong === undefined;
    });
    expect(seen).toEqual(statuses);
  });

  it('may be either in the second that is 35 s after its last beat', () => {
    for (const [status, reason] of [
      ['open', null],
      ['provisional', 'silent'],
    ] as const)
      expect(judge(silent, { ...PLACES, status, reason }, when(86.5))).toEqual({ wrong: undefined, uncertain: true });
  });

  it('stays open while the time of the server stood still', () => {
    const rested = { ...when(90), restedSince: () => 20_000 };
    expect(judge(silent, { ...PLACES, status: 'open', reason: null }, rested).wrong).toBeUndefined();
  });

  it('may be final early in an account with more than 64', () => {
    const early = { ...PLACES, status: 'final', reason: 'silent' };
    expect(judge(silent, early, when(100)).wrong).toBeDefined();
    expect(judge(silent, early, when(100, true))).toEqual({ wrong: undefined, uncertain: true });
  });

  it('ended with its pause when that was the last word', () => {
    const paused = told('s1').plays(10, 40, 100).says(51.5, 'paused', 140.5);
    const says = { watchedMs: 40_500, furthestPositionMs: 140_500, lastPositionMs: 140_500, status: 'provisional' };
    expect(judge(paused, { ...says, reason: 'paused-out' }, when(100))).toEqual(right);
    expect(judge(paused, { ...says, reason: 'silent' }, when(100)).wrong).toBeDefined();
  });

  it('leaves out a sleep that was longer than a lease', () => {
    const slept = told('s1').plays(10, 40, 100).says(110, 'playing', 199);
    const says = { status: 'open', furthestPositionMs: 199_000, lastPositionMs: 199_000 };
    expect(judge(slept, { ...says, watchedMs: 40_000 }, when(111))).toEqual(right);
    expect(judge(slept, { ...says, watchedMs: 99_000 }, when(111)).wrong).toBeDefined();
  });

  it('says what its player was told: replaced, or silent where the beat was stamped before', () => {
    const replaced = told('s1').plays(10, 40, 100).says(61, 'playing', 150, { told: 'REPLACED_ON_DEVICE' });
    const says = { watchedMs: 50_000, furthestPositionMs: 150_000, lastPositionMs: 150_000, status: 'provisional' };
    for (const reason of ['replaced', 'silent'])
      expect(judge(replaced, { ...says, reason }, when(200))).toEqual({ wrong: undefined, uncertain: true });
    expect(judge(replaced, { ...says, reason: 'stopped' }, when(200)).wrong).toBeDefined();
  });
});

describe('a view that somebody stopped', () => {
  it('is final with the answer to the stop', () => {
    const stopped = told('s1').plays(10, 40, 100).stops(55);
    expect(judge(stopped, { ...PLACES, status: 'final', reason: 'stopped' }, when(56))).toEqual(right);
    expect(judge(stopped, { ...PLACES, status: 'open' }, when(56)).wrong).toBeDefined();
  });

  it('may be final or not when the stop was not answered', () => {
    const maybe = told('s1').plays(10, 40, 100).stops(55, { answered: false });
    expect(judge(maybe, { ...PLACES, status: 'final', reason: 'stopped' }, when(59))).toMatchObject({
      uncertain: true,
    });
    expect(judge(maybe, { ...PLACES, status: 'open' }, when(59)).wrong).toBeUndefined();
    expect(judge(maybe, { ...PLACES, status: 'provisional', reason: 'silent' }, when(59)).wrong).toBeDefined();
  });
});

describe('what is uncertain', () => {
  it('is a beat that was not answered: it counts or not', () => {
    const open = told('s1').plays(10, 40, 100).says(61, 'stopped', 150, { answered: false });
    const says = { ...PLACES, status: 'open', beatsReceived: 6 };
    expect(judge(open, says, when(70))).toEqual({ wrong: undefined, uncertain: true });
    const taken = { status: 'final', reason: 'stopped', watchedMs: 50_000, furthestPositionMs: 150_000 };
    expect(judge(open, { ...taken, lastPositionMs: 150_000 }, when(70)).wrong).toBeUndefined();
    expect(judge(open, { ...says, beatsReceived: 5 }, when(70)).wrong).toBeDefined();
  });
});

describe('sessions that nobody watched', () => {
  it('a refused one is an exit before the start, of one beat', () => {
    const refused = told('s1').says(10, 'starting', 5, { told: 'LIMIT_REACHED' });
    const says = { exitBeforeStart: true, furthestPositionMs: 5_000, lastPositionMs: 5_000 };
    expect(judge(refused, { ...says, status: 'provisional', reason: 'silent' }, when(60))).toEqual(right);
    expect(judge(refused, { ...says, status: 'open', exitBeforeStart: false }, when(20)).wrong).toBeDefined();
  });

  it('limits only and live: no view, no places', () => {
    expect(judge(told('s1', { limitsOnly: true }).plays(10, 40, 0), null)).toEqual(right);
    expect(judge(told('s1', { limitsOnly: true }).plays(10, 40, 0), {}).wrong).toContain('expected no view');
    const live = told('s1', { content: NEWS }).plays(10, 40, 0);
    expect(judge(live, { watchedMs: 40_000 }, when(60))).toEqual(right);
    expect(judge(live, { watchedMs: 40_000, lastPositionMs: 0 }, when(60)).wrong).toBeDefined();
  });
});

describe('the views of an account', () => {
  it('are one for each session', () => {
    const { viewing } = told('s1').plays(10, 40, 100);
    const view = viewOf(viewing, PLACES);
    const wrongs = (seen: readonly ViewAnswer[]) =>
      judgeViews([viewing], seen, when(60)).flatMap(({ wrong }) => wrong ?? []);
    expect(wrongs([view])).toEqual([]);
    expect(wrongs([])[0]).toContain('seen none');
    expect(wrongs([view, view])[0]).toContain('expected one record of s1');
    expect(wrongs([view, { ...view, sessionId: 's9' }])[0]).toContain('which nobody watched');
  });
});
