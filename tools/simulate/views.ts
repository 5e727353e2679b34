import type { ViewEnded } from '../../schemas/generated/records.ts';
import type { Engine } from './engine.ts';
import type { OracleParts } from './oracle.ts';
import { createOracleClock } from './oracle-clock.ts';
import type { Fold } from './remembered.ts';
import type { SimRecord } from './sim-log.ts';
import type { FoldedOne } from './uninterrupted.ts';
import { type Invariant, Violation } from './violation.ts';

/** What the oracle knows of one session by the records of the log alone, and of its view by the outputs. */
type Known = {
  sequence: number;
  heardMs: number;
  /** The same before the record at hand. */
  heardBeforeMs: number;
  touchedMs: number;
  /** By its player's word, or somebody's call. */
  done: boolean;
  newest: ViewEnded | null;
  /** The whole view has been final. */
  wasFinal: boolean;
};

const UNHEARD: Known = {
  sequence: -1,
  heardMs: Number.NEGATIVE_INFINITY,
  heardBeforeMs: Number.NEGATIVE_INFINITY,
  touchedMs: 0,
  done: false,
  newest: null,
  wasFinal: false,
};

const SILENT_MS = 35_000;
const FINAL_AFTER_MS = 600_000;
const LATE_MS = 22_000;
/** Of a timer: the record at which live time is seen to have reached it. */
const STEP_MS = 5_000;
/** More views than an account keeps: beyond it one may have to be final early, or be forgotten. */
const KEPT = 64;
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
    const s = sessions.get(beat.sessionId) ?? { ...UNHEARD };
    sessions.set(beat.sessionId, s);
    s.touchedMs = live;
    s.heardBeforeMs = s.heardMs;
    if (beat.sequence <= s.sequence) return s;
    const ageMs = Math.max(0, beat.receivedAtMs - beat.occurredAtMs);
    s.sequence = beat.sequence;
    s.heardMs = Math.max(s.heardMs, live - ageMs);
    s.done = OVER.includes(beat.state) || (s.done && ageMs > LATE_MS);
    return s;
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
    if (!partial && corrected !== s.wasFinal) {
      fail('T7 once', `${what} is ${corrected ? '' : 'not '}corrected, and was ${s.wasFinal ? '' : 'not '}final`);
    }
    if (status !== 'open' && !s.done && !(status === 'final' && s.wasFinal)) {
      const silentMs = live - (s === speaker ? s.heardBeforeMs : s.heardMs);
      const least = status === 'final' && sessions.size <= KEPT ? SILENT_MS + FINAL_AFTER_MS : SILENT_MS;
      if (silentMs < least) fail('T7 live', `${what}, ${silentMs} ms after its newest beat`);
      if (wasSteady(sessionId, offset)) fail('T7 live', `${what}, and its player had never stopped`);
    }
    s.newest = view;
    s.wasFinal ||= status === 'final' && !partial;
  };

  const judged = ({ record, outputs }: FoldedOne): void => {
    offset = record.offset;
    live = clock.step(record.appendedAtMs, record.event.type === 'Tick' && record.event.value.shedding);
    const speaker = heard(record);
    for (const output of outputs) if (output.type === 'ViewEnded') revised(output.value, speaker);
  };

  return {
    processor: engine.viewEnd,
    countsAgain: [],
    rebuildsFromTable: false,
    essence: (row) => row,
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
