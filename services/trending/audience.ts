import type { AudienceCounted, AudienceMoved } from '../../schemas/generated/records.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../schemas/time.ts';
import { offsetOf, parsePosition } from '../../shared/log/position.ts';
import type { At, Effect, Processor, Step } from '../../shared/runtime/processor.ts';
import { AS_IS, type Shape } from '../../shared/state/packing.ts';
import { contentIdIn } from './content-key.ts';
import { DAY_MINUTES, firstOf, HOUR_MINUTES } from './minutes.ts';
import { isAnybodyIn, newestIn, nextLeaving, nobodyAt, type Stood, upTo, withoutPlace, withPlace } from './stood.ts';
import { windowsOf } from './windows.ts';

/**
 * What the second fold keeps of a content. As JSON about 400 bytes and 25 for each partition that has sent a move; 15 KB
 * with viewers of one country in every minute of a day, and 70 KB where all names are in all buckets (twice that, if each
 * of them has thousands of viewers there).
 */
export type Audience = {
  readonly tenant: string;
  readonly contentType: AudienceMoved['contentType'];
  readonly stood: Stood;
  /** The time that it is of. */
  readonly atMs: number;
  /** Of each partition that moves came from: its number, the offset of the newest cause, the newest minute. */
  readonly seen: readonly number[];
  /** Live time at which its figures were told last; null before the first time. */
  readonly saidLiveMs: number | null;
  /** Somebody has moved since. */
  readonly changed: boolean;
  /** Live time at which they are told next, or looked at. */
  readonly dueLiveMs: number;
};

const AUDIENCE: Shape<Audience> = {
  tenant: AS_IS,
  contentType: AS_IS,
  stood: { merged: AS_IS, names: AS_IS, turn: AS_IS, buckets: AS_IS },
  atMs: AS_IS,
  seen: AS_IS,
  saidLiveMs: AS_IS,
  changed: AS_IS,
  dueLiveMs: AS_IS,
};

/** How far the first fold has come, as its partition of the same number says. */
export type Relayed = { readonly offset: number; readonly atMs: number };

/** Figures are told no more often than this, and no later than that after the last time. */
export const SAID_EVERY_MS = 5 * SECOND_MS;
export const SAID_AT_LEAST_MS = 5 * MINUTE_MS;
/**
 * Time that is relayed by a partition that stands still, or has much to make up for, is followed no further behind the moves of
 * others: it bounds the minutes that stand apart.
 */
const FURTHEST_BEHIND_MINUTES = HOUR_MINUTES;

type Here = At<Relayed>;

/** How many watch what: folds moves into the audience of each content, and tells its figures. */
export const audience: Processor<Audience, Relayed> = {
  name: 'audience',
  input: 'audience-moves.v1',
  // The longest window, and the part of an hour by which it is longer.
  rebuildWindowMs: DAY_MS + HOUR_MS,
  stateVersion: 1,
  shape: AUDIENCE,
  upgrade: (state) => state as Audience,
  onRecord: (known, event, at) => {
    const next = event.type === 'AudienceMoved' ? moved(known, event.value, at) : known;
    if (next === undefined) return { state: undefined, effects: [] };
    if (next === known) return waiting(known, [], at);
    const { saidLiveMs } = next;
    if (saidLiveMs === null || at.liveMs >= saidLiveMs + SAID_EVERY_MS) return said(next, at);
    return waiting({ ...next, dueLiveMs: saidLiveMs + SAID_EVERY_MS }, [], at);
  },
  onTimer: (known, at) => {
    const atMs = timeOf(known.stood, at);
    const left = nextLeaving(known.stood, minuteOf(known.atMs)) <= minuteOf(atMs);
    const silentUntilMs = (known.saidLiveMs ?? 0) + SAID_AT_LEAST_MS;
    if (known.changed || left || at.liveMs >= silentUntilMs) return said({ ...known, atMs }, at);
    return waiting({ ...known, dueLiveMs: Math.min(at.liveMs + SAID_EVERY_MS, silentUntilMs) }, [], at);
  },
  // A time that was told before is behind in both; one that is behind in neither is of a clock that was set back.
  onControl: (relayed, event) => {
    if (event.type !== 'TimeRelayed') return relayed;
    const { atMs } = event.value;
    const offset = placeIn(event.value.position)?.offset ?? 0;
    return relayed === undefined || offset > relayed.offset || atMs > relayed.atMs ? { offset, atMs } : relayed;
  },
};

