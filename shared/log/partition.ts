/**
 * Murmur2 of the key's UTF-8 bytes, as Kafka's default partitioner computes it, so that every adapter, and a Java
 * producer beside us, puts a key into the same partition.
 */
export const murmur2 = (bytes: Uint8Array): number => {
  const m = 0x5bd1e995;
  const length = bytes.length;
  let h = 0x9747b28c ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = length - i;
  if (rest === 3) h ^= bytes[i + 2]! << 16;
  if (rest >= 2) h ^= bytes[i + 1]! << 8;
  if (rest >= 1) {
    h ^= bytes[i]!;
    h = Math.imul(h, m);
  }
  h ^= h >>> 13;
  h = Math.imul(h, m);
  h ^= h >>> 15;
  return h | 0;
};

const encoder = new TextEncoder();
/** Account keys are 43 ASCII characters: their bytes are their characters, and no encoder is needed. */
const scratch = new Uint8Array(64);

const bytesOf = (key: string): Uint8Array => {
  if (key.length > scratch.length) return encoder.encode(key);
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    if (code > 0x7f) return encoder.encode(key);
    scratch[i] = code;
  }
  return scratch.subarray(0, key.length);
};

export const partitionOf = (key: string, partitions: number): number =>
  (murmur2(bytesOf(key)) & 0x7fffffff) % partitions;
