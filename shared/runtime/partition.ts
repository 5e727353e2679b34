import type { EpochMs, LiveMs } from '../../schemas/time.ts';
import type { TopicName } from '../../schemas/topics.ts';
import type { Batch, Bounds, NewRecord } from '../log/log.ts';
import type { Checkpoint, CommitOutcome, Owner, PartitionClock, Row, StateStore } from '../state/state.ts';
import { foldRecords, type Folded, type FoldRequest, type Readable } from './fold.ts';
import { liveClock } from './live-time.ts';
import { outgoingRecords, tracedIn, type TracedDecision } from './outgoing.ts';
import type { Emit, Processor } from './processor.ts';
import { cut, PartitionPaused, type Read, readBatch } from './reading.ts';
import { relayOf } from './relay.ts';
import { begin, step, type Steps } from './steps.ts';
import { type LoopTable, readFromTable, writeToTable } from './table-steps.ts';

/** What the loop needs of the log; `send` and `bounds` may answer at once. */
export type LoopLog = {
  send(topic: TopicName, partition: number, records: readonly NewRecord[]): unknown;
  bounds(topic: TopicName, partition: number): Bounds | Promise<Bounds>;
  /** Where a rebuild that covers the processor's window starts. */
  rebuildFrom(topic: TopicName, partition: number): number | Promise<number>;
  commitGroup(partition: number, offset: number): unknown;
};

export type Parts<State, Control> = {
  readonly processor: Processor<State, Control>;
  readonly log: LoopLog;
  readonly store: Pick<StateStore, 'open' | 'load' | 'commit'>;
  /** Absent: this processor neither reads nor puts rows. */
  readonly table?: LoopTable;
  /** Whether records that nobody can read are set aside; else they are only left out. */
  readonly parks: boolean;
  /** How many partitions keyed topics have. */
  readonly partitions: number;
  /** So many rows that it wrote an owner keeps, of each partition. */
  readonly keptRows: number;
  readonly onEvent: (event: LoopEvent) => void;
};

export type LoopEvent =
  | {
      readonly kind: 'rebuild';
      readonly partition: number;
      readonly from: number;
      readonly to: number;
      readonly lost: boolean;
    }
  | { readonly kind: 'parked'; readonly partition: number; readonly offset: number; readonly reason: string }
  | { readonly kind: 'reopened'; readonly partition: number; readonly outcome: CommitOutcome }
  | {
      readonly kind: 'folded';
      readonly partition: number;
      readonly records: number;
      /** When the first of them was appended; null while state is made again. */
      readonly oldestAtMs: EpochMs | null;
      readonly effects: readonly Emit[];
      /** Decisions of calls that somebody watches, without those that were told of before. */
      readonly traced: readonly TracedDecision[];
    };

/** One owned partition. The loop is its only writer; nothing of it outlives a reopening. */
export type Partition = {
  readonly number: number;
  owner: Owner;
  /** What the store holds. */
  committed: Checkpoint | null;
  /** What has been folded: ahead of `committed` by ticks alone. */
  folded: Checkpoint | null;
  /** Rows as they are at `committed`: what this owner wrote it need not read. */
  readonly kept: Map<string, Row>;
  /** Outputs caused below it have been sent before. */
  groupOffset: number;
  /** Append time that this owner has told of last; null where it has told of none. */
  relayedAtMs: EpochMs | null;
  /** Where a rebuild starts and ends, until it has reached its end. */
  rebuild: Checkpoint['rebuild'];
};

/** Nobody but the newest owner may go on: this one waits until the partition is given to it again. */
export class Fenced extends Error {}

/** Takes a partition over: fences the previous owner and finds where to start. */
export function* openPartition<State, Control>(
  parts: Parts<State, Control>,
  number: number,
  groupOffset: number | null,
): Steps<Partition> {
  const { processor, log, store } = parts;
  const request = { processor: processor.name, partition: number };
  const opened = yield* step('open', () => store.open({ ...request, discard: false }));
  const bounds = yield* step('bounds', () => log.bounds(processor.input, number));
  const partition: Partition = {
    number,
    owner: opened.owner,
    committed: opened.checkpoint,
    folded: opened.checkpoint,
    kept: new Map(),
    groupOffset: groupOffset ?? 0,
    relayedAtMs: null,
    rebuild: opened.checkpoint?.rebuild ?? null,
  };
  const stored = opened.checkpoint;
  if (stored === null || stored.offset < bounds.first || stored.offset > bounds.end)
    yield* replay(parts, partition, { to: bounds.end, lost: stored !== null });
  return partition;
}

