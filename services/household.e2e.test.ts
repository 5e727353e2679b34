import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { send } from './testing/http.ts';
import { type Issuer, startIssuer } from './testing/issuer.ts';
import { type Server, startServer } from './testing/server.ts';

const MAIN = fileURLToPath(new URL('household.ts', import.meta.url));
type Line = Readonly<Record<string, unknown>>;

/** Plays a round as a process of its own: how it ends, and what it says. */
const play = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  new Promise<{ readonly code: number; readonly lines: readonly Line[] }>((resolve) => {
    const PATH = process.env['PATH'] ?? '';
    execFile(process.execPath, [MAIN, ...args], { env: { PATH, ...env } }, (error, stdout) => {
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Line);
      resolve({ code: Number(error?.code ?? 0), lines });
    });
  });

/** Stops that the server has taken. */
const stops = async (): Promise<number> => {
  const { text } = await send(server.adminUrl(), { path: '/metrics' });
  const line = text.split('\n').find((one) => /sessionId\}\/stop".*status="202"/.test(one));
  return Number(line?.split(' ').at(-1));
};

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

describe('the synthetic household', () => {
  it('ends with 0 where two devices start and the third is refused, stops them, and says so to CloudWatch', async () => {
    const { code, lines } = await play(['--url', server.url(), '--namespace', 'playbeat-test']);
    expect([code, lines.at(-1)]).toMatchObject([0, { outcome: 'right', why: null }]);
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ role: 'household', outcome: 'right', playbeat_household_rounds_total: 1 }),
        expect.objectContaining({ role: 'household', playbeat_household_seconds: lines.at(-1)?.['seconds'] }),
      ]),
    );
    expect(await stops()).toBe(2);
  });

  it('ends with 1 where the third is let in, and stops it', async () => {
    await send(server.adminUrl(), { path: '/admin/mode', body: { mode: 'observe' } });
    const { code, lines } = await play(['--url', server.url()]);
    expect([code, lines]).toMatchObject([1, [{ outcome: 'wrong', why: 'the start of device 3 of 2: 201 allow' }]]);
    expect(await stops()).toBe(2 + 3);
    await send(server.adminUrl(), { path: '/admin/mode', body: { mode: 'enforce' } });
  });

  it('ends with 1 where the second is refused that should be let in', async () => {
    const { code, lines } = await play(['--url', server.url(), '--limit', '3']);
    const why = 'the start of device 3 of 3: 409 STREAM_LIMIT_EXCEEDED';
    expect([code, lines]).toMatchObject([1, [{ outcome: 'wrong', why }]]);
  });

  it('sends beats to another address where it is told to, and all else to its own', async () => {
    const { code, lines } = await play(['--url', server.url(), '--heartbeats-url', 'http://127.0.0.1:9']);
    expect([code, lines]).toMatchObject([
      2,
      [{ outcome: 'away', why: expect.stringMatching(/^the beat of .*: no answer$/) }],
    ]);
    expect(await stops()).toBe(2 + 3 + 2 + 2);
  });

  it('ends with 2 where nobody answers', async () => {
    const url = server.url();
    await server.kill('SIGTERM');
    const { code, lines } = await play(['--url', url]);
    expect([code, lines]).toMatchObject([2, [{ outcome: 'away', why: 'the start of device 1 of 2: no answer' }]]);
    await server.restart();
  });
});

describe('the synthetic household, where callers are known', () => {
  let issuer: Issuer;
  let tokens: ReturnType<typeof createServer>;
  let tokenUrl: string;
  beforeAll(async () => {
    issuer = await startIssuer();
    tokens = createServer((req, res) => {
      const good = req.headers.authorization === `Basic ${Buffer.from('household:its-secret').toString('base64')}`;
      void issuer.sign({ scope: 'playbeat:service' }).then((access_token) => {
        res.writeHead(good ? 200 : 401, { 'content-type': 'application/json' });
        res.end(JSON.stringify(good ? { access_token, expires_in: 600 } : { error: 'invalid_client' }));
      });
    });
    await new Promise<void>((resolve) => tokens.listen(0, '127.0.0.1', resolve));
    tokenUrl = `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/token`;
    await server.kill('SIGTERM');
    await server.restart(issuer.env);
  });
  afterAll(() => {
    issuer.close();
    tokens.close();
    tokens.closeAllConnections();
  });
  const args = (): readonly string[] => ['--url', server.url(), '--token-url', tokenUrl, '--client-id', 'household'];

  it('asks for a token, and plays the same round', async () => {
    const { code, lines } = await play(args(), { HOUSEHOLD_SECRET: 'its-secret' });
    expect([code, lines]).toMatchObject([0, [{ outcome: 'right' }]]);
  });

  it('ends with 2 where it gets none, and never shows the secret', async () => {
    const { code, lines } = await play(args(), { HOUSEHOLD_SECRET: 'another' });
    expect([code, lines]).toMatchObject([2, [{ outcome: 'away', why: expect.stringContaining('invalid_client') }]]);
    expect(JSON.stringify(lines)).not.toContain('another');
  });

  it('ends with 1 where it has none and its start is refused', async () => {
    const { code, lines } = await play(['--url', server.url()]);
    expect([code, lines]).toMatchObject([1, [{ outcome: 'wrong', why: expect.stringContaining('401') }]]);
  });
});
