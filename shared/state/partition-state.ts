import { liveMs, SECOND_MS, type LiveMs } from '../../schemas/time.ts';
import type {
  Checkpoint,
  Commit,
  CommitOutcome,
  Due,
  Loaded,
  LoadRequest,
  NotLoaded,
  Opened,
  Row,
  StateView,
} from './state.ts';
import { createWakeUps, type Cell, type Slot } from './wake-ups.ts';

/** What a partition's checkpoint left behind, as it is now. Asked only for what is not in memory. */
export type Backing = {
  checkpoint(): Checkpoint | null;
  row(key: string): Row | undefined;
  /** Every row's wake-up in `(fromExclusiveMs, toInclusiveMs]`, null for no lower bound, in order of due; ties in any order. */
  dueBetween(fromExclusiveMs: LiveMs | null, toInclusiveMs: LiveMs): readonly Due[];
};

/** All that changed since the last snapshot. To be stored in one step, or not at all. */
export type Snapshot = {
  readonly processor: string;
  readonly partition: number;
  /** Everything stored before is forgotten, in the same step. */
  readonly discard: boolean;
  /** The checkpoint that the rows belong to; null only after a discard that no commit followed. */
  readonly checkpoint: Checkpoint | null;
  /** A null row means: delete the key. */
  readonly rows: readonly Readonly<Cell>[];
};

/** One partition of one processor, in memory. Every call is one step: nothing is seen half done. */
export type PartitionState = {
  readonly processor: string;
  readonly partition: number;
  open(request: { readonly nonce: string; readonly discard: boolean }): Opened;
  load(request: LoadRequest): Loaded | NotLoaded;
  commit(commit: Commit): CommitOutcome;
  read(keys: readonly string[]): StateView;
  /** Takes what is to be stored; null when nothing is, or while the one before is unanswered. */
  snapshot(): Snapshot | null;
  snapshotStored(snapshot: Snapshot): void;
  /** Its changes go into the next snapshot, beneath newer ones. */
  snapshotFailed(snapshot: Snapshot): void;
};

/** Wake-ups of rows that are not in memory are looked up this far ahead of live time. */
const SLICE_MS = SECOND_MS;

export const createPartitionState = (processor: string, partition: number, backing: Backing): PartitionState => {
  let slots = new Map<string, Slot>();
  let wakeUps = createWakeUps();
  let checkpoint = backing.checkpoint();
  let nonce: string | null = null;
  /** Whether the newest commit is the present owner's. */
  let ownCommit = false;

  /** Rows are only ever stored with a checkpoint: without one there is nothing to ask the backing for. */
  let backed = checkpoint !== null;
  let slice: readonly Due[] = [];
  let sliceAt = 0;
  let sliceEndMs: LiveMs | null = null;

  /** Cells changed since the last snapshot. A slot whose epoch is the present one has its cell in here. */
  let dirty: Cell[] = [];
  let epoch = 1;
  let changed = false;
  let discarded = false;
  let pending: Snapshot | null = null;

  const fromBacking = (key: string): Slot | undefined => {
    const row = backing.row(key);
    if (row === undefined) return undefined;
    const slot: Slot = { cell: { key, row }, epoch: 0, wakeUp: null };
    slots.set(key, slot);
    wakeUps.arm(slot);
    return slot;
  };

  const find = (key: string): Slot | undefined => slots.get(key) ?? (backed ? fromBacking(key) : undefined);

  /** Brings rows into memory before their wake-up is due. What memory knows of a key, its deletion too, is newer. */
  const pageIn = (untilMs: LiveMs): void => {
    for (;;) {
      for (let next = slice[sliceAt]; next !== undefined && next.dueMs <= untilMs; next = slice[sliceAt]) {
        sliceAt += 1;
        find(next.key);
      }
      if (sliceEndMs !== null && untilMs <= sliceEndMs) return;
      // What is left of the old slice is due later than `untilMs`, so there is none: its end lies before.
      const end = liveMs(untilMs + SLICE_MS);
      slice = backing.dueBetween(sliceEndMs, end);
      sliceAt = 0;
      sliceEndMs = end;
    }
  };

  const put = (key: string, row: Row | null): void => {
    let slot = slots.get(key);
    if (slot === undefined) {
      slot = { cell: { key, row }, epoch, wakeUp: null };
      slots.set(key, slot);
      dirty.push(slot.cell);
    } else if (slot.epoch === epoch) {
      slot.cell.row = row;
    } else {
      // The old cell may be part of a snapshot on its way to the disk: it stays as it is.
      slot.cell = { key, row };
      slot.epoch = epoch;
      dirty.push(slot.cell);
    }
    wakeUps.arm(slot);
  };

  const forgetAll = (): void => {
    slots = new Map();
    wakeUps = createWakeUps();
    checkpoint = null;
    backed = false;
    slice = [];
    sliceAt = 0;
    dirty = [];
    epoch += 1;
    pending = null;
    discarded = true;
    changed = true;
  };

  return {
    processor,
    partition,

    open: (request) => {
      nonce = request.nonce;
      ownCommit = false;
      if (request.discard) forgetAll();
      return { owner: { processor, partition, nonce }, checkpoint };
    },

    load: ({ owner, from, keys, dueUntilMs }) => {
      if (nonce === null || owner.nonce !== nonce) return 'fenced';
      if ((checkpoint?.offset ?? null) !== from) return 'rewound';
      if (backed) pageIn(dueUntilMs);
      const due = wakeUps.due(dueUntilMs);
      const rows = new Map<string, Row>();
      for (const key of keys) {
        const row = find(key)?.cell.row;
        if (row != null) rows.set(key, row);
      }
      for (const { key } of due) {
        const row = slots.get(key)?.cell.row;
        if (row != null) rows.set(key, row);
      }
      return { rows, due, cutMs: null };
    },

    commit: ({ owner, from, to, rows }) => {
      if (nonce === null || owner.nonce !== nonce) return 'fenced';
      const offset = checkpoint === null ? null : checkpoint.offset;
      if (offset !== from) return offset === to.offset && ownCommit ? 'already' : 'rewound';
      for (const [key, row] of rows) put(key, row);
      checkpoint = to;
      ownCommit = true;
      changed = true;
      return 'committed';
    },

    read: (keys) => ({
      rows: keys.map((key) => {
        const slot = slots.get(key);
        // Not kept: a question from outside is no reason to hold the row in memory.
        return slot !== undefined ? slot.cell.row : backed ? (backing.row(key) ?? null) : null;
      }),
      checkpoint,
    }),

    snapshot: () => {
      if (!changed || pending !== null) return null;
      pending = { processor, partition, discard: discarded, checkpoint, rows: dirty };
      dirty = [];
      epoch += 1;
      discarded = false;
      changed = false;
      return pending;
    },

    snapshotStored: (snapshot) => {
      if (pending !== snapshot) return;
      pending = null;
      // The backing no longer has the row, so memory need not know any more that it is gone.
      for (const cell of snapshot.rows) {
        if (cell.row === null && slots.get(cell.key)?.cell === cell) slots.delete(cell.key);
      }
    },

    snapshotFailed: (snapshot) => {
      if (pending !== snapshot) return;
      pending = null;
      for (const cell of snapshot.rows) {
        const slot = slots.get(cell.key);
        if (slot === undefined || slot.cell !== cell) continue;
        slot.epoch = epoch;
        dirty.push(cell);
      }
      discarded = snapshot.discard;
      changed = true;
    },
  };
};
