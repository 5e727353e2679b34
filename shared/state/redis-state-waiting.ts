import { createWaiters, type After } from './waiters.ts';

/** Those who wait for a partition's offset, wherever it is folded: one question at a time for all who wait for it. */
export type OffsetWatch = {
  wait(wish: OffsetWish): Promise<boolean>;
  /** A commit of this very process: nobody needs to ask. */
  reached(processor: string, partition: number, offset: number): void;
  end(): void;
};
export type OffsetWish = {
  readonly processor: string;
  readonly partition: number;
  readonly offset: number;
  readonly timeoutMs: number;
};

export type OffsetWatchOptions = {
  readonly after: After;
  /** Between an answer and the next question, while somebody waits; nobody asks when nobody does. */
  readonly everyMs: number;
  offsetOf(processor: string, partition: number): Promise<number | null>;
};

/** A store that does not answer is asked less often. */
const AFTER_FAILURE = 10;

type Line = { waiting: number; asking: boolean; cancelPause: () => void };

export const watchOffsets = ({ after, everyMs, offsetOf }: OffsetWatchOptions): OffsetWatch => {
  const waiters = createWaiters(after);
  const lines = new Map<string, Line>();
  let ended = false;

  const lineOf = (processor: string, partition: number): Line => {
    const id = `${processor}/${partition}`;
    const line = lines.get(id) ?? { waiting: 0, asking: false, cancelPause: () => {} };
    lines.set(id, line);
    return line;
  };

  const ask = async (line: Line, { processor, partition }: OffsetWish): Promise<void> => {
    line.asking = true;
    while (line.waiting > 0 && !ended) {
      // All who ask do so at the same moments: their questions leave together.
      let pauseMs = 1.5 * everyMs - ((performance.now() + everyMs / 2) % everyMs);
      try {
        const offset = await offsetOf(processor, partition);
        if (offset !== null) waiters.reached(processor, partition, offset);
      } catch {
        // Whoever waits gets a `false` in time, and the reason from what it reads then.
        pauseMs *= AFTER_FAILURE;
      }
      await new Promise<void>((resolve) => {
        const cancel = after(pauseMs, resolve);
        line.cancelPause = () => {
          cancel();
          resolve();
        };
      });
    }
    line.asking = false;
  };

  return {
    wait: async (wish) => {
      if (ended) return false;
      if (wish.timeoutMs <= 0) return ((await offsetOf(wish.processor, wish.partition)) ?? -1) >= wish.offset;
      const line = lineOf(wish.processor, wish.partition);
      line.waiting += 1;
      const answer = waiters.wait(wish);
      if (!line.asking) void ask(line, wish);
      try {
        return await answer;
      } finally {
        line.waiting -= 1;
      }
    },
    reached: waiters.reached,
    end: () => {
      ended = true;
      waiters.end();
      for (const line of lines.values()) line.cancelPause();
    },
  };
};
