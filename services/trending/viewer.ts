import type { AudiencePlace, Heartbeat } from '../../schemas/generated/records.ts';
import { HOUR_MS } from '../../schemas/time.ts';
import { isFlushed, LATE_MS, LEASE_MS, wasDenied, wasTakenAway } from '../../shared/sessions/lifecycle.ts';
import { AS_IS, type Shape } from '../../shared/state/packing.ts';

/** What the first fold keeps of an account: about 80 bytes for a session and as many for a pair as they are written, 11 KB at most. */
export type Viewer = {
  /** Those that beat lately, the newest beat last. */
  readonly sessions: readonly Session[];
  /** What it watches, the newest move last. */
  readonly pairs: readonly Pair[];
};

/** What is needed of a session to say whether anything went on since its beat. */
export type Session = {
  readonly sessionId: string;
  readonly contentId: string;
  readonly sequence: number;
  readonly playing: boolean;
  readonly positionMs: number | null;
  /** Live time at which the beat came. */
  readonly heardLiveMs: number;
};

/** Where the account stands in the audience of a content. */
export type Pair = {
  readonly contentId: string;
  readonly place: AudiencePlace;
  readonly movedLiveMs: number;
};

const PLACE: Shape<AudiencePlace> = {
  minute: AS_IS,
  counted: AS_IS,
  country: AS_IS,
  deviceType: AS_IS,
  network: AS_IS,
};
const SESSION: Shape<Session> = {
  sessionId: AS_IS,
  contentId: AS_IS,
  sequence: AS_IS,
  playing: AS_IS,
  positionMs: AS_IS,
  heardLiveMs: AS_IS,
};
export const VIEWER: Shape<Viewer> = {
  sessions: [SESSION],
  pairs: [{ contentId: AS_IS, place: PLACE, movedLiveMs: AS_IS }],
};

/**
 * More than one household plays at once. It bounds the state of an account: of more, the longest unheard is forgotten, and its
 * next beat counts as little as a first one.
 */
export const MAX_SESSIONS = 64;
/**
 * Contents that one account can be in the audience of. Of more, the one that moved least lately is forgotten: who comes
 * back to it within a day is counted there a second time.
 */
export const MAX_PAIRS = 64;
/** The longest window, and an hour: nobody who is still counted there is forgotten here, and so counted twice. */
export const PAIR_KEPT_MS = 25 * HOUR_MS;

/**
 * What a beat says of its viewer. `counted`: something was played since the session's beat before it. `idle`: the player
 * says that it plays, as it did before, and nothing moved. Null: it says nothing, as a first beat does.
 */
export const saidBy = (before: Session | undefined, beat: Heartbeat): 'counted' | 'idle' | null => {
  if (beat.state !== 'playing' || isFlushed(beat, LATE_MS) || wasDenied(beat) || wasTakenAway(beat)) return null;
  if (before === undefined || !before.playing || before.contentId !== beat.contentId) return null;
  if (beat.contentType === 'live') return 'counted';
  const moved = before.positionMs !== null && beat.positionMs !== null && beat.positionMs > before.positionMs;
  return moved ? 'counted' : 'idle';
};

/**
 * A pair counts once a minute. An idle beat moves a pair only as long as nothing of the content was ever counted: who
 * watched and then stands still is in the windows of what was watched until they end.
 */
export const moves = (from: AudiencePlace | null, to: AudiencePlace): boolean => {
  if (from === null || (to.counted && !from.counted)) return true;
  return from.minute !== to.minute && (to.counted || !from.counted);
};

export const withSession = ({ sessions, pairs }: Viewer, session: Session): Viewer => ({
  sessions: [...sessions.filter((s) => s.sessionId !== session.sessionId), session].slice(-MAX_SESSIONS),
  pairs,
});

export const withPair = ({ sessions, pairs }: Viewer, pair: Pair): Viewer => ({
  sessions,
  pairs: [...pairs.filter((p) => p.contentId !== pair.contentId), pair].slice(-MAX_PAIRS),
});

const endsAt = ({ heardLiveMs }: Session): number => heardLiveMs + LEASE_MS;
const leavesAt = ({ movedLiveMs }: Pair): number => movedLiveMs + PAIR_KEPT_MS;

/** Without what has been kept for long enough. */
export const keptAt = ({ sessions, pairs }: Viewer, liveMs: number): Viewer => ({
  sessions: sessions.filter((s) => endsAt(s) > liveMs),
  pairs: pairs.filter((p) => leavesAt(p) > liveMs),
});

/** When the first of it has been, in live time; infinite where there is nothing. Both lists are in order of time. */
export const dueAt = ({ sessions: [session], pairs: [pair] }: Viewer): number =>
  Math.min(
    session === undefined ? Number.POSITIVE_INFINITY : endsAt(session),
    pair === undefined ? Number.POSITIVE_INFINITY : leavesAt(pair),
  );
