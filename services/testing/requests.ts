import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { JsonSchema } from '../../schemas/http-schemas.ts';
import { type Document, isOfAdmins, type Operation } from './contract.ts';
import type { Method, Request } from './http.ts';
import type { Known } from './known.ts';
import { type Making, nasty, valuesOf } from './schema-values.ts';

/** A call made from the document alone: a route that is new is called by being there. */
export type Generated = Request & {
  readonly method: Method;
  /** `GET /path/{with}/{names}`. */
  readonly operation: string;
  readonly admin: boolean;
  /** Only a part of it is sent, and the connection is cut. */
  readonly half: boolean;
};

/** Of 100 places, where a call is not meant well. */
const STRAY = 4;

/** Calls of every operation alike: as documented, at each limit, one beyond, and broken in ways that no document has. */
export const requestsOf = (document: Document, known: Known): fc.Arbitrary<Generated> =>
  fc.oneof(
    ...Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) =>
        callsOf({ document, known, path, method: method.toUpperCase() as Method, operation }),
      ),
    ),
  );

type Target = {
  readonly document: Document;
  readonly known: Known;
  readonly path: string;
  readonly method: Method;
  readonly operation: Operation;
};

const callsOf = (target: Target): fc.Arbitrary<Generated> => {
  const { document, known, path, method, operation } = target;
  const resolve = (ref: string): JsonSchema => {
    const parts = ref.split('/').slice(1);
    return parts.reduce<unknown>((at, part) => (at as JsonSchema)[part], document) as JsonSchema;
  };
  const values = fieldsOf(known);
  const strict: Making = { resolve, known: values, stray: 0 };
  const loose: Making = { ...strict, stray: STRAY };
  const inPath = {
    version: fc.constantFrom('1', '2', '1000000'),
    name: fc.constantFrom('view-end', 'audience', 'none'),
    ...values,
  };
  return fc
    .record({
      path: seldomNot(
        pathsOf(operation, path, { ...strict, known: inPath }),
        fc.oneof(pathsOf(operation, path, loose), mistyped(path)),
      ),
      query: seldomNot(queriesOf(operation, strict), fc.oneof(queriesOf(operation, loose), JUNK_QUERIES)),
      body: bodiesOf(operation, strict, loose),
      headers: headersOf(operation, known),
      method: fc.oneof({ weight: 60, arbitrary: fc.constant<Method>(method) }, { weight: 1, arbitrary: OTHER_METHODS }),
      half: fc.oneof({ weight: 40, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      admin: fc.constant(isOfAdmins(path)),
    })
    .map(({ path: asked, query, body, headers, ...rest }) => ({
      ...rest,
      operation: `${method} ${path}`,
      path: asked + query,
      ...(body === null ? {} : { body: body.body }),
      headers: { ...(body === null ? {} : { 'content-type': 'application/json', ...body.headers }), ...headers },
    }));
};

const seldomNot = <T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ withCrossShrink: true }, { weight: 8, arbitrary: usual }, { weight: 1, arbitrary: other });

/** Few of each, so that calls meet, and what the service rightly remembers of a household is no growth. */
const fieldsOf = ({ accounts, sessions, positions, cursors, sessionTokens }: Known): Making['known'] => ({
  accountId: fc.constantFrom(...accounts),
  sessionId: fc.constantFrom(...sessions),
  signalId: fc.constantFrom('signal-1', ...sessions),
  continuesSessionId: fc.constantFrom(...sessions),
  profileId: fc.constantFrom('p-1', 'p-2'),
  deviceId: fc.constantFrom('device-1', 'device-2', 'device-3'),
  contentId: fc.constantFrom('film-1', 'film-2', 'channel-1'),
  contentIds: fc.constantFrom('film-1', 'film-1,channel-1'),
  country: fc.constantFrom('DE', 'FR'),
  // One that is none refuses the whole call: nothing behind it would be tried.
  sessionToken: fc.constantFrom(...sessionTokens),
  terminate: fc.constant([]),
  after: fc.constantFrom(...positions),
  cursor: fc.constantFrom(...cursors),
  // Of a span that is neither empty nor too long.
  from: fc.constantFrom('0', '1000'),
  to: fc.constantFrom('2000', '86400000'),
});

