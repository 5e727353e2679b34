/** The rows of the table, as `docs/reference/performance.md` explains them. A ratio is ours over baseline. */
export const ROWS = {
  P1: { what: 'single heartbeats over HTTP', unit: 'requests/s', goal: { ratio: 0.85 } },
  P1b: { what: 'heartbeats in batches of 20 (against P1’s baseline)', unit: 'events/s', goal: { ratio: 8 } },
  P2: { what: 'decode of a log record', unit: 'records/s', goal: { ratio: 3 } },
  P3: { what: 'fold inside the runtime, in memory', unit: 'records/s', goal: { ratio: 0.85 } },
  P4: { what: 'embedded log and store with checkpoints', unit: 'records/s', goal: { ratio: 0.75 } },
  P7: { what: 'rebuild from the log', unit: 'records/s', goal: { ratio: 1.2 } },
  P8: { what: 'block-check over HTTP', unit: 'requests/s', goal: { ratio: 0.8 } },
  P9: { what: 'p99 from start to decision over HTTP', unit: 'ms', goal: { atMost: 20 } },
  memory: { what: 'heap of an account with one live session', unit: 'bytes', goal: null },
} as const satisfies Record<string, RowKind>;

export type RowKind = {
  readonly what: string;
  readonly unit: string;
  /** A ratio of at least so much, or a figure of ours of at most so much. */
  readonly goal: { readonly ratio: number } | { readonly atMost: number } | null;
};

export type RowId = keyof typeof ROWS;
export const ROW_IDS = Object.keys(ROWS).filter((id): id is RowId => id in ROWS);
export const isRowId = (text: string): text is RowId => ROW_IDS.some((id) => id === text);
