import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Api, openApi } from './testing/contract.ts';
import { type Request, type Response, sendRaw } from './testing/http.ts';
import { beat, newAccount, results, start } from './testing/player.ts';
import { type Server, startServer } from './testing/server.ts';

let server: Server;
let api: Api;
beforeAll(async () => {
  server = await startServer();
  api = await openApi(server);
});
afterAll(() => server.close());

const BEATS = '/v1/heartbeats';
/** The same JSON, `bytes` long: what stands between the braces does not matter. */
const padded = (body: unknown, bytes: number): string => {
  const text = JSON.stringify(body);
  return `${text.slice(0, -1)}${' '.repeat(bytes - Buffer.byteLength(text))}}`;
};
/** An unknown field that makes the body `levels` deep. */
const nested = (levels: number): unknown => {
  let value: unknown = 1;
  for (let i = 1; i < levels; i++) value = { deeper: value };
  return { ...beat({ accountId: newAccount() }), more: value };
};
const codeOf = ({ status, json }: Pick<Response, 'status' | 'json'>): string =>
  `${status} ${(json as { code?: string }).code ?? ''}`.trim();

describe('sizes', () => {
  it('takes a beat of 4,096 bytes and not of 4,097, on every call of a player', async () => {
    const accountId = newAccount();
    const calls: readonly (readonly [string, unknown, number])[] = [
      [BEATS, beat({ accountId }), 202],
      ['/v1/sessions', start({ accountId }), 201],
      ['/v1/sessions/s-1/stop', { accountId }, 202],
      ['/v1/block-check', { accountId, sessionId: 's-1' }, 200],
    ];
    for (const [path, body, status] of calls) {
      expect([path, (await api.call({ path, body: padded(body, 4_096) })).status]).toEqual([path, status]);
      const over = await api.call({ path, body: padded(body, 4_097) });
      expect([path, codeOf(over)]).toEqual([path, '413 BODY_TOO_LARGE']);
    }
  });

  it('takes a batch of 65,536 bytes and not of 65,537', async () => {
    const batch = { heartbeats: [beat({ accountId: newAccount() })] };
    expect((await api.call({ path: BEATS, body: padded(batch, 65_536) })).status).toBe(202);
    const over = await api.call({ path: BEATS, body: padded(batch, 65_537) });
    expect(codeOf(over)).toBe('413 BODY_TOO_LARGE');
    expect(over.headers.connection).toBe('close');
  });

  it('counts a body that comes in chunks as it comes', async () => {
    const chunk = `2000\r\n${' '.repeat(0x2000)}\r\n`;
    const head = `POST ${BEATS} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`;
    expect(codeOf(await sendRaw(server.url(), `${head}${chunk.repeat(9)}`))).toBe('413 BODY_TOO_LARGE');
  });

  it('inflates no more than it may: 10 MB in 10 KB are refused like 64 KB and 1 byte', async () => {
    for (const inflated of [10_000_000, 65_537]) {
      const body = gzipSync(padded({ heartbeats: [] }, inflated));
      const answer = await api.call({ path: BEATS, body, headers: { 'content-encoding': 'gzip' } });
      expect([inflated, codeOf(answer)]).toEqual([inflated, '413 BODY_TOO_LARGE']);
    }
    const fits = gzipSync(padded({ heartbeats: [beat({ accountId: newAccount() })] }, 65_536));
    const answer = await api.call({ path: BEATS, body: fits, headers: { 'content-encoding': 'gzip' } });
    expect(results(answer).accepted).toBe(1);
  });

  it('takes 7 KB of headers, and answers 431 to 9 KB, as a problem document', async () => {
    const withHeaders = (bytes: number): Request => ({ path: '/healthz', headers: { 'x-filler': 'f'.repeat(bytes) } });
    expect((await api.call(withHeaders(7_000))).status).toBe(200);
    const over = await api.call(withHeaders(9_000));
    expect(codeOf(over)).toBe('431 HEADERS_TOO_LARGE');
    expect(over.json).toMatchObject({ title: 'The headers are too large.', requestId: expect.stringMatching(/./) });
  });

  it('takes 4 levels of nesting and not 5', async () => {
    expect((await api.call({ path: BEATS, body: nested(4) })).status).toBe(202);
    expect(codeOf(await api.call({ path: BEATS, body: nested(5) }))).toBe('400 TOO_DEEP');
    const deep = `{"a":${'['.repeat(2_000)}${']'.repeat(2_000)}}`;
    for (const path of [BEATS, '/v1/sessions', '/v1/signals', '/v1/block-check', '/v1/sessions/s/stop']) {
      expect([path, codeOf(await api.call({ path, body: deep }))]).toEqual([path, '400 TOO_DEEP']);
    }
  });
});

