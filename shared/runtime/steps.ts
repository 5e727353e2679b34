import type { MaybePromise } from '../state/state.ts';

/**
 * The loop is a generator that yields each step that leaves it. A service awaits them; the test driver answers at once,
 * and crashes between any two by not going on. So the loop that is simulated is the loop that runs.
 */
export type Step = {
  readonly name: StepName;
  readonly run: () => MaybePromise<unknown>;
  /** The next steps need not wait for its answer: they begin beside it, up to the first one that is not `beside`. */
  readonly beside: boolean;
};
export type StepName = 'open' | 'bounds' | 'load' | 'read' | 'send' | 'put' | 'erase' | 'commit' | 'commit-group';
export type Steps<T> = Generator<Step, T, unknown>;

export function* step<T>(name: StepName, run: () => MaybePromise<T>): Steps<T> {
  // The driver hands back what `run` answered: the one place where that is taken on trust.
  return (yield { name, run, beside: false }) as T;
}

/** Begins a step whose answer nobody needs but whoever awaits the next `step`, or the end. */
export function* begin(name: StepName, run: () => MaybePromise<unknown>): Steps<void> {
  yield { name, run, beside: true };
}

/** The loop was told that the partition is another's. */
export class Revoked extends Error {}

/**
 * Awaits each step; before each, and so before each commit, it asks whether the partition is still ours. Nothing that it began
 * is under way any more when it answers, or throws.
 */
export const runSteps = async <T>(steps: Steps<T>, ours: () => boolean): Promise<T> => {
  let underWay: Promise<unknown>[] = [];
  const allOfThem = async (): Promise<void> => {
    const begun = underWay;
    underWay = [];
    for (const end of await Promise.allSettled(begun)) if (end.status === 'rejected') throw end.reason;
  };
  try {
    let next = steps.next();
    while (!next.done) {
      const { beside, run } = next.value;
      if (!beside && underWay.length > 0) await allOfThem();
      if (!ours()) throw new Revoked('the partition was revoked');
      const result = run();
      if (beside && result instanceof Promise) underWay.push(result);
      next = steps.next(!beside && result instanceof Promise ? await result : result);
    }
    if (underWay.length > 0) await allOfThem();
    return next.value;
  } finally {
    if (underWay.length > 0) await Promise.allSettled(underWay);
  }
};
