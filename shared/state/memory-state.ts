import type {
  Commit,
  CommitOutcome,
  Loaded,
  LoadRequest,
  NotLoaded,
  Opened,
  OpenRequest,
  StateStore,
  StateView,
} from './state.ts';
import { createPartitionState, type Backing, type PartitionState } from './partition-state.ts';
import { createWaiters, type After } from './waiters.ts';

/** The state store in memory, answering at once: what the embedded store and the crash simulator are made of. */
export type MemoryState = {
  open(request: OpenRequest): Opened;
  load(request: LoadRequest): Loaded | NotLoaded;
  commit(commit: Commit): CommitOutcome;
  read(processor: string, partition: number, keys: readonly string[]): StateView;
  /** Every partition that was asked for so far; snapshots are taken from these. */
  partitions(): readonly PartitionState[];
};

export type MemoryStateOptions = {
  backingOf(processor: string, partition: number): Backing;
  /** A text that no owner had before. */
  nonce(): string;
};

export const createMemoryState = ({ backingOf, nonce }: MemoryStateOptions): MemoryState => {
  const processors = new Map<string, Map<number, PartitionState>>();

  const partitionOf = (processor: string, partition: number): PartitionState => {
    let partitions = processors.get(processor);
    if (partitions === undefined) {
      partitions = new Map();
      processors.set(processor, partitions);
    }
    let found = partitions.get(partition);
    if (found === undefined) {
      found = createPartitionState(processor, partition, backingOf(processor, partition));
      partitions.set(partition, found);
    }
    return found;
  };

  return {
    open: ({ processor, partition, discard }) => partitionOf(processor, partition).open({ nonce: nonce(), discard }),
    load: (request) => partitionOf(request.owner.processor, request.owner.partition).load(request),
    commit: (commit) => partitionOf(commit.owner.processor, commit.owner.partition).commit(commit),
    read: (processor, partition, keys) => partitionOf(processor, partition).read(keys),
    partitions: () => [...processors.values()].flatMap((partitions) => [...partitions.values()]),
  };
};

/** The port over a memory state, but for `close`, which also ends every wait with false. */
export const storeOver = (memory: MemoryState, after: After): Omit<StateStore, 'close'> & { endWaits(): void } => {
  const waiters = createWaiters(after);
  return {
    open: memory.open,
    load: memory.load,
    commit: (commit) => {
      const outcome = memory.commit(commit);
      if (outcome === 'committed') waiters.reached(commit.owner.processor, commit.owner.partition, commit.to.offset);
      return outcome;
    },
    read: memory.read,
    waitFor: async (processor, partition, offset, timeoutMs) => {
      const { checkpoint } = memory.read(processor, partition, []);
      if (checkpoint !== null && checkpoint.offset >= offset) return true;
      return waiters.wait({ processor, partition, offset, timeoutMs });
    },
    endWaits: waiters.end,
  };
};
