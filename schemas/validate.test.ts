import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HTTP_SCHEMAS } from './http-schemas.ts';
import { REASON_NAMES } from './reasons.ts';
import {
  checkDepth,
  OPTIONAL_FIELDS,
  validateBatch,
  validateBlockCheck,
  validateHeartbeat,
  validateSignal,
  validateStart,
  validateStop,
} from './validate.ts';

const beat = {
  sessionId: 's-1',
  sequence: 12,
  accountId: 'a-4711',
  profileId: 'p-1',
  deviceId: 'tv-1',
  deviceType: 'tv',
  contentId: 'film-1',
  contentType: 'vod',
  state: 'playing',
  positionMs: 120_000,
  sentAtMs: 1_767_225_600_000,
};

const text = (length: number): string => 'x'.repeat(length);

/** A value for every property of a schema, so that a field that the copy forgets is seen. */
const sample: Readonly<Record<string, unknown>> = {
  ...beat,
  ageMs: 1,
  durationMs: 5,
  playbackRate: 1,
  country: 'DE',
  cdn: 'c',
  appVersion: '1',
  player: 'p',
  deviceName: 'n',
  seriesId: 's',
  tracking: 'full',
  metadata: { a: 'b' },
  quality: {
    bitrateKbps: 1,
    bufferMs: 2,
    stallCount: 3,
    stallMs: 4,
    droppedFrames: 5,
    startupMs: 6,
    throughputKbps: 7,
    errorCode: '8',
  },
  ad: { adId: 'a', breakId: 'b', positionMs: 1 },
  sessionToken: 't',
  terminate: ['t'],
  continuesSessionId: 'c',
  requestId: 'r',
  by: 'user',
  signalId: 'i',
  leaseMs: 60_000,
  source: 'x',
};

const whole = (...schemas: readonly (keyof typeof HTTP_SCHEMAS)[]): Record<string, unknown> =>
  Object.fromEntries(
    schemas
      .flatMap((schema) => Object.keys(HTTP_SCHEMAS[schema]['properties'] ?? {}))
      .map((name) => [name, sample[name] ?? fail(name)]),
  );
const fail = (name: string): never => {
  throw new Error(`no sample of ${name}`);
};

describe('known fields', () => {
  it.each([
    ['HeartbeatRequest', validateHeartbeat, whole('heartbeat-request')],
    ['StartRequest', validateStart, whole('heartbeat-request', 'start-request')],
    ['StopRequest', validateStop, whole('stop-request')],
    ['SignalRequest', validateSignal, whole('signal-request')],
    ['BlockCheckRequest', validateBlockCheck, whole('block-check-request')],
  ] as const)('of a %s all survive, and no other does', (_name, validate, body) => {
    expect(validate({ ...body, colour: 'red' })).toEqual({ ok: true, value: body, dropped: [] });
  });

  it('are copied, so that a body cannot pollute', () => {
    const hostile: unknown = JSON.parse(
      JSON.stringify({ ...beat, metadata: { constructor: 'x' }, quality: { bufferMs: 1 } }).replace(
        /\{/g,
        '{"__proto__":{"polluted":"yes"},',
      ),
    );
    const result = validateHeartbeat(hostile);
    expect(result).toMatchObject({ ok: true, dropped: ['/metadata/__proto__'] });
    expect(result.ok && Object.getOwnPropertyNames(result.value)).not.toContain('__proto__');
    expect(result.ok && Reflect.get(result.value.quality ?? {}, 'polluted')).toBe(undefined);
    expect(Reflect.get({}, 'polluted')).toBe(undefined);
  });
});

describe('ids', () => {
  it.each([
    ['a lone high surrogate', '\ud83d'],
    ['a lone low surrogate', 'a\udcfa'],
    ['a surrogate pair the wrong way round', '\udcfa\ud83d'],
    ['a zero byte', 'a\u0000'],
    ['a line feed', 'a\n'],
    ['delete', '\u007f'],
    ['a C1 control character', '\u0085'],
    ['nothing', ''],
    ['129 characters', text(129)],
    ['129 characters of two units each', '📺'.repeat(129)],
  ])('refuse %s', (_name, deviceId) => {
    expect(validateHeartbeat({ ...beat, deviceId })).toMatchObject({
      ok: false,
      errors: [{ path: '/deviceId', code: 'FORMAT' }],
    });
  });

  it.each(['a', text(128), '📺'.repeat(128), 'Zoë/1 ~ä', '__proto__'])('accept %s', (deviceId) => {
    expect(validateHeartbeat({ ...beat, deviceId })).toMatchObject({ ok: true, value: { deviceId } });
  });

  it('come from the session token when the body has none, and the body goes first', () => {
    const { accountId, profileId, ...rest } = beat;
    const carried = { accountId, profileId, deviceId: 'of the token' };
    expect(validateHeartbeat(rest, carried)).toMatchObject({
      ok: true,
      value: { accountId, profileId, deviceId: 'tv-1' },
    });
    expect(validateHeartbeat(rest)).toMatchObject({ ok: false });
  });
});

describe('optional fields', () => {
  it('are dropped alone, at the deepest place that is optional', () => {
    const quality = { stallMs: 'NaN', bufferMs: 8_000, errorCode: '\u0000' };
    expect(validateHeartbeat({ ...beat, quality })).toEqual({
      ok: true,
      value: { ...beat, quality: { bufferMs: 8_000 } },
      dropped: ['/quality/stallMs', '/quality/errorCode'],
    });
  });

  it('are dropped whole when they are of another kind, or hold too much', () => {
    const nine = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map((key) => [key, 'x']));
    expect(validateHeartbeat({ ...beat, quality: 7, metadata: nine })).toMatchObject({
      ok: true,
      value: beat,
      dropped: expect.arrayContaining(['/quality', '/metadata']),
    });
  });

  it('are never a reason to refuse, whatever they hold', () => {
    const names = OPTIONAL_FIELDS.HeartbeatRequest;
    fc.assert(
      fc.property(fc.subarray([...names], { minLength: 1 }), fc.jsonValue(), (some, value) => {
        const body = { ...beat, contentType: 'live', ...Object.fromEntries(some.map((name) => [name, value])) };
        const result = validateHeartbeat(body);
        expect(result.ok).toBe(true);
        // What is left is valid as it is.
        if (result.ok) expect(validateHeartbeat(result.value)).toEqual({ ok: true, value: result.value, dropped: [] });
      }),
    );
  });

  it('of a stop and a question too, but what decides is refused', () => {
    expect(validateStop({ accountId: 'a', requestId: 7, by: 'magic' })).toEqual({
      ok: true,
      value: { accountId: 'a' },
      dropped: ['/requestId', '/by'],
    });
    expect(validateStop(undefined)).toEqual({ ok: true, value: {}, dropped: [] });
    expect(validateBlockCheck({ accountId: 'a', sessionId: '', deviceId: '' })).toMatchObject({
      ok: false,
      errors: [{ path: '/sessionId', code: 'FORMAT' }],
    });
  });
});

