import { DAY_MS, HOUR_MS } from './time.ts';

/**
 * The catalogue of topics: read by the code, the log adapters, the tests and the docs. A generation is a topic with a
 * fixed number of partitions; another number means another generation, never an edit in place.
 */
export type Topic = {
  readonly generation: number;
  /** `control` topics have one partition and are read whole. */
  readonly partitions: 'keyed' | 'single';
  /** How long records stay; `compact` keeps the newest of each key for ever. */
  readonly retentionMs: number | 'compact';
  readonly retentionReason: string;
};

export const TOPICS = {
  'heartbeats.v1': {
    generation: 1,
    partitions: 'keyed',
    retentionMs: DAY_MS,
    retentionReason: 'longest rebuild window of a processor; viewing data is kept no longer than answers need it',
  },
  'heartbeats.v1.parked': {
    generation: 1,
    partitions: 'single',
    retentionMs: 7 * DAY_MS,
    retentionReason: 'a working week to look at bytes that nobody could read',
  },
  'stream-decisions.v1': {
    generation: 1,
    partitions: 'keyed',
    retentionMs: DAY_MS,
    retentionReason: 'readers of decisions may lag a day',
  },
  'view-ends.v1': {
    generation: 1,
    partitions: 'keyed',
    retentionMs: 7 * DAY_MS,
    retentionReason: 'readers of views load them in daily and weekly runs; one of those may fail',
  },
  'audience-moves.v1': {
    generation: 1,
    partitions: 'keyed',
    retentionMs: 25 * HOUR_MS,
    retentionReason: 'the longest window, and an hour in which a rebuild may begin',
  },
  'audience-counts.v1': {
    generation: 1,
    partitions: 'single',
    retentionMs: HOUR_MS,
    retentionReason: 'every figure that is not 0 is said again every 5 minutes',
  },
  'policies.v1': {
    generation: 1,
    partitions: 'single',
    retentionMs: 'compact',
    retentionReason: 'each policy version, whole, so that an old decision can be explained',
  },
} as const satisfies Record<string, Topic>;

export type TopicName = keyof typeof TOPICS;

export const DEFAULT_PARTITIONS = { embedded: 4, cluster: 64 } as const;

/** How many partitions a topic has where keyed topics have `keyed` of them. */
export const partitionsOf = (topic: TopicName, keyed: number): number =>
  TOPICS[topic].partitions === 'keyed' ? keyed : 1;
