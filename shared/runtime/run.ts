import { type EpochMs, epochMs } from '../../schemas/time.ts';
import type { Batch, Consumption, Log } from '../log/log.ts';
import type { StateStore } from '../state/state.ts';
import type { Table } from '../table/table.ts';
import {
  Fenced,
  foldBatch,
  type LoopEvent,
  nextOffset,
  openPartition,
  type Partition,
  type Parts,
  reopen,
  replay,
} from './partition.ts';
import type { Processor } from './processor.ts';
import { PartitionPaused } from './reading.ts';
import { Revoked, runSteps } from './steps.ts';

export type RunOptions<State, Control> = {
  readonly processor: Processor<State, Control>;
  readonly log: Log;
  readonly store: StateStore;
  readonly table?: Table;
  /** Whether this processor sets aside what nobody can read; of those that fold a topic one does. */
  readonly parks: boolean;
  readonly partitions: number;
  readonly clock: () => EpochMs;
  /** Waits before a batch is tried again. */
  readonly pause: (ms: number) => Promise<void>;
  readonly onEvent: (event: LoopEvent | FailedEvent | RetryEvent | TakenEvent) => void;
};

/** The partition has stopped for good in this process: paused at a record, or its log broke. */
export type FailedEvent = { readonly kind: 'failed'; readonly partition: number; readonly error: unknown };

/** The group gave this process the partition. */
export type TakenEvent = { readonly kind: 'taken'; readonly partition: number };

/** The log or the store could not be had, or another owner was there; the batch is tried again from what the store holds. */
export type RetryEvent = { readonly kind: 'retry'; readonly partition: number; readonly error: unknown };

export type RunningProcessor = {
  status(): readonly PartitionStatus[];
  /**
   * With the next batch of each partition that is owned here, its state is forgotten and made again from the log, as after its
   * loss. Answers those: not the ones that have failed, and one that is being made again is left to it.
   */
  replay(only: number | null): readonly Replayed[];
  close(): Promise<void>;
};

export type PartitionStatus = {
  readonly partition: number;
  readonly state: 'running' | 'warming' | 'failed';
  /** Next offset to fold, and the end of the log when the newest batch was read. */
  readonly offset: number;
  readonly end: number;
  readonly appendedAtMs: EpochMs | null;
  /** 0 to 1 while warming, else 1. */
  readonly progress: number;
  readonly error: string | null;
};

export type Replayed = { readonly partition: number; readonly replay: 'begins' | 'runs' };

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/**
 * Whoever is fenced has most often lost the partition and hears of it with its next heartbeat to the group. Where it has not,
 * the other one was late: it opened when it owned the partition no more, and now it is this one's turn again.
 */
const FENCED_RETRY_MS = 1_000;

/** Rows kept by a process that owns all partitions: about 130 MiB where the store is elsewhere. */
const KEPT_ROWS = 131_072;

type Held = { readonly partition: Partition; end: number; error: unknown; replay: boolean };

/** Runs one processor over the partitions that its consumer group gives it. */
export const runProcessor = async <State, Control>(options: RunOptions<State, Control>): Promise<RunningProcessor> => {
  const { processor, log, store, clock, onEvent } = options;
  const held = new Map<number, Held>();
  /** Which assignment of a partition is the newest. */
  const turns = new Map<number, object>();
  let consumption: Consumption | null = null;

  const parts: Parts<State, Control> = {
    processor,
    store,
    ...(options.table === undefined ? {} : { table: options.table }),
    parks: options.parks,
    partitions: options.partitions,
    keptRows: Math.ceil(KEPT_ROWS / options.partitions),
    onEvent,
    log: {
      send: (topic, partition, records) => log.append(topic, partition, records),
      bounds: (topic, partition) => log.bounds(topic, partition),
      rebuildFrom: (topic, partition) => log.offsetAt(topic, partition, epochMs(clock() - processor.rebuildWindowMs)),
      commitGroup: (partition, offset) => consumption?.commit(partition, offset),
    },
  };

  /** Until it succeeds, the partition is another's, or trying again does not help. */
  const patiently = async <T>(
    partition: number,
    ours: () => boolean,
    work: (ours: () => boolean, again: boolean) => Promise<T>,
  ): Promise<T> => {
    for (let waitMs = FIRST_RETRY_MS, again = false; ; again = true) {
      try {
        return await work(ours, again);
      } catch (error) {
        if (error instanceof PartitionPaused || error instanceof Revoked || !ours()) throw error;
        onEvent({ kind: 'retry', partition, error });
        if (error instanceof Fenced) waitMs = Math.max(waitMs, FENCED_RETRY_MS);
        await options.pause(waitMs);
        waitMs = Math.min(2 * waitMs, LAST_RETRY_MS);
      }
    }
  };

  const running = await log.consume({
    group: processor.name,
    topic: processor.input,
    assigned: async (number, groupOffset) => {
      const turn = {};
      turns.set(number, turn);
      return patiently(
        number,
        () => turns.get(number) === turn,
        async (ours) => {
          const partition = await runSteps(openPartition(parts, number, groupOffset), ours);
          const { end } = await log.bounds(processor.input, number);
          if (!ours()) throw new Revoked('the partition was revoked');
          held.set(number, { partition, end, error: null, replay: false });
          onEvent({ kind: 'taken', partition: number });
          return nextOffset(partition);
        },
      );
    },
    batch: async (batch: Batch) => {
      const own = held.get(batch.partition);
      if (own === undefined) return batch.from;
      own.end = batch.end;
      // After a revocation nothing more leaves the loop: the next owner has the partition.
      return patiently(
        batch.partition,
        () => held.get(batch.partition) === own,
        async (ours, again) => {
          if (!own.replay)
            return runSteps(again ? reopen(parts, own.partition) : foldBatch(parts, own.partition, batch), ours);
          const from = await runSteps(replay(parts, own.partition, { to: batch.end, lost: false }), ours);
          own.replay = false;
          return from;
        },
      );
    },
    revoked: async (number) => {
      turns.delete(number);
      held.delete(number);
    },
    failed: (number, error) => {
      const own = held.get(number);
      if (own !== undefined) own.error = error;
      onEvent({ kind: 'failed', partition: number, error });
    },
  });
  consumption = running;

  return {
    status: () => [...held.values()].map(status),
    replay: (only) =>
      [...held.values()]
        .filter(({ partition, error }) => error === null && (only === null || partition.number === only))
        .map((own) => {
          if (status(own).state === 'warming') return { partition: own.partition.number, replay: 'runs' };
          own.replay = true;
          return { partition: own.partition.number, replay: 'begins' };
        }),
    close: async () => {
      await running.close();
      held.clear();
    },
  };
};

const status = ({ partition, end, error }: Held): PartitionStatus => {
  const offset = nextOffset(partition);
  // Where there was nothing to make again it has run from the start, though no record has said so yet.
  const rebuild = partition.rebuild !== null && offset < partition.rebuild.to ? partition.rebuild : null;
  return {
    partition: partition.number,
    state: error !== null ? 'failed' : rebuild !== null ? 'warming' : 'running',
    offset,
    end: Math.max(end, offset),
    appendedAtMs: partition.folded?.clock.appendedAtMs ?? null,
    progress: rebuild === null ? 1 : (offset - rebuild.from) / Math.max(1, rebuild.to - rebuild.from),
    error: error === null ? null : error instanceof Error ? error.message : String(error),
  };
};
