/** The rows of the table, as `docs/reference/performance.md` explains them. A ratio is ours over baseline. */
export const ROWS = {
  P1: { what: 'single heartbeats over HTTP', unit: 'requests/s', goal: { ratio: 0.85 } },
  P1b: { what: 'heartbeats in batches of 20 (against P1’s baseline)', unit: 'events/s', goal: { ratio: 8 } },
  P1k: { what: 'CPU of ingest on Kafka, single', unit: 'us/heartbeat', goal: { ratioAtMost: 1.8 } },
  P1kb: { what: 'CPU of ingest on Kafka, batches of 20', unit: 'us/heartbeat', goal: { ratioAtMost: 1.45 } },
  P1j: { what: 'single heartbeats, each account with its RS256 token', unit: 'requests/s', goal: { ratio: 0.8 } },
  hammer: {
    what: 'heartbeats beside one account at 100 times its share',
    unit: 'requests/s of CPU',
    goal: { ratio: 0.9 },
  },
  P2: { what: 'decode of a log record', unit: 'records/s', goal: { ratio: 3 } },
  P3: { what: 'fold inside the runtime, in memory', unit: 'records/s', goal: { ratio: 0.85 } },
  P3r: { what: 'the same of resume positions', unit: 'records/s', goal: { ratio: 0.85 } },
  P3v: { what: 'the same of views', unit: 'records/s', goal: { ratio: 0.85 } },
  P3t: { what: 'the same of the first fold of trending', unit: 'records/s', goal: { ratio: 0.85 } },
  P3a: { what: 'the same of its second, over the moves of the first', unit: 'moves/s', goal: { ratio: 0.85 } },
  P4: { what: 'embedded log and store with checkpoints', unit: 'records/s', goal: { ratio: 0.75 } },
  P4r: { what: 'the same of resume positions, with the table', unit: 'records/s', goal: { ratio: 0.75 } },
  P4v: { what: 'the same of views, with the table', unit: 'records/s', goal: { ratio: 0.75 } },
  P4t: { what: 'the same of the first fold of trending', unit: 'records/s', goal: { ratio: 0.75 } },
  P4a: { what: 'the same of its second, over the moves of the first', unit: 'moves/s', goal: { ratio: 0.75 } },
  P4all: { what: 'all processors in one process', unit: 'records/s', goal: { ratio: 0.75 } },
  P5: { what: 'commit to Redis, against a call per event', unit: 'rows/s', goal: { ratio: 25 } },
  P5b: { what: 'commit to Redis, against MULTI[MSET]', unit: 'rows/s', goal: { ratio: 0.6 } },
  P6: { what: 'Kafka to Redis, with decisions', unit: 'records/s', goal: { ratio: 0.6 } },
  P7: { what: 'rebuild from the log', unit: 'records/s', goal: { ratio: 1.2 } },
  P8: { what: 'block-check over HTTP', unit: 'requests/s', goal: { ratio: 0.8 } },
  P9: { what: 'p99 from start to decision over HTTP', unit: 'ms', goal: { atMost: 20 } },
  P9k: { what: 'the same on Kafka and Redis', unit: 'ms', goal: { atMost: 40 } },
  reads: { what: 'p99 of a read of a resume position beside beats', unit: 'ms', goal: { atMost: 50 } },
  memory: { what: 'heap of an account with one live session', unit: 'bytes', goal: null },
  'memory-redis': { what: 'Redis, of an account with one live session', unit: 'bytes', goal: null },
} as const satisfies Record<string, RowKind>;

export type RowKind = {
  readonly what: string;
  readonly unit: string;
  /** A ratio of at least so much, one of at most so much where less is better, or a figure of ours of at most so much. */
  readonly goal: { readonly ratio: number } | { readonly ratioAtMost: number } | { readonly atMost: number } | null;
};

export type RowId = keyof typeof ROWS;
export const ROW_IDS = Object.keys(ROWS).filter((id): id is RowId => id in ROWS);
export const isRowId = (text: string): text is RowId => ROW_IDS.some((id) => id === text);

/** Rows that another one measures as well. */
export const MEASURED_WITH = { P1b: 'P1', P1kb: 'P1k', P5b: 'P5' } as const satisfies Partial<Record<RowId, RowId>>;
export type BenchName = Exclude<RowId, keyof typeof MEASURED_WITH>;
const isWithAnother = (id: RowId): id is keyof typeof MEASURED_WITH => id in MEASURED_WITH;
export const benchOf = (id: RowId): BenchName => (isWithAnother(id) ? MEASURED_WITH[id] : id);
