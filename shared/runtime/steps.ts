import type { MaybePromise } from '../state/state.ts';

/**
 * The loop is a generator that yields each step that leaves it. A service awaits them; the test driver answers at once,
 * and crashes between any two by not going on. So the loop that is simulated is the loop that runs.
 */
export type Step = { readonly name: StepName; readonly run: () => MaybePromise<unknown> };
export type StepName = 'open' | 'bounds' | 'load' | 'read' | 'send' | 'put' | 'erase' | 'commit' | 'commit-group';
export type Steps<T> = Generator<Step, T, unknown>;

export function* step<T>(name: StepName, run: () => MaybePromise<T>): Steps<T> {
  // The driver hands back what `run` answered: the one place where that is taken on trust.
  return (yield { name, run }) as T;
}

/** The loop was told that the partition is another's. */
export class Revoked extends Error {}

/** Awaits each step; before each, and so before each commit, it asks whether the partition is still ours. */
export const runSteps = async <T>(steps: Steps<T>, ours: () => boolean): Promise<T> => {
  let next = steps.next();
  while (!next.done) {
    if (!ours()) throw new Revoked('the partition was revoked');
    const result = next.value.run();
    next = steps.next(result instanceof Promise ? await result : result);
  }
  return next.value;
};
