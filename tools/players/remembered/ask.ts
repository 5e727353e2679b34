import { setTimeout } from 'node:timers/promises';
import type { Household, Stage } from '../household.ts';
import { judgeAudience } from './audience.ts';
import { judgeShelf, judgeViews } from './lists.ts';
import type { Question } from './marks.ts';
import { listResume, listViews, readAudience, readView, type Read } from './reads.ts';
import type { Judged } from './resume.ts';
import type { Account, Span } from './truth.ts';
import { judgeView, type Circumstances } from './views.ts';

/*
 * Asks the server what it remembers and has it judged. Folds may be a moment behind what was acknowledged, so a wrong
 * answer is asked for again; what stays wrong is wrong.
 */
const AGAIN_MS = 250;
/** Viewings of an account that a server has room for at once. */
const KEPT_VIEWINGS = 64;

async function ask<T>(
  stage: Stage,
  { question, accountId }: { readonly question: Question; readonly accountId: string },
  read: () => Promise<Read<T>>,
  judge: (got: T, at: Span) => readonly Judged[],
): Promise<void> {
  const { marks, pace } = stage;
  const mark = marks.of[question];
  if (marks.isHopeless(question)) return;
  for (const beganMs = performance.now(); ;) {
    const fromMs = pace.nowMs();
    const answer = await read();
    const isLast = performance.now() - beganMs > marks.patienceMs();
    marks.lostInARow = answer === 'lost' ? marks.lostInARow + 1 : 0;
    if (answer === 'absent') return void (mark.absent += 1);
    if (answer !== 'lost') {
      const judged = judge(answer.got, { fromMs, toMs: pace.nowMs() });
      if (isLast || judged.every(({ wrong }) => wrong === undefined))
        return judged.forEach((one) => marks.judge(question, accountId, one));
    } else if (isLast) return void (mark.unanswered += 1);
    await setTimeout(AGAIN_MS);
  }
}

const circumstances = ({ oracle }: Stage, { viewings }: Account, at: Span): Circumstances => ({
  at,
  restedSince: (ms) => oracle.restedWithin(ms, at.toMs),
  crowded: viewings.length > KEPT_VIEWINGS,
});

/** One of the latest viewings of the household, as it is now: most of them play. */
export async function askForView({ stage, account, rng }: Household): Promise<void> {
  const latest = account.viewings.slice(-4);
  if (latest.length === 0) return;
  const viewing = rng.pick(latest);
  const { accountId } = account;
  const read = () => readView(stage.client, { accountId, sessionId: viewing.sessionId });
  await ask(stage, { question: 'views', accountId }, read, (got, at) => [
    judgeView(viewing, got, circumstances(stage, account, at)),
  ]);
}

/** All positions of all profiles. */
export async function askForShelves(stage: Stage, account: Account): Promise<void> {
  const { accountId, viewings } = account;
  for (const [profileId, watched] of Map.groupBy(viewings, (viewing) => viewing.profileId)) {
    const read = () => listResume(stage.client, { accountId, profileId });
    await ask(stage, { question: 'resume', accountId }, read, (got, at) => judgeShelf(watched, got, at));
  }
}

export async function askForViews(stage: Stage, account: Account): Promise<void> {
  const { accountId, viewings } = account;
  const read = () => listViews(stage.client, accountId);
  await ask(stage, { question: 'views', accountId }, read, (got, at) =>
    judgeViews(viewings, got, circumstances(stage, account, at)),
  );
}

export async function askForAudience(
  stage: Stage,
  accounts: readonly Account[],
  of: { readonly contentId: string; readonly windowMinutes: number },
): Promise<void> {
  const read = () => readAudience(stage.client, of);
  await ask(stage, { question: 'audience', accountId: 'all' }, read, (got, at) => [
    judgeAudience(accounts, got, {
      ...of,
      at,
      epochMs: stage.epochMs,
      restedSince: (ms) => stage.oracle.restedWithin(ms, at.toMs),
    }),
  ]);
}
