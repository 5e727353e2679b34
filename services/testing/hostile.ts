import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { HTTP_SCHEMAS, type HttpSchemaName, type JsonSchema } from '../../schemas/http-schemas.ts';
import { type Api, matchesPath } from './contract.ts';
import { type Request, sendHalf } from './http.ts';

/** Bodies that nobody means well with, made from the schemas that validate them. */
export type HostileReport = {
  readonly sent: number;
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
  readonly violations: readonly string[];
  /** Resident memory over time, by the service's own metrics. */
  readonly rss: readonly { readonly atMs: number; readonly bytes: number }[];
};

export type HostileOptions = {
  readonly bodies: number;
  readonly seed: number;
  readonly concurrency: number;
  /** Memory is looked at after each so many bodies. */
  readonly sampleEvery: number;
  readonly onSample?: (sent: number, bytes: number) => void;
};

type Target = { readonly path: string; readonly schema: HttpSchemaName; readonly admin: boolean };
const TARGETS: readonly Target[] = [
  { path: '/v1/heartbeats', schema: 'heartbeat-request', admin: false },
  { path: '/v1/heartbeats?decision=wait', schema: 'heartbeat-batch', admin: false },
  { path: '/v1/sessions', schema: 'start-request', admin: false },
  { path: '/v1/sessions/s-1/stop', schema: 'stop-request', admin: false },
  { path: '/v1/signals', schema: 'signal-request', admin: false },
  { path: '/v1/block-check', schema: 'block-check-request', admin: false },
  { path: '/admin/policies', schema: 'policy-document', admin: true },
  { path: '/admin/mode', schema: 'policy-document', admin: true },
];

/** POST operations of the document that nobody attacks: a new route must be added above. */
export const unattacked = ({ document }: Api): readonly string[] =>
  Object.entries(document.paths)
    .filter(([path, methods]) => methods['post'] !== undefined && !path.endsWith('/activate'))
    .map(([path]) => path)
    .filter((path) => !TARGETS.some((target) => matchesPath(path, target.path)));

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

const requests = (target: Target): fc.Arbitrary<Request> =>
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

/** Each so many bodies one is sent by half, and the connection is cut. */
const ABANDON_EVERY = 25;

// --- The run ------------------------------------------------------------------------------------------------------------

export const runHostile = async (api: Api, options: HostileOptions): Promise<HostileReport> => {
  const { bodies, seed, concurrency, sampleEvery, onSample } = options;
  const statuses = new Map<number, number>();
  const violations: string[] = [];
  const rss: { atMs: number; bytes: number }[] = [];
  const startedMs = performance.now();
  let sent = 0;
  const sample = async (): Promise<void> => {
    const { text } = await api.admin({ path: '/metrics' });
    const bytes = Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]);
    rss.push({ atMs: performance.now() - startedMs, bytes });
    onSample?.(sent, bytes);
  };

  await sample();
  const streams = TARGETS.map((target, i) => ({
    target,
    next: fc.sample(requests(target), { seed: seed + i, numRuns: Math.ceil(bodies / TARGETS.length) }),
  }));
  const waiting = streams.flatMap(({ target, next }) => next.map((request) => ({ target, request })));
  const shuffled = waiting.map((one, i) => ({ one, at: (i * 7_919) % waiting.length })).sort((a, b) => a.at - b.at);
  let at = 0;
  const worker = async (): Promise<void> => {
    while (at < shuffled.length) {
      const { target, request } = shuffled[at++]!.one;
      try {
        // The call itself holds the answer against the document: no undocumented status, no 5xx, no half problem.
        const { status } = await (target.admin ? api.admin(request) : api.call(request));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status >= 500) violations.push(`${status} for ${shown(request)}`);
      } catch (error) {
        violations.push(`${error instanceof Error ? error.message : String(error)} for ${shown(request)}`);
      }
      sent += 1;
      if (sent % ABANDON_EVERY === 0 && !target.admin) await sendHalf(api.url(), request);
      if (sent % sampleEvery === 0) await sample();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  await sample();
  const health = await api.call({ path: '/healthz' });
  if (health.status !== 200) violations.push(`/healthz answers ${health.status} afterwards`);
  return { sent, statuses, violations, rss };
};

const shown = ({ path, body, headers }: Request): string =>
  `${path} ${JSON.stringify(headers).slice(0, 200)} ${String(body).slice(0, 500)}`;

/** Bytes per minute over the second half, by least squares: the first half is warm-up. */
export const slopePerMinute = (rss: HostileReport['rss']): number => {
  const points = rss.slice(Math.floor(rss.length / 2));
  const meanAt = points.reduce((sum, p) => sum + p.atMs, 0) / points.length;
  const meanBytes = points.reduce((sum, p) => sum + p.bytes, 0) / points.length;
  const top = points.reduce((sum, p) => sum + (p.atMs - meanAt) * (p.bytes - meanBytes), 0);
  const bottom = points.reduce((sum, p) => sum + (p.atMs - meanAt) ** 2, 0);
  return bottom === 0 ? 0 : (top / bottom) * 60_000;
};
