import { DAY_MS } from './time.ts';

/**
 * The catalogue of what processors keep in their state, by name, and of what lies beside topics and tables. Read by the
 * receipt of an erasure, the export, the tests and the docs.
 */
export type StateSpec = {
  /** Whose rows they are; of a content they have nothing of anybody. */
  readonly rowsOf: 'account' | 'content' | 'nobody';
  readonly kept: string;
  readonly reason: string;
};

export const STATES = {
  concurrency: {
    rowsOf: 'account',
    kept: 'a session until 10 minutes after its last beat, 64 of an account',
    reason: 'an ended session is told so when it beats again, and a late beat must not bring it back',
  },
  'resume-position': {
    rowsOf: 'account',
    kept: 'a title until 10 minutes after its last change, 64 of an account',
    reason: 'a stop names no content, so its title has to be there; all else is in the table',
  },
  'view-end': {
    rowsOf: 'account',
    kept: 'a view until 10 minutes after it was final, 64 of an account',
    reason: 'most who come back have by then; later beats find it in the table',
  },
  trending: {
    rowsOf: 'account',
    kept: 'a session for 35 s, the last minute of each content watched for 25 hours, 64 of each',
    reason: 'the longest window counts an account once, and an hour',
  },
  audience: {
    rowsOf: 'content',
    kept: 'counts of a content for 24 hours',
    reason: 'the longest window',
  },
  'decision-ledger': {
    rowsOf: 'nobody',
    kept: 'no rows',
    reason: 'it puts what it reads into its tables',
  },
  archive: {
    rowsOf: 'nobody',
    kept: 'no rows',
    reason: 'it puts what it reads into its table',
  },
} as const satisfies Record<string, StateSpec>;

export type StateName = keyof typeof STATES;

/** What lies elsewhere than where it is read: the operator sees to these times. */
export const COPIES = {
  'files of the state stores': {
    retentionMs: DAY_MS,
    reason:
      'a row that is forgotten is gone for every reader at once; write-ahead logs and snapshots are written anew within a day',
  },
  backups: {
    retentionMs: 35 * DAY_MS,
    reason: 'a month of daily backups, and a few days to notice that one is needed',
  },
} as const satisfies Record<string, { readonly retentionMs: number; readonly reason: string }>;
