import type { LogEvent } from '../../schemas/events.ts';
import type { ResumeHidden, ResumeUndone, SessionStopRequested } from '../../schemas/generated/records.ts';
import { HOUR_MS, MINUTE_MS } from '../../schemas/time.ts';
import { type At, type Effect, FEW_RECORDS, type Processor, type Step } from '../../shared/runtime/processor.ts';
import { isOver } from '../../shared/sessions/lifecycle.ts';
import { AS_IS, type Shape } from '../../shared/state/packing.ts';
import { rowKey, rowOf, TABLE, titleIn } from './row.ts';
import {
  hidden,
  includes,
  isBlank,
  newTitle,
  played,
  stopped,
  type Telling,
  tellingIn,
  TITLE,
  type Title,
  type TitleName,
  undone,
} from './title.ts';

/** What the fold keeps of an account: the titles of its last minutes, the last to be heard of last. All others are rows. */
export type Household = { readonly entries: readonly Entry[] };

export type Entry = {
  readonly title: Title;
  /** Live time of its last change, or of when it was read; of beats since then that changed nothing, to `HEARD_EVERY_MS`. */
  readonly lastLiveMs: number;
  /** When it is put into the table at the latest; null where the row is as the title is. */
  readonly putDueLiveMs: number | null;
  /** The table has a row of it, perhaps an older one. */
  readonly stored: boolean;
};

const ENTRY: Shape<Entry> = { title: TITLE, lastLiveMs: AS_IS, putDueLiveMs: AS_IS, stored: AS_IS };

/** A row is put at most so often while its title just plays on: more often breaks the cost promise. */
export const PUT_EVERY_MS = 5 * MINUTE_MS;
/**
 * How long after its last change a title leaves the state. A stop names no content, so it is for titles that are still
 * there: as long as concurrency remembers a session that has ended.
 */
export const KEPT_MS = 10 * MINUTE_MS;
/** In a long pause no beat says anything new. They keep the title in the state, and each of them would be a write. */
const HEARD_EVERY_MS = KEPT_MS / 2;
/**
 * More titles than a household tries in ten minutes. It bounds the state of an account, all of which each of its beats
 * writes: of more, the longest unheard go to the table early, and are read back like any other.
 */
export const MAX_TITLES = 64;
/** From here on a title may be dropped by a batch that also needs it again: its row is read to be sure. */
const CROWDED = MAX_TITLES - FEW_RECORDS;

type Here = At<undefined>;

/** Where to go on: folds the beats of an account into one position for each profile and content. */
export const resumePosition: Processor<Household, undefined> = {
  name: 'resume-position',
  input: 'heartbeats.v1',
  // What is older has been put into the table twelve times over.
  rebuildWindowMs: HOUR_MS,
  stateVersion: 1,
  shape: { entries: [ENTRY] },
  upgrade: (state) => state as Household,
  reads: (household, event, key) => {
    const name = titleOf(event);
    if (name === null) return null;
    const entries = household?.entries ?? [];
    return entries.length <= CROWDED && entryOf(entries, name) !== undefined ? null : rowKey(key, name);
  },
  onRecord: (household, event, at) => step(household, onEvent(household?.entries ?? [], event, at), at),
  onTimer: (household, at) => step(household, onDue(household.entries, at), at),
  onControl: () => undefined,
};

/** The titles from now on, the last to change last. */
type Folded = { readonly entries: readonly Entry[]; readonly effects: readonly Effect[] };

const onEvent = (entries: readonly Entry[], event: LogEvent, at: Here): Folded => {
  switch (event.type) {
    case 'SessionStarted':
    case 'Heartbeat':
      return onBeat(entries, tellingIn(event), at);
    case 'SessionStopRequested':
      return onStop(entries, event.value, at);
    case 'ResumeHidden':
      return onCall(entries, event.value, at, (title) => hidden(title, event.value, at));
    case 'ResumeUndone':
      return onCall(entries, event.value, at, (title) => undone(title, event.value, at));
    case 'AccountErased':
      return { entries: [], effects: [{ erase: TABLE }] };
    case 'Tick':
    case 'PolicyActivated':
    case 'AudienceMoved':
    case 'TimeRelayed':
    case 'StreamDecided':
      return { entries, effects: [] };
  }
};

const onDue = (entries: readonly Entry[], at: Here): Folded => {
  const effects: Effect[] = [];
  const left = entries.flatMap((entry) => {
    const isOld = entry.lastLiveMs + KEPT_MS <= at.liveMs;
    const isDue = entry.putDueLiveMs !== null && (isOld || entry.putDueLiveMs <= at.liveMs);
    if (isDue) effects.push({ put: rowOf(at.key, entry.title, at.appendedAtMs) });
    return isOld ? [] : [isDue ? { ...entry, putDueLiveMs: null, stored: true } : entry];
  });
  return { entries: left, effects };
};

/** Which title a record is about; null for none. */
const titleOf = (event: LogEvent): TitleName | null => {
  switch (event.type) {
    case 'SessionStarted':
    case 'Heartbeat':
      return tellingIn(event);
    case 'ResumeHidden':
    case 'ResumeUndone':
      return event.value;
    default:
      return null;
  }
};