describe('requests that are none', () => {
  const line = `POST ${BEATS} HTTP/1.1\r\nhost: a\r\n`;

  it.each([
    ['both a length and chunks', `${line}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${line}content-length: 5\r\ncontent-length: 6\r\n\r\n{}`],
    ['no HTTP', 'hello\r\n\r\n'],
    ['a header without a colon', `${line}nonsense\r\n\r\n`],
    ['a line feed within a header', `${line}x-a: b\nx-c: d\r\n\r\n`],
  ])('with %s are 400 and a problem document, and the connection ends', async (_what, text) => {
    const answer = await sendRaw(server.url(), text);
    expect(codeOf(answer)).toBe('400 VALIDATION_FAILED');
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.json).toMatchObject({ detail: expect.any(String), instance: expect.any(String) });
  });

  it('that never end are 408, headers or body', async () => {
    const stalled = [line, `${line}content-type: application/json\r\ncontent-length: 50\r\n\r\n{"sess`];
    const answers = await Promise.all(stalled.map((text) => sendRaw(server.url(), text)));
    expect(answers.map(codeOf)).toEqual(['408 REQUEST_TIMEOUT', '408 REQUEST_TIMEOUT']);
    for (const { json } of answers)
      expect(json).toMatchObject({ instance: expect.any(String), requestId: expect.any(String) });
  });
});

describe('every refusal', () => {
  it.each([
    ['404 NOT_FOUND', { path: '/v1/nothing' }],
    ['404 NOT_FOUND', { path: '/v1/sessions/a/b/c', body: {} }],
    ['404 NOT_FOUND', { path: '/admin/policies' }],
    ['405 METHOD_NOT_ALLOWED', { path: BEATS }],
    ['405 METHOD_NOT_ALLOWED', { method: 'PUT', path: '/v1/sessions/s-1', body: {} }],
    ['415 UNSUPPORTED_MEDIA_TYPE', { path: BEATS, body: '<a/>', headers: { 'content-type': 'application/xml' } }],
    ['415 UNSUPPORTED_ENCODING', { path: BEATS, body: '{}', headers: { 'content-encoding': 'br' } }],
    ['400 MALFORMED_JSON', { path: BEATS, body: '{"sessionId":' }],
    ['400 MALFORMED_JSON', { method: 'POST', path: BEATS }],
    ['400 MALFORMED_JSON', { path: BEATS, body: 'no gzip', headers: { 'content-encoding': 'gzip' } }],
    ['400 VALIDATION_FAILED', { method: 'POST', path: '/v1/sessions' }],
    ['400 VALIDATION_FAILED', { path: '/v1/accounts/%E0%A4%A/sessions' }],
  ] satisfies readonly (readonly [string, Request])[])(
    '%s of %j is a whole problem document',
    async (expected, call) => {
      const answer = await api.call(call);
      expect(codeOf(answer)).toBe(expected);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(answer.json).toMatchObject({
        type: expect.stringMatching(/^\/problems\/[a-z-]+$/),
        status: answer.status,
        instance: call.path,
        requestId: answer.headers['x-request-id'],
      });
    },
  );

  it('of a method names those that are taken', async () => {
    expect((await api.call({ path: BEATS })).headers.allow).toBe('POST');
    expect((await api.call({ method: 'PUT', path: '/v1/block-check', body: {} })).headers.allow).toBe('GET, POST');
  });
});

describe('x-request-id', () => {
  it('is the caller’s own where that is a plain word of at most 128, else one of ours, never the same twice', async () => {
    const idOf = async (given?: string): Promise<string> => {
      const headers: Record<string, string> = given === undefined ? {} : { 'x-request-id': given };
      return String((await api.call({ path: '/healthz', headers })).headers['x-request-id']);
    };
    expect(await idOf('trace-1.a_B')).toBe('trace-1.a_B');
    expect(await idOf('x'.repeat(128))).toHaveLength(128);
    const ours = [await idOf(), await idOf('x'.repeat(129)), await idOf('a b'), await idOf('<script>')];
    expect(new Set(ours).size).toBe(4);
    for (const id of ours) expect(id).toMatch(/^[\w.-]+$/);
  });
});
