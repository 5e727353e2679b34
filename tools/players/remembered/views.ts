import type { Judged } from './resume.ts';
import { apart, heardBy, type Heard, LAST_STATES, NEVER, newest, type Said, type Span, type Viewing } from './truth.ts';

/** What a view has to say, by docs/reference/views.md and by nothing of its code. */

export type ViewAnswer = {
  readonly sessionId: string;
  readonly profileId: string;
  readonly deviceId: string;
  readonly contentId: string;
  readonly status: string;
  readonly reason: string | null;
  readonly exitBeforeStart: boolean;
  readonly beatsReceived: number;
  readonly watchedMs: number;
  readonly furthestPositionMs: number | null;
  readonly lastPositionMs: number | null;
};

export type Circumstances = {
  readonly at: Span;
  /** How long the live time of the server may have stood still since then. */
  restedSince(ms: number): number;
  /** More viewings than the 64 that there is room for at once: who was silent for longest may be final early. */
  readonly crowded: boolean;
};

const LEASE_MS = 35_000;
const FINAL_AFTER_MS = 600_000;
/** What ticks may add. */
const GRACE_MS = 3_000;
const CLOCK_MS = 250;

export function judgeView(viewing: Viewing, answer: ViewAnswer | null, circumstances: Circumstances): Judged {
  const { at } = circumstances;
  const heard = heardBy(viewing, at);
  if (viewing.limitsOnly || heard.all.length === 0)
    return { uncertain: false, wrong: answer === null ? undefined : 'expected no view; seen one' };
  if (answer === null) {
    const uncertain = heard.sure.length === 0;
    return { uncertain, wrong: uncertain ? undefined : `expected a view of ${heard.sure.length} beats; seen none` };
  }
  const over = overOf(viewing, heard, at);
  const statuses = statusesOf(heard, over, circumstances);
  const reasons = answer.status === 'open' ? [null] : reasonsOf(heard, over);
  const watched = watchedOf(heard, at);
  const live = viewing.content.type === 'live';
  const places = live ? [null] : [...new Set(newest(heard).map(({ positionMs }) => positionMs))];
  const furthest = live ? { least: null, most: null } : { least: furthestOf(heard.sure), most: furthestOf(heard.all) };

  const faults: string[] = [];
  const expect = (right: boolean, what: string, seen: unknown): void => {
    if (!right) faults.push(`expected ${what}; seen ${String(seen)}`);
  };
  const { sessionId, profileId, deviceId, content } = viewing;
  const whose = (of: Pick<ViewAnswer, 'sessionId' | 'profileId' | 'deviceId' | 'contentId'>): string =>
    [of.sessionId, of.profileId, of.deviceId, of.contentId].join(' ');
  const ours = whose({ sessionId, profileId, deviceId, contentId: content.id });
  expect(whose(answer) === ours, ours, whose(answer));
  expect(statuses.includes(answer.status), `status ${statuses.join(' or ')}`, answer.status);
  expect(reasons.includes(answer.reason), `reason ${reasons.join(' or ')}`, answer.reason);
  const { beatsReceived: beats, watchedMs, furthestPositionMs: far } = answer;
  const [least, most] = [heard.sure.length, heard.all.length];
  expect(beats >= least && beats <= most, `${least} to ${most} beats`, beats);
  expect(
    watchedMs >= watched.leastMs && watchedMs <= watched.mostMs,
    `${watched.leastMs} to ${watched.mostMs} ms watched`,
    watchedMs,
  );
  expect(places.includes(answer.lastPositionMs), `last position ${places.join(' or ')}`, answer.lastPositionMs);
  const within = far === null ? furthest.least === null : far >= (furthest.least ?? 0) && far <= (furthest.most ?? -1);
  expect(within, `furthest position ${furthest.least} to ${furthest.most}`, far);
  const began = { surely: heard.sure.some(showsPicture), maybe: heard.all.some(showsPicture) };
  const exits = answer.exitBeforeStart;
  expect(exits ? !began.surely : began.maybe, `exit before start ${!began.surely}`, exits);

  const open = least !== most || heard.all.some(({ blurred }) => blurred);
  return {
    uncertain: open || statuses.length > 1 || reasons.length > 1,
    wrong: faults.length === 0 ? undefined : `${sessionId}: ${faults.join(', ')}`,
  };
}

const showsPicture = ({ state }: Said): boolean =>
  state === 'ended' || !['starting', 'stopped', 'failed'].includes(state);

