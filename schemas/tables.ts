import { DAY_MS } from './time.ts';
import { TOPICS } from './topics.ts';

/**
 * The catalogue of durable tables: what outlives the log. Read by the code, the table adapters, the tests and the docs.
 * A row belongs to one account and has an id within it; those of `decisions-by-day` are nobody's.
 */
export type TableSpec = {
  /**
   * Orders in which the rows of an account are listed beside that of their ids, newest place first; at most two. Which is the first and which the
   * second is part of how rows are stored, and DynamoDB adds none to a table that is there.
   */
  readonly lists: readonly string[];
  /** Whose rows they are; of nobody’s, `key` and `id` are the table’s own affair. */
  readonly rowsOf: 'account' | 'nobody';
  /** What names a row within its account. */
  readonly id: string;
  /** Whoever keeps it runs in every installation. Else no erasure may reach its rows: they go with their own time. */
  readonly always: boolean;
  /** How long a row is kept after its newest put. */
  readonly retentionMs: number;
  readonly retentionReason: string;
};

/** How long a tombstone stands: no record of before an erasure can be folded again when the log has let go of it, and a day. */
export const TOMBSTONE_MS = TOPICS['heartbeats.v1'].retentionMs + DAY_MS;

export const TABLES = {
  'resume-positions': {
    lists: ['in-progress', 'history'],
    rowsOf: 'account',
    id: 'profile and content id',
    always: true,
    retentionMs: 400 * DAY_MS,
    retentionReason: 'a series is gone on with when its next season comes, a year later',
  },
  views: {
    lists: ['views'],
    rowsOf: 'account',
    id: 'session id',
    always: true,
    retentionMs: 90 * DAY_MS,
    retentionReason: 'as long as the decisions that they are compared with',
  },
  payloads: {
    lists: [],
    rowsOf: 'account',
    id: 'position in the log',
    always: false,
    retentionMs: 30 * DAY_MS,
    retentionReason: 'a month of what players sent, to ask questions that nobody has thought of yet',
  },
  decisions: {
    lists: [],
    rowsOf: 'account',
    id: 'time, and position in the log',
    always: true,
    retentionMs: 90 * DAY_MS,
    retentionReason: 'a quarter, in which complaints come; `DECISION_LEDGER_DAYS` says otherwise',
  },
  'decisions-by-day': {
    lists: [],
    rowsOf: 'nobody',
    id: 'time, and position in the log',
    always: true,
    retentionMs: 90 * DAY_MS,
    retentionReason: 'as long as the decisions that it counts',
  },
} as const satisfies Record<string, TableSpec>;

export type TableName = keyof typeof TABLES;
export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];
