import { judgeResume, type Judged, type ResumeAnswer } from './resume.ts';
import type { Span, Viewing } from './truth.ts';
import { judgeView, type Circumstances, type ViewAnswer } from './views.ts';

/** Judges whole lists: nothing is missing, nothing is there twice, nothing is there that nobody watched. */

/** Of one profile, all that was watched. */
export function judgeShelf(
  viewings: readonly Viewing[],
  answers: readonly ResumeAnswer[],
  at: Span,
): readonly Judged[] {
  const titles = Map.groupBy(viewings, ({ content }) => content.id);
  const judged = [...titles].map(([contentId, title]) =>
    judgeResume(title, answers.find((answer) => answer.contentId === contentId) ?? null, at),
  );
  const strange = answers.filter(({ contentId }) => !titles.has(contentId)).map(({ contentId }) => contentId);
  return [...judged, ...strays(strange, answers, ({ contentId }) => contentId)];
}

/** Of one account. */
export function judgeViews(
  viewings: readonly Viewing[],
  answers: readonly ViewAnswer[],
  circumstances: Circumstances,
): readonly Judged[] {
  const known = new Map(answers.map((answer) => [answer.sessionId, answer]));
  const judged = viewings.map((viewing) => judgeView(viewing, known.get(viewing.sessionId) ?? null, circumstances));
  const watched = new Set(viewings.map(({ sessionId }) => sessionId));
  const strange = answers.filter(({ sessionId }) => !watched.has(sessionId)).map(({ sessionId }) => sessionId);
  return [...judged, ...strays(strange, answers, ({ sessionId }) => sessionId)];
}

function strays<T>(strange: readonly string[], answers: readonly T[], idOf: (answer: T) => string): readonly Judged[] {
  const ids = answers.map(idOf);
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
  return [
    ...strange.map((id) => ({ uncertain: false, wrong: `expected nothing of ${id}, which nobody watched; seen one` })),
    ...twice.map((id) => ({ uncertain: false, wrong: `expected one record of ${id}; seen another` })),
  ];
}
