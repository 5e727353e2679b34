/** Virtual time: a heap of things to do, in order of time and, within a millisecond, of asking. */
export type Schedule = {
  now(): number;
  after(ms: number, run: () => void): void;
  /** Does the next thing; false when there is none before `untilMs`. */
  next(untilMs: number): boolean;
};

type Entry = { readonly atMs: number; readonly order: number; readonly run: () => void };

export const createSchedule = (): Schedule => {
  const heap: Entry[] = [];
  let nowMs = 0;
  let order = 0;
  const before = (a: Entry, b: Entry): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

  const push = (entry: Entry): void => {
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!before(entry, heap[up]!)) break;
      heap[at] = heap[up]!;
      at = up;
    }
    heap[at] = entry;
  };
  const dropFirst = (): void => {
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= heap.length) break;
      if (down + 1 < heap.length && before(heap[down + 1]!, heap[down]!)) down += 1;
      if (!before(heap[down]!, last)) break;
      heap[at] = heap[down]!;
      at = down;
    }
    heap[at] = last;
  };

  return {
    now: () => nowMs,
    after: (ms, run) => push({ atMs: nowMs + Math.max(0, Math.round(ms)), order: (order += 1), run }),
    next: (untilMs) => {
      const first = heap[0];
      if (first === undefined || first.atMs > untilMs) return false;
      dropFirst();
      nowMs = first.atMs;
      first.run();
      return true;
    },
  };
};
