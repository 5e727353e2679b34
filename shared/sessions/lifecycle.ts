import type { LogEvent } from '../../schemas/events.ts';
import type { Heartbeat } from '../../schemas/generated/records.ts';
import { SECOND_MS } from '../../schemas/time.ts';

/**
 * What a beat is in the life of its session, decided once for every processor: `(account, sessionId, sequence)` names a
 * beat; a repeat changes nothing and a lower sequence never moves a state back.
 */
export const isRepeat = (session: { readonly sequence: number }, beat: { readonly sequence: number }): boolean =>
  beat.sequence <= session.sequence;

/**
 * What a record tells of what is watched: a beat of a player, its start among them. Null for all others: a backend's signal shows
 * nothing, and a session that is there for limits alone is in no answer but theirs.
 */
export const watchedBeat = (event: LogEvent): Heartbeat | null => {
  const started = event.type === 'SessionStarted' && event.value.origin === 'player' ? event.value.beat : null;
  const beat = event.type === 'Heartbeat' ? event.value : started;
  return beat?.tracking === 'full' ? beat : null;
};

/** A session that is not known may claim by its first beats; a higher number has a past that was missed. */
export const LAST_CLAIMING_SEQUENCE = 3;
export const mayClaim = (beat: { readonly sequence: number }): boolean => beat.sequence <= LAST_CLAIMING_SEQUENCE;

/** Playback has ended by the player's own word. */
export const isOver = ({ state }: Pick<Heartbeat, 'state'>): boolean =>
  state === 'ended' || state === 'stopped' || state === 'failed';

/** How long before ingest received it the beat happened, by the player's monotonic clock; never negative. */
export const beatAgeMs = (beat: Pick<Heartbeat, 'receivedAtMs' | 'occurredAtMs'>): number =>
  Math.max(0, beat.receivedAtMs - beat.occurredAtMs);

/** Out of an offline queue: too old to say that anybody watches now. */
export const isFlushed = (beat: Pick<Heartbeat, 'receivedAtMs' | 'occurredAtMs'>, lateMs: number): boolean =>
  beatAgeMs(beat) > lateMs;

/** Its player was told that it may not start: what it plays all the same counts nowhere. */
export const wasDenied = ({ lastDecision }: Pick<Heartbeat, 'lastDecision'>): boolean =>
  lastDecision === 'LIMIT_REACHED' || lastDecision === 'SESSION_CAP';

/** Its slot is another's, or its viewer gave it up: it never comes back, and what it plays all the same counts nowhere. */
export const wasTakenAway = ({ lastDecision }: Pick<Heartbeat, 'lastDecision'>): boolean =>
  lastDecision === 'EVICTED_BY_NEWER' || lastDecision === 'REPLACED_ON_DEVICE' || lastDecision === 'TERMINATED_BY_USER';

/** Three missed beats and 5 s: who says nothing for so long is silent. A rule of a policy may say otherwise of its slots. */
export const LEASE_MS = 35 * SECOND_MS;
/** Two missed beats and 2 s: an older beat comes out of an offline queue. The same holds of a policy. */
export const LATE_MS = 22 * SECOND_MS;
