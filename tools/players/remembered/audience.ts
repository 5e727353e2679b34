import type { Judged } from './resume.ts';
import { heardBy, LEAST_AGE_MS, NEVER, type Account, type Said, type Span, type Viewing } from './truth.ts';

/** How many accounts an audience has: each once, whose newest counted beat lies in the window. */

export type AudienceAnswer = { readonly viewers: number; readonly asOfMs: number };

export type AudienceAsked = {
  readonly contentId: string;
  readonly windowMinutes: number;
  readonly at: Span;
  /** Epoch milliseconds at the beginning of the run's clock. */
  readonly epochMs: number;
  restedSince(ms: number): number;
};

const MINUTE_MS = 60_000;
/** So much later a beat is in the figures. */
const VISIBLE_MS = 15_000;
/** An older beat comes out of an offline queue: nobody watches now. */
const LATE_MS = 22_000;
/** What the clocks of this machine and of the server may differ by. */
const CLOCK_MS = 1_000;

export function judgeAudience(accounts: Iterable<Account>, answer: AudienceAnswer, asked: AudienceAsked): Judged {
  const { at, epochMs, contentId } = asked;
  const lateMs = VISIBLE_MS + CLOCK_MS + asked.restedSince(at.fromMs - VISIBLE_MS);
  const asOfMs = answer.asOfMs - epochMs;
  if (asOfMs < at.fromMs - lateMs || asOfMs > at.toMs + CLOCK_MS) {
    const seen = Math.round(at.fromMs - asOfMs);
    return { uncertain: false, wrong: `${contentId}: expected figures of the last 15 s; seen those of ${seen} ms ago` };
  }
  // The minute that runs, and so many whole ones before it.
  const beginsMs = (Math.floor(answer.asOfMs / MINUTE_MS) - asked.windowMinutes) * MINUTE_MS - epochMs;
  const { least, most } = audienceOf(accounts, contentId, {
    at,
    sure: { fromMs: beginsMs + CLOCK_MS, toMs: Math.min(asOfMs, at.fromMs) - lateMs },
    possible: { fromMs: beginsMs - CLOCK_MS, toMs: at.toMs + CLOCK_MS },
  });
  const { viewers } = answer;
  const right = viewers >= least && viewers <= most;
  const expected = least === most ? `${least}` : `${least} to ${most}`;
  const window = `${asked.windowMinutes} min`;
  return {
    uncertain: least !== most,
    wrong: right ? undefined : `${contentId}, ${window}: expected ${expected} accounts; seen ${viewers}`,
  };
}

export type AudienceSpans = { readonly at: Span; readonly sure: Span; readonly possible: Span };

/** Distinct accounts that must be, and that may be in it. */
export function audienceOf(
  accounts: Iterable<Account>,
  contentId: string,
  spans: AudienceSpans,
): { readonly least: number; readonly most: number } {
  let least = 0;
  let most = 0;
  for (const { viewings } of accounts) {
    const watching = viewings.filter(({ content, limitsOnly }) => content.id === contentId && !limitsOnly);
    if (watching.some((viewing) => countsSurely(viewing, spans))) least += 1;
    if (watching.some((viewing) => mayCount(viewing, spans))) most += 1;
  }
  return { least, most };
}

const playing = ({ state }: Said): boolean => state === 'playing';

/** Two beats in a row that play and were let, and for a film a place that went on between them. */
function countsSurely(viewing: Viewing, { at, sure }: AudienceSpans): boolean {
  const beats = heardBy(viewing, at).sure;
  return beats.some((b, index) => {
    const a = beats[index - 1];
    if (a === undefined || !playing(a) || !playing(b) || a.sequence !== b.sequence - 1) return false;
    if (a.told !== 'OK' || b.told !== 'OK' || b.ageMs > LATE_MS - LEAST_AGE_MS || a.ackedMs > b.sentMs) return false;
    if (viewing.content.type === 'vod' && (b.positionMs ?? 0) <= (a.positionMs ?? 0)) return false;
    return b.fromMs >= sure.fromMs && b.ackedMs <= sure.toMs;
  });
}

/** It plays, and something came before it. */
function mayCount(viewing: Viewing, { at, possible }: AudienceSpans): boolean {
  const beats = heardBy(viewing, at).all;
  return beats.some((b, index) => {
    // It counts when it is stored, which is later than it happened.
    const toMs = b.ackedMs === NEVER ? at.toMs : b.ackedMs;
    if (!playing(b) || toMs < possible.fromMs || b.fromMs > possible.toMs) return false;
    const before = beats.slice(0, index);
    if (viewing.content.type === 'live') return b.blurred || before.some((a) => playing(a) || a.blurred);
    return b.blurred || before.some((a) => (a.positionMs ?? 0) < (b.positionMs ?? 0));
  });
}
