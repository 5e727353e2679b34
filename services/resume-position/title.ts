import type { LogEvent } from '../../schemas/events.ts';
import type { Heartbeat, PlayerState, ResumeHidden, ResumeUndone } from '../../schemas/generated/records.ts';
import { DAY_MS, type EpochMs, SECOND_MS } from '../../schemas/time.ts';
import { formatPosition, parsePosition, type Position } from '../../shared/log/position.ts';
import { isOver, isRepeat, wasDenied, watchedBeat } from '../../shared/sessions/lifecycle.ts';
import { AS_IS, type Shape } from '../../shared/state/packing.ts';
import { compareText } from '../../shared/table/table-rows.ts';
import { progressOf, isWatched } from './watching.ts';

/** One content of one profile, and all that its resume position rests on: what stands in its row of the durable table. */
export type Title = TitleName & {
  /** The resume position; null before there is one, and where an undo took the only one away. */
  readonly now: Point | null;
  /** What an undo brings back: what stood here before the session of `now`. */
  readonly before: { readonly point: Point | null; readonly untilMs: number } | null;
  /** Sessions newer than every one that counted, of which too little has been watched yet. */
  readonly trials: readonly Viewing[];
  /** Sessions that move nothing any more, newest last: older than `top`, undone, or over before they counted. */
  readonly past: readonly string[];
  /** The newest calls that were folded. */
  readonly calls: readonly FoldedCall[];
  /** The newest session that ever counted, and its highest sequence: it only grows. */
  readonly top: Top;
  /** How often the title has changed. */
  readonly changes: number;
  /** The record that it last changed by; null before the first. */
  readonly asOf: { readonly position: string; readonly appendedAtMs: number } | null;
};

/** Declared metadata that the rules know: where the credits of a film begin, and that a live channel can be started over. */
export const METADATA_KEYS = ['creditsMs', 'startOver'] as const;

export type TitleName = { readonly profileId: string; readonly contentId: string };

/** One session on one title, as its newest beat told it. */
export type Viewing = {
  readonly sessionId: string;
  /** When its first folded beat happened: by this one session is newer than another. */
  readonly firstMs: number;
  readonly sequence: number;
  readonly deviceId: string;
  readonly seriesId: string | null;
  readonly state: PlayerState;
  readonly positionMs: number;
  readonly durationMs: number | null;
  /** Where the credits begin, if a beat said so. */
  readonly creditsMs: number | null;
  readonly playbackRate: number;
  /** When the position was right. */
  readonly asOfMs: number;
  readonly watchedMs: number;
  readonly source: 'heartbeat' | 'stop';
  /** Position in the log of what it was last told by. */
  readonly position: string;
};

/** A viewing that counts. `hiddenAtMs`: when it was taken off the list, until it is played again. */
export type Point = Viewing & { readonly hiddenAtMs: number | null };

export type FoldedCall = { readonly requestId: string; readonly did: boolean };
type Top = Pick<Viewing, 'sessionId' | 'firstMs' | 'sequence'>;

const VIEWING: Shape<Viewing> = {
  sessionId: AS_IS,
  firstMs: AS_IS,
  sequence: AS_IS,
  deviceId: AS_IS,
  seriesId: AS_IS,
  state: AS_IS,
  positionMs: AS_IS,
  durationMs: AS_IS,
  creditsMs: AS_IS,
  playbackRate: AS_IS,
  asOfMs: AS_IS,
  watchedMs: AS_IS,
  source: AS_IS,
  position: AS_IS,
};
/** Of its own fields first: places of the others follow. */
const POINT: Shape<Point> = { hiddenAtMs: AS_IS, ...VIEWING };
export const TITLE: Shape<Title> = {
  profileId: AS_IS,
  contentId: AS_IS,
  now: POINT,
  before: { point: POINT, untilMs: AS_IS },
  trials: [VIEWING],
  past: AS_IS,
  calls: [{ requestId: AS_IS, did: AS_IS }],
  top: { sessionId: AS_IS, firstMs: AS_IS, sequence: AS_IS },
  changes: AS_IS,
  asOf: { position: AS_IS, appendedAtMs: AS_IS },
};

/** The record at hand. */
export type Where = { readonly appendedAtMs: EpochMs; readonly position: Position };

/** A beat that says where its viewer is. */
export type Telling = Heartbeat & { readonly positionMs: number };

/** How long an undo can bring back what stood there before. */
export const UNDO_MS = DAY_MS;
/** A new session this near to the resume position goes on from it, and counts with its first progress. */
export const GOES_ON_MS = 30 * SECOND_MS;
/** Bounds of a row: more sessions than anybody has on one title at a time, or calls within the time of a rebuild. */
export const MAX_TRIALS = 4;
export const MAX_PAST = 16;
export const MAX_CALLS = 16;

