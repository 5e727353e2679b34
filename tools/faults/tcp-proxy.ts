import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { clearTimeout, setTimeout } from 'node:timers';
import { createPrng } from '../players/prng.ts';

/** A line to a server of the loopback that a test can break, whatever is spoken on it. Real sockets in between. */
export type TcpProxy = {
  readonly port: number;
  /** Host and port. */
  readonly address: string;
  /** How bytes travel from now on, from clients to the server. */
  requests(line: Line): void;
  /** The same from the server to its clients. */
  answers(line: Line): void;
  /** New connections lead to this port. */
  lead(port: number): void;
  /** Ends every connection; what is held on them is lost. `reset` is what a machine says that knows of none. */
  cut(how?: 'close' | 'reset'): void;
  /** New connections are refused, as where nobody listens; those that there are stay. */
  refuse(): void;
  accept(): Promise<void>;
  close(): Promise<void>;
};

/**
 * `hold`: bytes and ends wait for what is set next. `drop`: they are swallowed, and nobody is told: half open. A connection
 * that lost bytes delivers nothing more in that direction, for TCP has no gaps; only `cut` ends it.
 */
export type Line = 'pass' | 'hold' | 'drop' | SlowLine;

/** Nothing is lost or overtaken. The bandwidth is that of all connections together. */
export type SlowLine = { readonly latencyMs?: number; readonly jitterMs?: number; readonly bytesPerSecond?: number };

export type TcpProxyOptions = {
  /** The port of the server; without one, connections are reset until `lead` names it. */
  readonly to?: number;
  /** Of the jitter. */
  readonly seed?: number;
};

const HOST = '127.0.0.1';
/** What may be under way on one connection; then its sender has to wait, as before a full window. */
const WINDOW_BYTES = 256 * 1024;
/** A slow line delivers in pieces of so much time. */
const PIECE_MS = 10;

type Piece = { readonly what: Buffer | 'end' | 'reset'; readonly dueMs: number };
type Pipe = {
  readonly from: Socket;
  readonly to: Socket;
  queue: Piece[];
  queuedBytes: number;
  /** Bytes have been swallowed. */
  lost: boolean;
  timer: NodeJS.Timeout | undefined;
};

/** One direction of all connections. */
const createDirection = (random: () => number) => {
  let line: Line = 'pass';
  let freeAtMs = 0;
  const pipes = new Set<Pipe>();

  const dueMs = (bytes: number): number => {
    if (typeof line === 'string') return 0;
    const { latencyMs = 0, jitterMs = 0, bytesPerSecond = Infinity } = line;
    freeAtMs = Math.max(freeAtMs, performance.now()) + (bytes * 1_000) / bytesPerSecond;
    return freeAtMs + latencyMs + random() * jitterMs;
  };

  const lose = (pipe: Pipe): void => {
    pipe.lost = true;
    clearTimeout(pipe.timer);
    pipe.queue = [];
    pipe.queuedBytes = 0;
    pipe.from.resume();
  };

  const throttle = ({ from, to, queuedBytes }: Pipe): void => {
    if (queuedBytes + to.writableLength > WINDOW_BYTES) from.pause();
    else from.resume();
  };

  /** Delivers what is due. */
  const deliver = (pipe: Pipe): void => {
    const { to } = pipe;
    clearTimeout(pipe.timer);
    for (let next = pipe.queue[0]; next !== undefined && line !== 'hold'; next = pipe.queue[0]) {
      const waitMs = typeof line === 'string' ? 0 : next.dueMs - performance.now();
      if (waitMs > 0) {
        pipe.timer = setTimeout(() => deliver(pipe), waitMs);
        break;
      }
      pipe.queue.shift();
      const { what } = next;
      if (what === 'end') to.end();
      else if (what === 'reset') to.resetAndDestroy();
      else {
        pipe.queuedBytes -= what.length;
        to.write(what);
      }
    }
    throttle(pipe);
  };

  const take = (pipe: Pipe, what: Piece['what']): void => {
    if (line === 'drop') lose(pipe);
    if (pipe.lost) return;
    if (typeof what === 'string') pipe.queue.push({ what, dueMs: dueMs(0) });
    else {
      const { bytesPerSecond = Infinity } = typeof line === 'string' ? {} : line;
      const size = Math.max(1, Math.min(what.length, Math.floor((bytesPerSecond * PIECE_MS) / 1_000)));
      for (let at = 0; at < what.length; at += size) {
        const piece = what.subarray(at, at + size);
        pipe.queue.push({ what: piece, dueMs: dueMs(piece.length) });
      }
      pipe.queuedBytes += what.length;
    }
    deliver(pipe);
  };

  return {
    set: (next: Line): void => {
      line = next;
      freeAtMs = 0;
      for (const pipe of pipes) {
        if (line !== 'drop') deliver(pipe);
        else if (pipe.queue.length > 0) lose(pipe);
      }
    },
    carry: (from: Socket, to: Socket): void => {
      const pipe: Pipe = { from, to, queue: [], queuedBytes: 0, lost: false, timer: undefined };
      pipes.add(pipe);
      from.on('data', (bytes: Buffer) => take(pipe, bytes));
      from.on('end', () => take(pipe, 'end'));
      from.on('error', () => take(pipe, 'reset'));
      to.on('drain', () => throttle(pipe));
      to.on('close', () => {
        lose(pipe);
        pipes.delete(pipe);
      });
    },
  };
};

export const startTcpProxy = async ({ to, seed = 1 }: TcpProxyOptions): Promise<TcpProxy> => {
  let target = to;
  const sockets = new Set<Socket>();
  const requests = createDirection(createPrng(seed).next);
  const answers = createDirection(createPrng(seed).fork(1).next);

  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  };
  const connected = (client: Socket): void => {
    keep(client);
    if (target === undefined) {
      client.on('error', () => {}).resetAndDestroy();
      return;
    }
    const server = connect({ port: target, host: HOST, allowHalfOpen: true, noDelay: true });
    keep(server);
    requests.carry(client, server);
    answers.carry(server, client);
  };
  const listen = async (port: number): Promise<Server> => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, connected).listen(port, HOST);
    await once(server, 'listening');
    return server;
  };

  let server = await listen(0);
  const { port } = server.address() as AddressInfo;
  const cut = (how: 'close' | 'reset' = 'close'): void => {
    for (const socket of sockets) {
      if (how === 'reset') socket.resetAndDestroy();
      else socket.destroy();
    }
  };
  return {
    port,
    address: `${HOST}:${port}`,
    requests: requests.set,
    answers: answers.set,
    lead: (next) => (target = next),
    cut,
    refuse: () => void server.close(),
    accept: async () => {
      if (!server.listening) server = await listen(port);
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
};
