import type { ViewEnded } from '../../schemas/generated/records.ts';
import type { Household } from '../../services/view-end/household.ts';
import type { Engine } from './engine.ts';
import type { OracleParts } from './oracle.ts';
import { createOracleClock } from './oracle-clock.ts';
import type { Fold } from './follower.ts';
import type { SimRecord } from './sim-log.ts';
import type { FoldedOne } from './uninterrupted.ts';
import { type Invariant, Violation } from './violation.ts';

/** What the oracle knows of one session by the records of the log alone, and of its view by the outputs. */
type Known = Heard & {
  readonly sequences: Set<number>;
  /** As it was before the newest beat. */
  before: Heard;
  sequence: number;
  touchedMs: number;
  /** By its player's word, or somebody's call. */
  done: boolean;
  newest: ViewEnded | null;
  wasFinal: boolean;
};

type Heard = { heardMs: number; beats: number; lowest: number };

const NOTHING: Heard = { heardMs: Number.NEGATIVE_INFINITY, beats: 0, lowest: Number.POSITIVE_INFINITY };
const unheard = (): Known => ({
  ...NOTHING,
  sequences: new Set(),
  before: NOTHING,
  sequence: -1,
  touchedMs: 0,
  done: false,
  newest: null,
  wasFinal: false,
});

const SILENT_MS = 35_000;
const FINAL_AFTER_MS = 600_000;
const LATE_MS = 22_000;
/** Of a timer: the record at which live time is seen to have reached it. */
const STEP_MS = 5_000;
/** More views than the state of an account has: beyond it one may have to be final early. */
const KEPT = 64;
/** By then a view is final, has left the state, and more. */
const KEPT_MS = 1_500_000;
/** With a higher number the beginning of a session was not heard. */
const LAST_FIRST = 3;
const OVER = ['ended', 'stopped', 'failed'];

export const viewsFold = (engine: Engine, wasSteady: OracleParts['wasSteady']): Fold => {
  const clock = createOracleClock();
  const sessions = new Map<string, Known>();
  const seen = new Map<string, string>();
  let live = 0;
  let offset = 0;

  const fail = (invariant: Invariant, detail: string): never => {
    throw new Violation(invariant, `offset ${offset}, live ${live}: ${detail}`);
  };

  /** Answers whose beat it was. */
  const heard = ({ event }: SimRecord): Known | undefined => {
    if (event.type === 'SessionStopRequested') {
      const s = sessions.get(event.value.sessionId);
      if (s !== undefined && event.value.by !== 'undecided') s.done = true;
      return undefined;
    }
    const beat = event.type === 'Heartbeat' ? event.value : event.type === 'SessionStarted' ? event.value.beat : null;
    if (beat === null || beat.tracking !== 'full') return undefined;
    const s = sessions.get(beat.sessionId) ?? unheard();
    sessions.set(beat.sessionId, s);
    s.before = { heardMs: s.heardMs, beats: s.beats, lowest: s.lowest };
    s.beats = s.sequences.add(beat.sequence).size;
    s.lowest = Math.min(s.lowest, beat.sequence);
    s.touchedMs = live;
    if (beat.sequence <= s.sequence) return s;
    const ageMs = Math.max(0, beat.receivedAtMs - beat.occurredAtMs);
    s.sequence = beat.sequence;
    s.heardMs = Math.max(s.heardMs, live - ageMs);
    s.done = OVER.includes(beat.state) || (s.done && ageMs > LATE_MS);
    return s;
  };

  const isFull = (): boolean => {
    let kept = 0;
    for (const { touchedMs } of sessions.values()) if (touchedMs > live - KEPT_MS) kept += 1;
    return kept > KEPT;
  };

  /** What a timer says stands before the record that let it fire. */
  const revised = (view: ViewEnded, speaker: Known | undefined): void => {
    const { sessionId, status, revision, corrected, partial } = view;
    const what = `${sessionId} ${status} ${revision}`;
    const s = sessions.get(sessionId);
    if (s === undefined) return fail('T7 views', `${what}, and nobody has heard of it`);
    const once = `${view.viewId} ${revision}`;
    if (seen.has(once)) fail('T7 once', `${what} is said twice: by ${seen.get(once)} and by ${view.id}`);
    seen.set(once, view.id);
    if (s.newest !== null && s.newest.revision >= revision) fail('T7 once', `${what} after ${s.newest.revision}`);
    if (corrected !== s.wasFinal) {
      fail('T7 once', `${what} is ${corrected ? '' : 'not '}corrected, and was ${s.wasFinal ? '' : 'not '}final`);
    }
    const before = s === speaker ? s.before : s;
    const isWhole = ({ beats, lowest }: Heard): boolean =>
      view.beatsReceived === beats && partial === lowest > LAST_FIRST;
    if (!isWhole(s) && !isWhole(before)) {
      fail(
        'T7 whole',
        `${what} has ${view.beatsReceived} of ${s.beats} beats from ${s.lowest} on, partial: ${partial}`,
      );
    }
    if (status !== 'open' && !s.done && !(status === 'final' && s.wasFinal)) {
      const silentMs = live - before.heardMs;
      const least = status === 'final' && !isFull() ? SILENT_MS + FINAL_AFTER_MS : SILENT_MS;
      if (silentMs < least) fail('T7 live', `${what}, ${silentMs} ms after its newest beat`);
      if (wasSteady(sessionId, offset)) fail('T7 live', `${what}, and its player had never stopped`);
    }
    s.newest = view;
    s.wasFinal ||= status === 'final';
  };

  const judged = ({ record, outputs }: FoldedOne): void => {
    offset = record.offset;
    live = clock.step(record.appendedAtMs, record.event);
    const speaker = heard(record);
    for (const output of outputs) if (output.type === 'ViewEnded') revised(output.value, speaker);
  };

  return {
    processor: engine.viewEnd,
    countsAgain: [],
    rebuildsFromTable: false,
    // A final view that nothing more came to is its row, wherever it stands; how long it has been one tells only when it leaves.
    essence: ([row]) =>
      ((row?.state as Household | undefined)?.viewings ?? [])
        .filter(({ status, changed }) => status !== 'final' || changed)
        .map((v) => ({ ...v, finalLiveMs: null }))
        .sort((a, b) => (a.sessionId < b.sessionId ? -1 : 1)),
    judged,
    ended: () => {
      for (const [id, s] of sessions) {
        const overMs = Math.max(s.heardMs + SILENT_MS + (s.done ? 0 : FINAL_AFTER_MS), s.touchedMs + SILENT_MS);
        if (live < overMs + 2 * STEP_MS || s.newest?.status === 'final') continue;
        fail('T7 views', `${id} was heard last at ${s.heardMs}, and its view is ${s.newest?.status ?? 'not there'}`);
      }
    },
  };
};
