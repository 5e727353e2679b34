import { describe, expect, it } from '@jest/globals';
import { begin, Revoked, runSteps, step, type Steps } from './steps.ts';

/** Steps that are answered by hand, in any order; `said` is all that happened. */
const bench = () => {
  const said: string[] = [];
  const answers = new Map<string, PromiseWithResolvers<string>>();
  const ask = (what: string): Promise<string> => {
    said.push(what);
    const answer = Promise.withResolvers<string>();
    answers.set(what, answer);
    return answer.promise;
  };
  const settled = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    said,
    ask,
    answer: async (what: string): Promise<void> => {
      answers.get(what)!.resolve(`${what} done`);
      await settled();
    },
    refuse: async (what: string): Promise<void> => {
      answers.get(what)!.reject(new Error(`${what} failed`));
      await settled();
    },
    settled,
  };
};

const outputs = (ask: (what: string) => Promise<string>): Steps<string> =>
  (function* () {
    yield* begin('send', () => ask('first'));
    yield* begin('send', () => ask('second'));
    return yield* step('commit', () => ask('commit'));
  })();

describe('steps that are begun', () => {
  it('are under way beside each other, and the next step waits for all of them', async () => {
    const b = bench();
    const run = runSteps(outputs(b.ask), () => true);
    expect(b.said).toEqual(['first', 'second']);
    await b.answer('second');
    expect(b.said).toEqual(['first', 'second']);
    await b.answer('first');
    expect(b.said).toEqual(['first', 'second', 'commit']);
    await b.answer('commit');
    expect(await run).toBe('commit done');
  });

  it('keep the next step from happening when one fails, and nothing is told before the others have ended', async () => {
    const b = bench();
    const told: unknown[] = [];
    const run = runSteps(outputs(b.ask), () => true).catch((error: unknown) => told.push(error));
    await b.refuse('first');
    expect(told).toEqual([]);
    await b.answer('second');
    await run;
    expect(told).toEqual([new Error('first failed')]);
    expect(b.said).toEqual(['first', 'second']);
  });

  it('have ended before a revocation is told', async () => {
    const b = bench();
    let ours = true;
    const told: unknown[] = [];
    const run = runSteps(outputs(b.ask), () => ours).catch((error: unknown) => told.push(error));
    ours = false;
    await b.answer('first');
    expect(told).toEqual([]);
    await b.answer('second');
    await run;
    expect(told).toEqual([expect.any(Revoked)]);
    expect(b.said).toEqual(['first', 'second']);
  });

  it('have ended before the loop has, where no step follows or the loop throws', async () => {
    const last = bench();
    const run = runSteps(
      (function* (): Steps<string> {
        yield* begin('send', () => last.ask('last'));
        return 'folded';
      })(),
      () => true,
    );
    await last.refuse('last');
    await expect(run).rejects.toThrow('last failed');

    const b = bench();
    const told: unknown[] = [];
    const throwing = runSteps(
      (function* (): Steps<void> {
        yield* begin('send', () => b.ask('first'));
        throw new Error('the fold cannot go on');
      })(),
      () => true,
    ).catch((error: unknown) => told.push(error));
    await b.settled();
    expect(told).toEqual([]);
    await b.refuse('first');
    await throwing;
    expect(told).toEqual([new Error('the fold cannot go on')]);
  });
});
