import { DAY_MS } from './time.ts';

/**
 * The catalogue of durable tables: what outlives the log. Read by the code, the table adapters, the tests and the docs.
 * A row belongs to one account and has an id within it.
 */
export type TableSpec = {
  /**
   * Orders in which the rows of an account are listed, newest place first; at most two. Which is the first and which the
   * second is part of how rows are stored, and DynamoDB adds none to a table that is there.
   */
  readonly lists: readonly string[];
  /** A row is put once and never differs: a repeat may write it again. Such rows are put many at a time. */
  readonly immutable: boolean;
  /** How long a row is kept after its newest put. */
  readonly retentionMs: number;
  readonly retentionReason: string;
};

export const TABLES = {
  'resume-positions': {
    lists: ['in-progress', 'history'],
    immutable: false,
    retentionMs: 400 * DAY_MS,
    retentionReason: 'a series is gone on with when its next season comes, a year later',
  },
  views: {
    lists: ['views'],
    immutable: false,
    retentionMs: 90 * DAY_MS,
    retentionReason: 'as long as the decisions that they are compared with',
  },
  payloads: {
    lists: [],
    immutable: true,
    retentionMs: 30 * DAY_MS,
    retentionReason: 'a month of what players sent, to ask questions that nobody has thought of yet',
  },
} as const satisfies Record<string, TableSpec>;

export type TableName = keyof typeof TABLES;
export const TABLE_NAMES: readonly TableName[] = ['resume-positions', 'views', 'payloads'];
