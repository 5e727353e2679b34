import { apart, DENIALS, heardBy, type Heard, newest, type Said, type Span, type Viewing } from './truth.ts';

/** Where a profile goes on with a content, by docs/reference/resume-position.md and by nothing of its code. */

export type ResumeAnswer = {
  readonly contentId: string;
  readonly sessionId: string;
  readonly deviceId: string;
  readonly positionMs: number;
  readonly durationMs: number | undefined;
  readonly status: string;
};

export type Judged = {
  /** What is wrong, as expected and seen; undefined when nothing is. */
  readonly wrong: string | undefined;
  /** More than one answer would have been right. */
  readonly uncertain: boolean;
};

/** What may stand there: nothing, or one session at one of its newest positions. */
export type Due = null | { readonly viewing: Viewing; readonly positionsMs: readonly number[] };

const WATCHED_MS = 30_000;
const WATCHED_PART = 0.02;
const GOES_ON_MS = 30_000;
const FINISHED_PART = 0.95;
const FINISHED_LEFT_MS = 30_000;
/** Two stamps that are rounded. */
const ROUNDING_MS = 2;

/** Sessions of one profile and one content, in any order: each answer that the rules allow of them. */
export function duePoints(title: readonly Viewing[], at: Span): readonly Due[] {
  const entrants = title.filter(({ content, limitsOnly }) => content.type === 'vod' && !limitsOnly);
  const claims = entrants.map((viewing) => claimOf(viewing, at)).filter(({ heard }) => heard.all.length > 0);
  addThoseThatGoOn(claims);
  const certain = claims.filter(({ counts }) => counts === 'surely');
  const standing = claims.filter(
    (claim) =>
      claim.counts !== 'never' && !certain.some((other) => other !== claim && other.firstFromMs > claim.firstToMs),
  );
  const points = standing.map(({ viewing, heard }) => ({ viewing, positionsMs: positionsOf(heard) }));
  return certain.length > 0 ? points : [null, ...points];
}

type Claim = {
  readonly viewing: Viewing;
  readonly heard: Heard;
  /** Its first stored beat happened within these. */
  readonly firstFromMs: number;
  readonly firstToMs: number;
  readonly progressed: boolean;
  counts: 'surely' | 'maybe' | 'never';
};

function claimOf(viewing: Viewing, at: Span): Claim {
  const all = heardBy(viewing, at);
  const heard = { all: all.all, sure: all.sure.filter(({ told }) => !DENIALS.includes(told)) };
  const { leastMs, mostMs } = watched(viewing, heard, at);
  const neededMs = Math.min(WATCHED_MS, (viewing.content.durationMs ?? Infinity) * WATCHED_PART);
  return {
    viewing,
    heard,
    firstFromMs: Math.min(...heard.all.map(({ fromMs }) => fromMs)),
    firstToMs: heard.sure[0]?.toMs ?? at.toMs,
    progressed: mostMs > 0,
    counts: leastMs >= neededMs ? 'surely' : mostMs >= neededMs ? 'maybe' : 'never',
  };
}

/** How far the position went forward in beats that follow each other, and no further than the time between them. */
function watched({ stopSentMs }: Viewing, { sure, all }: Heard, at: Span): { leastMs: number; mostMs: number } {
  let leastMs = 0;
  let mostMs = 0;
  let inOrder = sure.length === all.length;
  for (const [index, b] of sure.entries()) {
    const a = sure[index - 1];
    if (a === undefined) continue;
    // A beat that overtook the one before it makes that one old.
    if (a.sequence !== b.sequence - 1 || a.ackedMs > b.sentMs) inOrder = false;
    else if (a.state === 'playing') {
      const forwardMs = Math.max(0, (b.positionMs ?? 0) - (a.positionMs ?? 0));
      const between = apart(a, b, at);
      // A stop on its way ends a session that has not counted yet.
      if (stopSentMs < 0 || b.ackedMs <= stopSentMs)
        leastMs += Math.max(0, Math.min(forwardMs, between.leastMs) - ROUNDING_MS);
      mostMs += Math.min(forwardMs, between.mostMs) + ROUNDING_MS;
    }
  }
  if (inOrder) return { leastMs, mostMs };
  const [first, last] = [all[0], all.at(-1)];
  return { leastMs, mostMs: first === undefined || last === undefined ? 0 : apart(first, last, at).mostMs };
}

/** Near to what stands, the first progress is enough; what stood at that moment is not told apart here. */
function addThoseThatGoOn(claims: readonly Claim[]): void {
  for (let found = true; found;) {
    found = false;
    for (const claim of claims) {
      if (claim.counts !== 'never' || !claim.progressed) continue;
      if (!claims.some((other) => other !== claim && other.counts !== 'never' && areNear(claim, other))) continue;
      claim.counts = 'maybe';
      found = true;
    }
  }
}

const areNear = (one: Claim, other: Claim): boolean =>
  one.heard.all.some(({ positionMs: a }) =>
    other.heard.all.some(({ positionMs: b }) => Math.abs((a ?? 0) - (b ?? 0)) <= GOES_ON_MS),
  );

const positionsOf = (heard: Heard): readonly number[] => [
  ...new Set(newest(heard).map(({ positionMs }: Said) => positionMs ?? 0)),
];

export function judgeResume(title: readonly Viewing[], answer: ResumeAnswer | null, at: Span): Judged {
  const due = duePoints(title, at);
  const uncertain = due.length > 1 || (due[0]?.positionsMs.length ?? 1) > 1;
  const right = due.some((point) => fits(point, answer));
  return { uncertain, wrong: right ? undefined : `expected ${due.map(inWords).join(' or ')}; seen ${seen(answer)}` };
}

export function fits(due: Due, answer: ResumeAnswer | null): boolean {
  if (due === null || answer === null) return due === answer;
  const { sessionId, deviceId, content } = due.viewing;
  return (
    answer.contentId === content.id &&
    answer.sessionId === sessionId &&
    answer.deviceId === deviceId &&
    answer.durationMs === content.durationMs &&
    due.positionsMs.includes(answer.positionMs) &&
    answer.status === statusOf(answer.positionMs, content.durationMs ?? Infinity)
  );
}

const statusOf = (positionMs: number, durationMs: number): string =>
  positionMs >= durationMs * FINISHED_PART || durationMs - positionMs <= FINISHED_LEFT_MS ? 'finished' : 'in-progress';

const inWords = (due: Due): string => {
  if (due === null) return 'no position';
  const { viewing, positionsMs } = due;
  const status = positionsMs.map((positionMs) => statusOf(positionMs, viewing.content.durationMs ?? Infinity));
  return `${viewing.sessionId} on ${viewing.deviceId} at ${positionsMs.join(' or ')} ms (${[...new Set(status)].join(' or ')})`;
};

const seen = (answer: ResumeAnswer | null): string =>
  answer === null
    ? 'no position'
    : `${answer.sessionId} on ${answer.deviceId} at ${answer.positionMs} of ${answer.durationMs} ms (${answer.status})`;
