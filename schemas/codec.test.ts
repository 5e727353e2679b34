import { describe, expect, it } from '@jest/globals';
import avro from 'avsc';
import fc from 'fast-check';
import {
  decode,
  decodeOutput,
  encode,
  encodeOutput,
  LAST_RESERVED_ID,
  RECORD_NAMES,
  recordSchemas,
  SCHEMA_IDS,
  UnknownSchemaId,
  UnreadableControlRecord,
  UnreadableRecord,
} from './codec.ts';
import type { LogEvent } from './events.ts';
import type { Heartbeat, StreamDecided } from './generated/records.ts';

const text = fc.string({ unit: 'binary', maxLength: 80 }).filter((value) => value.isWellFormed());
const long = fc.maxSafeInteger();
const double = fc.double();
const nullable = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { nil: null });

const heartbeat: fc.Arbitrary<Heartbeat> = fc.record({
  tenant: text,
  sessionId: text,
  sequence: long,
  profileId: text,
  deviceId: text,
  deviceType: text,
  deviceName: nullable(text),
  contentId: text,
  contentType: fc.constantFrom('live', 'vod'),
  state: fc.constantFrom('starting', 'playing', 'paused', 'buffering', 'seeking', 'ended', 'stopped', 'failed'),
  positionMs: nullable(long),
  durationMs: nullable(long),
  playbackRate: nullable(double),
  country: nullable(text),
  cdn: nullable(text),
  appVersion: nullable(text),
  player: nullable(text),
  seriesId: nullable(text),
  tracking: fc.constantFrom('full', 'limits_only'),
  metadata: fc.dictionary(text, text, { noNullPrototype: true }),
  quality: nullable(
    fc.record({
      bitrateKbps: nullable(double),
      bufferMs: nullable(double),
      stallCount: nullable(long),
      stallMs: nullable(double),
      droppedFrames: nullable(long),
      startupMs: nullable(double),
      throughputKbps: nullable(double),
      errorCode: nullable(text),
    }),
  ),
  ad: nullable(fc.record({ adId: nullable(text), breakId: nullable(text), positionMs: nullable(long) })),
  sentAtMs: long,
  receivedAtMs: long,
  occurredAtMs: long,
  clockSkewMs: long,
  source: text,
  networkKey: nullable(text),
  lastDecision: nullable(text),
  claims: fc.dictionary(text, fc.oneof(double, text), { noNullPrototype: true }),
});

const event: fc.Arbitrary<LogEvent> = fc.oneof(
  heartbeat.map((value): LogEvent => ({ type: 'Heartbeat', value })),
  fc
    .record({
      requestId: text,
      origin: fc.constantFrom('player' as const, 'signal' as const),
      leaseMs: nullable(long),
      continuesSessionId: nullable(text),
      terminate: fc.array(fc.record({ sessionId: text, admittedAt: text }), { maxLength: 16 }),
      beat: heartbeat,
    })
    .map((value): LogEvent => ({ type: 'SessionStarted', value })),
  fc
    .record({
      requestId: text,
      tenant: text,
      sessionId: text,
      by: fc.constantFrom('player' as const, 'user' as const, 'service' as const, 'undecided' as const),
      receivedAtMs: long,
      source: text,
    })
    .map((value): LogEvent => ({ type: 'SessionStopRequested', value })),
  fc
    .record({ source: text, shedding: fc.boolean(), receivedAtMs: long })
    .map((value): LogEvent => ({ type: 'Tick', value })),
  fc
    .record({
      version: long,
      mode: fc.constantFrom('enforce' as const, 'observe' as const),
      policy: text,
      activatedAtMs: long,
      by: text,
    })
    .map((value): LogEvent => ({ type: 'PolicyActivated', value })),
  fc
    .record({ requestId: text, tenant: text, receivedAtMs: long })
    .map((value): LogEvent => ({ type: 'AccountErased', value })),
);

const encoded = (of: LogEvent): Buffer => encode(of.type, of.value);

const headerOf = (id: number): Buffer => {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  return header;
};

const outcome = (bytes: Uint8Array | null): string => {
  try {
    return decode(bytes).type;
  } catch (error) {
    if (
      error instanceof UnreadableRecord ||
      error instanceof UnknownSchemaId ||
      error instanceof UnreadableControlRecord
    ) {
      return error.name;
    }
    throw error;
  }
};

