import { encode } from '../../schemas/codec.ts';
import { SECOND_MS } from '../../schemas/time.ts';
import type { TopicName } from '../../schemas/topics.ts';
import type { Log, NewRecord } from '../../shared/log/log.ts';
import type { AccountReader, Seen } from '../concurrency/view.ts';

/**
 * The queue between HTTP and the log: one lane per partition, two appends in flight per lane (one on its way to the
 * disk, one being made durable), and what comes meanwhile goes into the next. So a slow log makes groups larger, and what
 * has been answered 503 while it waited is never sent.
 */
export type Lanes = {
  /** Takes a record; it will be told `stored` or `refused`, once. */
  submit(partition: number, item: Item): void;
  /** Looks after deadlines and quiet partitions; to be called about every 50 ms. */
  turn(): void;
  queued(): number;
  /** Refuses what comes from now on, and resolves when nothing is in flight or waiting. */
  drain(): Promise<void>;
};

/** `seen` is the account as it stood before this record was appended; null when it could not be read in time. */
export type Item = {
  readonly key: string;
  encode(seen: Seen | null): Uint8Array;
  stored(at: Stored): void;
  refused(why: Refusal): void;
};

export type Stored = { readonly partition: number; readonly offset: number; readonly seen: Seen | null };
export type Refusal = 'LOG_UNAVAILABLE' | 'OVERLOADED' | 'SHUTTING_DOWN';

export type LanesOptions = {
  readonly topic: TopicName;
  readonly partitions: number;
  readonly log: Pick<Log, 'append'>;
  readonly read: AccountReader;
  /** The name of this node in its ticks. */
  readonly source: string;
  readonly maxQueued: number;
  /** How long a record waits for the log before it is refused. */
  readonly timeoutMs: number;
  readonly clock: () => number;
  /** Runs something at the end of this turn of the event loop. */
  readonly defer: (run: () => void) => void;
  /** Resolves with the promise's value, or null when it takes longer. */
  readonly within: <T>(ms: number, promise: Promise<T>) => Promise<T | null>;
  readonly onAppended: (records: number, tookMs: number) => void;
  readonly onLogError: (partition: number, error: unknown) => void;
};

/** While one group is made durable the next one is handed over; a third would only wait behind it. */
const MAX_IN_FLIGHT = 2;
/** More records than this make one append no cheaper. */
const MAX_GROUP = 2_000;
/** Reading accounts may cost a beat this much; after it the beat goes without a stamp and its reply without a decision. */
const READ_MS = 50;
/** A partition that has been quiet for this long gets a tick. */
const QUIET_MS = SECOND_MS;

/** Turns come every 50 ms; one that comes this late says that the event loop stood still, not the log. */
const STALL_MS = 120;

type Waiting = { readonly item: Item; readonly deadlineMs: number; settled: boolean };
type Group = { readonly waiting: readonly Waiting[]; readonly sinceMs: number };
type Lane = {
  readonly partition: number;
  waiting: Waiting[];
  /** Oldest first. */
  inFlight: readonly Group[];
  /** A group is being made ready: the next may not overtake it. */
  preparing: boolean;
  scheduled: boolean;
  lastAppendMs: number;
  lastTickMs: number;
  /** Beats were refused since the last tick: the next one says so. */
  refused: boolean;
};