/** Forgets what is stored of the partition, and begins to make it again from the log, up to its end. Answers the offset to go on from. */
export function* replay<State, Control>(
  { processor, log, store, onEvent }: Parts<State, Control>,
  partition: Partition,
  { to, lost }: { readonly to: number; readonly lost: boolean },
): Steps<number> {
  const { number } = partition;
  const from = yield* step('bounds', () => log.rebuildFrom(processor.input, number));
  const fresh = yield* step('open', () => store.open({ processor: processor.name, partition: number, discard: true }));
  partition.owner = fresh.owner;
  partition.committed = null;
  partition.folded = null;
  partition.kept.clear();
  partition.rebuild = { from, to };
  onEvent({ kind: 'rebuild', partition: number, from, to, lost });
  return from;
}

/** The offset of the next record to fold. */
export const nextOffset = (partition: Partition): number => partition.folded?.offset ?? partition.rebuild?.from ?? 0;

/** A batch of nothing but ticks moves the checkpoint at most once a second. */
const QUIET_COMMIT_MS = 1_000;

/** Folds one batch, in as many steps as it takes. Answers the offset to go on from. */
export function* foldBatch<State, Control>(
  parts: Parts<State, Control>,
  partition: Partition,
  batch: Batch,
): Steps<number> {
  const start = nextOffset(partition);
  // The store decides where to go on: what it has is skipped, and a batch from beyond it is asked for again.
  if (batch.to <= start || batch.from > start) return start;
  let left = readBatch(batch, { start, parks: parts.parks });
  for (const { record, reason } of left.parked)
    parts.onEvent({ kind: 'parked', partition: partition.number, offset: record.offset, reason });
  for (let from = start; ;) {
    const offset = yield* foldSome(parts, partition, left);
    if (offset <= from || offset >= batch.to) return offset;
    left = cut(left, { from: offset, until: left.until });
    from = offset;
  }
}

