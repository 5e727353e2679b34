/**
 * Avro's binary encoding, as small functions that the generated readers and writers of `generated/avro.ts` are made of.
 * One value is written or read at a time, from start to end without a pause, so the place in the bytes is a variable of
 * this module: that makes it three times as fast as avsc, whose bytes the tests compare with these. Unlike avsc it takes
 * every safe integer, and it never believes a length that the bytes cannot hold.
 */

const broken = (what: string): Error => new Error(`not Avro of this schema: ${what}`);
const wrong = (wanted: string, value: unknown): TypeError =>
  new TypeError(`${wanted} expected, not ${typeof value === 'string' ? 'a string' : String(value)}`);

// --- The mark: "PB" and three digits, the number of the schema ------------------------------------------------------

const MARK_BYTES = 5;
const [P, B, ZERO] = [0x50, 0x42, 0x30];

/** The number in the mark at this place; -1 where there is no mark. Past the end of the bytes nothing is a digit. */
export const markAt = (bytes: Uint8Array, at: number): number => {
  if (bytes[at] !== P || bytes[at + 1] !== B) return -1;
  const hundreds = (bytes[at + 2] ?? 0) - ZERO;
  const tens = (bytes[at + 3] ?? 0) - ZERO;
  const ones = (bytes[at + 4] ?? 0) - ZERO;
  const digits = hundreds >= 0 && hundreds <= 9 && tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9;
  return digits ? 100 * hundreds + 10 * tens + ones : -1;
};

// --- Writing --------------------------------------------------------------------------------------------------------

/** Values are written here and copied out: what is not known before writing is their length. */
let target: Buffer = Buffer.alloc(64 * 1024);
let put = 0;

/** The largest of what is written without asking for room: a union's branch, a number, or a count. */
const NUMBER_BYTES = 10;

const room = (bytes: number): void => {
  if (put + bytes <= target.length) return;
  const larger = Buffer.alloc(Math.max(2 * target.length, put + bytes));
  target.copy(larger, 0, 0, put);
  target = larger;
};

/** Starts a value that will have `before` bytes in front. */
export const startWriting = (before: number): void => {
  put = before;
};

/** The value, in bytes of the caller's own. */
export const written = (): Buffer => {
  const bytes = Buffer.allocUnsafe(put);
  target.copy(bytes, 0, 0, put);
  return bytes;
};

export const writeMark = (number: number): void => {
  room(NUMBER_BYTES);
  target[put++] = P;
  target[put++] = B;
  target[put++] = ZERO + Math.trunc(number / 100);
  target[put++] = ZERO + (Math.trunc(number / 10) % 10);
  target[put++] = ZERO + (number % 10);
};

export const writeNull = (isNull: boolean): void => {
  room(1);
  target[put++] = isNull ? 0 : 2;
};

export const writeBoolean = (value: boolean): void => {
  if (typeof value !== 'boolean') throw wrong('a boolean', value);
  room(1);
  target[put++] = value ? 1 : 0;
};

export const writeLong = (value: number): void => {
  room(NUMBER_BYTES);
  if (value >= -0x4000_0000 && value < 0x4000_0000 && Number.isInteger(value)) {
    let bits = ((value << 1) ^ (value >> 31)) >>> 0;
    while (bits > 0x7f) {
      target[put++] = (bits & 0x7f) | 0x80;
      bits >>>= 7;
    }
    target[put++] = bits;
    return;
  }
  if (!Number.isSafeInteger(value)) throw wrong('a safe integer', value);
  // Two halves of 32 bits, since JavaScript shifts no more: two's complement, then zigzag.
  const sign = value < 0 ? -1 : 0;
  const low = value >>> 0;
  const high = Math.floor(value / 2 ** 32);
  let bits = ((low << 1) ^ sign) >>> 0;
  let above = (((high << 1) | (low >>> 31)) ^ sign) >>> 0;
  while (above > 0 || bits > 0x7f) {
    target[put++] = (bits & 0x7f) | 0x80;
    bits = ((bits >>> 7) | (above << 25)) >>> 0;
    above >>>= 7;
  }
  target[put++] = bits;
};

export const writeDouble = (value: number): void => {
  if (typeof value !== 'number') throw wrong('a number', value);
  room(NUMBER_BYTES);
  put = target.writeDoubleLE(value, put);
};

export const writeString = (value: string): void => {
  if (typeof value !== 'string') throw wrong('a string', value);
  const length = value.length;
  // A unit of UTF-16 takes three bytes of UTF-8 at most.
  room(NUMBER_BYTES + 3 * length);
  if (length < 64) {
    let at = put + 1;
    let index = 0;
    for (; index < length; index += 1) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) break;
      target[at++] = unit;
    }
    if (index === length) {
      target[put] = length << 1;
      put = at;
      return;
    }
  }
  writeLong(Buffer.byteLength(value));
  put += target.write(value, put);
};

export const writeBytes = (value: Uint8Array): void => {
  writeLong(value.length);
  room(value.length);
  target.set(value, put);
  put += value.length;
};

export const writeEnum = (symbols: readonly string[], value: string): void => {
  const index = symbols.indexOf(value);
  if (index < 0) throw wrong(`one of ${symbols.join(', ')}`, value);
  writeLong(index);
};

export const writeArray = <T>(values: readonly T[], writeItem: (value: T) => void): void => {
  if (values.length > 0) {
    writeLong(values.length);
    for (const value of values) writeItem(value);
  }
  writeLong(0);
};

