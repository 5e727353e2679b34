import { DAY_MS, HOUR_MS } from './time.ts';

/**
 * The catalogue of topics: read by the code, the log adapters, the tests and the docs. A topic has a fixed number of partitions;
 * another number means another generation of it, never an edit in place.
 */
export type Topic = {
  /** `control` topics have one partition and are read whole. */
  readonly partitions: 'keyed' | 'single';
  /** How long records stay; `compact` keeps the newest of each key for ever. */
  readonly retentionMs: number | 'compact';
  readonly retentionReason: string;
  /**
   * What its records have of an account: it is their `key`; they say its key (`named`); they come of its beats and name nobody
   * (`unnamed`); they are bytes that may be anybody's (`unread`); or nothing. What has something stands in the receipt of an
   * erasure until the log has let go of it.
   */
  readonly account: 'key' | 'named' | 'unnamed' | 'unread' | 'nothing';
};

export const TOPICS = {
  'heartbeats.v1': {
    partitions: 'keyed',
    retentionMs: DAY_MS,
    retentionReason: 'longest rebuild window of a processor; viewing data is kept no longer than answers need it',
    account: 'key',
  },
  'heartbeats.v1.parked': {
    partitions: 'single',
    retentionMs: 7 * DAY_MS,
    retentionReason: 'a working week to look at bytes that nobody could read',
    account: 'unread',
  },
  'stream-decisions.v1': {
    partitions: 'keyed',
    retentionMs: DAY_MS,
    retentionReason: 'readers of decisions may lag a day',
    account: 'key',
  },
  'view-ends.v1': {
    partitions: 'keyed',
    retentionMs: 7 * DAY_MS,
    retentionReason: 'readers of views load them in daily and weekly runs; one of those may fail',
    account: 'key',
  },
  'audience-moves.v1': {
    partitions: 'keyed',
    retentionMs: 25 * HOUR_MS,
    retentionReason: 'the longest window, and an hour in which a rebuild may begin',
    account: 'unnamed',
  },
  'audience-counts.v1': {
    partitions: 'single',
    retentionMs: HOUR_MS,
    retentionReason: 'every figure that is not 0 is said again every 5 minutes',
    account: 'nothing',
  },
  'audit.v1': {
    partitions: 'single',
    retentionMs: 400 * DAY_MS,
    retentionReason: 'an audit asks for the year that is over, and has five weeks to ask in',
    account: 'named',
  },
  'policies.v1': {
    partitions: 'single',
    retentionMs: 'compact',
    retentionReason: 'each policy version, whole, so that an old decision can be explained',
    account: 'nothing',
  },
} as const satisfies Record<string, Topic>;

export type TopicName = keyof typeof TOPICS;

/** Segments of a log that a retention takes: by one of them longer may something stand in a file. */
export const SEGMENTS_PER_RETENTION = 24;

export const DEFAULT_PARTITIONS = { embedded: 4, cluster: 64 } as const;

/** Those whose records belong to accounts. Another pepper moves them into another generation of the log; the others stay as they are. */
export const MOVING_TOPICS: readonly TopicName[] = (Object.keys(TOPICS) as TopicName[]).filter(
  (name) => TOPICS[name].account === 'key',
);

/** What a topic is called in a generation of the log, where it is one that others see. */
export const topicNameIn = (topic: TopicName, generation: number): string =>
  generation === 1 || !MOVING_TOPICS.includes(topic) ? topic : `${topic}.g${generation}`;

/** How many partitions a topic has where keyed topics have `keyed` of them. */
export const partitionsOf = (topic: TopicName, keyed: number): number =>
  TOPICS[topic].partitions === 'keyed' ? keyed : 1;
