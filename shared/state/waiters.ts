/** Calls `run` after `ms`, unless the function that it returns is called before. */
export type After = (ms: number, run: () => void) => () => void;

/** Those who wait for a partition to be folded up to an offset. They are told by commits: nothing polls. */
export type Waiters = {
  wait(wish: Wish): Promise<boolean>;
  reached(processor: string, partition: number, offset: number): void;
  /** Answers all with false, and from now on everyone at once. */
  end(): void;
};

type Wish = {
  readonly processor: string;
  readonly partition: number;
  readonly offset: number;
  readonly timeoutMs: number;
};
type Waiter = { readonly offset: number; answer(reached: boolean): void };
/** `nearest` is no later than the offset of any in the list, so that most commits look at one number only. */
type Line = { nearest: number; waiting: Waiter[] };

export const createWaiters = (after: After): Waiters => {
  const lines = new Map<string, Map<number, Line>>();
  let ended = false;

  const lineOf = (processor: string, partition: number): Line => {
    const partitions = lines.get(processor) ?? new Map<number, Line>();
    lines.set(processor, partitions);
    const line = partitions.get(partition) ?? { nearest: Infinity, waiting: [] };
    partitions.set(partition, line);
    return line;
  };

  return {
    wait: ({ processor, partition, offset, timeoutMs }) => {
      if (ended || timeoutMs <= 0) return Promise.resolve(false);
      const line = lineOf(processor, partition);
      return new Promise((resolve) => {
        const waiter: Waiter = {
          offset,
          answer: (reached) => {
            cancel();
            resolve(reached);
          },
        };
        const cancel = after(timeoutMs, () => {
          resolve(false);
          line.waiting.splice(line.waiting.indexOf(waiter), 1);
        });
        line.waiting.push(waiter);
        line.nearest = Math.min(line.nearest, offset);
      });
    },

    reached: (processor, partition, offset) => {
      const line = lines.get(processor)?.get(partition);
      if (line === undefined || offset < line.nearest) return;
      const told = line.waiting;
      line.waiting = [];
      line.nearest = Infinity;
      for (const waiter of told) {
        if (waiter.offset <= offset) {
          waiter.answer(true);
          continue;
        }
        line.waiting.push(waiter);
        line.nearest = Math.min(line.nearest, waiter.offset);
      }
    },

    end: () => {
      ended = true;
      for (const partitions of lines.values()) {
        for (const line of partitions.values()) for (const waiter of line.waiting.splice(0)) waiter.answer(false);
      }
    },
  };
};
