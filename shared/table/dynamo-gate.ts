/** Lets so many in at a time, in the order in which they came. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>;

export const openGate = (width: number): Gate => {
  let free = width;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((enter) => waiting.push(enter));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
};

/** Ends when all have ended: after a rejection nothing goes on. What has not begun when one fails does not begin. */
export const allThrough = async <I, O>(
  gate: Gate,
  items: readonly I[],
  work: (item: I) => Promise<O>,
): Promise<readonly O[]> => {
  let failed = false;
  const ends = await Promise.allSettled(
    items.map((item) =>
      gate(async () => {
        if (failed) throw NOT_BEGUN;
        return work(item).catch((error: unknown) => {
          failed = true;
          throw error;
        });
      }),
    ),
  );
  const results: O[] = [];
  let reason: unknown = null;
  for (const end of ends) {
    if (end.status === 'fulfilled') results.push(end.value);
    else if (end.reason !== NOT_BEGUN) reason ??= end.reason;
  }
  if (failed) throw reason;
  return results;
};

const NOT_BEGUN = new Error('not begun');