// --- Paths and queries ----------------------------------------------------------------------------------------------------

type Parameter = {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: JsonSchema;
};
const parametersOf = (operation: Operation, where: string): readonly Parameter[] =>
  ((operation['parameters'] ?? []) as readonly Parameter[]).filter((one) => one.in === where);

const encoded = (value: unknown): string =>
  encodeURIComponent((typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined')).toWellFormed());

/** What a parameter may hold: what is known of its name, else what its schema says. */
const texts = ({ name, schema }: Parameter, making: Making): fc.Arbitrary<string> => {
  const values = valuesOf(schema, making);
  const known = making.known[name];
  return (known === undefined ? values : seldomNot(known, values)).map(encoded);
};

const pathsOf = (operation: Operation, path: string, making: Making): fc.Arbitrary<string> => {
  const named = parametersOf(operation, 'path').map((one) => [one.name, texts(one, making)] as const);
  return fc
    .record(Object.fromEntries(named))
    .map((given: Readonly<Record<string, string>>) =>
      path.replaceAll(/\{(\w+)\}/g, (_, name: string) => given[name] ?? ''),
    );
};

/** Paths that no encoding makes, and paths beside those of the document. */
const mistyped = (path: string): fc.Arbitrary<string> =>
  fc
    .constantFrom(
      '%ff',
      '%',
      '%zz',
      '..',
      '.',
      '%2e%2e',
      '..%2f..%2f',
      '%00',
      '',
      'me',
      'a/b',
      '%2F',
      ';x=1',
      '//',
      'x/',
    )
    .chain((part) =>
      fc.constantFrom(
        path.includes('{') ? path.replaceAll(/\{\w+\}/g, part) : `${path}/${part}`,
        `${path.replaceAll(/\{\w+\}/g, 'x')}/${part}`,
        `${path.replaceAll(/\{\w+\}/g, 'x')}/`,
        path.replaceAll(/\{\w+\}/g, 'x').toUpperCase(),
      ),
    );

const queriesOf = (operation: Operation, making: Making): fc.Arbitrary<string> => {
  const named = parametersOf(operation, 'query').map((one) => {
    const values = texts(one, making).map((text) => `${one.name}=${text}`);
    return one.required === true ? values : fc.option(values, { freq: 2 });
  });
  return fc.tuple(...named).map((parts) => {
    const given = parts.filter((part) => part !== null);
    return given.length === 0 ? '' : `?${given.join('&')}`;
  });
};

const JUNK_QUERIES = fc.constantFrom(
  ...[
    '?',
    '?&&',
    '?=',
    '?decision=%00',
    '?after=1.0.999999999',
    '?after=%ff',
    '?__proto__=1',
    '?a[b]=c',
    '?limit=0',
    '?limit=101',
  ],
  ...['?limit=1e1', '?limit=1&limit=2', '?cursor=', '?accountId=', '?accountId=%F0%9F', `?x=${'y'.repeat(4_000)}`],
);

// --- Headers --------------------------------------------------------------------------------------------------------------

type Headers = Readonly<Record<string, string>>;

const headersOf = (operation: Operation, known: Known): fc.Arbitrary<Headers> =>
  fc
    .tuple(bearers(operation, known), seldomNot(fc.constant<Headers>({}), OTHER_HEADERS))
    .map(([authorization, others]) => ({ ...(authorization === null ? {} : { authorization }), ...others }));

/** Most often somebody who may call, by what the document says. */
const bearers = (operation: Operation, { tokens, sessionTokens, badTokens }: Known): fc.Arbitrary<string | null> => {
  const all: Known['tokens'] = { ...tokens, sessionToken: sessionTokens };
  const schemes = (operation['security'] as readonly object[]).flatMap((one) => Object.keys(one));
  const good = schemes.map((scheme) => all[scheme] ?? []).filter((some) => some.length > 0);
  const bearer = (some: readonly string[]): fc.Arbitrary<string> =>
    fc.constantFrom(...some).map((one) => `Bearer ${one}`);
  const any = fc.oneof(...Object.values(all).map(bearer), fc.constantFrom(...badTokens));
  const usual =
    Object.keys(tokens).length === 0 || good.length === 0 ? fc.constant(null) : fc.oneof(...good.map(bearer));
  return fc.oneof(
    { weight: 12, arbitrary: usual },
    { weight: 1, arbitrary: any },
    { weight: 1, arbitrary: fc.constant(null) },
  );
};

const OTHER_HEADERS = fc
  .tuple(
    fc.constantFrom(
      ...['accept', 'accept-encoding', 'cookie', 'idempotency-key', 'if-none-match', 'origin', 'range', 'traceparent'],
      ...['tracestate', 'x-forwarded-for', 'x-playbeat-reason', 'x-request-id', 'x-http-method-override'],
    ),
    fc.oneof(
      fc.constantFrom('', '*', 'null', '0', 'a,b', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '::1'),
      fc.string({ unit: fc.constantFrom(...'abc0-=;,/é\u00ff'), maxLength: 200 }),
      fc.constant('k'.repeat(129)),
      fc.constant('h'.repeat(9_000)),
    ),
  )
  .map(([name, value]): Headers => ({ [name]: value }));

const METHODS = ['GET', 'POST', 'DELETE', 'OPTIONS', 'PUT', 'PATCH', 'HEAD', 'PROPFIND', 'TRACE', 'QUERY'] as const;
const OTHER_METHODS = fc.constantFrom<Method>(...METHODS);

// --- Bodies ---------------------------------------------------------------------------------------------------------------

type Sent = { readonly body: string | Uint8Array; readonly headers?: Headers };
type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

const bodiesOf = (operation: Operation, strict: Making, loose: Making): fc.Arbitrary<Sent | null> => {
  const content = (operation['requestBody'] as { readonly content: Content } | undefined)?.content;
  const none = fc.constant(null);
  if (content === undefined)
    return fc.oneof({ weight: 40, arbitrary: none }, { weight: 1, arbitrary: spoiled(nasty()) });
  const { schema } = content['application/json']!;
  const plain = (values: fc.Arbitrary<unknown>): fc.Arbitrary<Sent> => values.map((value) => ({ body: textOf(value) }));
  const fits = valuesOf(schema, strict);
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 5, arbitrary: plain(fits) },
    { weight: 3, arbitrary: plain(valuesOf(schema, loose)) },
    { weight: 3, arbitrary: spoiled(fits) },
    { weight: 1, arbitrary: none },
  );
};

