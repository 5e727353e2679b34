import { MINUTE_MS } from '../../schemas/time.ts';
import type { Heartbeat } from '../../schemas/generated/records.ts';
import { FEW_RECORDS } from '../../shared/runtime/processor.ts';
import { isOver, LAST_CLAIMING_SEQUENCE, LEASE_MS } from '../../shared/sessions/lifecycle.ts';
import { AS_IS, type Shape } from '../../shared/state/packing.ts';
import { firstOf, lastOf, TALLY, type Tally } from './tally.ts';

/**
 * What the fold of views keeps of one account: viewings that are not final yet, or were a moment ago, in the order in which
 * they were first heard of. All others are rows.
 */
export type Household = { readonly tenant: string; readonly viewings: readonly Viewing[] };

/** One session as something that was watched. */
export type Viewing = {
  readonly sessionId: string;
  /** Position of the record that it began with. */
  readonly since: string;
  /** As the lowest beat says. */
  readonly what: What;
  readonly tally: Tally;
  readonly status: 'open' | 'provisional' | 'final';
  /** Of the newest record about it; 0 where there is none. */
  readonly revision: number;
  /** How many of its revisions were final: from the first on the table has a row of it. */
  readonly finals: number;
  /** Beats have come since the newest revision. */
  readonly changed: boolean;
  /** When somebody asked for its end; null where nobody did, or it went on. */
  readonly stoppedAtMs: number | null;
  /** Live time of the newest beat, less its age. */
  readonly heardLiveMs: number;
  /** Live time at which a beat came, of whatever age. */
  readonly touchedLiveMs: number;
  /** Live time at which it last became final. */
  readonly finalLiveMs: number;
};

export type What = Pick<Heartbeat, 'profileId' | 'deviceId' | 'deviceType' | 'contentId' | 'contentType' | 'seriesId'>;

const WHAT: Shape<What> = {
  profileId: AS_IS,
  deviceId: AS_IS,
  deviceType: AS_IS,
  contentId: AS_IS,
  contentType: AS_IS,
  seriesId: AS_IS,
};
const VIEWING: Shape<Viewing> = {
  sessionId: AS_IS,
  since: AS_IS,
  what: WHAT,
  tally: TALLY,
  status: AS_IS,
  revision: AS_IS,
  finals: AS_IS,
  changed: AS_IS,
  stoppedAtMs: AS_IS,
  heardLiveMs: AS_IS,
  touchedLiveMs: AS_IS,
  finalLiveMs: AS_IS,
};
export const HOUSEHOLD: Shape<Household> = { tenant: AS_IS, viewings: [VIEWING] };

export const whatOf = ({ profileId, deviceId, deviceType, contentId, contentType, seriesId }: What): What => ({
  profileId,
  deviceId,
  deviceType,
  contentId,
  contentType,
  seriesId,
});

/** From `provisional` to `final`, as long as nobody comes back. */
export const FINAL_AFTER_MS = 10 * MINUTE_MS;
/** A queue that is flushed makes one revision: when nothing has come for so long. */
export const SETTLES_MS = LEASE_MS;
/**
 * How long after `final` a view leaves the state where nothing more comes: most who come back have by then. A beat that
 * comes later finds it in its row.
 */
export const KEPT_MS = 10 * MINUTE_MS;
/**
 * Viewings kept per account, more than a household that zaps begins in twenty minutes. One more makes the one that has been
 * final for longest leave early; where none is, the one that was silent for longest is made final at once.
 */
export const MAX_VIEWINGS = 64;
/** From here on a viewing may be dropped by a batch that also needs it again: its row is read to be sure. */
export const CROWDED = MAX_VIEWINGS - FEW_RECORDS;

/** Nothing more is to come: the player's own word, or somebody else's. */
export const isDone = ({ tally, stoppedAtMs }: Pick<Viewing, 'tally' | 'stoppedAtMs'>): boolean => {
  const last = lastOf(tally);
  return stoppedAtMs !== null || (last !== undefined && isOver(last));
};

/** Its beginning is not in it, and was never seen: it never replaces a view that is not partial. */
export const isPartial = ({ tally }: Pick<Viewing, 'tally'>): boolean =>
  (firstOf(tally)?.sequence ?? 0) > LAST_CLAIMING_SEQUENCE;

/** When its status changes, or it leaves the state, if nothing more comes; in live time. */
export const dueAt = (v: Viewing): number => {
  const settled = v.touchedLiveMs + SETTLES_MS;
  if (v.status === 'final') return v.changed ? settled : v.finalLiveMs + KEPT_MS;
  if (isDone(v)) return settled;
  const silent = v.heardLiveMs + LEASE_MS;
  return v.status === 'open' ? silent : Math.max(silent + FINAL_AFTER_MS, settled);
};
