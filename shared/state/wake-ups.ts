import { liveMs, type LiveMs } from '../../schemas/time.ts';
import type { Due, Row } from './state.ts';

/** What a partition knows of one key. `cell` holds the row; null in it means that the key was deleted. */
export type Slot = { cell: Cell; epoch: number; wakeUp: WakeUp | null };
export type Cell = { readonly key: string; row: Row | null };
/** An entry of the heap. It counts while its slot points at it; every other one is waste. */
type WakeUp = { dueMs: number; readonly slot: Slot };

/**
 * The wake-ups of one partition: a binary heap by (due, key). A key's entry may be earlier than its row says, never
 * later: so a beat that moves a wake-up back, which is what nearly all beats do, costs no heap operation, and the
 * entry is put in its place when it comes up.
 */
export type WakeUps = {
  /** Call it after every change of the slot's row. */
  arm(slot: Slot): void;
  /** All wake-ups due at or before `untilMs`, in order. They stay due until the row says otherwise. */
  due(untilMs: LiveMs): readonly Due[];
  /** Entries held, waste included: a measure for tests. */
  size(): number;
};

/** Below this, waste is not worth clearing. */
const WASTE_ALLOWED = 64;

export const createWakeUps = (): WakeUps => {
  let heap: WakeUp[] = [];
  /** Taken from the heap by the last `due`, and put back at their rows' new due by the next. */
  let handedOut: WakeUp[] = [];
  let live = 0;

  const before = (a: WakeUp, b: WakeUp): boolean =>
    a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.slot.cell.key < b.slot.cell.key);

  const push = (entry: WakeUp): void => {
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up]!;
      if (!before(entry, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = entry;
  };

  const sink = (entry: WakeUp, from: number): void => {
    let at = from;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= heap.length) break;
      if (down + 1 < heap.length && before(heap[down + 1]!, heap[down]!)) down += 1;
      const child = heap[down]!;
      if (!before(child, entry)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = entry;
  };

  const dropFirst = (): void => {
    const last = heap.pop()!;
    if (heap.length > 0) sink(last, 0);
  };

  /** A fold that often moves a far wake-up near leaves a far entry behind each time; nothing else would clear them. */
  const clearWaste = (): void => {
    heap = heap.filter((entry) => entry.slot.wakeUp === entry);
    for (let at = (heap.length >> 1) - 1; at >= 0; at -= 1) sink(heap[at]!, at);
  };

  const arm = (slot: Slot): void => {
    const dueMs = slot.cell.row?.dueMs ?? null;
    const current = slot.wakeUp;
    if (dueMs === null) {
      if (current === null) return;
      slot.wakeUp = null;
      live -= 1;
      return;
    }
    if (current !== null && current.dueMs <= dueMs) return;
    if (current === null) live += 1;
    slot.wakeUp = { dueMs, slot };
    push(slot.wakeUp);
    if (heap.length > 2 * live + WASTE_ALLOWED) clearWaste();
  };

  const putBack = (): void => {
    for (const entry of handedOut) {
      if (entry.slot.wakeUp !== entry) continue;
      entry.dueMs = entry.slot.cell.row!.dueMs!;
      push(entry);
    }
    handedOut = [];
  };

  return {
    arm,
    due: (untilMs) => {
      if (handedOut.length > 0) putBack();
      const due: Due[] = [];
      for (let first = heap[0]; first !== undefined && first.dueMs <= untilMs; first = heap[0]) {
        if (first.slot.wakeUp !== first) {
          dropFirst();
          continue;
        }
        const dueMs = first.slot.cell.row!.dueMs!;
        if (dueMs > first.dueMs) {
          first.dueMs = dueMs;
          sink(first, 0);
          continue;
        }
        dropFirst();
        handedOut.push(first);
        due.push({ key: first.slot.cell.key, dueMs: liveMs(dueMs) });
      }
      return due;
    },
    size: () => heap.length + handedOut.length,
  };
};
