import { describe, expect, it } from '@jest/globals';
import avro from 'avsc';
import fc from 'fast-check';
import {
  compiledId,
  decode,
  decodeOutput,
  encode,
  encodeOutput,
  nameIn,
  RECORD_NAMES,
  type RecordName,
  recordSchemas,
  SCHEMA_NUMBERS,
  UnknownSchemaId,
  UnreadableControlRecord,
  UnreadableRecord,
  writeWithIds,
} from './codec.ts';
import type { LogEvent } from './events.ts';
import type { Heartbeat, StreamDecided, ViewEnded } from './generated/records.ts';

const text = fc.string({ unit: 'binary', maxLength: 80 }).filter((value) => value.isWellFormed());
const long = fc.maxSafeInteger();
const double = fc.double();
const nullable = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { nil: null });

const trace = fc.option(fc.record({ traceparent: text, tracestate: nullable(text) }), { nil: undefined });

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
  trace,
});

const resumeCall = fc.record({
  requestId: text,
  tenant: text,
  profileId: text,
  contentId: text,
  receivedAtMs: long,
  occurredAtMs: long,
  source: text,
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
      trace,
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
  resumeCall.map((value): LogEvent => ({ type: 'ResumeHidden', value })),
  resumeCall.map((value): LogEvent => ({ type: 'ResumeUndone', value })),
);

const mayHaveTrace = ({ type }: LogEvent): boolean =>
  ['Heartbeat', 'SessionStarted', 'SessionStopRequested'].includes(type);
const withoutTrace = (of: LogEvent): LogEvent => {
  if (of.type === 'SessionStarted')
    return { ...of, value: { ...of.value, beat: { ...of.value.beat, trace: undefined } } };
  if (of.type === 'Heartbeat') return { ...of, value: { ...of.value, trace: undefined } };
  return of.type === 'SessionStopRequested' ? { ...of, value: { ...of.value, trace: undefined } } : of;
};
const encoded = (of: LogEvent): Buffer => encode(of.type, of.value);

/** Zero, an id of some registry, the mark. */
const headerOf = (number: number, id = 77): Buffer => {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  return Buffer.concat([header, Buffer.from(`PB${String(number).padStart(3, '0')}`)]);
};
const HEAD_BYTES = headerOf(1).length;
/** As avsc wants it: with the marks that are no part of the value here, and null for a trace that is absent. */
const withMarks = (type: RecordName, value: object): object => ({
  mark: headerOf(SCHEMA_NUMBERS[type]).subarray(5),
  ...value,
  ...('trace' in value ? { trace: value.trace ?? null } : {}),
  ...('beat' in value ? { beat: withMarks('Heartbeat', value.beat as Heartbeat) } : {}),
});

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
        const marked = withMarks(value.type, value.value);
        const type = types.get(value.type);
        expect(type?.toBuffer(marked).equals(body)).toBe(true);
        expect(JSON.stringify(type?.fromBuffer(body))).toEqual(JSON.stringify(marked));
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

  it('carry the wire format: 0, four bytes of id, the body, which begins with the mark', () => {
    const bytes = encode('Tick', { source: 'n1', shedding: true, receivedAtMs: 1 });
    expect(bytes.toString('hex')).toBe('007ffff1c4' + '5042303034' + '046e31' + '01' + '02');
    expect(bytes.readUInt32BE(1)).toBe(compiledId('Tick'));
  });

  it('carry the id that a registry gave, and are the same to Playbeat', () => {
    const tick = { source: 'n1', shedding: true, receivedAtMs: 1 };
    const before = encode('Tick', tick);
    try {
      writeWithIds(new Map([['Tick', 3_000_000_000]]));
      const after = encode('Tick', tick);
      expect(after.readUInt32BE(1)).toBe(3_000_000_000);
      expect(decode(after)).toEqual(decode(before));
      expect(encode('AccountErased', { requestId: '', tenant: '', receivedAtMs: 1 }).readUInt32BE(1)).toBe(
        compiledId('AccountErased'),
      );
    } finally {
      writeWithIds(new Map());
    }
    expect(encode('Tick', tick).equals(before)).toBe(true);
  });

  it('are read whatever their id is, also when it is the compiled-in one of another schema', () => {
    fc.assert(
      fc.property(event, fc.integer({ min: 0, max: 0xff_ff_ff_ff }), (value, id) => {
        const bytes = encoded(value);
        bytes.writeUInt32BE(id, 1);
        expect(decode(bytes)).toEqual(value);
      }),
    );
  });
});