/** The beat of a record that may move a resume position: not of a denied player, and live only where one can start over. */
export const tellingIn = (event: LogEvent): Telling | null => {
  const beat = watchedBeat(event);
  return beat !== null && tells(beat) ? beat : null;
};

const tells = (beat: Heartbeat): beat is Telling =>
  beat.positionMs !== null && !wasDenied(beat) && (beat.contentType === 'vod' || beat.metadata['startOver'] === 'true');

export const newTitle = ({ profileId, contentId }: TitleName): Title => ({
  profileId,
  contentId,
  now: null,
  before: null,
  trials: [],
  past: [],
  calls: [],
  top: { sessionId: '', firstMs: 0, sequence: 0 },
  changes: 0,
  asOf: null,
});

/**
 * A rebuild meets rows that are ahead of it: what lies in the log before their newest change is in them. By its time as
 * well, so that a log which begins anew after a loss, and a clock that was set back, are not taken for a replay.
 */
export const includes = ({ asOf }: Title, { position, appendedAtMs }: Where): boolean => {
  const newest = asOf === null ? null : parsePosition(asOf.position);
  if (asOf === null || newest?.generation !== position.generation) return false;
  return position.offset <= newest.offset && appendedAtMs <= asOf.appendedAtMs;
};

/** No session has counted yet, nor is any on its way to. */
export const isBlank = ({ top, trials }: Title): boolean => top.sessionId === '' && trials.length === 0;

// --- Beats ----------------------------------------------------------------------------------------------------------
// Each function answers the very same title where nothing has changed.

/** The newest session wins, and within it the highest sequence. */
export const played = (title: Title, beat: Telling, at: Where): Title => {
  const { now, trials, past, top } = title;
  if (past.includes(beat.sessionId)) return title;
  if (now?.sessionId === beat.sessionId) return saysNothingNew(now, beat) ? title : wentOn(title, now, beat, at);
  const trial = trials.find((t) => t.sessionId === beat.sessionId);
  if (trial !== undefined) return saysNothingNew(trial, beat) ? title : tried(title, heard(trial, beat, at), at);
  if (isOver(beat)) return title;
  const begun = newViewing(title, beat, at);
  // It has to be remembered as old: its later beats would look like those of a new session.
  return isNewer(begun, top)
    ? tried(title, begun, at)
    : changed(title, { past: withPast(title, [beat.sessionId]) }, at);
};

/** A repeat, or a pause that goes on: what it says again is no news, hours long. */
const saysNothingNew = (viewing: Viewing, beat: Telling): boolean =>
  isRepeat(viewing, beat) ||
  (viewing.state === 'paused' && beat.state === 'paused' && viewing.positionMs === beat.positionMs);

/** By when it began, ties by its id. */
export const isNewer = (a: Pick<Top, 'firstMs' | 'sessionId'>, b: Pick<Top, 'firstMs' | 'sessionId'>): boolean =>
  a.firstMs === b.firstMs ? compareText(a.sessionId, b.sessionId) > 0 : a.firstMs > b.firstMs;

const newViewing = ({ now }: Title, beat: Telling, at: Where): Viewing => ({
  sessionId: beat.sessionId,
  firstMs: Math.max(0, beat.occurredAtMs),
  watchedMs: 0,
  ...told(beat, at),
  // The content is the same, whoever plays it.
  seriesId: beat.seriesId ?? now?.seriesId ?? null,
  durationMs: lengthOf(beat) ?? now?.durationMs ?? null,
  creditsMs: creditsOf(beat) ?? now?.creditsMs ?? null,
});

const heard = (viewing: Viewing, beat: Telling, at: Where): Viewing => ({
  ...viewing,
  ...told(beat, at),
  watchedMs: viewing.watchedMs + progressOf(viewing, beat),
  seriesId: beat.seriesId ?? viewing.seriesId,
  durationMs: lengthOf(beat) ?? viewing.durationMs,
  creditsMs: creditsOf(beat) ?? viewing.creditsMs,
});

const told = (beat: Telling, { position }: Where) => ({
  sequence: beat.sequence,
  deviceId: beat.deviceId,
  state: beat.state,
  positionMs: beat.positionMs,
  playbackRate: beat.playbackRate ?? 1,
  asOfMs: beat.occurredAtMs,
  source: isOver(beat) ? ('stop' as const) : ('heartbeat' as const),
  position: formatPosition(position),
});

/** Televisions send 0 where they do not know. */
const lengthOf = ({ durationMs }: Heartbeat): number | null =>
  durationMs === null || durationMs <= 0 ? null : durationMs;

const creditsOf = ({ metadata }: Heartbeat): number | null => {
  const text = metadata['creditsMs'];
  return text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null;
};

