import type { ValidateFunction } from 'ajv/dist/2020.js';
import { allErrorsAjv, firstErrorAjv, MAX_FIELD_ERRORS, pointerParts, toFieldErrors } from './field-errors.ts';
import type {
  Ad,
  BlockCheckRequest,
  FieldError,
  HeartbeatRequest,
  Metadata,
  Quality,
  SignalRequest,
  StartRequest,
  StopRequest,
} from './generated/http.ts';
import { HTTP_SCHEMAS, schemaId, type HttpSchemaName, type JsonSchema } from './http-schemas.ts';

/**
 * The value has known fields only, in a fresh object: nothing of a body lives on unseen. `dropped` are JSON pointers of
 * optional fields that were invalid, or null, which is how serializers write NaN.
 */
export type Validation<T> =
  | { readonly ok: true; readonly value: T; readonly dropped: readonly string[] }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

/** What a session token says, for players that leave it out of the body. A field of the body goes first. */
export type CarriedIds = Partial<
  Pick<
    HeartbeatRequest,
    'accountId' | 'profileId' | 'deviceId' | 'deviceType' | 'contentId' | 'contentType' | 'sessionId'
  >
>;

type Fields = { readonly [name: string]: unknown };
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Whether objects and arrays nest at most `levels` deep; the value itself is level 1. The recursion ends one level
 * below the limit, so no body can overflow the stack.
 */
export const checkDepth = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!checkDepth(item, levels - 1)) return false;
    return true;
  }
  for (const name in value) {
    if (!checkDepth((value as Fields)[name], levels - 1)) return false;
  }
  return true;
};

// --- Optional fields ------------------------------------------------------------------------------------------------

type RequestName = 'HeartbeatRequest' | 'StartRequest' | 'StopRequest' | 'SignalRequest' | 'BlockCheckRequest';

const namesIn = (schema: JsonSchema, keyword: 'properties' | 'required'): readonly string[] => {
  const value = schema[keyword];
  return Array.isArray(value) ? value.map(String) : Object.keys(isFields(value) ? value : {});
};

const optionalIn = (name: HttpSchemaName, refused: readonly string[] = []): readonly string[] => {
  const required = namesIn(HTTP_SCHEMAS[name], 'required');
  return namesIn(HTTP_SCHEMAS[name], 'properties').filter(
    (field) => !required.includes(field) && !refused.includes(field),
  );
};

const HEARTBEAT_OPTIONAL = optionalIn('heartbeat-request');

/** Top-level fields that are dropped when they are invalid. What is not here is refused: the decision rests on it. */
export const OPTIONAL_FIELDS: Readonly<Record<RequestName, readonly string[]>> = {
  HeartbeatRequest: HEARTBEAT_OPTIONAL,
  StartRequest: [...HEARTBEAT_OPTIONAL, ...optionalIn('start-request', ['terminate', 'continuesSessionId'])],
  StopRequest: optionalIn('stop-request', ['accountId']),
  SignalRequest: optionalIn('signal-request'),
  BlockCheckRequest: optionalIn('block-check-request', ['sessionId']),
};

/** Optional fields that this body needs all the same. */
const NEEDED: Readonly<Record<RequestName, (body: Fields) => readonly string[]>> = {
  HeartbeatRequest: (body) => (body['contentType'] === 'live' ? [] : ['positionMs']),
  StartRequest: (body) => (body['contentType'] === 'live' ? [] : ['positionMs']),
  StopRequest: () => [],
  SignalRequest: () => [],
  BlockCheckRequest: (body) =>
    body['sessionId'] === undefined || body['sessionId'] === null
      ? ['deviceId', 'deviceType', 'contentId', 'contentType']
      : [],
};

// --- Known fields only ----------------------------------------------------------------------------------------------
// Written out, since a loop over names costs more than the validation; a test compares them with the schemas.

const pickMetadata = (from: Metadata): Metadata => {
  const to: Record<string, string> = {};
  // Names were checked against a pattern that has no `__proto__`.
  for (const [name, value] of Object.entries(from)) to[name] = value;
  return to;
};

const pickQuality = (from: Quality): Quality => {
  const to: Mutable<Quality> = {};
  if (from.bitrateKbps !== undefined) to.bitrateKbps = from.bitrateKbps;
  if (from.bufferMs !== undefined) to.bufferMs = from.bufferMs;
  if (from.stallCount !== undefined) to.stallCount = from.stallCount;
  if (from.stallMs !== undefined) to.stallMs = from.stallMs;
  if (from.droppedFrames !== undefined) to.droppedFrames = from.droppedFrames;
  if (from.startupMs !== undefined) to.startupMs = from.startupMs;
  if (from.throughputKbps !== undefined) to.throughputKbps = from.throughputKbps;
  if (from.errorCode !== undefined) to.errorCode = from.errorCode;
  return to;
};

const pickAd = (from: Ad): Ad => {
  const to: Mutable<Ad> = {};
  if (from.adId !== undefined) to.adId = from.adId;
  if (from.breakId !== undefined) to.breakId = from.breakId;
  if (from.positionMs !== undefined) to.positionMs = from.positionMs;
  return to;
};

