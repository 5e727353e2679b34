import { epochMs } from '../schemas/time.ts';
import type { TopicName } from '../schemas/topics.ts';
import type { Batch } from '../shared/log/log.ts';
import { foldBatch, type LoopLog, openPartition, type Partition, type Parts } from '../shared/runtime/partition.ts';
import { runSteps, type Steps } from '../shared/runtime/steps.ts';
import type { Backing } from '../shared/state/partition-state.ts';
import { createMemoryState, type MemoryState } from '../shared/state/memory-state.ts';
import { createMemoryTable } from '../shared/table/memory-table.ts';
import type { AnyProcessor } from './folds.ts';
import { START_MS } from './lives.ts';

/** The loop of the service, each step answered at once: what it costs without a log, a disk or a promise. */
export type MemoryLoop = {
  readonly memory: MemoryState;
  fold(batch: Batch): void;
};

const NOTHING: Backing = { checkpoint: () => null, row: () => undefined, dueBetween: () => [] };

export const memoryLoop = (partitions: number, processor: AnyProcessor, send?: LoopLog['send']): MemoryLoop => {
  let owners = 0;
  const memory = createMemoryState({ backingOf: () => NOTHING, nonce: () => `owner-${(owners += 1)}` });
  const table = createMemoryTable(() => epochMs(START_MS));
  return {
    memory,
    fold: foldInto({ processor, store: memory, table, ...(send === undefined ? {} : { send }) }, partitions),
  };
};

/** A processor, and where its state goes, its rows, and what it sends, if anywhere. */
type Place = Pick<Parts<unknown, unknown>, 'processor' | 'store' | 'table'> & { readonly send?: LoopLog['send'] };

const partsOf = ({ send = () => {}, ...place }: Place, partitions: number): Parts<unknown, unknown> => ({
  ...place,
  partitions,
  parks: true,
  keptRows: Math.ceil(131_072 / partitions),
  onEvent: () => {},
  log: {
    send,
    bounds: () => ({ first: 0, end: Number.MAX_SAFE_INTEGER }),
    rebuildFrom: () => 0,
    commitGroup: () => {},
  },
});

const foldedTo = (next: number, { to }: Batch): void => {
  if (next !== to) throw new Error(`folded to ${next} and not to ${to}`);
};

/** Batches have to be given in order, from the first of each partition on. */
export const foldInto = (place: Place, partitions: number): ((batch: Batch) => void) => {
  const parts = partsOf(place, partitions);
  const opened = new Map<number, Partition>();
  return (batch) => {
    let partition = opened.get(batch.partition);
    if (partition === undefined) {
      partition = answered(openPartition(parts, batch.partition, null));
      opened.set(batch.partition, partition);
    }
    foldedTo(answered(foldBatch(parts, partition, batch)), batch);
  };
};

/** The same into a store that answers later. One batch at a time. */
export const foldLater = (place: Place, partitions: number): ((batch: Batch) => Promise<void>) => {
  const parts = partsOf(place, partitions);
  const ours = (): boolean => true;
  const opened = new Map<number, Partition>();
  return async (batch) => {
    const partition =
      opened.get(batch.partition) ?? (await runSteps(openPartition(parts, batch.partition, null), ours));
    opened.set(batch.partition, partition);
    foldedTo(await runSteps(foldBatch(parts, partition, batch), ours), batch);
  };
};

const answered = <T>(steps: Steps<T>): T => {
  let next = steps.next();
  while (!next.done) next = steps.next(next.value.run());
  return next.value;
};

export const BATCH_RECORDS = 1_000;

/** Records that follow each other, in batches as a log delivers them. */
export const batchesOf = (
  partition: number,
  records: Batch['records'],
  topic: TopicName = 'heartbeats.v1',
): readonly Batch[] => {
  const batches: Batch[] = [];
  for (let i = 0; i < records.length; i += BATCH_RECORDS)
    batches.push(batchOf(topic, partition, records.slice(i, i + BATCH_RECORDS)));
  return batches;
};

export const countOf = (batches: readonly Batch[]): number =>
  batches.reduce((sum, { records }) => sum + records.length, 0);

/** At least one of them. */
export const batchOf = (topic: TopicName, partition: number, records: Batch['records']): Batch => {
  const from = records[0]!.offset;
  const to = from + records.length;
  return { topic, partition, from, to, records, end: to };
};
