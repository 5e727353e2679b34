import type { EpochMs, LiveMs } from '../../schemas/time.ts';

/**
 * The port of the state store: the rows, timers, live time and input offset of one partition of one processor, kept
 * together. Every adapter passes `state.contract.ts`. A crash may lose the newest commits, never a part of one.
 * States are values: nobody changes one after it was handed over.
 */
export type StateStore = {
  /** Fences every earlier owner of this partition, and tells what is stored; `discard` forgets all of it first. */
  open(request: OpenRequest): MaybePromise<Opened>;
  /**
   * The rows of `keys` and of the timers due at or before `dueUntilMs`, as of the owner's newest commit: all of them, or
   * at least those due until `neededUntilMs`. Compared with (owner, from) like a commit: outputs are sent before the
   * commit, so rows of another offset must not be folded at all.
   */
  load(request: LoadRequest): MaybePromise<Loaded | NotLoaded>;
  /** All of it or nothing, compared with (owner, from). Visible to `read` when it resolves. */
  commit(commit: Commit): MaybePromise<CommitOutcome>;
  /** Rows with the offset and clock they belong to, in one atomic step; from any process, owner or not. */
  read(processor: string, partition: number, keys: readonly string[]): MaybePromise<StateView>;
  /** Resolves true once `read` shows an offset of at least `offset`, false after `timeoutMs`. */
  waitFor(processor: string, partition: number, offset: number, timeoutMs: number): Promise<boolean>;
  /** Makes what was committed durable, as far as the adapter promises, and lets go. Repeating it changes nothing. */
  close(): Promise<void>;
};

/** Embedded adapters answer at once, remote ones later; the loop is written once for both. */
export type MaybePromise<T> = T | Promise<T>;

export type Owner = { readonly processor: string; readonly partition: number; readonly nonce: string };

export type Row = {
  readonly state: unknown;
  /** `stateVersion` of the fold that wrote it. */
  readonly version: number;
  /** When the fold wants to be woken for this key, in live time. */
  readonly dueMs: LiveMs | null;
};

/** How far a partition has been folded, and the only clock that its fold knows. */
export type Checkpoint = {
  /** The next input offset to fold. */
  readonly offset: number;
  readonly clock: PartitionClock;
  /** The fold's state of the whole partition (the active policy); undefined before the first control record. */
  readonly control: unknown;
  /** The offsets between which a rebuild folds again; answers say `WARMING` until it is through. Null: not rebuilding. */
  readonly rebuild: { readonly from: number; readonly to: number } | null;
};

export type PartitionClock = {
  readonly liveMs: LiveMs;
  /** Append time of the newest record folded. */
  readonly appendedAtMs: EpochMs;
  /** While a node sheds, live time stands still until here. */
  readonly heldUntilMs: EpochMs;
};

export type OpenRequest = { readonly processor: string; readonly partition: number; readonly discard: boolean };
export type Opened = { readonly owner: Owner; readonly checkpoint: Checkpoint | null };

export type LoadRequest = {
  readonly owner: Owner;
  /** The offset of the checkpoint that the rows are to belong to; null when there was none. */
  readonly from: number | null;
  readonly keys: readonly string[];
  /** Not behind `dueUntilMs`. */
  readonly neededUntilMs: LiveMs;
  readonly dueUntilMs: LiveMs;
};
/** Said of the same things as by a commit. */
export type NotLoaded = 'fenced' | 'rewound';
export type Loaded = {
  /** No entry for a key without a row. */
  readonly rows: ReadonlyMap<string, Row>;
  /** In (due, key) order. */
  readonly due: readonly Due[];
  /** Where too much is due for one call: only what is due before this, behind `neededUntilMs`, is all there. Null: all is. */
  readonly cutMs: LiveMs | null;
};
export type Due = { readonly key: string; readonly dueMs: LiveMs };

export type Commit = {
  readonly owner: Owner;
  /** The offset of the checkpoint that this commit builds on; null when there was none. */
  readonly from: number | null;
  readonly to: Checkpoint;
  /** Only what changed; null forgets the key. */
  readonly rows: ReadonlyMap<string, Row | null>;
  /** Keys that are due sooner than what is stored of them, or are new: of others a timer stands that is no later. All, where it is left out. */
  readonly sooner?: ReadonlySet<string>;
};

/**
 * `committed`: now stored. `already`: this very commit was stored before (an answer was lost). `fenced`: another owner
 * has opened the partition. `rewound`: the store holds another offset than `from`, for example after a fail-over.
 * `unknown`: it cannot be told. After anything but the first two the owner forgets all it knows and opens again.
 */
export type CommitOutcome = 'committed' | 'already' | 'fenced' | 'rewound' | 'unknown';

export type StateView = { readonly rows: readonly (Row | null)[]; readonly checkpoint: Checkpoint | null };
