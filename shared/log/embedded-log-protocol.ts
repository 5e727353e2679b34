import type { StoredBatch } from './embedded-log-batch.ts';

/** What the log's thread is asked, and what it answers. One request is done after the other, in order. */
export type Requests = {
  open: {
    readonly file: string;
    readonly keyedPartitions: number;
    /** `base`: the offset at which the generation of its topic begins. */
    readonly partitions: readonly { readonly topic: string; readonly partition: number; readonly base: number }[];
    /** Limits the file, in pages of 8 KiB; null: only by the disk. */
    readonly maxPages: number | null;
  };
  /** One transaction. `body` is all rows' bodies, one after the other. */
  append: {
    readonly appendedAtMs: number;
    readonly rows: readonly AppendRow[];
    readonly body: Uint8Array<ArrayBuffer>;
    readonly offsets: readonly GroupOffset[];
  };
  /** Batches that follow each other, the first of which holds `from`. */
  read: {
    readonly partitionId: number;
    readonly from: number;
    readonly end: number;
    readonly maxRecords: number;
    readonly maxBytes: number;
  };
  offsetAt: { readonly partitionId: number; readonly end: number; readonly atMs: number };
  /** Removes at most `maxBatches` from the front of a partition; `more` when there may be others to remove. */
  retain: {
    readonly partitionId: number;
    readonly end: number;
    readonly beforeMs: number;
    readonly maxBatches: number;
  };
  /** Nothing of what was removed is left in the write-ahead log. */
  cut: Record<string, never>;
  close: Record<string, never>;
};

export type Answers = {
  open: { readonly partitions: readonly StoredPartition[]; readonly offsets: readonly GroupOffset[] };
  append: null;
  read: readonly StoredBatch[];
  offsetAt: number;
  retain: { readonly first: number; readonly more: boolean };
  cut: null;
  close: null;
};

export type Kind = keyof Requests;

export type AppendRow = {
  readonly partitionId: number;
  readonly base: number;
  readonly count: number;
  /** The newest append time of the partition so far: it never goes back, so it can be searched. */
  readonly newestAtMs: number;
  readonly bytes: number;
};

export type StoredPartition = {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  readonly first: number;
  readonly end: number;
  readonly newestAtMs: number;
};

export type GroupOffset = { readonly group: string; readonly partitionId: number; readonly offset: number };

/** Why a request was not done. `offset` is where reading cannot go on. */
export type Trouble = {
  readonly kind: 'full' | 'damaged' | 'busy' | 'read-only' | 'other';
  readonly text: string;
  readonly offset: number | null;
};

export type Question = { readonly id: number; readonly kind: Kind; readonly request: Requests[Kind] };
export type Answer =
  { readonly id: number; readonly answer: Answers[Kind] } | { readonly id: number; readonly trouble: Trouble };
