import { offsetOf, parsePosition } from '../log/position.ts';
import type { Checkpoint, MaybePromise } from '../state/state.ts';
import { type Call, ProblemError } from './call.ts';

/** What the answer to a question about an account is read from. */
export type Folding = {
  /** Of the log. */
  readonly generation: number;
  readonly partition: number;
  /** Resolves true once its fold has reached the offset, false when that takes too long. */
  readonly reached: (partition: number, offset: number) => Promise<boolean>;
};

/** Reads at once, or once the answer includes the position that the caller names in `after`. */
export const readAfter = <T>(
  { query }: Call,
  { generation, partition, reached }: Folding,
  read: () => MaybePromise<T>,
): MaybePromise<T> => {
  const after = query.get('after');
  if (after === null) return read();
  const position = parsePosition(after);
  // Positions of an older generation lie before all of this one, whatever their partition: accounts have moved since.
  if (position !== null && position.generation < generation) return read();
  if (position === null || position.partition !== partition || position.generation > generation) {
    throw new ProblemError('INVALID_POSITION', 'after is not a position of this account');
  }
  return reached(partition, offsetOf(position) + 1).then((isThere) => {
    if (isThere) return read();
    throw notYet('the answer does not include that position yet');
  });
};

export const notYet = (detail: string): ProblemError => new ProblemError('NOT_YET', detail, { retryAfterMs: 500 });

/** Nothing has been folded yet, or the state is being made again from the log. */
export const isWarming = (checkpoint: Checkpoint | null): boolean => checkpoint === null || checkpoint.rebuild !== null;

export const refuseWarming = (checkpoint: Checkpoint | null): void => {
  if (!isWarming(checkpoint)) return;
  throw new ProblemError('WARMING', 'the state is being rebuilt from the log', {
    retryAfterMs: 1_000,
    extra: { progress: progressOf(checkpoint) },
  });
};

const progressOf = (checkpoint: Checkpoint | null): number => {
  if (checkpoint === null || checkpoint.rebuild === null) return 0;
  const { from, to } = checkpoint.rebuild;
  return Math.min(1, (checkpoint.offset - from) / Math.max(1, to - from));
};

export const AFTER_QUERY = {
  name: 'after',
  description: 'A position of an earlier answer: this one includes it.',
} as const;