describe('unreadable bytes', () => {
  it('never crash: one of three errors, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void outcome(bytes)));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 14 }), fc.uint8Array({ maxLength: 400 }), (id, body) => {
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
        const at = HEAD_BYTES + (cut % (bytes.length - HEAD_BYTES));
        // Cut off where its trace begins, a record is one of a release that knew none.
        fc.pre(!mayHaveTrace(value) || at !== encoded(withoutTrace(value)).length - 1);
        expect(outcome(bytes.subarray(0, at))).toBe(broken);
        expect(outcome(Buffer.concat([bytes, Buffer.from([0])]))).toBe(broken);
      }),
    );
  });

  it('are not those of a release that knew no traces', () => {
    fc.assert(
      fc.property(event.filter(mayHaveTrace).map(withoutTrace), (value) => {
        expect(decode(encoded(value).subarray(0, -1))).toEqual(value);
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

  it('are bytes without the header, without the mark, of another topic, or none', () => {
    expect(outcome(null)).toBe('UnreadableRecord');
    expect(outcome(new Uint8Array())).toBe('UnreadableRecord');
    expect(outcome(Buffer.from('{"a":1}'))).toBe('UnreadableRecord');
    expect(outcome(headerOf(SCHEMA_NUMBERS.Heartbeat).subarray(0, HEAD_BYTES - 1))).toBe('UnreadableRecord');
    expect(outcome(headerOf(0))).toBe('UnreadableRecord');
    expect(outcome(headerOf(SCHEMA_NUMBERS.ViewEnded))).toBe('UnreadableRecord');
    // Somebody else's Avro, under the very id that a registry could have given one of ours.
    const theirs = avro.Type.forSchema({ type: 'record', name: 'Theirs', fields: [{ name: 'a', type: 'string' }] });
    const header = headerOf(0, compiledId('Heartbeat')).subarray(0, 5);
    expect(outcome(Buffer.concat([header, theirs.toBuffer({ a: 'x'.repeat(40) })]))).toBe('UnreadableRecord');
  });

  it('say what they are before they are read, where they do', () => {
    for (const name of RECORD_NAMES) expect(nameIn(headerOf(SCHEMA_NUMBERS[name]))).toBe(name);
    for (const bytes of [null, new Uint8Array(), Buffer.from('{"a":1}'), headerOf(0), headerOf(999)])
      expect(nameIn(bytes)).toBeNull();
    expect(nameIn(headerOf(SCHEMA_NUMBERS.Heartbeat).subarray(0, HEAD_BYTES - 1))).toBeNull();
  });

  it('are of a newer release when the mark has a number that this one does not know', () => {
    for (const number of [Object.keys(SCHEMA_NUMBERS).length + 1, 42, 999])
      expect(outcome(headerOf(number))).toBe('UnknownSchemaId');
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

  it('may be views, whole and with all that can be null', () => {
    const whole: Omit<ViewEnded, 'id' | 'cause'> = {
      viewId: 'v-1',
      revision: 10_000_000_000_028,
      status: 'final',
      corrected: true,
      partial: false,
      tenant: 'default',
      sessionId: 's-1',
      profileId: 'p-1',
      deviceId: 'tv-1',
      deviceType: 'tv',
      contentId: 'film-1',
      contentType: 'vod',
      seriesId: 'series-1',
      startedAtMs: 1_767_225_600_000,
      endedAtMs: 1_767_225_700_000,
      reason: 'paused_out',
      confidence: 'inferred',
      exitBeforeStart: false,
      watchedMs: 90_000,
      distinctMs: 80_000,
      completionPercent: 80,
      durationMs: 100_000,
      furthestPositionMs: 80_000,
      lastPositionMs: 70_000,
      pauses: 1,
      seeks: 2,
      stalls: 3,
      stallMs: 4,
      adBreaks: 5,
      adMs: 6,
      startupMs: 7,
      meanBitrateKbps: 8,
      beatsReceived: 9,
      beatsMissed: 10,
      lastDecision: 'OK',
      revisedAtMs: 1_767_225_800_000,
    };
    const nothing = { seriesId: null, endedAtMs: null, reason: null, confidence: null, distinctMs: null };
    const unknown = { completionPercent: null, durationMs: null, furthestPositionMs: null, lastPositionMs: null };
    const untold = { stallMs: null, startupMs: null, meanBitrateKbps: null, lastDecision: null };
    for (const value of [whole, { ...whole, status: 'open' as const, ...nothing, ...unknown, ...untold }]) {
      const bytes = encodeOutput({ type: 'ViewEnded', value }, { id: 'i', cause: 'c' });
      expect(decodeOutput(bytes)).toEqual({ type: 'ViewEnded', value: { ...value, id: 'i', cause: 'c' } });
    }
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
  it('have a subject of their own each, and stand alone with their mark as a default', () => {
    const schemas = recordSchemas();
    expect(schemas.map(({ name }) => name)).toEqual(RECORD_NAMES);
    expect(schemas.map(({ subject }) => subject)).toEqual(RECORD_NAMES.map((name) => `playbeat.${name}`));
    for (const { name, subject, schema } of schemas) {
      const type = avro.Type.forSchema(JSON.parse(schema)) as avro.types.RecordType;
      expect(type.name).toBe(subject);
      const [mark] = type.fields;
      expect(mark?.name).toBe('mark');
      expect(
        headerOf(SCHEMA_NUMBERS[name])
          .subarray(5)
          .equals(mark?.defaultValue() as Buffer),
      ).toBe(true);
    }
  });

  it('have compiled-in ids that no registry comes to, and that every reader can ask one for', () => {
    const ids = RECORD_NAMES.map(compiledId);
    expect(new Set(ids).size).toBe(ids.length);
    // Registries and their clients hold ids in 31 bits and a sign.
    for (const id of ids) expect([id > 2_147_000_000, id < 2 ** 31]).toEqual([true, true]);
  });
});
