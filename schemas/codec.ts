/**
 * Records as bytes, in the Confluent wire format: a zero byte, four bytes of schema id (big-endian), the Avro body.
 * The id is what a registry gave, and is for readers that are not Playbeat. Playbeat itself goes by the mark, the first
 * field of every record: so that all its processes read each other, whatever registry each of them has reached.
 */
import { readFileSync } from 'node:fs';
import avro from 'avsc';
import { markAt, readToEnd, startReading, startWriting, written } from './avro.ts';
import type { LogEvent, Output } from './events.ts';
import {
  readAccountErased,
  readAudienceCounted,
  readAudienceMoved,
  readAuditEvent,
  readHeartbeat,
  readPolicyActivated,
  readRecordParked,
  readResumeHidden,
  readResumeUndone,
  readSessionStarted,
  readSessionStopRequested,
  readStreamDecided,
  readTick,
  readTimeRelayed,
  readViewEnded,
  writeAccountErased,
  writeAudienceCounted,
  writeAudienceMoved,
  writeAuditEvent,
  writeHeartbeat,
  writePolicyActivated,
  writeRecordParked,
  writeResumeHidden,
  writeResumeUndone,
  writeSessionStarted,
  writeSessionStopRequested,
  writeStreamDecided,
  writeTick,
  writeTimeRelayed,
  writeViewEnded,
} from './generated/avro.ts';
import type {
  AudienceCounted,
  AudienceMoved,
  AuditEvent,
  RecordParked,
  StreamDecided,
  ViewEnded,
} from './generated/records.ts';

/**
 * A schema keeps its number for ever. What is added to one that is in use stands behind all that was there, and may be absent
 * (`added` in the schema); any other change is a new number beside the old one.
 */
export const SCHEMA_NUMBERS = {
  SessionStarted: 1,
  Heartbeat: 2,
  SessionStopRequested: 3,
  Tick: 4,
  PolicyActivated: 5,
  AccountErased: 6,
  StreamDecided: 7,
  RecordParked: 8,
  ResumeHidden: 9,
  ResumeUndone: 10,
  ViewEnded: 11,
  AudienceMoved: 12,
  TimeRelayed: 13,
  AudienceCounted: 14,
  AuditEvent: 15,
} as const;

export type RecordName = keyof typeof SCHEMA_NUMBERS;
export const RECORD_NAMES = Object.keys(SCHEMA_NUMBERS) as readonly RecordName[];

/** What stands for the id as long as no registry has given one. Registries count from 1, and none comes this far. */
const COMPILED_IDS_FROM = 2_147_480_000;
export const compiledId = (name: RecordName): number => COMPILED_IDS_FROM + SCHEMA_NUMBERS[name];

/** `SessionStarted` lies in `session-started.avsc`. */
const fileOf = (name: RecordName): string => name.replaceAll(/(?<!^)[A-Z]/g, '-$&').toLowerCase();

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

export type RecordSchema = {
  readonly name: RecordName;
  readonly subject: string;
  /** Complete: types of other records that it needs are in it. */
  readonly schema: string;
};

/** What a registry should hold. */
export const recordSchemas = (): readonly RecordSchema[] => {
  const registry: Record<string, avro.Type> = {};
  const parsed = new Map<RecordName, avro.Type>();
  const parse = (name: RecordName): void => {
    const text = readFileSync(new URL(`records/${fileOf(name)}.avsc`, import.meta.url), 'utf8');
    if (!parsed.has(name)) parsed.set(name, avro.Type.forSchema(JSON.parse(text), { registry }));
  };
  // First, since the others refer to its types by name.
  parse('Heartbeat');
  RECORD_NAMES.forEach(parse);
  return RECORD_NAMES.map((name) => ({
    name,
    subject: `playbeat.${name}`,
    schema: JSON.stringify(parsed.get(name)?.schema({ exportAttrs: true })),
  }));
};

// --- Writing --------------------------------------------------------------------------------------------------------

const HEADER_BYTES = 5;

const ids = Object.fromEntries(RECORD_NAMES.map((name) => [name, compiledId(name)])) as Record<RecordName, number>;

/** The ids that records carry from now on: what a registry gave, and the compiled-in ones for the rest. */
export const writeWithIds = (given: ReadonlyMap<RecordName, number>): void => {
  for (const name of RECORD_NAMES) ids[name] = given.get(name) ?? compiledId(name);
};

