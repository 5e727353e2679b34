import type { Content } from '../household.ts';
import type { ResumeAnswer } from './resume.ts';
import { newViewing, noteAcked, noteLost, noteSent, noteStopAcked, noteStopSent, type Viewing } from './truth.ts';
import type { ViewAnswer } from './views.ts';

/** A truth that is told second by second, for tests; an answer comes 0.1 s after its call. */

export const FILM: Content = { id: 'film', type: 'vod', durationMs: 3_600_000 };
export const NEWS: Content = { id: 'news', type: 'live', durationMs: undefined };

export type Told = {
  readonly viewing: Viewing;
  /** Next in sequence. A beat that is not answered stays open. */
  says(
    second: number,
    state: string,
    place: number,
    how?: { readonly told?: string; readonly ageMs?: number; readonly answered?: boolean },
  ): Told;
  /** Plays from `second` on for so long, from a place in the content on: a start, and a beat each 10 s. */
  plays(second: number, seconds: number, place: number): Told;
  stops(second: number, how?: { readonly answered?: boolean }): Told;
};

export function told(
  sessionId: string,
  of: { readonly content?: Content; readonly profileId?: string; readonly limitsOnly?: boolean } = {},
): Told {
  const { content = FILM, profileId = 'p', limitsOnly = false } = of;
  const viewing: Viewing = newViewing({ sessionId, deviceId: `tv of ${sessionId}`, profileId, content, limitsOnly });
  let sequence = 0;
  const one: Told = {
    viewing,
    says(second, state, place, { told: reason = 'OK', ageMs = 0, answered = true } = {}) {
      sequence += 1;
      const saying = { sequence, state, positionMs: place * 1_000, ageMs, fresh: true };
      noteSent(viewing, saying, second * 1_000);
      if (answered) noteAcked(viewing, { ...saying, told: reason }, second * 1_000 + 100);
      else noteLost(viewing, saying, second * 1_000 + 3_000);
      return one;
    },
    plays(second, seconds, place) {
      one.says(second, 'starting', place);
      for (let at = 0; at <= seconds; at += 10) one.says(second + 1 + at, 'playing', place + at);
      return one;
    },
    stops(second, { answered = true } = {}) {
      noteStopSent(viewing, second * 1_000);
      if (answered) noteStopAcked(viewing, second * 1_000 + 100);
      return one;
    },
  };
  return one;
}

export const asked = (second: number): { readonly fromMs: number; readonly toMs: number } => ({
  fromMs: second * 1_000,
  toMs: second * 1_000 + 20,
});

/** A right answer about the viewing, with what a test makes wrong. */
export const resumeAt = (viewing: Viewing, place: number, wrong: Partial<ResumeAnswer> = {}): ResumeAnswer => ({
  contentId: viewing.content.id,
  sessionId: viewing.sessionId,
  deviceId: viewing.deviceId,
  positionMs: place * 1_000,
  durationMs: viewing.content.durationMs,
  status: 'in-progress',
  ...wrong,
});

export const viewOf = (viewing: Viewing, says: Partial<ViewAnswer>): ViewAnswer => ({
  sessionId: viewing.sessionId,
  profileId: viewing.profileId,
  deviceId: viewing.deviceId,
  contentId: viewing.content.id,
  status: 'open',
  reason: null,
  exitBeforeStart: false,
  beatsReceived: viewing.beats.length,
  watchedMs: 0,
  furthestPositionMs: null,
  lastPositionMs: null,
  ...says,
});