describe('records', () => {
  it('come back as they went in', () => {
    fc.assert(
      fc.property(event, (value) => {
        expect(decode(encoded(value))).toEqual(value);
      }),
    );
  });

  it('have the bytes that avsc, the reference, gives and reads', () => {
    const types = new Map(recordSchemas().map(({ name, schema }) => [name, avro.Type.forSchema(JSON.parse(schema))]));
    fc.assert(
      fc.property(event, (value) => {
        // avsc itself stops one short of the largest safe integers, and garbles those below -2^52.
        fc.pre(!/9007199254740991|-[4-9]\d{15}\b/.test(JSON.stringify(value)));
        const body = encoded(value).subarray(5);
        // Maps are written in the order of their keys, which avsc takes from the object too.
        expect(types.get(value.type)?.toBuffer(value.value).equals(body)).toBe(true);
        expect(JSON.stringify(types.get(value.type)?.fromBuffer(body))).toEqual(JSON.stringify(value.value));
      }),
    );
  });

  it.each([
    0,
    -1,
    63,
    64,
    -64,
    -65,
    2 ** 28,
    2 ** 30,
    -(2 ** 30),
    2 ** 31,
    2 ** 32,
    2 ** 52,
    -(2 ** 52),
    2 ** 53 - 1,
    1 - 2 ** 53,
  ])('hold the number %d', (receivedAtMs) => {
    const value = { source: 'n', shedding: false, receivedAtMs };
    expect(decode(encode('Tick', value))).toEqual({ type: 'Tick', value });
  });

  it('are read from any kind of bytes, and from the middle of a block', () => {
    const bytes = encode('Tick', { source: 'n1', shedding: false, receivedAtMs: 1 });
    const block = new Uint8Array(bytes.length + 20);
    block.set(bytes, 7);
    expect(decode(block.subarray(7, 7 + bytes.length))).toEqual(decode(bytes));
  });

  it('grow past the writing buffer', () => {
    const policy = 'ä'.repeat(300_000);
    const value = { version: 1, mode: 'enforce', policy, activatedAtMs: 0, by: 'test' } as const;
    expect(decode(encode('PolicyActivated', value))).toEqual({ type: 'PolicyActivated', value });
  });

  it('do not share their bytes', () => {
    const first = encode('Tick', { source: 'a', shedding: false, receivedAtMs: 1 });
    const copy = Buffer.from(first);
    encode('Tick', { source: 'b', shedding: true, receivedAtMs: 2 });
    expect(first.equals(copy)).toBe(true);
  });

  it('are refused by the writer when they are not what their schema says', () => {
    expect(() => encode('Tick', { source: 'a', shedding: false, receivedAtMs: 1.5 })).toThrow();
    expect(() => encode('Tick', { source: 'a', shedding: false, receivedAtMs: 2 ** 53 })).toThrow();
  });

  it('carry the wire format: 0, four bytes of id, the body', () => {
    const bytes = encode('Tick', { source: 'n1', shedding: true, receivedAtMs: 1 });
    expect(bytes.toString('hex')).toBe('0000000004' + '046e31' + '01' + '02');
  });
});