export const createLanes = (options: LanesOptions): Lanes => {
  const { clock, defer, log, timeoutMs } = options;
  const lanes: Lane[] = Array.from({ length: options.partitions }, (_, partition) => ({
    partition,
    waiting: [],
    inFlight: [],
    preparing: false,
    scheduled: false,
    lastAppendMs: clock(),
    lastTickMs: 0,
    refused: false,
  }));
  let queued = 0;
  let lastTurnMs = clock();
  let forgaveStall = false;
  let closed = false;
  let onIdle: (() => void) | null = null;

  const refuse = (lane: Lane, item: Item, why: Refusal): void => {
    lane.refused = true;
    item.refused(why);
  };
  const settleRefused = (lane: Lane, waiting: Waiting, why: Refusal): void => {
    if (waiting.settled) return;
    waiting.settled = true;
    queued -= 1;
    refuse(lane, waiting.item, why);
  };
  const isStuck = ({ inFlight: [oldest] }: Lane, nowMs: number): boolean =>
    oldest !== undefined && nowMs - oldest.sinceMs >= timeoutMs;

  const isFull = (lane: Lane): boolean => lane.preparing || lane.inFlight.length >= MAX_IN_FLIGHT;
  const schedule = (lane: Lane): void => {
    if (lane.scheduled || isFull(lane)) return;
    lane.scheduled = true;
    defer(() => {
      lane.scheduled = false;
      if (!isFull(lane)) void flush(lane);
    });
  };

  /** A tick goes first where beats were refused: the span before it was not the players' silence. */
  const tickFor = (lane: Lane, nowMs: number): { readonly record: NewRecord; readonly shedding: boolean } | null => {
    const quiet = lane.waiting.length === 0 && nowMs - lane.lastAppendMs >= QUIET_MS;
    const owed = lane.refused && nowMs - lane.lastTickMs >= QUIET_MS;
    if (!quiet && !owed) return null;
    const shedding = lane.refused;
    lane.refused = false;
    lane.lastTickMs = nowMs;
    const tick = { source: options.source, shedding, receivedAtMs: nowMs };
    return { shedding, record: { key: null, value: encode('Tick', tick) } };
  };

  const flush = async (lane: Lane): Promise<void> => {
    const startedMs = clock();
    const tick = tickFor(lane, startedMs);
    const group = lane.waiting.length <= MAX_GROUP ? lane.waiting : lane.waiting.slice(0, MAX_GROUP);
    lane.waiting = lane.waiting.length <= MAX_GROUP ? [] : lane.waiting.slice(MAX_GROUP);
    if (tick === null && group.length === 0) return idle();
    const own: Group = { waiting: group, sinceMs: startedMs };
    lane.inFlight = [...lane.inFlight, own];
    lane.preparing = true;
    try {
      const read = group.length === 0 ? [] : options.read(lane.partition, group.map(keyOf));
      const seen = read instanceof Promise ? ((await options.within(READ_MS, read)) ?? []) : read;
      const records: NewRecord[] = tick === null ? [] : [tick.record];
      for (let i = 0; i < group.length; i++) {
        const { item } = group[i]!;
        records.push({ key: item.key, value: item.encode(seen[i] ?? null) });
      }
      const appending = log.append(options.topic, lane.partition, records);
      lane.preparing = false;
      if (lane.waiting.length > 0) schedule(lane);
      const { baseOffset } = await appending;
      lane.lastAppendMs = clock();
      options.onAppended(records.length, lane.lastAppendMs - startedMs);
      const first = baseOffset + records.length - group.length;
      for (let i = 0; i < group.length; i++) {
        const waiting = group[i]!;
        if (waiting.settled) continue;
        waiting.settled = true;
        queued -= 1;
        waiting.item.stored({ partition: lane.partition, offset: first + i, seen: seen[i] ?? null });
      }
    } catch (error) {
      if (tick?.shedding === true) lane.refused = true;
      // The next attempt is the next record's or tick's: a full disk is not asked in a tight loop.
      lane.lastAppendMs = clock();
      for (const waiting of group) settleRefused(lane, waiting, 'LOG_UNAVAILABLE');
      options.onLogError(lane.partition, error);
    }
    lane.preparing = false;
    lane.inFlight = lane.inFlight.filter((other) => other !== own);
    if (lane.waiting.length > 0) schedule(lane);
    else idle();
  };

  const idle = (): void => {
    if (onIdle !== null && lanes.every((lane) => lane.inFlight.length === 0 && lane.waiting.length === 0)) onIdle();
  };

  return {
    submit: (partition, item) => {
      const lane = lanes[partition]!;
      const nowMs = clock();
      if (closed) return refuse(lane, item, 'SHUTTING_DOWN');
      if (queued >= options.maxQueued) return refuse(lane, item, 'OVERLOADED');
      if (isStuck(lane, nowMs)) return refuse(lane, item, 'LOG_UNAVAILABLE');
      queued += 1;
      lane.waiting.push({ item, deadlineMs: nowMs + timeoutMs, settled: false });
      schedule(lane);
    },
    turn: () => {
      const nowMs = clock();
      // After a stall of this process the log's answer may lie in the queue behind this very call: look once more.
      const stalled = nowMs - lastTurnMs > STALL_MS && !forgaveStall;
      lastTurnMs = nowMs;
      forgaveStall = stalled;
      if (stalled) return;
      for (const lane of lanes) {
        if (isStuck(lane, nowMs)) {
          // Sent, and no answer: it may be stored. The player sends it again, and the repeat changes nothing.
          for (const group of lane.inFlight) {
            for (const waiting of group.waiting) settleRefused(lane, waiting, 'LOG_UNAVAILABLE');
          }
        }
        if (lane.waiting.some((w) => w.deadlineMs <= nowMs)) {
          for (const w of lane.waiting) if (w.deadlineMs <= nowMs) settleRefused(lane, w, 'LOG_UNAVAILABLE');
          lane.waiting = lane.waiting.filter((w) => !w.settled);
        }
        const tickDue = nowMs - lane.lastAppendMs >= QUIET_MS || (lane.refused && nowMs - lane.lastTickMs >= QUIET_MS);
        if (tickDue && !closed) schedule(lane);
      }
    },
    queued: () => queued,
    drain: () => {
      closed = true;
      return new Promise((resolve) => {
        onIdle = resolve;
        for (const lane of lanes) if (lane.waiting.length > 0) schedule(lane);
        idle();
      });
    },
  };
};

const keyOf = ({ item }: Waiting): string => item.key;
