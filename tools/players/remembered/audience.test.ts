import { describe, expect, it } from '@jest/globals';
import { judgeAudience } from './audience.ts';
import { asked, FILM, NEWS, told, type Told } from './hand-made.ts';

/** The run's clock begins with a minute of the world's. */
const EPOCH_MS = 1_800_000_000_000;

const household = (...sessions: readonly Told[]) => ({
  accountId: 'a',
  viewings: sessions.map(({ viewing }) => viewing),
});
const live = (second: number, seconds: number) => told('s', { content: NEWS }).plays(second, seconds, 0);

function judge(
  accounts: readonly ReturnType<typeof household>[],
  viewers: number,
  asking: { second?: number; asOf?: number; contentId?: string; windowMinutes?: number } = {},
) {
  const { second = 200, contentId = NEWS.id, windowMinutes = 5 } = asking;
  const asOf = asking.asOf ?? second;
  return judgeAudience(
    accounts,
    { viewers, asOfMs: EPOCH_MS + asOf * 1_000 },
    { contentId, windowMinutes, at: asked(second), epochMs: EPOCH_MS, restedSince: () => 0 },
  );
}

const right = { wrong: undefined, uncertain: false };

describe('an audience', () => {
  it('counts each account once, however many of it watch', () => {
    const accounts = [household(live(10, 60), live(20, 60)), household(live(30, 100)), household()];
    expect(judge(accounts, 2)).toEqual(right);
    expect(judge(accounts, 3).wrong).toBe('news, 5 min: expected 2 accounts; seen 3');
    expect(judge(accounts, 1).wrong).toBeDefined();
  });

  it.each([
    ['of another channel', told('s', { content: { ...NEWS, id: 'sport' } }).plays(10, 60, 0)],
    ['with one beat', told('s', { content: NEWS }).says(10, 'starting', 0).says(15, 'playing', 0)],
    ['that is refused', told('s', { content: NEWS }).says(10, 'starting', 0, { told: 'LIMIT_REACHED' })],
    ['that pauses', told('s', { content: NEWS }).says(10, 'playing', 0).says(20, 'paused', 0).says(30, 'paused', 0)],
    ['of limits only', told('s', { content: NEWS, limitsOnly: true }).plays(10, 60, 0)],
  ])('leaves out one %s', (_, session) => {
    expect(judge([household(session)], 0)).toEqual(right);
    expect(judge([household(session)], 1).wrong).toBeDefined();
  });

  it('of a film needs a place that goes on', () => {
    const still = told('s').says(10, 'playing', 7).says(20, 'playing', 7).says(30, 'playing', 7);
    const moving = told('s').plays(10, 60, 0);
    const film = { contentId: FILM.id };
    expect(judge([household(still)], 0, film)).toEqual(right);
    expect(judge([household(still)], 1, film).wrong).toBeDefined();
    expect(judge([household(moving)], 1, film)).toEqual(right);
    expect(judge([household(moving)], 0, film).wrong).toBeDefined();
  });

  it('has the minute that runs and five whole ones before it, or sixty', () => {
    const early = [household(live(10, 30))];
    expect(judge(early, 1, { second: 359 })).toEqual(right);
    expect(judge(early, 0, { second: 359 }).wrong).toBeDefined();
    expect(judge(early, 0, { second: 365 })).toEqual(right);
    expect(judge(early, 1, { second: 365 }).wrong).toBeDefined();
    expect(judge(early, 1, { second: 365, windowMinutes: 60 })).toEqual(right);
  });

  it('may lack the beats of the last 15 s, and no older ones', () => {
    const now = [household(live(180, 20))];
    for (const viewers of [0, 1])
      expect(judge(now, viewers, { second: 203 })).toEqual({ uncertain: true, wrong: undefined });
    expect(judge(now, 2, { second: 203 }).wrong).toContain('expected 0 to 1 accounts');
    expect(judge(now, 0, { second: 209 }).wrong).toBeDefined();
  });

  it('is of the last 15 s', () => {
    expect(judge([household(live(10, 100))], 1, { asOf: 190 })).toEqual(right);
    expect(judge([household(live(10, 100))], 1, { asOf: 180 }).wrong).toContain('figures of the last 15 s');
    expect(judge([household(live(10, 100))], 1, { asOf: 230 }).wrong).toBeDefined();
    expect(judge([household(live(10, 100))], NaN).wrong).toBeDefined();
  });

  it('may or may not count a beat that was not answered, or was refused in its answer', () => {
    for (const how of [{ answered: false }, { told: 'REPLACED_ON_DEVICE' }]) {
      const session = told('s', { content: NEWS }).says(10, 'playing', 0).says(20, 'playing', 0, how);
      for (const viewers of [0, 1])
        expect(judge([household(session)], viewers)).toEqual({ uncertain: true, wrong: undefined });
      expect(judge([household(session)], 2).wrong).toBeDefined();
    }
  });
});
