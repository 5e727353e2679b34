import type { AudiencePlace, Heartbeat } from '../../schemas/generated/records.ts';
import { DAY_MS, MINUTE_MS } from '../../schemas/time.ts';
import type { At, Effect, Processor, Step } from '../../shared/runtime/processor.ts';
import { isRepeat, watchedBeat } from '../../shared/sessions/lifecycle.ts';
import { contentKey } from './content-key.ts';
import { dueAt, keptAt, moves, saidBy, VIEWER, type Viewer, withPair, withSession } from './viewer.ts';

type Here = At<undefined>;

const NOBODY: Viewer = { sessions: [], pairs: [] };

/**
 * Who watches what: folds the beats of an account into moves from minute to minute, one audience after the other. An
 * erased account is forgotten here; the counts that it stands in are nobody's, and run out with their windows.
 */
export const trending: Processor<Viewer, undefined> = {
  name: 'trending',
  input: 'heartbeats.v1',
  relays: 'audience-moves.v1',
  // All that the log has, and the longest window.
  rebuildWindowMs: DAY_MS,
  stateVersion: 1,
  shape: VIEWER,
  upgrade: (state) => state as Viewer,
  onRecord: (viewer, event, at) => {
    if (event.type === 'AccountErased') return { state: undefined, effects: [] };
    const beat = watchedBeat(event);
    return beat === null ? step(viewer ?? NOBODY, [], at) : onBeat(viewer ?? NOBODY, beat, at);
  },
  onTimer: (viewer, at) => step(keptAt(viewer, at.liveMs), [], at),
  onControl: () => undefined,
};

const onBeat = (viewer: Viewer, beat: Heartbeat, at: Here): Step<Viewer> => {
  const { sessionId, sequence, contentId, positionMs } = beat;
  const before = viewer.sessions.find((s) => s.sessionId === sessionId);
  if (before !== undefined && isRepeat(before, beat)) return step(viewer, [], at);
  const playing = beat.state === 'playing';
  const next = withSession(viewer, { sessionId, contentId, sequence, playing, positionMs, heardLiveMs: at.liveMs });

  const said = saidBy(before, beat);
  if (said === null) return step(next, [], at);
  const from = viewer.pairs.find((p) => p.contentId === contentId)?.place ?? null;
  const to = placeOf(beat, said === 'counted', at);
  if (!moves(from, to)) return step(next, [], at);
  return step(withPair(next, { contentId, place: to, movedLiveMs: at.liveMs }), [moved(beat, from, to)], at);
};

const placeOf = ({ country, deviceType, networkKey }: Heartbeat, counted: boolean, at: Here): AudiencePlace => ({
  minute: Math.floor(at.appendedAtMs / MINUTE_MS),
  counted,
  country,
  deviceType,
  network: networkKey,
});

const moved = (beat: Heartbeat, from: AudiencePlace | null, to: AudiencePlace): Effect => {
  const { tenant, contentId, contentType } = beat;
  const record = { type: 'AudienceMoved', value: { tenant, contentId, contentType, from, to } } as const;
  return { emit: 'audience-moves.v1', key: contentKey(tenant, contentId), record };
};

const step = (viewer: Viewer, effects: readonly Effect[], at: Here): Step<Viewer> => {
  const due = dueAt(viewer);
  return Number.isFinite(due) ? { state: viewer, effects, wakeInMs: due - at.liveMs } : { state: undefined, effects };
};