const pickHeartbeat = (from: HeartbeatRequest): HeartbeatRequest => {
  const to: Mutable<HeartbeatRequest> = {
    sessionId: from.sessionId,
    sequence: from.sequence,
    accountId: from.accountId,
    profileId: from.profileId,
    deviceId: from.deviceId,
    deviceType: from.deviceType,
    contentId: from.contentId,
    contentType: from.contentType,
    state: from.state,
    sentAtMs: from.sentAtMs,
  };
  if (from.positionMs !== undefined) to.positionMs = from.positionMs;
  if (from.ageMs !== undefined) to.ageMs = from.ageMs;
  if (from.durationMs !== undefined) to.durationMs = from.durationMs;
  if (from.playbackRate !== undefined) to.playbackRate = from.playbackRate;
  if (from.country !== undefined) to.country = from.country;
  if (from.cdn !== undefined) to.cdn = from.cdn;
  if (from.appVersion !== undefined) to.appVersion = from.appVersion;
  if (from.player !== undefined) to.player = from.player;
  if (from.deviceName !== undefined) to.deviceName = from.deviceName;
  if (from.seriesId !== undefined) to.seriesId = from.seriesId;
  if (from.tracking !== undefined) to.tracking = from.tracking;
  if (from.metadata !== undefined) to.metadata = pickMetadata(from.metadata);
  if (from.quality !== undefined) to.quality = pickQuality(from.quality);
  if (from.ad !== undefined) to.ad = pickAd(from.ad);
  if (from.sessionToken !== undefined) to.sessionToken = from.sessionToken;
  return to;
};

const pickStart = (from: StartRequest): StartRequest => {
  const to: Mutable<StartRequest> = pickHeartbeat(from);
  if (from.terminate !== undefined) to.terminate = [...from.terminate];
  if (from.continuesSessionId !== undefined) to.continuesSessionId = from.continuesSessionId;
  if (from.requestId !== undefined) to.requestId = from.requestId;
  return to;
};

const pickStop = (from: StopRequest): StopRequest => {
  const to: Mutable<StopRequest> = {};
  if (from.accountId !== undefined) to.accountId = from.accountId;
  if (from.requestId !== undefined) to.requestId = from.requestId;
  if (from.by !== undefined) to.by = from.by;
  if (from.sessionToken !== undefined) to.sessionToken = from.sessionToken;
  return to;
};

const pickSignal = (from: SignalRequest): SignalRequest => {
  const to: Mutable<SignalRequest> = {
    signalId: from.signalId,
    accountId: from.accountId,
    deviceId: from.deviceId,
    deviceType: from.deviceType,
    contentId: from.contentId,
    contentType: from.contentType,
    leaseMs: from.leaseMs,
    source: from.source,
  };
  if (from.profileId !== undefined) to.profileId = from.profileId;
  if (from.deviceName !== undefined) to.deviceName = from.deviceName;
  if (from.country !== undefined) to.country = from.country;
  return to;
};

const pickBlockCheck = (from: BlockCheckRequest): BlockCheckRequest => {
  const to: Mutable<BlockCheckRequest> = { accountId: from.accountId };
  if (from.sessionId !== undefined) to.sessionId = from.sessionId;
  if (from.profileId !== undefined) to.profileId = from.profileId;
  if (from.deviceId !== undefined) to.deviceId = from.deviceId;
  if (from.deviceType !== undefined) to.deviceType = from.deviceType;
  if (from.contentId !== undefined) to.contentId = from.contentId;
  if (from.contentType !== undefined) to.contentType = from.contentType;
  if (from.country !== undefined) to.country = from.country;
  if (from.metadata !== undefined) to.metadata = pickMetadata(from.metadata);
  return to;
};

// --- Validation -----------------------------------------------------------------------------------------------------

const NONE: readonly string[] = [];

type Subject<T> = {
  readonly name: RequestName;
  readonly firstError: ValidateFunction<T>;
  /** Made when the first request is refused: most processes see few, and every start would wait for it. */
  readonly allErrors: () => ValidateFunction<T>;
  readonly pick: (from: T) => T;
};

const once = <T>(make: () => T): (() => T) => {
  let made: T | undefined;
  return () => (made ??= make());
};

const subject = <T>(name: RequestName, schema: HttpSchemaName, pick: (from: T) => T): Subject<T> => ({
  name,
  firstError: firstErrorAjv.compile<T>({ $ref: schemaId(schema) }),
  allErrors: once(() => allErrorsAjv.compile<T>({ $ref: schemaId(schema) })),
  pick,
});

const HEARTBEAT = subject<HeartbeatRequest>('HeartbeatRequest', 'heartbeat-request', pickHeartbeat);
const START = subject<StartRequest>('StartRequest', 'start-request', pickStart);
const STOP = subject<StopRequest>('StopRequest', 'stop-request', pickStop);
const SIGNAL = subject<SignalRequest>('SignalRequest', 'signal-request', pickSignal);
const BLOCK_CHECK = subject<BlockCheckRequest>('BlockCheckRequest', 'block-check-request', pickBlockCheck);

