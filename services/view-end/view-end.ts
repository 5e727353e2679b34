import type { Heartbeat, SessionStopRequested } from '../../schemas/generated/records.ts';
import { DAY_MS, type LiveMs } from '../../schemas/time.ts';
import type { At, Effect, Processor, Step } from '../../shared/runtime/processor.ts';
import { formatPosition } from '../../shared/log/position.ts';
import { beatAgeMs, isFlushed, isRepeat, LATE_MS, LEASE_MS, watchedBeat } from '../../shared/sessions/lifecycle.ts';
import {
  CROWDED,
  dueAt,
  HOUSEHOLD,
  type Household,
  isDone,
  MAX_VIEWINGS,
  SETTLES_MS,
  type Viewing,
  whatOf,
} from './household.ts';
import { revised } from './revision.ts';
import { rowKey, TABLE, viewingIn } from './row.ts';
import { firstOf, lastOf, NO_BEATS, withBeat } from './tally.ts';

type Here = At<undefined>;

/** When and how a viewing ended: folds the beats of an account into one view per session, and says when it is over. */
export const viewEnd: Processor<Household, undefined> = {
  name: 'view-end',
  input: 'heartbeats.v1',
  // All that the log has: a view that is not final has no row. What began before, and was never final, is partial from then on.
  rebuildWindowMs: DAY_MS,
  stateVersion: 2,
  shape: HOUSEHOLD,
  upgrade: (state) => upgraded(state as HouseholdBefore),
  // Of a start, too: who was refused may try again under the same id, and a laptop that slept for longer than its token is
  // good for starts the session again that it goes on with.
  reads: (household, event, key) => {
    const beat = watchedBeat(event);
    if (beat === null) return null;
    const viewings = household?.viewings ?? [];
    const isKnown = viewings.length <= CROWDED && viewings.some((v) => v.sessionId === beat.sessionId);
    return isKnown ? null : rowKey(key, beat);
  },
  onRecord: (household, event, at) => {
    if (event.type === 'AccountErased') return erased(at);
    const before = household ?? { tenant: '', viewings: [] };
    const beat = watchedBeat(event);
    if (beat !== null) return onBeat(before, beat, at);
    return event.type === 'SessionStopRequested' ? onStop(before, event.value, at) : step(before, [], at);
  },
  onTimer: (household, at) => {
    const effects: Effect[] = [];
    const viewings = household.viewings.flatMap((v) => {
      if (dueAt(v) > at.liveMs) return [v];
      if (v.status === 'final' && !v.changed) return [];
      const next = revised(household, v, { status: v.status === 'open' && !isDone(v) ? 'provisional' : 'final', at });
      effects.push(...next.effects);
      return [next.viewing];
    });
    return step({ ...household, viewings }, effects, at);
  },
  onControl: () => undefined,
};

/** Of version 1. */
type HouseholdBefore = Omit<Household, 'viewings'> & {
  readonly viewings: readonly (Omit<Viewing, 'since'> & { readonly forgotten: boolean })[];
};

/** Parts of a view whose whole is in the table are left out: from now on it is the whole that goes on. */
const upgraded = ({ tenant, viewings }: HouseholdBefore): Household => ({
  tenant,
  viewings: viewings.flatMap(({ forgotten, ...viewing }) => (forgotten ? [] : [{ ...viewing, since: '' }])),
});

const erased = ({ key }: Here): Step<Household> => ({
  state: undefined,
  effects: [{ erase: TABLE }, { emit: 'view-ends.v1', key, record: null }],
});