/** Load, fold, send, commit, in this order. Where very much is due within a batch, only its first records are folded. */
function* foldSome<State, Control>(parts: Parts<State, Control>, partition: Partition, left: Read): Steps<number> {
  const { processor, log, store } = parts;
  let read = left;
  let times = timesOf(partition, read.records);

  const keys = new Set<string>();
  const { owner, kept } = partition;
  for (const { key } of read.records) if (key !== null && !kept.has(key)) keys.add(key);
  const from = partition.committed?.offset ?? null;
  const dueUntilMs = times.end.liveMs;
  const neededUntilMs = times.lives[0] ?? dueUntilMs;
  const loaded = yield* step('load', () => store.load({ owner, from, keys: [...keys], neededUntilMs, dueUntilMs }));
  if (loaded === 'fenced') throw fenced(parts, partition);
  if (loaded === 'rewound') {
    parts.onEvent({ kind: 'reopened', partition: partition.number, outcome: loaded });
    return yield* reopen(parts, partition);
  }
  const { cutMs } = loaded;
  const behind = cutMs === null ? undefined : read.records[times.lives.findIndex((live) => live >= cutMs)];
  if (behind !== undefined) {
    read = cut(left, { from: 0, until: behind.offset });
    times = timesOf(partition, read.records);
  }
  const { lives, end } = times;
  const stored = yield* readFromTable(parts, partition, read.records, loaded);
  const folded = foldOrPause(parts, partition, { records: read.records, lives, loaded, kept, stored });

  const offset = read.until;
  const traced = tracedIn(partition, folded);
  const outgoing = outgoingRecords(parts, partition, folded, read.parked);
  for (const { topic, to, records } of outgoing) yield* begin('send', () => log.send(topic, to, records));
  const relay = relayOf(processor, partition, read);
  if (relay !== null) {
    yield* step('send', () => log.send(relay.topic, partition.number, [relay.record]));
    partition.relayedAtMs = relay.atMs;
  }
  // When all is sent: a fold that reads its row back, and finds it newer than its record, sends nothing for that record.
  yield* writeToTable(parts, partition, folded.writes);

  if (partition.rebuild !== null && offset >= partition.rebuild.to) partition.rebuild = null;
  const to: Checkpoint = { offset, clock: end, control: folded.control, rebuild: partition.rebuild };
  if (worthCommitting(partition, folded, to)) {
    const outcome = yield* step('commit', () =>
      store.commit({ owner, from, to, rows: folded.rows, sooner: folded.sooner }),
    );
    if (outcome === 'fenced') throw fenced(parts, partition);
    if (outcome !== 'committed' && outcome !== 'already') {
      parts.onEvent({ kind: 'reopened', partition: partition.number, outcome });
      return yield* reopen(parts, partition);
    }
    partition.committed = to;
    keep(partition, folded.rows, parts.keptRows);
  }
  partition.folded = to;
  if (offset > partition.groupOffset && partition.committed === to) {
    yield* step('commit-group', () => log.commitGroup(partition.number, offset));
    partition.groupOffset = offset;
  }
  parts.onEvent({
    kind: 'folded',
    partition: partition.number,
    records: read.records.length,
    oldestAtMs: partition.rebuild === null ? (read.records[0]?.appendedAtMs ?? null) : null,
    effects: folded.effects.map((e) => e.effect),
    traced,
  });
  if (read.pausedBy !== null) throw read.pausedBy;
  return offset;
}

/** Once there are so many no others are added: rows that all come up in turn would otherwise push each other out before theirs. */
const keep = ({ kept }: Partition, rows: ReadonlyMap<string, Row | null>, most: number): void => {
  for (const [key, row] of rows)
    if (row === null) kept.delete(key);
    else if (kept.size < most || kept.has(key)) kept.set(key, row);
};

const fenced = <State, Control>({ processor }: Parts<State, Control>, { number }: Partition): Fenced =>
  new Fenced(`partition ${number} of ${processor.name} has another owner`);

/** A fold throws for a record that it cannot deal with, such as a policy that is none: trying again would not help. */
const foldOrPause = <State, Control>(
  { processor }: Parts<State, Control>,
  { number, folded }: Partition,
  input: Pick<FoldRequest<State, Control>, 'records' | 'lives' | 'loaded' | 'kept' | 'stored'>,
): Folded<Control> => {
  // What the checkpoint holds is what this processor's onControl made.
  const control = folded?.control as Control | undefined;
  try {
    return foldRecords({ processor, partition: number, control, ...input });
  } catch (cause) {
    const [first] = input.records;
    const where = `${processor.input} partition ${number} at or after offset ${first?.offset ?? 0}`;
    throw new PartitionPaused(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
};

/** Forgets all that was known of the partition and starts from what the store holds. */
export function* reopen<State, Control>(parts: Parts<State, Control>, partition: Partition): Steps<number> {
  const fresh = yield* openPartition(parts, partition.number, partition.groupOffset);
  Object.assign(partition, fresh);
  return nextOffset(partition);
}

const worthCommitting = (partition: Partition, folded: Folded<unknown>, to: Checkpoint): boolean =>
  folded.rows.size > 0 ||
  !folded.ticksOnly ||
  folded.control !== partition.committed?.control ||
  Math.abs(to.clock.appendedAtMs - (partition.committed?.clock.appendedAtMs ?? 0)) >= QUIET_COMMIT_MS;

/** Live time at each record, and the clock behind them. */
const timesOf = (partition: Partition, records: readonly Readable[]): { lives: LiveMs[]; end: PartitionClock } => {
  const clock = liveClock(partition.folded?.clock ?? null);
  const lives = records.map(({ appendedAtMs, event }) => clock.step(appendedAtMs, event));
  return { lives, end: clock.now() };
};