const minuteOf = (atMs: number): number => Math.floor(atMs / MINUTE_MS);

const timeOf = (stood: Stood, { control, appendedAtMs }: Here): number => {
  const newest = newestIn(stood);
  if (newest === null) return control?.atMs ?? appendedAtMs;
  if (control === undefined) return newest * MINUTE_MS;
  return Math.max(control.atMs, (newest - FURTHEST_BEHIND_MINUTES) * MINUTE_MS);
};

/** The very same where the move was counted before. */
const moved = (known: Audience | undefined, move: AudienceMoved, at: Here): Audience | undefined => {
  const seen = withSeen(known?.seen ?? [], move);
  if (seen === null) return known;
  const before = known?.stood ?? nobodyAt(at.control === undefined ? move.to.minute : minuteOf(at.control.atMs));
  const left = move.from === null ? before : withoutPlace(before, move.from);
  const added = withPlace(left, move.to);
  const atMs = timeOf(added, at);
  // Who comes to where no window goes back to is in none.
  const stood = upTo(move.to.minute < firstOf(DAY_MINUTES, minuteOf(atMs)) ? left : added, minuteOf(atMs));
  if (known === undefined && !isAnybodyIn(stood)) return undefined;
  const { tenant, contentType } = move;
  const { saidLiveMs, dueLiveMs } = known ?? { saidLiveMs: null, dueLiveMs: at.liveMs };
  return { tenant, contentType, stood, atMs, seen, saidLiveMs, changed: true, dueLiveMs };
};

/**
 * Null where it is no newer than another move of its partition. A log that began anew after a loss counts its positions
 * from 0 again: what is of a later minute than all before it is new whatever its position.
 */
const withSeen = (seen: readonly number[], { cause, to }: AudienceMoved): readonly number[] | null => {
  const place = placeIn(cause);
  if (place === null) return null;
  const { partition, offset } = place;
  for (let i = 0; i < seen.length; i += 3) {
    if (seen[i] !== partition) continue;
    const newest = seen[i + 2]!;
    if (offset <= seen[i + 1]! && to.minute <= newest) return null;
    return seen.toSpliced(i, 3, partition, offset, Math.max(newest, to.minute));
  }
  return [...seen, partition, offset, to.minute];
};

/** Offsets through all generations: one that is new is greater. */
const placeIn = (text: string): { readonly partition: number; readonly offset: number } | null => {
  const position = parsePosition(text);
  return position === null ? null : { partition: position.partition, offset: offsetOf(position) };
};

/** Tells the figures; those of nobody are the last ones. */
const said = (next: Audience, at: Here): Step<Audience> => {
  const now = minuteOf(next.atMs);
  const stood = upTo(next.stood, now);
  const effects = [counted({ ...next, stood }, at.key)];
  if (!isAnybodyIn(stood)) return { state: undefined, effects };
  const leavesInMs = nextLeaving(stood, now) * MINUTE_MS - next.atMs;
  const inMs = Math.min(SAID_AT_LEAST_MS, Math.max(SAID_EVERY_MS, leavesInMs));
  const told = { stood, saidLiveMs: at.liveMs, changed: false, dueLiveMs: at.liveMs + inMs };
  return waiting({ ...next, ...told }, effects, at);
};

const counted = ({ tenant, contentType, stood, atMs }: Audience, key: string): Effect => {
  const windows: AudienceCounted['windows'] = windowsOf(stood, minuteOf(atMs));
  const value = { tenant, contentId: contentIdIn(key), contentType, atMs, windows };
  return { emit: 'audience-counts.v1', key, record: { type: 'AudienceCounted', value } };
};

const waiting = (state: Audience, effects: readonly Effect[], at: Here): Step<Audience> => ({
  state,
  effects,
  wakeInMs: state.dueLiveMs - at.liveMs,
});
