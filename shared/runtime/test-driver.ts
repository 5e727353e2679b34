import { decodeOutput, encodeEvent } from '../../schemas/codec.ts';
import type { LogEvent } from '../../schemas/events.ts';
import type {
  AudienceCounted,
  AudienceMoved,
  RecordParked,
  StreamDecided,
  ViewEnded,
} from '../../schemas/generated/records.ts';
import { epochMs, type EpochMs, SECOND_MS } from '../../schemas/time.ts';
import type { TopicName } from '../../schemas/topics.ts';
import type { Batch, LogRecord, NewRecord } from '../log/log.ts';
import { createMapBacking, type MapBacking } from '../state/map-backing.ts';
import { createMemoryState, type MemoryState } from '../state/memory-state.ts';
import type { StateView } from '../state/state.ts';
import { createMemoryTable, type MemoryTable } from '../table/memory-table.ts';
import { foldBatch, type LoopEvent, nextOffset, openPartition, type Partition, type Parts } from './partition.ts';
import { type Processor, stateIn } from './processor.ts';
import type { Steps } from './steps.ts';

/**
 * The loop of the service over a log and a store in memory, synchronously, with time turned by hand. It folds one
 * partition. It does not simulate: a log that loses what it acknowledged, a store that answers late, other processors.
 */
export type TestDriver<State> = {
  /** Hand-turned time; appends are stamped with it. */
  now(): EpochMs;
  setNow(ms: number): void;
  /** Turns time and appends a tick each second, as ingest does on a quiet partition. */
  advance(ms: number, tick?: { readonly shedding: boolean }): void;
  append(key: string | null, event: LogEvent): number;
  appendBytes(key: string | null, value: Uint8Array | null): number;
  readonly log: readonly LogRecord[];
  /** Opens the partition as another owner would: whoever had it before is fenced. */
  open(): Worker;
  /** Folds all there is with the newest owner, opening the partition where nobody has. */
  fold(options?: FoldOptions): void;
  /** Makes what was committed durable, as the embedded store does every two seconds. */
  checkpoint(): void;
  /** The process is killed: memory is lost, the log and the last checkpoint stay. */
  crash(): void;
  /** All state is lost. */
  wipe(): void;
  /** Retention took the records before this offset. */
  trim(first: number): void;
  state(key: string): State | undefined;
  view(keys: readonly string[]): StateView;
  /** All that was sent, repeats included, in order of sending. */
  readonly sent: readonly Sent[];
  /** The decisions among it. */
  readonly outputs: readonly StreamDecided[];
  /** The same of views. */
  readonly viewEnds: readonly ViewEnded[];
  readonly moves: readonly AudienceMoved[];
  readonly counts: readonly AudienceCounted[];
  readonly parked: readonly RecordParked[];
  /** The durable table: a crash leaves it as it is, and so does the loss of all state. */
  readonly table: MemoryTable;
  readonly events: readonly LoopEvent[];
};

export type Sent = { readonly topic: TopicName } & NewRecord;

export type Worker = { readonly partition: Partition; fold(options?: FoldOptions): void };

export type FoldOptions = {
  /** Records per batch; all of them when absent. */
  readonly batch?: number;
  /** Folds up to this offset only. */
  readonly until?: number;
  /** Stops in the middle of the loop, and throws `Crashed`. */
  readonly crash?: CrashMarker;
};

/** Before the n-th step that leaves the loop (0 is the first), or after it took effect but before its answer. */
export type CrashMarker = { readonly step: number; readonly applied: boolean };

export class Crashed extends Error {}

export type DriverOptions = { readonly partition?: number; readonly startAtMs?: number };

