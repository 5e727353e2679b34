import { epochMs } from '../../schemas/time.ts';
import type { LogRecord, NewRecord } from './log.ts';

/**
 * A stored batch: records next to each other in one partition, appended at one moment. Its body is, per record:
 * key length and value length (4 bytes each, little-endian, -1 for null), key in UTF-8, value.
 */
export type StoredBatch = {
  readonly base: number;
  readonly count: number;
  readonly appendedAtMs: number;
  readonly body: Uint8Array;
};

export type Limits = { readonly maxRecords: number; readonly maxBytes: number };

/** Records that wait to be stored, already in their stored form. */
export type BatchWriter = {
  write(record: NewRecord): void;
  /** What was written since the last call; the bodies are never written to again. */
  take(): readonly { readonly body: Buffer; readonly count: number }[];
};

/** Large enough that allocation is rare at 60,000 records a second, small enough to keep one for each partition. */
const CHUNK_BYTES = 256 * 1024;
const HEADER_BYTES = 8;

const putInt32 = (to: Uint8Array, at: number, value: number): void => {
  to[at] = value;
  to[at + 1] = value >>> 8;
  to[at + 2] = value >>> 16;
  to[at + 3] = value >>> 24;
};

const getInt32 = (from: Uint8Array, at: number): number =>
  from[at]! | (from[at + 1]! << 8) | (from[at + 2]! << 16) | (from[at + 3]! << 24);

/** Bodies are cut from one chunk after another, so a record is copied once here and never moved as a buffer grows. */
export const batchWriter = (): BatchWriter => {
  let chunk = Buffer.alloc(0);
  let start = 0;
  let at = 0;
  let count = 0;
  let sealed: { readonly body: Buffer; readonly count: number }[] = [];

  const seal = (): void => {
    if (count === 0) return;
    sealed.push({ body: chunk.subarray(start, at), count });
    start = at;
    count = 0;
  };

  return {
    write: (record) => {
      const { key, value } = record;
      // A UTF-16 unit takes at most 3 bytes in UTF-8; what is left over is used by the next record.
      const room = HEADER_BYTES + (key === null ? 0 : key.length * 3) + (value === null ? 0 : value.length);
      if (at + room > chunk.length) {
        seal();
        chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, room));
        start = 0;
        at = 0;
      }
      const header = at;
      at += HEADER_BYTES;
      if (key === null) putInt32(chunk, header, -1);
      else {
        const written = chunk.write(key, at);
        putInt32(chunk, header, written);
        at += written;
      }
      if (value === null) putInt32(chunk, header + 4, -1);
      else {
        putInt32(chunk, header + 4, value.length);
        chunk.set(value, at);
        at += value.length;
      }
      count += 1;
    },
    take: () => {
      seal();
      const taken = sealed;
      sealed = [];
      return taken;
    },
  };
};

/** Where decoding stopped: `damaged` is the base of a batch whose body is not what a writer makes. */
export type Decoded = { readonly records: LogRecord[]; readonly to: number; readonly damaged: number | null };

/**
 * The records from offset `from` on, out of batches that follow each other and the first of which holds `from`; at least
 * one, then until a limit is reached. Values are views of the batch: who keeps one for long copies it.
 */
export const decodeFrom = (batches: readonly StoredBatch[], index: number, from: number, limits: Limits): Decoded => {
  const records: LogRecord[] = [];
  let bytes = 0;
  let to = from;
  for (let i = index; i < batches.length; i++) {
    const batch = batches[i]!;
    const body = asBuffer(batch.body);
    const appendedAtMs = epochMs(batch.appendedAtMs);
    let at = 0;
    for (let n = 0; n < batch.count; n++) {
      if (at + HEADER_BYTES > body.length) return { records, to, damaged: batch.base };
      const keyLength = getInt32(body, at);
      const valueLength = getInt32(body, at + 4);
      const keyEnd = at + HEADER_BYTES + Math.max(keyLength, 0);
      const next = keyEnd + Math.max(valueLength, 0);
      if (next > body.length) return { records, to, damaged: batch.base };
      if (batch.base + n >= from) {
        if (records.length >= limits.maxRecords || (bytes + next - at > limits.maxBytes && records.length > 0))
          return { records, to, damaged: null };
        records.push({
          offset: to,
          key: keyLength < 0 ? null : body.toString('utf8', at + HEADER_BYTES, keyEnd),
          value: valueLength < 0 ? null : body.subarray(keyEnd, next),
          appendedAtMs,
        });
        bytes += next - at;
        to += 1;
      }
      at = next;
    }
    if (at !== body.length) return { records, to, damaged: batch.base };
  }
  return { records, to, damaged: null };
};

const asBuffer = (body: Uint8Array): Buffer =>
  Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);

/** The index of the batch that holds `offset`, -1 when none does. `batches` are in order of their bases. */
export const indexOf = (batches: readonly StoredBatch[], head: number, offset: number): number => {
  let low = head;
  let high = batches.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const batch = batches[middle]!;
    if (offset < batch.base) high = middle - 1;
    else if (offset >= batch.base + batch.count) low = middle + 1;
    else return middle;
  }
  return -1;
};