/** A copy without one field, however deep. The copy keeps an own `__proto__` an ordinary field. */
const without = (from: Fields, [name, ...rest]: readonly string[]): Fields => {
  if (name === undefined || !Object.hasOwn(from, name)) return from;
  const child = from[name];
  if (rest.length > 0 && isFields(child)) return { ...from, [name]: without(child, rest) };
  return Object.fromEntries(Object.entries(from).filter(([field]) => field !== name));
};

const validate = <T>(on: Subject<T>, body: unknown): Validation<T> =>
  on.firstError(body) ? { ok: true, value: on.pick(body), dropped: NONE } : repaired(on, body);

/** Takes away what is invalid and optional; refuses if anything else is invalid. */
const repaired = <T>(on: Subject<T>, body: unknown): Validation<T> => {
  if (!isFields(body)) return { ok: false, errors: [{ path: '', code: 'TYPE', detail: 'must be an object' }] };
  const optional = OPTIONAL_FIELDS[on.name];
  const needed = NEEDED[on.name](body);
  const mayDrop = (field: string): boolean => optional.includes(field) && !needed.includes(field);

  const dropped = optional.filter((field) => body[field] === null && mayDrop(field)).map((field) => `/${field}`);
  let rest = dropped.reduce((from, path) => without(from, pointerParts(path)), body);
  if (on.firstError(rest)) return { ok: true, value: on.pick(rest), dropped };

  const allErrors = on.allErrors();
  if (allErrors(rest)) return { ok: true, value: on.pick(rest), dropped };
  const refused: FieldError[] = [];
  for (const error of toFieldErrors(allErrors.errors, rest)) {
    const parts = pointerParts(error.path);
    if (parts[0] === undefined || !mayDrop(parts[0])) refused.push(error);
    else {
      dropped.push(error.path);
      rest = without(rest, parts);
    }
  }
  if (refused.length === 0 && on.firstError(rest)) return { ok: true, value: on.pick(rest), dropped };
  return { ok: false, errors: refused.slice(0, MAX_FIELD_ERRORS) };
};

const withCarried = (body: unknown, carried: CarriedIds | undefined): unknown =>
  carried === undefined || !isFields(body) ? body : { ...carried, ...body };

/** A beat. `carried` fills in ids that the body leaves out; that they do not contradict each other is for the caller. */
export const validateHeartbeat = (body: unknown, carried?: CarriedIds): Validation<HeartbeatRequest> =>
  validate(HEARTBEAT, withCarried(body, carried));

export const validateStart = (body: unknown, carried?: CarriedIds): Validation<StartRequest> =>
  validate(START, withCarried(body, carried));

/** An absent body is an empty one: the path and the token may say all there is to say. */
export const validateStop = (body: unknown): Validation<StopRequest> => validate(STOP, body ?? {});

export const validateSignal = (body: unknown): Validation<SignalRequest> => validate(SIGNAL, body);

export const validateBlockCheck = (body: unknown): Validation<BlockCheckRequest> => validate(BLOCK_CHECK, body);

// --- Ids --------------------------------------------------------------------------------------------------------------

const ID = firstErrorAjv.compile<string>({ $ref: `${schemaId('common')}#/$defs/Id` });

/** Whether a part of a path or a query may be an id. */
export const isId = (text: string): boolean => ID(text);

// --- Batch ----------------------------------------------------------------------------------------------------------

/** The envelope alone: each beat of it is for `validateHeartbeat`, so that one bad beat refuses itself only. */
export type HeartbeatEnvelope = { readonly heartbeats: readonly unknown[]; readonly sessionToken?: string };

export const MAX_BATCH = 50;

const TOKEN = firstErrorAjv.compile<string>({ $ref: `${schemaId('common')}#/$defs/Token` });

/** Whether a body asks to be read as a batch. */
export const isBatch = (body: unknown): boolean => isFields(body) && Object.hasOwn(body, 'heartbeats');

export const validateBatch = (body: unknown): Validation<HeartbeatEnvelope> => {
  const refuse = (path: string, code: FieldError['code'], detail: string): Validation<HeartbeatEnvelope> => ({
    ok: false,
    errors: [{ path, code, detail }],
  });
  if (!isFields(body)) return refuse('', 'TYPE', 'must be an object');
  const heartbeats = body['heartbeats'];
  if (heartbeats === undefined || heartbeats === null) return refuse('/heartbeats', 'REQUIRED', 'is required');
  if (!Array.isArray(heartbeats)) return refuse('/heartbeats', 'TYPE', 'must be array');
  if (heartbeats.length < 1 || heartbeats.length > MAX_BATCH) {
    return refuse('/heartbeats', 'RANGE', `must have 1 to ${MAX_BATCH} items`);
  }
  const sessionToken = body['sessionToken'];
  if (sessionToken === undefined) return { ok: true, value: { heartbeats }, dropped: NONE };
  return TOKEN(sessionToken)
    ? { ok: true, value: { heartbeats, sessionToken }, dropped: NONE }
    : { ok: true, value: { heartbeats }, dropped: ['/sessionToken'] };
};