/** Whether its player, or somebody else, has ended it. */
type Over = 'surely' | 'maybe' | 'not';

function overOf({ stopSentMs, stopAckedMs }: Viewing, heard: Heard, at: Span): Over {
  const tops = newest(heard);
  const said = tops.filter(({ state }) => LAST_STATES.includes(state)).length;
  if (said === tops.length) return 'surely';
  const sent = stopSentMs !== NEVER && stopSentMs <= at.toMs;
  // A beat from 35 s after the stop on goes on watching.
  const goesOn = heard.all.some((b) => (b.toMs === NEVER ? at.toMs : b.toMs) > stopSentMs + LEASE_MS - CLOCK_MS);
  if (sent && stopAckedMs !== NEVER && stopAckedMs <= at.fromMs && !goesOn && heard.sure.length > 0) return 'surely';
  return sent || said > 0 ? 'maybe' : 'not';
}

function statusesOf({ sure, all }: Heard, over: Over, { at, restedSince, crowded }: Circumstances): readonly string[] {
  if (over === 'surely') return ['final'];
  const heardFromMs = Math.max(...sure.map(({ fromMs }) => fromMs), all[0]?.fromMs ?? 0);
  const heardToMs = Math.max(...all.map(({ toMs }) => (toMs === NEVER ? at.toMs : toMs)));
  const silentAtLeast = at.fromMs - heardToMs - restedSince(heardToMs) - GRACE_MS;
  const silentAtMost = at.toMs - heardFromMs + CLOCK_MS;
  const endMs = LEASE_MS + FINAL_AFTER_MS;
  const statuses: string[] = [];
  if (silentAtLeast < LEASE_MS) statuses.push('open');
  if (silentAtMost >= LEASE_MS && silentAtLeast < endMs) statuses.push('provisional');
  if (over === 'maybe' || crowded || silentAtMost >= endMs) statuses.push('final');
  return statuses;
}

const TOLD: Readonly<Record<string, string>> = {
  EVICTED_BY_NEWER: 'evicted',
  REPLACED_ON_DEVICE: 'replaced',
  STOPPED: 'stopped',
  TERMINATED_BY_USER: 'stopped',
};

function reasonsOf(heard: Heard, over: Over): readonly (string | null)[] {
  const reasons = new Set<string>();
  for (const top of newest(heard)) {
    const { state } = top;
    if (state === 'ended' || state === 'failed') {
      reasons.add(state === 'ended' ? 'finished' : 'failed');
      continue;
    }
    const stopped = state === 'stopped' || over === 'surely';
    if (stopped || over === 'maybe') reasons.add('stopped');
    if (!stopped) reasons.add(state === 'paused' ? 'paused-out' : 'silent');
    // A beat is stamped before it is answered: what its player was told may have been in the stamp or not.
    for (const { told } of heard.all) if (TOLD[told] !== undefined) reasons.add(TOLD[told]);
    // Of one that was never answered nobody knows it.
    if (top.ackedMs === NEVER) for (const reason of Object.values(TOLD)) reasons.add(reason);
  }
  return [...reasons];
}

/** Time from a beat that says `playing` to the next, a lease for each number at most. */
function watchedOf({ sure, all }: Heard, at: Span): { readonly leastMs: number; readonly mostMs: number } {
  let leastMs = 0;
  let mostMs = 0;
  const [first, last] = [all[0], all.at(-1)];
  if (sure.length !== all.length)
    return { leastMs: 0, mostMs: first === undefined || last === undefined ? 0 : apart(first, last, at).mostMs };
  for (const [index, b] of sure.entries()) {
    const a = sure[index - 1];
    if (a?.state !== 'playing') continue;
    const between = apart(a, b, at);
    const mayBeMs = LEASE_MS * (b.sequence - a.sequence);
    if (between.leastMs > mayBeMs) continue;
    mostMs += Math.min(between.mostMs, mayBeMs);
    if (between.mostMs <= mayBeMs) leastMs += between.leastMs;
  }
  // Stamps are whole milliseconds.
  return { leastMs: Math.max(0, leastMs - sure.length), mostMs: mostMs + sure.length };
}

function furthestOf(beats: readonly Said[]): number | null {
  const places = beats.flatMap(({ state, positionMs }) =>
    state === 'seeking' || positionMs === null ? [] : positionMs,
  );
  return places.length === 0 ? null : Math.max(...places);
}