const onBeat = (household: Household, beat: Heartbeat, at: Here): Step<Household> => {
  const known = household.viewings.find((v) => v.sessionId === beat.sessionId);
  const before = known ?? viewingIn(at) ?? newViewing(beat, at);
  const tally = withBeat(before.tally, beat);
  const next = { ...household, tenant: beat.tenant };
  if (tally === before.tally) return known === undefined ? withRead(next, before, at) : step(household, [], at);
  const first = firstOf(before.tally);
  const last = lastOf(before.tally);
  const newest = last === undefined || !isRepeat(last, beat);
  const { stoppedAtMs } = before;
  const viewing: Viewing = {
    ...before,
    what: first === undefined || beat.sequence < first.sequence ? whatOf(beat) : before.what,
    tally,
    changed: true,
    // Beats of the seconds around a stop do not undo it: the player learns of it with its next one.
    stoppedAtMs: newest && stoppedAtMs !== null && beat.occurredAtMs > stoppedAtMs + LEASE_MS ? null : stoppedAtMs,
    heardLiveMs: newest ? Math.max(before.heardLiveMs, at.liveMs - beatAgeMs(beat)) : before.heardLiveMs,
    touchedLiveMs: at.liveMs,
  };
  // What is late, or comes after the end, is taken in; the view says so when nothing more comes.
  if (!newest || isFlushed(beat, LATE_MS) || (isDone(viewing) && viewing.status === 'final'))
    return withViewing(next, viewing, [], at);
  if (!isDone(viewing) && viewing.status === 'open') return withViewing(next, viewing, [], at);
  if (!isDone(viewing) && viewing.revision === 0) return withViewing(next, { ...viewing, status: 'open' }, [], at);
  const revision = revised(next, viewing, { status: isDone(viewing) ? 'final' : 'open', at });
  return withViewing(next, revision.viewing, revision.effects, at);
};

/** Of an offline queue, a session that nobody has heard of is silent already. */
const newViewing = (beat: Heartbeat, at: Here): Viewing => ({
  sessionId: beat.sessionId,
  since: formatPosition(at.position),
  what: whatOf(beat),
  tally: NO_BEATS,
  status: isFlushed(beat, LATE_MS) ? 'provisional' : 'open',
  revision: 0,
  finals: 0,
  changed: false,
  stoppedAtMs: null,
  heardLiveMs: at.liveMs - beatAgeMs(beat),
  touchedLiveMs: at.liveMs,
  finalLiveMs: 0,
});

const onStop = (household: Household, stop: SessionStopRequested, at: Here): Step<Household> => {
  const viewing = household.viewings.find((v) => v.sessionId === stop.sessionId);
  // A claim that could not be decided says nothing of what is watched; what is final needs no stop.
  if (viewing === undefined || viewing.status === 'final' || stop.by === 'undecided') return step(household, [], at);
  // Not before the last beat, which another node may have stamped by a clock that is ahead.
  const stoppedAtMs = Math.max(stop.receivedAtMs, lastOf(viewing.tally)?.atMs ?? 0);
  const next = revised(household, { ...viewing, stoppedAtMs }, { status: 'final', at });
  return withViewing(household, next.viewing, next.effects, at);
};

/** What was read stays, so that its next repeats need no second read; but for it nothing else has to leave. */
const withRead = (household: Household, viewing: Viewing, at: Here): Step<Household> =>
  household.viewings.length < MAX_VIEWINGS ? withViewing(household, viewing, [], at) : step(household, [], at);

const withViewing = (household: Household, viewing: Viewing, effects: readonly Effect[], at: Here): Step<Household> => {
  const { viewings } = household;
  const index = viewings.findIndex((v) => v.sessionId === viewing.sessionId);
  if (index >= 0) return step({ ...household, viewings: viewings.with(index, viewing) }, effects, at);
  if (viewings.length < MAX_VIEWINGS) return step({ ...household, viewings: [...viewings, viewing] }, effects, at);
  const oldest = viewings.reduce((a, b) => (isOlder(b, a, at.liveMs) ? b : a));
  const closing =
    oldest.status === 'final' && !oldest.changed ? [] : revised(household, oldest, { status: 'final', at }).effects;
  const others = viewings.filter((v) => v !== oldest);
  return step({ ...household, viewings: [...others, viewing] }, [...closing, ...effects], at);
};

/** First what has been final for a while, then what is not: to what has just become final something may still come. */
const isOlder = (a: Viewing, b: Viewing, liveMs: LiveMs): boolean => {
  const turn = (v: Viewing): number => (v.status !== 'final' ? 1 : v.finalLiveMs + SETTLES_MS <= liveMs ? 0 : 2);
  if (turn(a) !== turn(b)) return turn(a) < turn(b);
  return a.status === 'final' ? a.finalLiveMs < b.finalLiveMs : a.heardLiveMs < b.heardLiveMs;
};

const step = (household: Household, effects: readonly Effect[], at: Here): Step<Household> => {
  if (household.viewings.length === 0) return { state: undefined, effects };
  const due = household.viewings.reduce((least, v) => Math.min(least, dueAt(v)), Number.POSITIVE_INFINITY);
  return { state: household, effects, wakeInMs: due - at.liveMs };
};
