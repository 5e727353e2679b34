import type { LogEvent } from '../../schemas/events.ts';
import { type EpochMs, epochMs } from '../../schemas/time.ts';
import type { LogRecord } from '../../shared/log/log.ts';
import type { Engine } from './engine.ts';

/** One partition of the log: durable once appended, stamped with a clock that may be set back. */
export type SimLog = {
  append(key: string | null, event: LogEvent): Appended;
  /** The same of a record that has its bytes and its time. */
  take(record: Omit<SimRecord, 'offset'>): Appended;
  /** By offset, those that retention has taken too. */
  readonly records: readonly SimRecord[];
  end(): number;
  first(): number;
  /** Retention takes what was appended before this time. */
  trim(beforeMs: number): void;
  /** The first held record appended at or after this time. */
  offsetAt(atMs: number): number;
  clock(): EpochMs;
  setClockBack(ms: number): void;
  /** A record has an earlier append time than the one before it. */
  wentBack(): boolean;
};

export type SimRecord = LogRecord & { readonly event: LogEvent };
export type Appended = { readonly offset: number; readonly appendedAtMs: EpochMs };

const EPOCH_MS = 1_800_000_000_000;

export const createSimLog = (engine: Engine, now: () => number): SimLog => {
  const records: SimRecord[] = [];
  let first = 0;
  let behindMs = 0;
  let back = false;
  const clock = (): EpochMs => epochMs(EPOCH_MS + now() - behindMs);
  const take: SimLog['take'] = ({ key, event, value, appendedAtMs }) => {
    const record = { key, event, value, offset: records.length, appendedAtMs };
    back ||= appendedAtMs < (records.at(-1)?.appendedAtMs ?? 0);
    records.push(record);
    return record;
  };
  return {
    append: (key, event) => take({ key, event, value: engine.encodeEvent(event), appendedAtMs: clock() }),
    take,
    records,
    end: () => records.length,
    first: () => first,
    trim: (beforeMs) => {
      while (first < records.length && records[first]!.appendedAtMs < beforeMs) first += 1;
    },
    offsetAt: (atMs) => {
      let at = first;
      while (at < records.length && records[at]!.appendedAtMs < atMs) at += 1;
      return at;
    },
    clock,
    wentBack: () => back,
    setClockBack: (ms) => {
      behindMs = ms;
    },
  };
};
