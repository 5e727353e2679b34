/**
 * Records as bytes, in the Confluent wire format: a zero byte, four bytes of schema id (big-endian), the Avro body.
 * Ids are compiled in, so that nothing needs a registry to read or write; a registry, where there is one, checks them.
 */
import { readFileSync } from 'node:fs';
import avro from 'avsc';
import type { LogEvent, Output } from './events.ts';
import type { RecordParked, StreamDecided } from './generated/records.ts';

/** A schema keeps its id for ever. A change to a schema that is in use is a new id beside the old one. */
export const SCHEMA_IDS = {
  SessionStarted: 1,
  Heartbeat: 2,
  SessionStopRequested: 3,
  Tick: 4,
  PolicyActivated: 5,
  AccountErased: 6,
  StreamDecided: 7,
  RecordParked: 8,
} as const;

export type RecordName = keyof typeof SCHEMA_IDS;
export const RECORD_NAMES = Object.keys(SCHEMA_IDS) as readonly RecordName[];

/** Ids up to here are ours: one that this release does not know was written by a newer one. */
export const LAST_RESERVED_ID = 999;

const FILES: Readonly<Record<RecordName, string>> = {
  SessionStarted: 'session-started',
  Heartbeat: 'heartbeat',
  SessionStopRequested: 'session-stop-requested',
  Tick: 'tick',
  PolicyActivated: 'policy-activated',
  AccountErased: 'account-erased',
  StreamDecided: 'stream-decided',
  RecordParked: 'record-parked',
};

/** What the processors write themselves: outputs, and bytes that nobody could read. */
export type OutputRecord =
  Output | { readonly type: 'RecordParked'; readonly value: Omit<RecordParked, 'id' | 'cause'> };

/** No release can read these bytes: they are parked. */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord';
}
/** A newer release wrote this: the partition waits for one that can read it. */
export class UnknownSchemaId extends Error {
  override readonly name = 'UnknownSchemaId';
}
/** A record that steers the fold is broken: to skip it would decide wrongly from here on. */
export class UnreadableControlRecord extends Error {
  override readonly name = 'UnreadableControlRecord';
}

// --- Types ----------------------------------------------------------------------------------------------------------

/** The part of avsc's cursor that reading a collection needs; it is not in its declarations. */
type Cursor = {
  readonly buf: Uint8Array;
  readonly pos: number;
  readLong(): number;
  skipLong(): void;
  readString(): string;
};
type Reader = { _read: (cursor: Cursor) => unknown };

/**
 * avsc 5.7 believes the count in front of a map or an array, and reads on past the end of the buffer: eight broken
 * bytes would hold the process for hours. Each entry takes at least a byte, so a count above what is left is a lie.
 * Its types are frozen, so the two readers are replaced for all of them.
 */
const readCount = (cursor: Cursor): number => {
  let count = cursor.readLong();
  if (count < 0) {
    count = -count;
    cursor.skipLong();
  }
  if (count > cursor.buf.length - cursor.pos) throw new Error('more entries than bytes');
  return count;
};

const { MapType, ArrayType } = avro.types;

(MapType.prototype as unknown as Reader)._read = function (this: { valuesType: Reader }, cursor: Cursor) {
  const map: Record<string, unknown> = {};
  for (let count = readCount(cursor); count > 0; count = readCount(cursor)) {
    while (count-- > 0) {
      const key = cursor.readString();
      map[key] = this.valuesType._read(cursor);
    }
  }
  return map;
};

(ArrayType.prototype as unknown as Reader)._read = function (this: { itemsType: Reader }, cursor: Cursor) {
  const array: unknown[] = [];
  for (let count = readCount(cursor); count > 0; count = readCount(cursor)) {
    while (count-- > 0) array.push(this.itemsType._read(cursor));
  }
  return array;
};

const TYPES: Readonly<Record<RecordName, avro.Type>> = (() => {
  const registry: Record<string, avro.Type> = {};
  const parse = (name: RecordName): avro.Type => {
    const file = new URL(`records/${FILES[name]}.avsc`, import.meta.url);
    return avro.Type.forSchema(JSON.parse(readFileSync(file, 'utf8')), { registry, omitRecordMethods: true });
  };
  // First, since the others refer to its types by name.
  const Heartbeat = parse('Heartbeat');
  return {
    Heartbeat,
    SessionStarted: parse('SessionStarted'),
    SessionStopRequested: parse('SessionStopRequested'),
    Tick: parse('Tick'),
    PolicyActivated: parse('PolicyActivated'),
    AccountErased: parse('AccountErased'),
    StreamDecided: parse('StreamDecided'),
    RecordParked: parse('RecordParked'),
  };
})();

export type RecordSchema = {
  readonly name: RecordName;
  readonly subject: string;
  readonly id: number;
  /** Complete: types of other records that it needs are in it. */
  readonly schema: string;
};

/** What a registry should hold. */
export const recordSchemas = (): readonly RecordSchema[] =>
  RECORD_NAMES.map((name) => ({
    name,
    subject: `playbeat.${name}`,
    id: SCHEMA_IDS[name],
    schema: JSON.stringify(TYPES[name].schema({ exportAttrs: true })),
  }));

