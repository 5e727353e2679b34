import { decode, nameIn, UnreadableRecord } from '../../schemas/codec.ts';
import type { DecisionOutput, LogEvent } from '../../schemas/events.ts';
import type { LiveMs } from '../../schemas/time.ts';
import type { LogRecord } from '../../shared/log/log.ts';
import { formatPosition, positionOf } from '../../shared/log/position.ts';
import { foldRecords } from '../../shared/runtime/fold.ts';
import { letsTimePass, liveClock } from '../../shared/runtime/live-time.ts';
import { stateIn } from '../../shared/runtime/processor.ts';
import type { Row } from '../../shared/state/state.ts';
import { type Control, holdsSlot } from './account.ts';
import { concurrency } from './concurrency.ts';
import { statusOf } from './view.ts';

/**
 * One account folded again, by the fold that decided: fed with all records of its partition from some point on, in order. Others'
 * records are passed over undecoded, but for the time that they let pass.
 */
export type AccountReplay = {
  take(record: LogRecord): void;
  /** What was decided so far, in order. */
  readonly decisions: readonly ReplayedDecision[];
};

export type ReplayedDecision = {
  /** Position of the record that caused it. */
  readonly cause: string;
  readonly decided: DecisionOutput['value'];
  /** Who held a slot as the cause came, oldest claim first. */
  readonly heldBy: readonly Holder[];
  /** The newest records of the account, the cause among them where it is one, oldest first. */
  readonly beats: readonly Said[];
};

export type Holder = {
  readonly sessionId: string;
  readonly deviceId: string;
  readonly deviceName?: string;
  readonly deviceType: string;
  readonly contentId: string;
  readonly status: ReturnType<typeof statusOf>;
  readonly startedAtMs: number;
  readonly lastBeatAtMs: number;
  /** Of the record by which it was heard last; null where the replay began behind it. */
  readonly position: string | null;
};

export type Said = {
  readonly position: string;
  readonly kind: 'start' | 'signal' | 'beat' | 'stop';
  readonly sessionId: string;
  readonly sequence: number | null;
  readonly state: string | null;
  readonly appendedAtMs: number;
};

/** Two minutes of one stream, or half a minute of four. */
const BEATS_SHOWN = 20;

/** Lets time pass, and nothing else. */
const PASSING: LogEvent = { type: 'Tick', value: { source: 'replay', shedding: false, receivedAtMs: 0 } };

export const accountReplay = (partition: number, key: string): AccountReplay => {
  const clock = liveClock(null);
  const decisions: ReplayedDecision[] = [];
  const said: Said[] = [];
  const heard = new Map<string, string>();
  let row: Row | undefined;
  let control: Control | undefined;

  const isDue = (live: LiveMs): boolean => row !== undefined && row.dueMs !== null && row.dueMs <= live;
  const holders = (live: LiveMs): readonly Holder[] =>
    (stateIn(concurrency, row)?.sessions ?? []).filter(holdsSlot).map((s) => ({
      sessionId: s.sessionId,
      deviceId: s.deviceId,
      ...(s.deviceName === null ? {} : { deviceName: s.deviceName }),
      deviceType: s.deviceType,
      contentId: s.contentId,
      status: statusOf(s, live),
      startedAtMs: s.startedAtMs,
      lastBeatAtMs: s.lastBeatAtMs,
      position: heard.get(s.sessionId) ?? null,
    }));

  const fold = ({ offset, appendedAtMs }: LogRecord, live: LiveMs, own: string | null, event: LogEvent): void => {
    const heldBy = holders(live);
    const due = isDue(live) && row?.dueMs != null ? [{ key, dueMs: row.dueMs }] : [];
    const folded = foldRecords({
      processor: concurrency,
      partition,
      records: [{ offset, appendedAtMs, key: own, event }],
      lives: [live],
      loaded: { rows: row === undefined ? new Map() : new Map([[key, row]]), due },
      kept: new Map(),
      control,
    });
    control = folded.control;
    const changed = folded.rows.get(key);
    if (changed !== undefined) row = changed ?? undefined;
    const cause = formatPosition(positionOf(partition, offset));
    for (const { effect } of folded.effects)
      if (effect.record?.type === 'StreamDecided')
        decisions.push({ cause, decided: effect.record.value, heldBy, beats: said.slice() });
  };

  return {
    decisions,
    take: (record) => {
      const event = record.key === null || record.key === key ? readable(record) : ofOthers(record);
      if (event === null) return;
      const live = clock.step(record.appendedAtMs, event);
      // What time brought about comes before what the record says, as in the loop.
      if (isDue(live)) fold(record, live, null, PASSING);
      if (event.type === 'Tick') return;
      const one = record.key === key ? saidBy(event, record, partition) : null;
      if (one !== null) {
        said.push(one);
        if (said.length > BEATS_SHOWN) said.shift();
      }
      fold(record, live, record.key, event);
      if (one !== null) heard.set(one.sessionId, one.position);
    },
  };
};

const ofOthers = ({ value }: LogRecord): LogEvent | null => {
  const name = nameIn(value);
  return name !== null && letsTimePass(name) ? PASSING : null;
};

/** Null for what the loop leaves out, too. */
const readable = ({ value }: LogRecord): LogEvent | null => {
  try {
    return decode(value);
  } catch (error) {
    if (error instanceof UnreadableRecord) return null;
    throw error;
  }
};

const saidBy = (event: LogEvent, { offset, appendedAtMs }: LogRecord, partition: number): Said | null => {
  const at = { position: formatPosition(positionOf(partition, offset)), appendedAtMs };
  switch (event.type) {
    case 'SessionStarted': {
      const { origin, beat } = event.value;
      const kind = origin === 'signal' ? 'signal' : 'start';
      return { ...at, kind, sessionId: beat.sessionId, sequence: beat.sequence, state: beat.state };
    }
    case 'Heartbeat': {
      const { sessionId, sequence, state } = event.value;
      return { ...at, kind: 'beat', sessionId, sequence, state };
    }
    case 'SessionStopRequested':
      return { ...at, kind: 'stop', sessionId: event.value.sessionId, sequence: null, state: null };
    default:
      return null;
  }
};
