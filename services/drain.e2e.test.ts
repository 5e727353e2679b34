import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { beat, newAccount } from './testing/player.ts';
import { startLoad } from './testing/load.ts';
import { type Environment, type Server, startServer } from './testing/server.ts';
import { truthIn } from './testing/truth.ts';

const withServer = async (env: Environment, use: (server: Server) => Promise<void>): Promise<void> => {
  const server = await startServer(env);
  try {
    await use(server);
  } finally {
    await server.close();
  }
};

/** A call whose body stops halfway, after the service has said that it has read the head. */
type HalfSent = {
  readonly socket: Socket;
  readonly rest: string;
  /** All that was answered, when the connection has ended. */
  readonly said: Promise<string>;
};
const GO_ON = 'HTTP/1.1 100 Continue\r\n\r\n';

const halfSent = async (url: string): Promise<HalfSent> => {
  const { hostname, port } = new URL(url);
  const text = JSON.stringify(beat({ accountId: newAccount() }));
  const socket = connect({ host: hostname, port: Number(port) }).setEncoding('utf8');
  let answer = '';
  const said = new Promise<string>((resolve) => socket.once('close', () => resolve(answer)));
  const wentOn = new Promise<void>((resolve, reject) => {
    socket.on('data', (part: string | Buffer) => {
      answer += String(part);
      if (answer.startsWith(GO_ON)) resolve();
    });
    socket.on('error', reject);
  });
  const head = `POST /v1/heartbeats HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n`;
  socket.write(`${head}expect: 100-continue\r\n\r\n${text.slice(0, 40)}`);
  await wentOn;
  return { socket, rest: text.slice(40), said: said.then((all) => all.slice(GO_ON.length)) };
};

/** Resolves when nobody listens there any more; whoever is still let in leaves at once. */
const refused = async (url: string): Promise<void> => {
  const { hostname, port } = new URL(url);
  for (;;) {
    const socket = connect({ host: hostname, port: Number(port) });
    const code = await new Promise<string | undefined>((resolve) => {
      socket.once('connect', () => resolve(undefined));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    socket.destroy();
    if (code === 'ECONNREFUSED') return;
  }
};

/** Longer than a test may last: whoever waits for it fails. */
const NEVER = { DRAIN_MS: '60000' };

describe('SIGTERM', () => {
  it('under load ends with 0: no call is answered 5xx, and what was acknowledged is stored', async () => {
    await withServer({}, async (server) => {
      const load = startLoad({ url: server.url, households: 16, seed: 5, thinkMs: 1 });
      const { ledger } = load;
      for (let round = 1; round <= 3; round++) {
        const until = ledger.acknowledged.length + 200;
        while (ledger.acknowledged.length < until) await setTimeout(10);
        expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
        await server.restart();
      }
      await load.finish();
      expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      expect(ledger).toMatchObject({ wrong: [], unavailable: 0 });
      const truth = await truthIn(server.folder, ledger, { partitions: 4 });
      expect(truth.violations).toEqual([]);
      // A stop is no kill: whatever was stored was answered, so nothing that was answered is stored again.
      expect(truth.beats).toBeGreaterThanOrEqual(600);
    });
  }, 60_000);

  it('waits for the calls in flight and answers them, then closes their connections; new ones are refused', async () => {
    await withServer(NEVER, async (server) => {
      const calls = await Promise.all(Array.from({ length: 8 }, () => halfSent(server.url())));
      const ended = server.kill('SIGTERM');
      await refused(server.url());
      for (const { socket, rest } of calls) socket.write(`${rest}GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n`);
      expect(await ended).toEqual({ code: 0, signal: null });
      for (const { said } of calls) {
        const [, beats = '', ready = ''] = (await said).split('HTTP/1.1 ');
        expect(beats).toMatch(/^202 [^]*"accepted":1/);
        expect(ready).toMatch(/^503 [^]*connection: close\r\n[^]*"status":"draining"/i);
      }
    });
  });

  it('closes the connection of a call in flight that was told it stays, and does not wait for it', async () => {
    await withServer(NEVER, async (server) => {
      const { socket, rest, said } = await halfSent(server.url());
      const ended = server.kill('SIGTERM');
      await refused(server.url());
      socket.write(rest);
      expect(await ended).toEqual({ code: 0, signal: null });
      expect(await said).toMatch(/^HTTP\/1\.1 202 /);
    });
  });

  it('cuts a call that does not end within DRAIN_MS, and still ends with 0', async () => {
    await withServer({ DRAIN_MS: '300' }, async (server) => {
      const { said } = await halfSent(server.url());
      expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      expect(await said).toBe('');
    });
  });

  it('of an idle service with open connections ends at once', async () => {
    await withServer(NEVER, async (server) => {
      const { hostname, port } = new URL(server.url());
      const idle = connect({ host: hostname, port: Number(port) });
      await once(idle, 'connect');
      expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      idle.destroy();
    });
  });
});