describe('errors', () => {
  it('name every field at once, at most 20', () => {
    const result = validateHeartbeat({});
    expect(result.ok ? [] : result.errors.map((error) => error.path)).toEqual([
      '/sessionId',
      '/sequence',
      '/accountId',
      '/profileId',
      '/deviceId',
      '/deviceType',
      '/contentId',
      '/contentType',
      '/state',
      '/sentAtMs',
    ]);
    const terminate = Array.from({ length: 16 }, () => ' ');
    const start = validateStart({ terminate, continuesSessionId: 1 });
    expect(start.ok ? 0 : start.errors.length).toBe(20);
  });

  it('never throw, whatever comes in', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        for (const validate of [
          validateHeartbeat,
          validateStart,
          validateStop,
          validateSignal,
          validateBlockCheck,
          validateBatch,
        ]) {
          const result = validate(body);
          if (!result.ok) expect(result.errors.length).toBeGreaterThan(0);
        }
      }),
    );
  });
});

describe('a batch', () => {
  it('has 1 to 50 beats, which are not looked at yet', () => {
    expect(validateBatch({ heartbeats: [1, null] })).toEqual({
      ok: true,
      value: { heartbeats: [1, null] },
      dropped: [],
    });
    expect(validateBatch({ heartbeats: Array(51).fill(beat) })).toMatchObject({
      ok: false,
      errors: [{ code: 'RANGE' }],
    });
  });

  it('drops a token that is none', () => {
    expect(validateBatch({ heartbeats: [beat], sessionToken: 'a b' })).toMatchObject({
      ok: true,
      dropped: ['/sessionToken'],
    });
  });
});

describe('depth', () => {
  it('counts the body as level 1', () => {
    expect(checkDepth(7, 0)).toBe(true);
    expect(checkDepth({}, 0)).toBe(false);
    expect(checkDepth({ a: { b: [{}] } }, 4)).toBe(true);
    expect(checkDepth({ a: { b: [{ c: [] }] } }, 4)).toBe(false);
  });

  it('survives 64 KB of opening brackets', () => {
    const body: unknown = JSON.parse('['.repeat(32_000) + ']'.repeat(32_000));
    expect(checkDepth(body, 4)).toBe(false);
    expect(validateHeartbeat({ ...beat, metadata: body })).toMatchObject({ ok: true, dropped: ['/metadata'] });
  });
});

it('the reasons of a decision are those of the catalogue', () => {
  expect(HTTP_SCHEMAS.common).toMatchObject({ $defs: { Reason: { enum: REASON_NAMES } } });
});