const textOf = (value: unknown): string => JSON.stringify(value) ?? 'undefined';

const spoiled = (values: fc.Arbitrary<unknown>): fc.Arbitrary<Sent> =>
  fc
    .tuple(values, fc.constantFrom(...SPOILED), fc.nat({ max: 100_000 }))
    .map(([value, spoil, n]) => spoil(textOf(value), n));

const zipped = (bytes: Uint8Array): Sent => ({ body: bytes, headers: { 'content-encoding': 'gzip' } });

/** What is done to a body on its way; `n` is any number. */
const SPOILED: readonly ((text: string, n: number) => Sent)[] = [
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
  (_body, n) => zipped(gzipSync(Buffer.alloc(1_000_000 + (n % 9_000_000), 32), { level: 9 })),
  (body) => zipped(gzipSync(body)),
  (body, n) => zipped(gzipSync(body).subarray(0, n % 40)),
  (body) => zipped(Buffer.from(body)),
  (body) => ({ body, headers: { 'content-encoding': 'deflate, gzip' } }),
  (body) => ({ body, headers: { 'content-type': 'text/plain; charset=utf-8' } }),
  (body) => ({ body, headers: { 'content-type': 'text/plain; charset=utf-16' } }),
  (body) => ({ body, headers: { 'content-type': 'multipart/form-data; boundary=x' } }),
  (body) => ({ body, headers: { 'content-type': `application/json;${'a'.repeat(4_000)}` } }),
  (body) => ({ body, headers: { 'content-type': '' } }),
  (body) => ({ body, headers: { expect: '100-continue' } }),
];