export const entryOf = (entries: readonly Entry[], { profileId, contentId }: TitleName): Entry | undefined =>
  entries.find(({ title }) => title.contentId === contentId && title.profileId === profileId);

/** The title as the state has it, or else the table. */
const knownEntry = (
  entries: readonly Entry[],
  name: TitleName,
  { stored, liveMs, appendedAtMs }: Here,
): Entry | null => {
  const entry = entryOf(entries, name);
  if (entry !== undefined) return entry;
  // What this very batch put is handed back even if it has expired.
  if (stored === undefined || stored.expiresAtMs <= appendedAtMs) return null;
  return { title: titleIn(stored), lastLiveMs: liveMs, putDueLiveMs: null, stored: true };
};

const onBeat = (entries: readonly Entry[], beat: Telling | null, at: Here): Folded => {
  if (beat === null) return { entries, effects: [] };
  const entry = knownEntry(entries, beat, at) ?? newEntry(beat);
  const heardLiveMs = Math.floor(at.liveMs / HEARD_EVERY_MS) * HEARD_EVERY_MS;
  return folded(entries, entry, { change: (title) => played(title, beat, at), atOnce: settles, heardLiveMs }, at);
};

const newEntry = (name: TitleName): Entry => ({
  title: newTitle(name),
  lastLiveMs: 0,
  putDueLiveMs: null,
  stored: false,
});

/** The viewer has just paused or ended: what somebody may read elsewhere next, hours from now. */
const settles = (before: Title, { now }: Title): boolean => {
  if (now === null || now === before.now || !(now.state === 'paused' || isOver(now))) return false;
  return before.now?.sessionId !== now.sessionId || before.now.state !== now.state;
};

/** A stop names no content: it is for the titles that the state has. */
const onStop = (before: readonly Entry[], { sessionId, by }: SessionStopRequested, at: Here): Folded => {
  let entries = before;
  const effects: Effect[] = [];
  // Its claim was answered 503, and nobody has watched.
  if (by === 'undecided') return { entries, effects };
  const change = (title: Title): Title => stopped(title, sessionId, at);
  for (const entry of before) {
    const next = folded(entries, entry, { change, atOnce: (was, is) => was.now !== is.now }, at);
    entries = next.entries;
    effects.push(...next.effects);
  }
  return { entries, effects };
};

const onCall = (
  entries: readonly Entry[],
  call: ResumeHidden | ResumeUndone,
  at: Here,
  change: (title: Title) => Title,
): Folded => {
  const entry = knownEntry(entries, call, at);
  return entry === null ? { entries, effects: [] } : folded(entries, entry, { change, atOnce: () => true }, at);
};

type Change = {
  change(title: Title): Title;
  /** Whether the change goes to the table now, and not when it is due. */
  atOnce(before: Title, after: Title): boolean;
  /** When the title was heard of, where nothing changed. */
  readonly heardLiveMs?: number;
};

const folded = (
  entries: readonly Entry[],
  entry: Entry,
  { change, atOnce, heardLiveMs = 0 }: Change,
  at: Here,
): Folded => {
  // The row has the record: it changed the title when it was folded first, or came before one that did.
  const isReplayed = includes(entry.title, at);
  const title = isReplayed ? entry.title : change(entry.title);
  const others = entries.filter((e) => e !== entry);
  if (title === entry.title) {
    const isKnown = others.length < entries.length;
    const lastLiveMs = Math.max(entry.lastLiveMs, isReplayed ? at.liveMs : heardLiveMs);
    if (isKnown ? lastLiveMs === entry.lastLiveMs : !entry.stored) return { entries, effects: [] };
    // What was read stays: its next beat needs no second read, and a stop, which names no content, finds it.
    return { entries: [...others, { ...entry, lastLiveMs }], effects: [] };
  }
  if (isBlank(title) && !entry.stored) return { entries: others, effects: [] };
  const now = atOnce(entry.title, title);
  const putDueLiveMs = now ? null : (entry.putDueLiveMs ?? at.liveMs + PUT_EVERY_MS);
  const next: Entry = { title, lastLiveMs: at.liveMs, putDueLiveMs, stored: entry.stored || now };
  return { entries: [...others, next], effects: now ? [{ put: rowOf(at.key, title, at.appendedAtMs) }] : [] };
};

const step = (before: Household | undefined, { entries, effects }: Folded, at: Here): Step<Household> => {
  const dropped = entries.slice(0, Math.max(0, entries.length - MAX_TITLES));
  const kept = entries.slice(dropped.length);
  const puts = dropped
    .filter((e) => e.putDueLiveMs !== null)
    .map((e) => ({ put: rowOf(at.key, e.title, at.appendedAtMs) }));
  const all = [...effects, ...puts];
  if (kept.length === 0) return { state: undefined, effects: all };
  let due = Number.POSITIVE_INFINITY;
  for (const e of kept) due = Math.min(due, e.putDueLiveMs ?? due, e.lastLiveMs + KEPT_MS);
  // The very same state where nothing has changed: it is not written again.
  const state = before !== undefined && entries === before.entries ? before : { entries: kept };
  return { state, effects: all, wakeInMs: due - at.liveMs };
};