const wentOn = (title: Title, now: Point, beat: Telling, at: Where): Title => {
  const next = heard(now, beat, at);
  const again = next.watchedMs > now.watchedMs && isAfter(beat.occurredAtMs, now.hiddenAtMs);
  const top = title.top.sessionId === next.sessionId ? topOf(next) : title.top;
  return changed(title, { top, now: { ...next, hiddenAtMs: again ? null : now.hiddenAtMs } }, at);
};

const tried = (title: Title, trial: Viewing, at: Where): Title => {
  if (isWatched(trial) || goesOn(trial, title.now)) return counted(title, trial, at);
  const others = title.trials.filter((t) => t.sessionId !== trial.sessionId);
  return isOver(trial)
    ? changed(title, { trials: others, past: withPast(title, [trial.sessionId]) }, at)
    : changed(title, { trials: [...others, trial].slice(-MAX_TRIALS) }, at);
};

const goesOn = (trial: Viewing, now: Point | null): boolean =>
  now !== null && trial.watchedMs > 0 && Math.abs(trial.positionMs - now.positionMs) <= GOES_ON_MS;

const counted = (title: Title, viewing: Viewing, at: Where): Title => {
  const { now, trials } = title;
  const others = trials.filter((t) => t.sessionId !== viewing.sessionId);
  const older = others.filter((t) => !isNewer(t, viewing)).map((t) => t.sessionId);
  const staysHidden = now !== null && !isAfter(viewing.asOfMs, now.hiddenAtMs);
  return changed(
    title,
    {
      now: { ...viewing, hiddenAtMs: staysHidden ? now.hiddenAtMs : null },
      before: { point: now, untilMs: at.appendedAtMs + UNDO_MS },
      top: topOf(viewing),
      trials: others.filter((t) => isNewer(t, viewing)),
      past: withPast(title, now === null ? older : [...older, now.sessionId]),
    },
    at,
  );
};

/** What was not hidden needs no later moment to be seen. */
const isAfter = (ms: number, hiddenAtMs: number | null): boolean => hiddenAtMs === null || ms > hiddenAtMs;

const topOf = ({ sessionId, firstMs, sequence }: Viewing): Top => ({ sessionId, firstMs, sequence });

const withPast = ({ past }: Title, sessionIds: readonly string[]): readonly string[] =>
  [...past.filter((id) => !sessionIds.includes(id)), ...sessionIds].slice(-MAX_PAST);

const changed = (title: Title, change: Partial<Title>, { appendedAtMs, position }: Where): Title => {
  const asOf = { position: formatPosition(position), appendedAtMs };
  const next = { ...title, ...change, changes: title.changes + 1, asOf };
  return next.before === null || appendedAtMs < next.before.untilMs ? next : { ...next, before: null };
};

// --- Calls ----------------------------------------------------------------------------------------------------------

/** Somebody asked for the end of the session. */
export const stopped = (title: Title, sessionId: string, at: Where): Title => {
  const { now, trials } = title;
  if (now?.sessionId === sessionId && now.source !== 'stop') {
    return changed(title, { now: { ...now, source: 'stop', position: formatPosition(at.position) } }, at);
  }
  const trial = trials.find((t) => t.sessionId === sessionId);
  if (trial === undefined) return title;
  return changed(title, { trials: trials.filter((t) => t !== trial), past: withPast(title, [sessionId]) }, at);
};

export const callOf = ({ calls }: Title, requestId: string): FoldedCall | undefined =>
  calls.find((call) => call.requestId === requestId);

export const hidden = (title: Title, call: ResumeHidden, at: Where): Title => {
  if (callOf(title, call.requestId) !== undefined) return title;
  const { now } = title;
  if (now === null) return called(title, call, { did: false, change: {} }, at);
  return called(title, call, { did: true, change: { now: { ...now, hiddenAtMs: call.occurredAtMs } } }, at);
};

/** Brings back what stood there before the last session, which from now on moves nothing. */
export const undone = (title: Title, call: ResumeUndone, at: Where): Title => {
  if (callOf(title, call.requestId) !== undefined) return title;
  const { now, before } = title;
  if (now === null || before === null || at.appendedAtMs >= before.untilMs) {
    return called(title, call, { did: false, change: {} }, at);
  }
  const back = before.point;
  const past = withPast(title, [now.sessionId]).filter((id) => id !== back?.sessionId);
  return called(title, call, { did: true, change: { now: back, before: null, past } }, at);
};

const called = (
  title: Title,
  { requestId }: { readonly requestId: string },
  { did, change }: { readonly did: boolean; readonly change: Partial<Title> },
  at: Where,
): Title => changed(title, { ...change, calls: [...title.calls, { requestId, did }].slice(-MAX_CALLS) }, at);
