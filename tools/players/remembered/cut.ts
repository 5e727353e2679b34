import { duePoints, fits, type Judged, type ResumeAnswer } from './resume.ts';
import type { Said, Span, Viewing } from './truth.ts';

/** A television cut off at the wall: what another device reads at once is at most one beat behind the last picture. */
export type Cut = {
  readonly viewing: Viewing;
  /** Sessions of its profile and content. */
  readonly title: readonly Viewing[];
  /** The place in the content where the screen went dark. */
  readonly pictureMs: number;
};

/** The rhythm of beats, and what timers and the network may add to it. */
const BEHIND_MS = 10_000 + 2_000;

/** Whether its place, and nobody else's, has to stand there; before it counts, or beside another, it need not. */
export function isDue({ viewing, title }: Cut, at: Span): boolean {
  const due = duePoints(title, at);
  return due.length === 1 && due[0]?.viewing === viewing;
}

export type JudgedCut = Judged & {
  /** Undefined where a beat was not answered: it may have told more. */
  readonly behindMs: number | undefined;
};

export function judgeCut({ viewing, title, pictureMs }: Cut, answer: ResumeAnswer | null, at: Span): JudgedCut {
  const due = duePoints(title, at);
  const answered = viewing.beats.every(({ ackedMs }: Said) => ackedMs >= 0);
  const behindMs = answered && answer !== null ? Math.round(pictureMs - answer.positionMs) : undefined;
  const right = due.some((point) => fits(point, answer)) && (behindMs ?? 0) <= BEHIND_MS;
  const places = due.flatMap((point) => point?.positionsMs ?? []);
  const seen = answer === null ? 'no position' : `${answer.sessionId} at ${answer.positionMs} ms`;
  const expected = `${viewing.sessionId} at ${places.join(' or ')} ms, 10 s behind ${Math.round(pictureMs)} ms at most`;
  return {
    uncertain: places.length > 1,
    behindMs,
    wrong: right ? undefined : `expected ${expected}; seen ${seen}`,
  };
}
