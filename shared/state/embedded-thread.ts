import { Worker, type WorkerOptions } from 'node:worker_threads';

/** A thread that answers each request once, in their order. One that has died is begun again by the next request. */
export type AskedThread<Request, Answer> = {
  ask(request: Request): Promise<Answer>;
  /** Asks for the last time, and resolves when the thread has ended; one that was never begun is let be. */
  end(last: Request): Promise<void>;
};

export type AskedThreadOptions = {
  readonly url: URL;
  readonly options: WorkerOptions;
  /** What those hear who wait for a thread that died, by what it threw or the code that it ended with. */
  readonly died: (why: unknown) => Error;
};

type Waiting<Answer> = { done(answer: Answer): void; failed(error: Error): void };

export const openAskedThread = <Request, Answer>({
  url,
  options,
  died,
}: AskedThreadOptions): AskedThread<Request, Answer> => {
  let worker: Worker | null = null;
  const waiting: Waiting<Answer>[] = [];

  const begin = (): Worker => {
    const begun = new Worker(url, options);
    begun.on('message', (answer: Answer) => waiting.shift()?.done(answer));
    const gone = (why: unknown): void => {
      if (worker !== begun) return;
      // A thread that died, of memory say, costs what was under way and not all that comes after.
      worker = null;
      for (const one of waiting.splice(0)) one.failed(died(why));
    };
    begun.on('error', gone).on('exit', gone);
    return begun;
  };

  const ask = (request: Request): Promise<Answer> =>
    new Promise((done, failed) => {
      worker ??= begin();
      waiting.push({ done, failed });
      worker.postMessage(request);
    });
  return {
    ask,
    end: async (last) => {
      const ending = worker;
      if (ending === null) return;
      const exited = new Promise((resolve) => ending.once('exit', resolve));
      await ask(last);
      await exited;
    },
  };
};