const withHeader = (name: RecordName): Buffer => {
  const id = ids[name];
  const bytes = written();
  bytes[0] = 0;
  bytes[1] = id >>> 24;
  bytes[2] = id >>> 16;
  bytes[3] = id >>> 8;
  bytes[4] = id;
  return bytes;
};

/** Of what is folded, and of what is only kept. */
type LogValues = { readonly [Event in LogEvent as Event['type']]: Event['value'] } & {
  readonly AuditEvent: AuditEvent;
};

const WRITERS: { readonly [T in keyof LogValues]: (value: LogValues[T]) => void } = {
  SessionStarted: writeSessionStarted,
  Heartbeat: writeHeartbeat,
  SessionStopRequested: writeSessionStopRequested,
  Tick: writeTick,
  PolicyActivated: writePolicyActivated,
  AccountErased: writeAccountErased,
  ResumeHidden: writeResumeHidden,
  ResumeUndone: writeResumeUndone,
  AudienceMoved: writeAudienceMoved,
  TimeRelayed: writeTimeRelayed,
  AuditEvent: writeAuditEvent,
  StreamDecided: writeStreamDecided,
};

/** The bytes are the caller's. A value that its type does not allow throws: that is a fault of the program. */
export const encode = <T extends keyof LogValues>(type: T, value: LogValues[T]): Buffer => {
  startWriting(HEADER_BYTES);
  WRITERS[type](value);
  return withHeader(type);
};

/** The same for a record whose type is known at run time only. */
export const encodeEvent = ({ type, value }: LogEvent): Buffer => encode(type, value);

/** An output with the names that follow from its cause: `id` is the same for every repeat. */
export const encodeOutput = (output: OutputRecord, names: { readonly id: string; readonly cause: string }): Buffer => {
  startWriting(HEADER_BYTES);
  switch (output.type) {
    case 'StreamDecided':
      writeStreamDecided({ ...output.value, ...names });
      break;
    case 'ViewEnded':
      writeViewEnded({ ...output.value, ...names });
      break;
    case 'AudienceMoved':
      writeAudienceMoved({ ...output.value, ...names });
      break;
    case 'AudienceCounted':
      writeAudienceCounted({ ...output.value, ...names });
      break;
    case 'RecordParked':
      writeRecordParked({ ...output.value, ...names });
      break;
  }
  return withHeader(output.type);
};

// --- Reading --------------------------------------------------------------------------------------------------------

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

type Failure = typeof UnreadableRecord | typeof UnreadableControlRecord;

const read = <T>(name: RecordName, readValue: () => T, bytes: Uint8Array, failure: Failure): T => {
  let value: T;
  try {
    startReading(asBuffer(bytes), HEADER_BYTES);
    value = readValue();
  } catch (cause) {
    throw new failure(`the body of a ${name} is broken`, { cause });
  }
  if (!readToEnd()) throw new failure(`the body of a ${name} is cut off or goes on after its end`);
  return value;
};

const hasHeader = (bytes: Uint8Array): boolean => bytes.length >= HEADER_BYTES && bytes[0] === 0;

const headed = (bytes: Uint8Array | null): Uint8Array => {
  if (bytes === null) throw new UnreadableRecord('no bytes');
  if (!hasHeader(bytes)) throw new UnreadableRecord('not in the wire format');
  return bytes;
};

const NAMES: ReadonlyMap<number, RecordName> = new Map(RECORD_NAMES.map((name) => [SCHEMA_NUMBERS[name], name]));

const foreign = (number: number): Error => {
  if (number < 1) return new UnreadableRecord('without the mark of Playbeat');
  return NAMES.has(number)
    ? new UnreadableRecord(`schema ${number} belongs in another topic`)
    : new UnknownSchemaId(`schema ${number} was made by a newer release`);
};

/** What a record says that it is, unread; null where that cannot be told. */
export const nameIn = (bytes: Uint8Array | null): RecordName | null =>
  bytes !== null && hasHeader(bytes) ? (NAMES.get(markAt(bytes, HEADER_BYTES)) ?? null) : null;

