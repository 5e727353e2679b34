type Tokens = {
  /** What each account shows, single requests alone: the first is account 0's. */
  readonly tokens?: readonly string[];
};

/** What the load generator is told. */
export type Job =
  | ({
      /** Every session once, as `POST /v1/sessions`. */
      readonly kind: 'start';
      readonly port: number;
      readonly connections: number;
      readonly sessions: number;
    } & Tokens)
  | ({
      /** As fast as answers come, one request at a time on each connection. Sequences grow from `firstSequence`. */
      readonly kind: 'beat';
      readonly port: number;
      readonly connections: number;
      readonly sessions: number;
      readonly batch: number;
      readonly firstSequence: number;
      readonly warmupMs: number;
      readonly ms: number;
    } & Tokens)
  | {
      readonly kind: 'check';
      readonly port: number;
      readonly connections: number;
      readonly sessions: number;
      readonly warmupMs: number;
      readonly ms: number;
    }
  | ({
      /** Requests at times of their own, whether or not the ones before were answered. */
      readonly kind: 'arrivals';
      readonly port: number;
      readonly sessions: number;
      /** How many were sent before, of all sessions together. */
      readonly beatsBefore: number;
      readonly startsPerSecond: number;
      readonly beatsPerSecond: number;
      /** Of resume positions of the same sessions. */
      readonly readsPerSecond: number;
      /** Starts are of accounts from here on, each once. */
      readonly firstAccount: number;
      readonly ms: number;
    } & Tokens);

/** What it answers. */
export type LoadResult = {
  readonly requests: number;
  readonly perSecond: number;
  /** Requests by status; anything but the one that is meant is an error of the measurement. */
  readonly statuses: Readonly<Record<number, number>>;
  /** The highest sequence that was sent by `beat`. */
  readonly sequence: number;
  /** How busy the generator was, 0 to 1: near 1 it measures itself. */
  readonly busy: number;
  /** Milliseconds from the time a request was due to its answer, for arrivals. */
  readonly startsMs: readonly number[];
  readonly beatsMs: readonly number[];
  readonly readsMs: readonly number[];
};

/** Sequences are written into prepared requests: they have seven digits from the first on. */
export const FIRST_SEQUENCE = 1_000_000;