describe('unreadable bytes', () => {
  it('never crash: one of three errors, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void outcome(bytes)));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 400 }), (id, body) => {
        const bytes = Buffer.concat([headerOf(id), body]);
        outcome(bytes);
        try {
          decodeOutput(bytes);
        } catch (error) {
          expect(error instanceof UnreadableRecord || error instanceof UnknownSchemaId).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('never crash when one byte of a good record is broken', () => {
    fc.assert(
      fc.property(event, fc.nat(), fc.integer({ min: 0, max: 255 }), (value, at, byte) => {
        const bytes = encoded(value);
        bytes[at % bytes.length] = byte;
        outcome(bytes);
      }),
      { numRuns: 1_000 },
    );
  });

  it('are what is cut off, and what goes on after the end', () => {
    fc.assert(
      fc.property(event, fc.nat(), (value, cut) => {
        const bytes = encoded(value);
        const broken = ['Tick', 'PolicyActivated', 'AccountErased'].includes(value.type)
          ? 'UnreadableControlRecord'
          : 'UnreadableRecord';
        expect(outcome(bytes.subarray(0, 5 + (cut % (bytes.length - 5))))).toBe(broken);
        expect(outcome(Buffer.concat([bytes, Buffer.from([0])]))).toBe(broken);
      }),
    );
  });

  it('do not hold the process with a count of a billion entries', () => {
    // A map whose first block says 2^49 entries, at each place of a beat where a map could start.
    const count = Buffer.from('80808080808080feffff01'.slice(0, 16) + '01', 'hex');
    const good = encode('Heartbeat', fc.sample(heartbeat, { numRuns: 1, seed: 7 })[0] ?? fail());
    for (let at = 5; at < good.length; at += 1) {
      outcome(Buffer.concat([good.subarray(0, at), count, good.subarray(at)]));
    }
  });

  it('are bytes without the header, of another owner, or none', () => {
    expect(outcome(null)).toBe('UnreadableRecord');
    expect(outcome(new Uint8Array())).toBe('UnreadableRecord');
    expect(outcome(Buffer.from('{"a":1}'))).toBe('UnreadableRecord');
    expect(outcome(Buffer.concat([headerOf(0), Buffer.alloc(9)]))).toBe('UnreadableRecord');
    expect(outcome(headerOf(LAST_RESERVED_ID + 1))).toBe('UnreadableRecord');
    expect(outcome(headerOf(0xff_ff_ff_ff))).toBe('UnreadableRecord');
    expect(outcome(headerOf(SCHEMA_IDS.StreamDecided))).toBe('UnreadableRecord');
  });

  it('are of a newer release when their id is one of ours', () => {
    expect(outcome(headerOf(LAST_RESERVED_ID))).toBe('UnknownSchemaId');
  });

  it('of a number that JavaScript cannot hold are unreadable', () => {
    const bytes = Buffer.concat([
      encode('SessionStopRequested', stop).subarray(0, -3),
      Buffer.from('feffffffffffffffff01', 'hex'),
      Buffer.from([0]),
    ]);
    expect(outcome(bytes)).toBe('UnreadableRecord');
  });
});

const stop = { requestId: '', tenant: '', sessionId: '', by: 'user', receivedAtMs: 1, source: 'x' } as const;
const fail = (): never => {
  throw new Error('no sample');
};

describe('outputs', () => {
  const decided: Omit<StreamDecided, 'id' | 'cause'> = {
    tenant: 'default',
    sessionId: 's-1',
    outcome: 'admitted',
    reason: 'OK',
    rule: 'two-streams',
    policyVersion: 1,
    limit: 2,
    observed: false,
    returned: false,
    bySessionId: null,
    holders: 1,
    deviceId: 'tv-1',
    deviceType: 'tv',
    contentId: 'film-1',
    contentType: 'vod',
    decidedAtMs: 1_767_225_600_000,
  };

  it('get their id and cause as they are written', () => {
    const bytes = encodeOutput({ type: 'StreamDecided', value: decided }, { id: 'c:1-0-7:0', cause: '1-0-7' });
    expect(decodeOutput(bytes)).toEqual({
      type: 'StreamDecided',
      value: { ...decided, id: 'c:1-0-7:0', cause: '1-0-7' },
    });
  });

  it('may be bytes that nobody could read', () => {
    const value = {
      topic: 'heartbeats.v1',
      processor: 'concurrency',
      reason: 'no bytes',
      bytes: Buffer.from([1, 2, 255]),
    };
    const bytes = encodeOutput({ type: 'RecordParked', value }, { id: 'i', cause: 'c' });
    expect(decodeOutput(bytes)).toEqual({ type: 'RecordParked', value: { ...value, id: 'i', cause: 'c' } });
  });
});

describe('schemas for a registry', () => {
  it('have an id of their own each, within the reserved range, and stand alone', () => {
    const schemas = recordSchemas();
    expect(schemas.map(({ name }) => name)).toEqual(RECORD_NAMES);
    expect(new Set(schemas.map(({ id }) => id)).size).toBe(schemas.length);
    for (const { id, schema } of schemas) {
      expect(id).toBeGreaterThan(0);
      expect(id).toBeLessThanOrEqual(LAST_RESERVED_ID);
      expect(schema).not.toMatch(/"type":"playbeat\.(?!.*"symbols"|.*"fields")/);
    }
  });
});
