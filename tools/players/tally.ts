/** Latencies in 1 % steps, so that hours of beats cost a few kilobytes. */
export type Latencies = {
  add(ms: number): void;
  count(): number;
  percentile(share: number): number;
};

const STEP = Math.log(1.01);
const LEAST_MS = 0.01;
const BUCKETS = 1_600;

export function createLatencies(): Latencies {
  const buckets = new Uint32Array(BUCKETS);
  let count = 0;
  return {
    add(ms) {
      const bucket = Math.floor(Math.log(Math.max(ms, LEAST_MS) / LEAST_MS) / STEP);
      const index = Math.min(bucket, BUCKETS - 1);
      buckets[index] = (buckets[index] ?? 0) + 1;
      count += 1;
    },
    count: () => count,
    percentile(share) {
      let left = Math.ceil(count * share);
      if (left === 0) return 0;
      for (const [index, size] of buckets.entries()) {
        left -= size;
        if (left <= 0) return LEAST_MS * Math.exp((index + 0.5) * STEP);
      }
      return Infinity;
    },
  };
}

export type Tally = {
  readonly startMs: Latencies;
  readonly beatMs: Latencies;
  readonly checkMs: Latencies;
  /** How often each thing happened: `start admitted OK`, `error 503 LOG_UNAVAILABLE`, … */
  readonly counts: ReadonlyMap<string, number>;
  count(name: string, by?: number): void;
  of(name: string): number;
};

export function createTally(): Tally {
  const counts = new Map<string, number>();
  return {
    startMs: createLatencies(),
    beatMs: createLatencies(),
    checkMs: createLatencies(),
    counts,
    count: (name, by = 1) => void counts.set(name, (counts.get(name) ?? 0) + by),
    of: (name) => counts.get(name) ?? 0,
  };
}
