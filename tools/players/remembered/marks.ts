import { createLatencies, type Latencies } from '../tally.ts';
import type { Judged } from './resume.ts';

/** The remembered answers, each with its oracle. */
export const QUESTIONS = {
  cut: 'where a player that was cut off goes on, on another device',
  resume: 'resume positions',
  views: 'views',
  audience: 'audiences',
} as const;
export type Question = keyof typeof QUESTIONS;
export const ALL_QUESTIONS = Object.keys(QUESTIONS) as readonly Question[];

export type Mark = {
  judged: number;
  /** Of those judged: more than one answer would have been right. */
  uncertain: number;
  wrong: number;
  /** No answer was to be had: a network error, a timeout, 4xx or 5xx. */
  unanswered: number;
  /** The server has no such path: the role does not run. */
  absent: number;
};

export type Wrong = { readonly question: Question; readonly accountId: string; readonly what: string };

export type Marks = {
  readonly of: Readonly<Record<Question, Mark>>;
  readonly first: readonly Wrong[];
  /** From the acknowledgement of a beat until another device read it, in real time. */
  readonly readableMs: Latencies;
  /** The furthest that a resume position was behind the last picture of a player that was cut off. */
  furthestBehindMs: number;
  lostInARow: number;
  judge(question: Question, accountId: string, judged: Judged): void;
  /** Nobody answers this: it was asked often enough to know that it is not worth asking again. */
  isHopeless(question: Question): boolean;
  /** How long an answer is waited for: not at all once it is clear that the server is wrong, or gone. */
  patienceMs(): number;
  wrong(): number;
  /** Questions that the server can be asked, of which nothing was judged. */
  unjudged(): readonly Question[];
};

const SHOWN_WRONG = 20;
const ENOUGH = 3;
const LOST_IS_GONE = 16;
/** Folds may be a moment behind what was acknowledged. It is the network's time, so no speed shortens it. */
const PATIENCE_MS = 10_000;

export function createMarks(): Marks {
  const none = (): Mark => ({ judged: 0, uncertain: 0, wrong: 0, unanswered: 0, absent: 0 });
  const of = { cut: none(), resume: none(), views: none(), audience: none() };
  const first: Wrong[] = [];
  const marks: Marks = {
    of,
    first,
    readableMs: createLatencies(),
    furthestBehindMs: 0,
    lostInARow: 0,
    judge(question, accountId, { wrong, uncertain }) {
      const mark = of[question];
      mark.judged += 1;
      if (uncertain) mark.uncertain += 1;
      if (wrong === undefined) return;
      mark.wrong += 1;
      if (first.length < SHOWN_WRONG) first.push({ question, accountId, what: wrong });
    },
    isHopeless: (question) => {
      const { judged, absent, unanswered } = of[question];
      return judged === 0 && absent + unanswered >= ENOUGH;
    },
    patienceMs: () => (first.length >= SHOWN_WRONG || marks.lostInARow >= LOST_IS_GONE ? 0 : PATIENCE_MS),
    wrong: () => ALL_QUESTIONS.reduce((sum, question) => sum + of[question].wrong, 0),
    unjudged: () => ALL_QUESTIONS.filter((question) => of[question].judged === 0 && of[question].unanswered > 0),
  };
  return marks;
}