export const testDriver = <State, Control>(
  processor: Processor<State, Control>,
  { partition = 0, startAtMs = 1_800_000_000_000 }: DriverOptions = {},
): TestDriver<State> => {
  const log: LogRecord[] = [];
  const sent: Sent[] = [];
  const outputs: StreamDecided[] = [];
  const viewEnds: ViewEnded[] = [];
  const moves: AudienceMoved[] = [];
  const counts: AudienceCounted[] = [];
  const parked: RecordParked[] = [];
  const events: LoopEvent[] = [];
  let backing = createMapBacking(processor.shape);
  let memory = newMemory(backing, 0);
  let incarnation = 0;
  let nowMs = startAtMs;
  let firstHeld = 0;
  let groupOffset: number | null = null;
  let worker: Worker | null = null;

  const table = createMemoryTable(() => epochMs(nowMs));

  const parts: Parts<State, Control> = {
    processor,
    table,
    partitions: partition + 1,
    keptRows: 100,
    parks: true,
    onEvent: (event) => events.push(event),
    store: {
      open: (request) => memory.open(request),
      load: (request) => memory.load(request),
      commit: (commit) => memory.commit(commit),
    },
    log: {
      send: (topic, _to, records) => {
        for (const { key, value } of records) {
          sent.push({ topic, key, value });
          // What has no key is told to other folds, and is no output.
          if (key === null || value === null) continue;
          const output = decodeOutput(value);
          if (output.type === 'StreamDecided') outputs.push(output.value);
          else if (output.type === 'ViewEnded') viewEnds.push(output.value);
          else if (output.type === 'AudienceMoved') moves.push(output.value);
          else if (output.type === 'AudienceCounted') counts.push(output.value);
          else parked.push(output.value);
        }
      },
      bounds: () => ({ first: firstHeld, end: log.length }),
      rebuildFrom: () => {
        const from = nowMs - processor.rebuildWindowMs;
        const found = log.findIndex((r) => r.offset >= firstHeld && r.appendedAtMs >= from);
        return found === -1 ? log.length : found;
      },
      commitGroup: (_partition, offset) => {
        groupOffset = offset;
      },
    },
  };

  const open = (): Worker => {
    const owned = runNow(openPartition(parts, partition, groupOffset), { step: 0, crash: undefined });
    worker = {
      partition: owned,
      fold: ({ batch = Number.POSITIVE_INFINITY, until = log.length, crash } = {}) => {
        const budget = { step: 0, crash };
        for (let from = nextOffset(owned); from < until; from = nextOffset(owned)) {
          const to = Math.min(until, from + batch);
          runNow(foldBatch(parts, owned, batchOf(from, to)), budget);
        }
      },
    };
    return worker;
  };

  const batchOf = (from: number, to: number): Batch => ({
    topic: processor.input,
    partition,
    from,
    to,
    records: log.slice(from, to),
    end: log.length,
  });

  const appendBytes = (key: string | null, value: Uint8Array | null): number =>
    log.push({ key, value, offset: log.length, appendedAtMs: epochMs(nowMs) }) - 1;
  const append = (key: string | null, event: LogEvent): number => appendBytes(key, encodeEvent(event));

  const view = (keys: readonly string[]): StateView => memory.read(processor.name, partition, keys);
  const restart = (): void => {
    incarnation += 1;
    memory = newMemory(backing, incarnation);
    worker = null;
  };

  return {
    now: () => epochMs(nowMs),
    setNow: (ms) => {
      nowMs = ms;
    },
    advance: (ms, { shedding } = { shedding: false }) => {
      const until = nowMs + ms;
      while (nowMs < until) {
        nowMs = Math.min(until, nowMs + SECOND_MS);
        append(null, { type: 'Tick', value: { source: 'test', shedding, receivedAtMs: nowMs } });
      }
    },
    append,
    appendBytes,
    log,
    open,
    fold: (options) => (worker ?? open()).fold(options),
    checkpoint: () => {
      for (const p of memory.partitions()) {
        const snapshot = p.snapshot();
        if (snapshot === null) continue;
        backing.store(snapshot);
        p.snapshotStored(snapshot);
      }
    },
    crash: restart,
    wipe: () => {
      backing = createMapBacking(processor.shape);
      restart();
    },
    trim: (first) => {
      firstHeld = first;
    },
    state: (key) => stateIn(processor, view([key]).rows[0]),
    view,
    sent,
    outputs,
    viewEnds,
    moves,
    counts,
    table,
    parked,
    events,
  };
};

/** Answers each step at once, or stops for good where the crash marker says so. */
const runNow = <T>(steps: Steps<T>, budget: { step: number; readonly crash: CrashMarker | undefined }): T => {
  let next = steps.next();
  while (!next.done) {
    const { crash } = budget;
    const here = crash !== undefined && budget.step === crash.step;
    budget.step += 1;
    if (here && !crash.applied) throw new Crashed(`before ${next.value.name}`);
    const answer = next.value.run();
    if (here) throw new Crashed(`after ${next.value.name}`);
    next = steps.next(answer);
  }
  return next.value;
};

const newMemory = ({ backingOf }: MapBacking, incarnation: number): MemoryState => {
  let opened = 0;
  return createMemoryState({ backingOf, nonce: () => `owner-${incarnation}-${(opened += 1)}` });
};
