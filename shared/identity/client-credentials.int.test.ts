import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { clientCredentials } from './client-credentials.ts';

type Asked = { readonly authorization: string; readonly type: string; readonly body: string };
type Answer = { readonly status: number; readonly body: unknown };

describe('tokens by client credentials', () => {
  let server: Server;
  let url: string;
  let asked: Asked[];
  let answer: (count: number) => Answer;
  beforeEach(async () => {
    asked = [];
    answer = (count) => ({
      status: 200,
      body: { access_token: `token-${count}`, token_type: 'Bearer', expires_in: 300 },
    });
    const answerTo = async (request: IncomingMessage): Promise<Answer> => {
      const { authorization = '', 'content-type': type = '' } = request.headers;
      asked.push({ authorization, type, body: await text(request) });
      return answer(asked.length);
    };
    server = createServer((request, response) => {
      void answerTo(request).then(({ status, body }) =>
        response
          .writeHead(status, { location: '/elsewhere' })
          .end(typeof body === 'string' ? body : JSON.stringify(body)),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth2/token`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  let nowMs = 0;
  const open = (options: { readonly scope?: string } = {}) =>
    clientCredentials({ url, clientId: 'play beat', clientSecret: 'a:b+c', fetch, now: () => nowMs, ...options });
  const usual = { fresh: false };

  it('asks as RFC 6749 has it: Basic, form-encoded, with the scope', async () => {
    expect(await open({ scope: 'kafka read' })(usual)).toBe('token-1');
    const credentials = Buffer.from('play+beat:a%3Ab%2Bc').toString('base64');
    expect(asked).toEqual([
      {
        authorization: `Basic ${credentials}`,
        type: 'application/x-www-form-urlencoded;charset=UTF-8',
        body: 'grant_type=client_credentials&scope=kafka+read',
      },
    ]);
  });

  it('uses a token of 300 s for 270 s, and then the next one', async () => {
    const token = open();
    expect(await token(usual)).toBe('token-1');
    nowMs += 269_999;
    expect(await token(usual)).toBe('token-1');
    nowMs += 1;
    expect(await token(usual)).toBe('token-2');
  });

  it('asks once for ten that want a token at the same time', async () => {
    const token = open();
    expect(new Set(await Promise.all(Array.from({ length: 10 }, () => token(usual))))).toEqual(new Set(['token-1']));
    expect(asked.length).toBe(1);
  });

  it('asks for another one when the one it has was refused', async () => {
    const token = open();
    await token(usual);
    expect(await token({ fresh: true })).toBe('token-2');
    expect(await token(usual)).toBe('token-2');
  });

  it('keeps no token whose life it was not told', async () => {
    answer = (count) => ({ status: 200, body: { access_token: `token-${count}` } });
    const token = open();
    expect([await token(usual), await token(usual)]).toEqual(['token-1', 'token-2']);
  });

  it('says what the endpoint said, without the secret, and asks again the next time', async () => {
    const token = open();
    answer = () => ({ status: 401, body: { error: 'invalid_client', error_description: 'no such client' } });
    const error: unknown = await token(usual).catch((e: unknown) => e);
    expect(String(error)).toBe(`Error: the token endpoint ${url} answered 401: invalid_client no such client`);
    answer = () => ({ status: 503, body: 'upstream connect error' });
    await expect(token(usual)).rejects.toThrow('answered 503: no error');
    answer = () => ({ status: 200, body: { token_type: 'Bearer' } });
    await expect(token(usual)).rejects.toThrow('answered without an access_token');
    answer = () => ({ status: 200, body: { access_token: 'token' } });
    expect(await token(usual)).toBe('token');
  });

  it('takes the secret to no other address', async () => {
    answer = () => ({ status: 307, body: {} });
    await expect(open()(usual)).rejects.toThrow('cannot be asked');
    expect(asked.length).toBe(1);
  });

  it('names an endpoint that does not listen', async () => {
    const token = clientCredentials({ url: 'http://127.0.0.1:1/token', clientId: 'a', clientSecret: 'b', fetch });
    await expect(token(usual)).rejects.toThrow('the token endpoint http://127.0.0.1:1/token cannot be asked: ');
  });
});
