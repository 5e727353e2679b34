import { decodeFrom, indexOf, type Decoded, type Limits, type StoredBatch } from './embedded-log-batch.ts';

/** The newest durable batches of one partition, so that whoever reads at the end needs no disk. */
export type Tail = {
  push(batch: StoredBatch): void;
  /** `null` when the tail does not reach back to `from`. */
  decode(from: number, limits: Limits): Decoded | null;
};

/** Bounds the objects kept for a partition that gets one small record a second. */
const MAX_BATCHES = 4_096;

export const openTail = (maxBytes: number): Tail => {
  const batches: StoredBatch[] = [];
  let head = 0;
  let bytes = 0;

  return {
    push: (batch) => {
      batches.push(batch);
      bytes += batch.body.length;
      while (bytes > maxBytes || batches.length - head > MAX_BATCHES) {
        bytes -= batches[head]!.body.length;
        batches[head] = DROPPED;
        head += 1;
      }
      if (head > 1_024 && head * 2 > batches.length) {
        batches.splice(0, head);
        head = 0;
      }
    },
    decode: (from, limits) => {
      const index = indexOf(batches, head, from);
      return index < 0 ? null : decodeFrom(batches, index, from, limits);
    },
  };
};

/** Stands where a batch was until the array is cut, so that its bytes are free at once. */
const DROPPED: StoredBatch = { base: -1, count: 0, appendedAtMs: 0, body: new Uint8Array(0) };