/** A record that a processor folds. Throws `UnreadableRecord`, `UnknownSchemaId` or `UnreadableControlRecord`, nothing else. */
export const decode = (bytes: Uint8Array | null): LogEvent => {
  const whole = headed(bytes);
  const number = markAt(whole, HEADER_BYTES);
  switch (number) {
    case SCHEMA_NUMBERS.Heartbeat:
      return { type: 'Heartbeat', value: read('Heartbeat', readHeartbeat, whole, UnreadableRecord) };
    case SCHEMA_NUMBERS.SessionStarted:
      return { type: 'SessionStarted', value: read('SessionStarted', readSessionStarted, whole, UnreadableRecord) };
    case SCHEMA_NUMBERS.SessionStopRequested:
      return {
        type: 'SessionStopRequested',
        value: read('SessionStopRequested', readSessionStopRequested, whole, UnreadableRecord),
      };
    case SCHEMA_NUMBERS.Tick:
      return { type: 'Tick', value: read('Tick', readTick, whole, UnreadableControlRecord) };
    case SCHEMA_NUMBERS.PolicyActivated:
      return {
        type: 'PolicyActivated',
        value: read('PolicyActivated', readPolicyActivated, whole, UnreadableControlRecord),
      };
    case SCHEMA_NUMBERS.AccountErased:
      return { type: 'AccountErased', value: read('AccountErased', readAccountErased, whole, UnreadableControlRecord) };
    case SCHEMA_NUMBERS.ResumeHidden:
      return { type: 'ResumeHidden', value: read('ResumeHidden', readResumeHidden, whole, UnreadableRecord) };
    case SCHEMA_NUMBERS.ResumeUndone:
      return { type: 'ResumeUndone', value: read('ResumeUndone', readResumeUndone, whole, UnreadableRecord) };
    case SCHEMA_NUMBERS.AudienceMoved:
      return { type: 'AudienceMoved', value: read('AudienceMoved', readAudienceMoved, whole, UnreadableRecord) };
    case SCHEMA_NUMBERS.TimeRelayed:
      return { type: 'TimeRelayed', value: read('TimeRelayed', readTimeRelayed, whole, UnreadableControlRecord) };
    case SCHEMA_NUMBERS.StreamDecided:
      return { type: 'StreamDecided', value: read('StreamDecided', readStreamDecided, whole, UnreadableRecord) };
    default:
      throw foreign(number);
  }
};

export type DecodedOutput =
  | { readonly type: 'StreamDecided'; readonly value: StreamDecided }
  | { readonly type: 'ViewEnded'; readonly value: ViewEnded }
  | { readonly type: 'AudienceMoved'; readonly value: AudienceMoved }
  | { readonly type: 'AudienceCounted'; readonly value: AudienceCounted }
  | { readonly type: 'RecordParked'; readonly value: RecordParked };

/** A record that a processor wrote. Throws `UnreadableRecord` or `UnknownSchemaId`, nothing else. */
export const decodeOutput = (bytes: Uint8Array | null): DecodedOutput => {
  const whole = headed(bytes);
  const number = markAt(whole, HEADER_BYTES);
  switch (number) {
    case SCHEMA_NUMBERS.StreamDecided:
      return { type: 'StreamDecided', value: read('StreamDecided', readStreamDecided, whole, UnreadableRecord) };
    case SCHEMA_NUMBERS.ViewEnded:
      return { type: 'ViewEnded', value: read('ViewEnded', readViewEnded, whole, UnreadableRecord) };
    case SCHEMA_NUMBERS.AudienceMoved:
      return { type: 'AudienceMoved', value: read('AudienceMoved', readAudienceMoved, whole, UnreadableRecord) };
    case SCHEMA_NUMBERS.AudienceCounted:
      return { type: 'AudienceCounted', value: read('AudienceCounted', readAudienceCounted, whole, UnreadableRecord) };
    case SCHEMA_NUMBERS.RecordParked:
      return { type: 'RecordParked', value: read('RecordParked', readRecordParked, whole, UnreadableRecord) };
    default:
      throw foreign(number);
  }
};

/** A record of the audit. Throws `UnreadableRecord` or `UnknownSchemaId`, nothing else. */
export const decodeAudit = (bytes: Uint8Array | null): AuditEvent => {
  const whole = headed(bytes);
  const number = markAt(whole, HEADER_BYTES);
  if (number !== SCHEMA_NUMBERS.AuditEvent) throw foreign(number);
  return read('AuditEvent', readAuditEvent, whole, UnreadableRecord);
};
