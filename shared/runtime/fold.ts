import type { LogEvent } from '../../schemas/events.ts';
import type { Trace } from '../../schemas/generated/records.ts';
import { TOMBSTONE_MS } from '../../schemas/tables.ts';
import { type EpochMs, epochMs, liveMs, type LiveMs } from '../../schemas/time.ts';
import { orderOf, positionOf } from '../log/position.ts';
import type { Due, Loaded, Row } from '../state/state.ts';
import { type Erasure, nameOf, type TableKey, type TableRow } from '../table/table.ts';
import { type At, type Emit, type Processor, readState, stateIn, type Step } from './processor.ts';

export type Readable = {
  readonly offset: number;
  readonly key: string | null;
  readonly appendedAtMs: EpochMs;
  readonly event: LogEvent;
};

/** `needed`: the row that was asked for, which the table may lack. */
export type Stored = { readonly needed: TableKey; readonly row: TableRow | undefined };

export type FoldRequest<State, Control> = {
  readonly processor: Processor<State, Control>;
  readonly partition: number;
  readonly records: readonly Readable[];
  /** Live time at each record. */
  readonly lives: readonly LiveMs[];
  readonly loaded: Pick<Loaded, 'rows' | 'due'>;
  /** Rows that did not have to be loaded. */
  readonly kept: ReadonlyMap<string, Row>;
  /** What the durable table has of the row that a record needs, by the record's offset. */
  readonly stored?: ReadonlyMap<number, Stored>;
  readonly control: Control | undefined;
};

export type Folded<Control> = {
  /** Only what changed; null forgets the key. */
  readonly rows: ReadonlyMap<string, Row | null>;
  /** Of these, the keys that were not due before, or not as soon. */
  readonly sooner: ReadonlySet<string>;
  /** In the order in which they were caused; `index` counts those of one offset. */
  readonly effects: readonly { readonly effect: Emit; readonly offset: number; readonly index: number }[];
  /** In the order in which they were caused: a row that is put before an erasure leaves a tombstone. */
  readonly writes: readonly TableWrite[];
  readonly control: Control | undefined;
  readonly ticksOnly: boolean;
};

/** What one record does to the table. */
export type TableWrite = ({ readonly row: TableRow } | { readonly erasure: Erasure }) & { readonly offset: number };

/**
 * Folds records in log order. Before each record, the timers that live time has reached fire in (due, key) order. The
 * result follows from the rows and the records alone: cut into other batches, the same records give the same.
 */
