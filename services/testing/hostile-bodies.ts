import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { HTTP_SCHEMAS, type HttpSchemaName, type JsonSchema } from '../../schemas/http-schemas.ts';
import { type Request } from './http.ts';

/** Bodies that nobody means well with, made from the schemas that validate them. */
export type Target = { readonly path: string; readonly schema: HttpSchemaName; readonly admin: boolean };
export const TARGETS: readonly Target[] = [
  { path: '/v1/heartbeats', schema: 'heartbeat-request', admin: false },
  { path: '/v1/heartbeats?decision=wait', schema: 'heartbeat-batch', admin: false },
  { path: '/v1/sessions', schema: 'start-request', admin: false },
  { path: '/v1/sessions/s-1/stop', schema: 'stop-request', admin: false },
  { path: '/v1/signals', schema: 'signal-request', admin: false },
  { path: '/v1/block-check', schema: 'block-check-request', admin: false },
  { path: '/admin/policies', schema: 'policy-document', admin: true },
  { path: '/admin/mode', schema: 'policy-document', admin: true },
];

// --- Values -----------------------------------------------------------------------------------------------------------

/** What breaks parsers, databases, encodings, prototypes and numbers, as a value of any field. */
const nasty = (): fc.Arbitrary<unknown> =>
  fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      '',
      ' ',
      0,
      -0,
      -1,
      0.5,
      1e308,
      -1e308,
      2 ** 53,
      -(2 ** 53),
      5e-324,
      9_007_199_254_740_991,
      'NaN',
      'Infinity',
      '\ud800',
      'a\udfffb',
      '\u0000',
      '\u001b[2J',
      '\u202e',
      '\ufeff',
      "'; drop table batches; --",
      '../../etc/passwd',
      '${jndi:ldap://x}',
      '__proto__',
      'constructor',
      '%00',
      '<script>',
      '１２３',
      'a'.repeat(129),
      '😀'.repeat(128),
      [],
      {},
      [[]],
      [null],
      { toString: 1 },
      { then: 1 },
      { length: 1e9 },
      { $ref: '#' },
    ),
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.double(),
    fc.bigInt().map(Number),
    fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 20 }),
    fc.jsonValue({ maxDepth: 6 }),
    fc.dictionary(
      fc.constantFrom('__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'sessionId', '', '0'),
      fc.jsonValue(),
    ),
  );

const resolve = (ref: string, home: HttpSchemaName): { readonly schema: JsonSchema; readonly home: HttpSchemaName } => {
  const [file = '', pointer = ''] = ref.split('#');
  const name = file === '' ? home : (file.replace('.schema.json', '') as HttpSchemaName);
  const parts = pointer.split('/').slice(1);
  const schema = parts.reduce<unknown>((at, part) => (at as JsonSchema)[part], HTTP_SCHEMAS[name]);
  return { schema: schema as JsonSchema, home: name };
};

/** A value that mostly fits the schema: what is refused at the first field tests nothing behind it. */
const fitting = (schema: JsonSchema, home: HttpSchemaName): fc.Arbitrary<unknown> => {
  if (typeof schema['$ref'] === 'string') {
    const { schema: target, home: there } = resolve(schema['$ref'], home);
    return fitting(target, there);
  }
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  if (Array.isArray(schema['anyOf']))
    return fc.oneof(...(schema['anyOf'] as JsonSchema[]).map((one) => fitting(one, home)));
  const types = Array.isArray(schema['type']) ? (schema['type'] as string[]) : [String(schema['type'])];
  return fc.oneof(...types.map((type) => ofType(type, schema, home)));
};

