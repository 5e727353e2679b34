import type { TopicName } from '../../schemas/topics.ts';

/** What a move of the log into its next generation looks at, and what it refuses, wherever the log lies. */

/** What is asked before anything is moved. */
export type LogSeen = {
  readonly generation: number;
  /** That have ever been told of records of the topics that move. */
  readonly groups: ReadonlySet<string>;
  /** How many records each key has in them. */
  readonly keys: ReadonlyMap<string, number>;
};

export class NotFolded extends Error {
  override readonly name = 'NotFolded';
  constructor(group: string, topic: TopicName) {
    super(`${group} has not folded ${topic} to its end; start the service once, and stop it`);
  }
}

/** Between partitions only time says what came first; twice the same hour would let leases lapse. */
export const MAX_BACK_MS = 1_000;
export class ClockWasSetBack extends Error {
  override readonly name = 'ClockWasSetBack';
  constructor() {
    super(
      'the clock was set back by over a second while the log was written; wait until it holds nothing of then, 7 days',
    );
  }
}