// --- Writing --------------------------------------------------------------------------------------------------------

const HEADER_BYTES = 5;
/** Records are written here and copied out: what is not known before writing is their length. */
let scratch = Buffer.alloc(64 * 1024);

const write = (name: RecordName, value: unknown): Buffer => {
  const type = TYPES[name];
  let end = type.encode(value, scratch, HEADER_BYTES);
  while (end < 0) {
    // avsc says how many bytes were missing.
    scratch = Buffer.alloc(Math.max(2 * scratch.length, scratch.length - end));
    end = type.encode(value, scratch, HEADER_BYTES);
  }
  const bytes = Buffer.allocUnsafe(end);
  scratch.copy(bytes, 0, 0, end);
  bytes[0] = 0;
  bytes.writeUInt32BE(SCHEMA_IDS[name], 1);
  return bytes;
};

/** The bytes are the caller's. A value that its type does not allow throws: that is a fault of the program. */
export const encode = <T extends LogEvent['type']>(type: T, value: Extract<LogEvent, { type: T }>['value']): Buffer =>
  write(type, value);

/** The same for a record whose type is known at run time only. */
export const encodeEvent = ({ type, value }: LogEvent): Buffer => write(type, value);

/** An output with the names that follow from its cause: `id` is the same for every repeat. */
export const encodeOutput = (output: OutputRecord, { id, cause }: { id: string; cause: string }): Buffer =>
  write(output.type, { ...output.value, id, cause });

// --- Reading --------------------------------------------------------------------------------------------------------

const idOf = (bytes: Uint8Array): number =>
  // Not `<<` for the highest byte: ids are unsigned.
  (bytes[1] ?? 0) * 0x1_00_00_00 + (((bytes[2] ?? 0) << 16) | ((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0));

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

type Failure = typeof UnreadableRecord | typeof UnreadableControlRecord;

const read = <T>(name: RecordName, bytes: Uint8Array, failure: Failure): T => {
  let offset: number;
  let value: T;
  try {
    ({ value, offset } = TYPES[name].decode(asBuffer(bytes), HEADER_BYTES));
  } catch (cause) {
    throw new failure(`the body of a ${name} is broken`, { cause });
  }
  if (offset !== bytes.length) throw new failure(`the body of a ${name} is ${offset < 0 ? 'cut off' : 'too long'}`);
  return value;
};

const headed = (bytes: Uint8Array | null): Uint8Array => {
  if (bytes === null) throw new UnreadableRecord('no bytes');
  if (bytes.length < HEADER_BYTES || bytes[0] !== 0) throw new UnreadableRecord('not in the wire format');
  return bytes;
};

const foreign = (id: number): Error => {
  const known = Object.values(SCHEMA_IDS).some((other) => other === id);
  if (known) return new UnreadableRecord(`schema ${id} belongs in another topic`);
  return id >= 1 && id <= LAST_RESERVED_ID
    ? new UnknownSchemaId(`schema ${id} was made by a newer release`)
    : new UnreadableRecord(`schema ${id} is not ours`);
};

/** A record of `heartbeats.v1`. Throws `UnreadableRecord`, `UnknownSchemaId` or `UnreadableControlRecord`, nothing else. */
export const decode = (bytes: Uint8Array | null): LogEvent => {
  const whole = headed(bytes);
  const id = idOf(whole);
  switch (id) {
    case SCHEMA_IDS.Heartbeat:
      return { type: 'Heartbeat', value: read('Heartbeat', whole, UnreadableRecord) };
    case SCHEMA_IDS.SessionStarted:
      return { type: 'SessionStarted', value: read('SessionStarted', whole, UnreadableRecord) };
    case SCHEMA_IDS.SessionStopRequested:
      return { type: 'SessionStopRequested', value: read('SessionStopRequested', whole, UnreadableRecord) };
    case SCHEMA_IDS.Tick:
      return { type: 'Tick', value: read('Tick', whole, UnreadableControlRecord) };
    case SCHEMA_IDS.PolicyActivated:
      return { type: 'PolicyActivated', value: read('PolicyActivated', whole, UnreadableControlRecord) };
    case SCHEMA_IDS.AccountErased:
      return { type: 'AccountErased', value: read('AccountErased', whole, UnreadableControlRecord) };
    default:
      throw foreign(id);
  }
};

export type DecodedOutput =
  | { readonly type: 'StreamDecided'; readonly value: StreamDecided }
  | { readonly type: 'RecordParked'; readonly value: RecordParked };

/** A record that a processor wrote. Throws `UnreadableRecord` or `UnknownSchemaId`, nothing else. */
export const decodeOutput = (bytes: Uint8Array | null): DecodedOutput => {
  const whole = headed(bytes);
  const id = idOf(whole);
  switch (id) {
    case SCHEMA_IDS.StreamDecided:
      return { type: 'StreamDecided', value: read('StreamDecided', whole, UnreadableRecord) };
    case SCHEMA_IDS.RecordParked:
      return { type: 'RecordParked', value: read('RecordParked', whole, UnreadableRecord) };
    default:
      throw foreign(id);
  }
};