const ofType = (type: string, schema: JsonSchema, home: HttpSchemaName): fc.Arbitrary<unknown> => {
  switch (type) {
    case 'integer':
      return fc.integer({
        min: Number(schema['minimum'] ?? 0),
        max: Math.min(Number(schema['maximum'] ?? 1e9), 2 ** 31 - 1),
      });
    case 'number':
      return fc.double({ min: Number(schema['minimum'] ?? 0), max: Number(schema['maximum'] ?? 1e9), noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(fitting((schema['items'] ?? { type: 'string' }) as JsonSchema, home), { maxLength: 4 });
    case 'object':
      return objectOf(schema, home);
    default:
      return text(schema);
  }
};

const text = ({ pattern }: JsonSchema): fc.Arbitrary<string> =>
  typeof pattern === 'string' && !pattern.includes('\\u0000')
    ? fc.stringMatching(new RegExp(pattern.replaceAll('{1,2048}', '{1,40}')))
    : fc.oneof(fc.constantFrom('s-1', 'a-1', 'tv-1', 'film-1'), fc.string({ minLength: 1, maxLength: 40 }));

/** Few, so that what the service rightly remembers of a household is no growth: it forgets 64 sessions on. */
const HOUSEHOLDS = fc.integer({ min: 1, max: 40 }).map((n) => `household-${n}`);

/** A token that is none refuses the whole call: with one in each second body nothing behind it would be tried. */
const TOKENS = ['sessionToken', 'terminate'];
const seldom = (arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 15, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const objectOf = (schema: JsonSchema, home: HttpSchemaName): fc.Arbitrary<unknown> => {
  const parents = ((schema['allOf'] ?? []) as JsonSchema[]).map((one) => resolve(String(one['$ref']), home).schema);
  const all = [...parents, schema];
  const properties = Object.assign({}, ...all.map((one) => one['properties'] ?? {})) as Record<string, JsonSchema>;
  const required = all.flatMap((one) => (one['required'] ?? []) as string[]);
  const arbitraries: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, property] of Object.entries(properties)) {
    const fits =
      parents.length > 0
        ? fitting(property, property === schema ? home : 'heartbeat-request')
        : fitting(property, home);
    const arbitrary = name === 'accountId' ? HOUSEHOLDS : TOKENS.includes(name) ? seldom(fits) : fits;
    arbitraries[name] = fc.oneof({ weight: 100, arbitrary }, { weight: 1, arbitrary: nasty() });
  }
  return fc.record(arbitraries, { requiredKeys: required.filter((name) => name in arbitraries) });
};

// --- Bytes ------------------------------------------------------------------------------------------------------------

type Spoil = (
  text: string,
  n: number,
) => { readonly body: string | Uint8Array; readonly headers?: Record<string, string> };
const AS_IS: Spoil = (body) => ({ body });
/** What is done to a body on its way. */
const SPOILED: readonly Spoil[] = [
  (body, n) => ({ body: body.slice(0, n % (body.length + 1)) }),
  (body) => ({ body: body.replace(/:(-?\d+)/, ':NaN') }),
  (body) => ({ body: body.replace(/:(-?\d+)/, ':-Infinity') }),
  (body) => ({ body: body.replace(/:(-?\d+)/, `:1${'0'.repeat(400)}`) }),
  (body) => ({ body: body.replace('{', '{"__proto__":{"sessionId":"polluted","mode":"observe"},') }),
  (body) => ({ body: body.replace(/"sessionId":/, '"sessionId":"double","sessionId":') }),
  (body) => ({ body: `${body}${body}` }),
  (body) => ({ body: `\ufeff${body}` }),
  (body, n) => ({ body: '['.repeat(1 + (n % 3_000)) + body }),
  (body, n) => ({ body: `{"heartbeats":${'['.repeat(1 + (n % 2_000))}${']'.repeat(1 + (n % 2_000))},"x":${body}}` }),
  (body, n) => ({ body: `${body.slice(0, -1)}${' '.repeat(n % 90_000)}}` }),
  (body, n) => ({ body: `{"heartbeats":[${Array.from({ length: n % 60 }, () => body.slice(0, 900)).join(',')}]}` }),
  (body, n) => {
    const bytes = Buffer.from(body);
    bytes[n % bytes.length] = 0xff;
    return { body: bytes };
  },
  (body) => ({ body: Buffer.from(body, 'utf16le') }),
  (_body, n) => ({
    body: gzipSync(Buffer.alloc(1_000_000 + (n % 9_000_000), 32), { level: 9 }),
    headers: { 'content-encoding': 'gzip' },
  }),
  (body) => ({ body: gzipSync(body), headers: { 'content-encoding': 'gzip' } }),
  (body, n) => ({ body: gzipSync(body).subarray(0, n % 40), headers: { 'content-encoding': 'gzip' } }),
  (body) => ({ body, headers: { 'content-encoding': 'gzip' } }),
  (body) => ({ body, headers: { 'content-encoding': 'deflate, gzip' } }),
  (body) => ({ body, headers: { 'content-type': 'text/plain; charset=utf-16' } }),
  (body) => ({ body, headers: { 'content-type': 'multipart/form-data; boundary=x' } }),
  (body) => ({ body, headers: { 'content-type': `application/json;${'a'.repeat(4_000)}` } }),
  (body, n) => ({ body, headers: { authorization: `Bearer pbs1.${'A'.repeat(n % 5_000)}.${'B'.repeat(n % 50)}` } }),
  (body) => ({ body, headers: { 'idempotency-key': 'k'.repeat(129) } }),
  (body) => ({ body, headers: { expect: '100-continue' } }),
];

export const requests = (target: Target): fc.Arbitrary<Request> =>
  fc
    .tuple(
      fc.oneof(
        { weight: 12, arbitrary: fitting(HTTP_SCHEMAS[target.schema], target.schema) },
        { weight: 1, arbitrary: nasty() },
      ),
      fc.oneof({ weight: 2, arbitrary: fc.constant(AS_IS) }, { weight: 3, arbitrary: fc.constantFrom(...SPOILED) }),
      fc.nat({ max: 100_000 }),
      fc.constantFrom(
        '',
        '',
        '',
        '?decision=none',
        '?decision=%00',
        '?after=1.0.1',
        '?after=%ff',
        '?__proto__=1',
        '?a[b]=c',
      ),
    )
    .map(([value, spoil, n, query]) => {
      const { body, headers } = spoil(JSON.stringify(value) ?? 'undefined', n);
      const path = target.path.includes('?') ? target.path : target.path + query;
      return { method: 'POST', path, body, headers: { 'content-type': 'application/json', ...headers } };
    });
