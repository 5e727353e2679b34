import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPrng } from '../players/prng.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

type Echo = { readonly port: number; readonly heard: string[]; readonly ends: string[]; close(): void };
/** Says back what it hears, with its mark before it, and remembers how each connection ended. */
const startEcho = async (mark = ''): Promise<Echo> => {
  const heard: string[] = [];
  const ends: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('data', (bytes) => {
      heard.push(bytes.toString());
      socket.write(Buffer.concat([Buffer.from(mark), bytes]));
    });
    socket.on('end', () => (ends.push('end'), socket.end()));
    socket.on('error', (error: NodeJS.ErrnoException) => ends.push(String(error.code)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, heard, ends, close };
};

type Client = { readonly socket: Socket; data(): Buffer; text(): string; ended(): string | null };
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await sleep(2);
};

describe('the TCP proxy', () => {
  let echo: Echo;
  let proxy: TcpProxy;
  const clients: Client[] = [];
  beforeEach(async () => {
    echo = await startEcho();
    proxy = await startTcpProxy({ to: echo.port, seed: 7 });
  });
  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await proxy.close();
    echo.close();
  });

  const open = async (port = proxy.port): Promise<Client> => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const chunks: Buffer[] = [];
    let ended: string | null = null;
    socket.on('data', (bytes: Buffer) => chunks.push(bytes));
    socket.on('end', () => (ended ??= 'end'));
    socket.on('error', (error: NodeJS.ErrnoException) => (ended = String(error.code)));
    const data = (): Buffer => Buffer.concat(chunks);
    const client = { socket, data, text: () => data().toString(), ended: () => ended };
    clients.push(client);
    await once(socket, 'connect').catch(() => {});
    return client;
  };
  const tripMs = async (client: Client, text: string): Promise<number> => {
    const [startedAt, before] = [performance.now(), client.text().length];
    client.socket.write(text);
    await until(() => client.text().length === before + text.length);
    return performance.now() - startedAt;
  };

  it('is a line like any other as long as nothing is set: 4 MB in order, and each side hears the other end', async () => {
    const client = await open();
    const sent = Buffer.alloc(4 * 1024 * 1024, 'bytes in an odd order');
    client.socket.end(sent);
    await until(() => client.ended() !== null);
    expect(client.ended()).toBe('end');
    expect(echo.ends).toEqual(['end']);
    expect(client.data().equals(sent)).toBe(true);
  });

  it('delays each direction by its latency, once for all that is under way', async () => {
    proxy.requests({ latencyMs: 60 });
    proxy.answers({ latencyMs: 40 });
    const client = await open();
    expect(await tripMs(client, 'a')).toBeGreaterThanOrEqual(99);
    const startedAt = performance.now();
    for (let n = 0; n < 100; n++) {
      client.socket.write('b');
      await sleep(2);
    }
    await until(() => client.text() === `a${'b'.repeat(100)}`);
    // One after the other they would take 10 s.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('draws the jitter from its seed, and lets nothing be overtaken', async () => {
    proxy.requests({ latencyMs: 5, jitterMs: 50 });
    const client = await open();
    const { next } = createPrng(7);
    for (const text of ['a', 'b', 'c', 'd']) {
      const drawnMs = 5 + 50 * next();
      expect(await tripMs(client, text)).toBeGreaterThanOrEqual(drawnMs - 1);
    }
    for (const text of 'efghijklmnop') {
      client.socket.write(text);
      await sleep(3);
    }
    await until(() => client.text() === 'abcdefghijklmnop');
  });

  it('takes half a second for 100 kB at 200 kB a second, for two connections as for one, and lets the sender wait', async () => {
    proxy.answers({ bytesPerSecond: 200_000 });
    const [one, two] = [await open(), await open()];
    const startedAt = performance.now();
    for (const { socket } of [one, two]) socket.write(Buffer.alloc(50_000));
    await until(() => one.data().length + two.data().length === 100_000);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(480);
    one.socket.write(Buffer.alloc(32 * 1024 * 1024));
    await sleep(100);
    expect(one.socket.writableLength).toBeGreaterThan(0);
  });

  it('holds bytes and ends, and delivers them in order when they may pass', async () => {
    const client = await open();
    proxy.requests('hold');
    client.socket.write('a');
    await sleep(30);
    client.socket.end('b');
    await sleep(30);
    expect([echo.heard, echo.ends]).toEqual([[], []]);
    proxy.requests('pass');
    await until(() => client.ended() !== null);
    expect([client.text(), echo.ends]).toEqual(['ab', ['end']]);
  });

  it('half open towards the client: the server hears and answers, the client hears nothing, nobody is told', async () => {
    const client = await open();
    await tripMs(client, 'a');
    proxy.answers('drop');
    client.socket.write('b');
    await until(() => echo.heard.join('') === 'ab');
    await sleep(30);
    expect([client.text(), client.ended(), echo.ends]).toEqual(['a', null, []]);
    // A gap is for good: what came after it would be another text. A new connection is whole.
    proxy.answers('pass');
    client.socket.write('c');
    await until(() => echo.heard.join('') === 'abc');
    await tripMs(await open(), 'd');
    expect([client.text(), client.ended()]).toEqual(['a', null]);
    proxy.cut();
    await until(() => client.ended() !== null);
  });

  it('half open towards the server: it hears nothing, not even that the client has gone', async () => {
    proxy.requests('drop');
    const client = await open();
    client.socket.write('a');
    client.socket.resetAndDestroy();
    await sleep(50);
    expect([echo.heard, echo.ends]).toEqual([[], []]);
    proxy.cut();
    await until(() => echo.ends.length > 0);
    expect(echo.heard).toEqual([]);
  });

  it('cuts every connection on both sides, with a close or a reset, and takes the next', async () => {
    const closed = [await open(), await open()];
    for (const client of closed) await tripMs(client, 'a');
    proxy.cut();
    await until(() => closed.every((client) => client.ended() !== null) && echo.ends.length === 2);
    expect([closed.map((client) => client.ended()), echo.ends]).toEqual([
      ['end', 'end'],
      ['end', 'end'],
    ]);
    const reset = await open();
    await tripMs(reset, 'b');
    proxy.cut('reset');
    await until(() => reset.ended() !== null && echo.ends.length === 3);
    expect([reset.ended(), echo.ends.at(-1)]).toEqual(['ECONNRESET', 'ECONNRESET']);
    await tripMs(await open(), 'c');
  });

  it('passes on a reset of one side to the other', async () => {
    const client = await open();
    await tripMs(client, 'a');
    client.socket.resetAndDestroy();
    await until(() => echo.ends.length > 0);
    expect(echo.ends).toEqual(['ECONNRESET']);
  });

  it('refuses new connections and keeps those that there are, and takes new ones again on the same port', async () => {
    const early = await open();
    await tripMs(early, 'a');
    proxy.refuse();
    expect((await open()).ended()).toBe('ECONNREFUSED');
    await tripMs(early, 'b');
    await proxy.accept();
    await tripMs(await open(), 'c');
    await tripMs(early, 'd');
  });

  it('leads new connections elsewhere, and resets those that lead nowhere', async () => {
    const early = await open();
    await tripMs(early, 'a');
    const other = await startEcho('other ');
    proxy.lead(other.port);
    const late = await open();
    late.socket.write('b');
    await until(() => late.text() === 'other b');
    await tripMs(early, 'c');
    other.close();
    const nowhere = await open();
    await until(() => nowhere.ended() !== null);
    expect(nowhere.ended()).toBe('ECONNRESET');
    const unled = await startTcpProxy({});
    const client = await open(unled.port);
    await until(() => client.ended() !== null);
    await unled.close();
    expect(client.ended()).toBe('ECONNRESET');
  });
});