export const writeMap = <T>(map: Readonly<Record<string, T>>, writeValue: (value: T) => void): void => {
  const entries = Object.entries(map);
  if (entries.length > 0) {
    writeLong(entries.length);
    for (const [key, value] of entries) {
      writeString(key);
      writeValue(value);
    }
  }
  writeLong(0);
};

// --- Reading --------------------------------------------------------------------------------------------------------
// Reading past the end gives zeros; whoever reads a value asks `readToEnd` whether it ended where the bytes did.

let source: Buffer = Buffer.alloc(0);
let got = 0;

export const startReading = (bytes: Buffer, from: number): void => {
  source = bytes;
  got = from;
};

/** Whether the value ended where the bytes do. */
export const readToEnd = (): boolean => got === source.length;

export const readMark = (number: number): void => {
  if (markAt(source, got) !== number) throw broken('the mark of another schema');
  got += MARK_BYTES;
};

/** Which branch of a union of null and another type: true for null. */
export const readNull = (): boolean => {
  const branch = source[got++];
  if (branch !== 0 && branch !== 2) throw broken('a branch that the union lacks');
  return branch === 0;
};

export const readBoolean = (): boolean => {
  const value = source[got++];
  if (value !== 0 && value !== 1) throw broken('a boolean that is neither');
  return value === 1;
};

export const readLong = (): number => {
  let byte = source[got++] ?? 0;
  let low = byte & 0x7f;
  for (let shift = 7; byte > 0x7f && shift < 28; shift += 7) {
    byte = source[got++] ?? 0;
    low |= (byte & 0x7f) << shift;
  }
  if (byte <= 0x7f) return (low >>> 1) ^ -(low & 1);
  byte = source[got++] ?? 0;
  low |= (byte & 0x7f) << 28;
  let high = (byte & 0x7f) >>> 4;
  for (let shift = 3; byte > 0x7f && shift < 32; shift += 7) {
    byte = source[got++] ?? 0;
    high |= (byte & 0x7f) << shift;
  }
  if (byte > 0x7f) throw broken('a number of more than ten bytes');
  const sign = -(low & 1);
  const value = (((high >>> 1) ^ sign) | 0) * 2 ** 32 + ((((low >>> 1) | (high << 31)) ^ sign) >>> 0);
  if (!Number.isSafeInteger(value)) throw broken('a number that JavaScript cannot hold');
  return value;
};

export const readDouble = (): number => {
  const value = source.readDoubleLE(got);
  got += 8;
  return value;
};

/** A length or count: each unit of it takes at least a byte, so what is more than the rest of the bytes is a lie. */
const readLength = (): number => {
  const length = readLong();
  if (length < 0 || length > source.length - got) throw broken('more than the bytes hold');
  return length;
};

/**
 * Most strings of a log come again and again (types, versions, devices, titles). Found again here, they cost less than
 * half, and a state of a million rows holds each once. A wrong entry is impossible: each hit is compared byte by byte.
 */
const SEEN_SLOTS = 16 * 1024;
const SEEN_BYTES = 40;
const seen: string[] = Array.from({ length: SEEN_SLOTS }, () => '');

export const readString = (): string => {
  const length = readLength();
  const from = got;
  got += length;
  if (length > SEEN_BYTES) return source.toString('utf8', from, got);
  let hash = length;
  for (let at = from; at < got; at += 1) hash = (Math.imul(hash, 31) + (source[at] ?? 0)) | 0;
  const slot = (hash ^ (hash >>> 15)) & (SEEN_SLOTS - 1);
  const known = seen[slot] ?? '';
  if (known.length === length) {
    let index = 0;
    while (index < length && known.charCodeAt(index) === source[from + index]) index += 1;
    if (index === length) return known;
  }
  const text = source.toString('utf8', from, got);
  // Equal lengths: all ASCII, so that the comparison above is one of characters.
  if (text.length === length) seen[slot] = text;
  return text;
};

export const readBytes = (): Uint8Array => {
  const length = readLength();
  got += length;
  return Buffer.from(source.subarray(got - length, got));
};

export const readEnum = <T extends string>(symbols: readonly T[]): T => {
  const symbol = symbols[readLong()];
  if (symbol === undefined) throw broken('a symbol that the enum lacks');
  return symbol;
};

/** The next block's count; negative counts are followed by the block's size, which only those need who skip it. */
const readCount = (): number => {
  const count = readLong();
  if (count < 0) readLong();
  const entries = Math.abs(count);
  if (entries > source.length - got) throw broken('more entries than bytes');
  return entries;
};

export const readArray = <T>(readItem: () => T): readonly T[] => {
  const array: T[] = [];
  for (let count = readCount(); count > 0; count = readCount()) {
    while (count-- > 0) array.push(readItem());
  }
  return array;
};

export const readMap = <T>(readValue: () => T): Readonly<Record<string, T>> => {
  const map: Record<string, T> = {};
  for (let count = readCount(); count > 0; count = readCount()) {
    while (count-- > 0) {
      const key = readString();
      const value = readValue();
      // Assigned, it would be the prototype.
      if (key === '__proto__')
        Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
      else map[key] = value;
    }
  }
  return map;
};

export const readBranch = (branches: number): number => {
  const branch = readLong();
  if (branch < 0 || branch >= branches) throw broken('a branch that the union lacks');
  return branch;
};