export const foldRecords = <State, Control>(request: FoldRequest<State, Control>): Folded<Control> => {
  const { processor, partition, records, lives, loaded, kept, stored } = request;
  const rows = new Map<string, Row | null>();
  const sooner = new Set<string>();
  const effects: { effect: Emit; offset: number; index: number }[] = [];
  const writes: TableWrite[] = [];
  const written = rowsWritten();
  const timers = timerQueue(loaded.due);
  const lastLive = lives.at(-1) ?? liveMs(0);
  let control = request.control;
  let ticksOnly = true;
  let effectOffset = -1;
  let effectIndex = 0;

  const current = (key: string): Row | undefined => {
    const changed = rows.get(key);
    return changed === undefined ? (kept.get(key) ?? loaded.rows.get(key)) : (changed ?? undefined);
  };
  const apply = (before: Row | undefined, result: Step<State>, at: At<Control>, trace?: Trace): void => {
    const { key, position, appendedAtMs } = at;
    const { offset } = position;
    for (const effect of result.effects) {
      if ('put' in effect) {
        const row = { ...effect.put, source: orderOf(position) };
        writes.push({ row, offset });
        written.put(row);
        continue;
      }
      if ('erase' in effect) {
        const untilMs = epochMs(appendedAtMs + TOMBSTONE_MS);
        const erasure = { table: effect.erase, key, source: orderOf(position), untilMs };
        writes.push({ erasure, offset });
        written.erase(erasure);
        continue;
      }
      effectIndex = offset === effectOffset ? effectIndex + 1 : 0;
      effectOffset = offset;
      effects.push({ effect: trace === undefined ? effect : traced(effect, trace), offset, index: effectIndex });
    }
    if (result.state === undefined) {
      if (before !== undefined) rows.set(key, null);
      return;
    }
    const dueMs = result.wakeInMs === undefined ? null : liveMs(at.liveMs + Math.max(1, result.wakeInMs));
    if (before !== undefined && before.state === result.state && before.dueMs === dueMs) return;
    if (before?.dueMs == null || dueMs === null || dueMs < before.dueMs) sooner.add(key);
    rows.set(key, { state: result.state, version: processor.stateVersion, dueMs });
    if (dueMs !== null && dueMs <= lastLive) timers.add({ key, dueMs });
  };

  for (let i = 0; i < records.length; i++) {
    const { key, appendedAtMs, event, offset } = records[i]!;
    const live = lives[i]!;
    const position = positionOf(partition, offset);
    for (let due = timers.next(live); due !== undefined; due = timers.next(live)) {
      const row = current(due.key);
      if (row?.dueMs !== due.dueMs) continue; // moved or forgotten since
      const at: At<Control> = { key: due.key, liveMs: due.dueMs, appendedAtMs, position, control };
      apply(row, processor.onTimer(readState(processor, row), at), at);
    }
    if (event.type === 'Tick') continue;
    ticksOnly = false;
    if (key === null) {
      control = processor.onControl(control, event);
      continue;
    }
    const row = current(key);
    const state = stateIn(processor, row);
    const needed = stored?.get(offset);
    const at: At<Control> = {
      key,
      liveMs: live,
      appendedAtMs,
      position,
      control,
      stored: needed === undefined ? undefined : written.over(needed),
    };
    apply(row, processor.onRecord(state, event, at), at, traceOf(event));
  }
  return { rows, sooner, effects, writes, control, ticksOnly };
};

/** What this batch does to the rows of the table, which has none of it yet. */
const rowsWritten = () => {
  const newest = new Map<string, TableRow>();
  const erased = new Set<string>();
  const accountOf = ({ table, key }: Pick<TableKey, 'table' | 'key'>): string => nameOf({ table, key, id: '' });
  return {
    put: (row: TableRow): void => void newest.set(nameOf(row), row),
    erase: (erasure: Erasure): void => {
      const account = accountOf(erasure);
      erased.add(account);
      for (const name of newest.keys()) if (name.startsWith(account)) newest.delete(name);
    },
    over: ({ needed, row }: Stored): TableRow | undefined =>
      newest.get(nameOf(needed)) ?? (erased.has(accountOf(needed)) ? undefined : row),
  };
};

const traceOf = ({ type, value }: LogEvent): Trace | undefined => {
  if (type === 'SessionStarted') return value.beat.trace;
  return type === 'Heartbeat' || type === 'SessionStopRequested' ? value.trace : undefined;
};

/** A decision goes on with the trace of what it was decided for; a timer that fires then does not. */
const traced = (effect: Emit, trace: Trace): Emit => {
  const { record } = effect;
  return record?.type !== 'StreamDecided'
    ? effect
    : { ...effect, record: { ...record, value: { ...record.value, trace } } };
};

const compare = (a: Due, b: Due): number => a.dueMs - b.dueMs || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** The timers that can fire within this batch: few, so a sorted list does. */
const timerQueue = (due: readonly Due[]): { add(timer: Due): void; next(untilMs: LiveMs): Due | undefined } => {
  const queue = [...due];
  let first = 0;
  return {
    add: (timer) => {
      let low = first;
      let high = queue.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (compare(queue[middle]!, timer) <= 0) low = middle + 1;
        else high = middle;
      }
      queue.splice(low, 0, timer);
    },
    next: (untilMs) => {
      const timer = queue[first];
      if (timer === undefined || timer.dueMs > untilMs) return undefined;
      first += 1;
      return timer;
    },
  };
};
