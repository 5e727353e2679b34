import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';

/**
 * One address before several processes, as a load balancer is: for development and tests. A call that a process did not
 * even take goes to the next one; what may have been done is for the caller to repeat.
 */
export type Proxy = { readonly url: string; close(): Promise<void> };

export type ProxyOptions = {
  readonly port: number;
  /** The processes that may take this call now, the one to try first in front. */
  upstreams(path: string): readonly string[];
  /** What this address answers itself: true when it has. */
  answer?(req: IncomingMessage, res: ServerResponse): boolean;
};

const HOST = '127.0.0.1';
/** Beyond what any route takes: too large a body is refused by the service, with its own words. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** A process that stands still; players wait 3 s. */
const ANSWER_MS = 1_500;
const CONNECTIONS = 256;
/** Of one connection, and not of what it carries (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

const bodyOf = async (req: IncomingMessage): Promise<Buffer | null> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

const passedOn = (
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | string[]> => {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !HOP_BY_HOP.has(name)) kept[name] = value;
  return kept;
};

const problem = (res: ServerResponse, status: number, detail: string): void => {
  res.writeHead(status, { 'content-type': 'application/problem+json', 'retry-after': '1' });
  res.end(JSON.stringify({ type: 'about:blank', status, title: detail, retryAfterMs: 1_000 }));
};

export const startProxy = async ({ port, upstreams, answer }: ProxyOptions): Promise<Proxy> => {
  const pools = new Map<string, Pool>();
  const poolOf = (origin: string): Pool => {
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, { connections: CONNECTIONS, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS });
      pools.set(origin, pool);
    }
    return pool;
  };

  const passOn = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const body = await bodyOf(req);
    if (body === null) return problem(res, 413, `at most ${MAX_BODY_BYTES} bytes`);
    const path = req.url ?? '/';
    const headers = passedOn(req.headers);
    for (const origin of upstreams(path)) {
      try {
        const reply = await poolOf(origin).request({
          path,
          method: (req.method ?? 'GET') as 'GET',
          headers,
          ...(body.length === 0 ? {} : { body }),
        });
        // The whole of it before the first byte goes on: half an answer could not be taken back.
        const bytes = Buffer.from(await reply.body.arrayBuffer());
        res.writeHead(reply.statusCode, passedOn(reply.headers));
        res.end(bytes);
        return;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'UND_ERR_HEADERS_TIMEOUT') return problem(res, 504, 'the process does not answer');
        if (code !== 'ECONNREFUSED') return problem(res, 502, 'the process ended, or cut the connection');
      }
    }
    problem(res, 502, 'no process takes calls');
  };

  const server = createServer((req, res) => {
    if (answer?.(req, res) === true) return;
    passOn(req, res).catch(() => res.destroy());
  });
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, HOST, 4_096, resolve);
  });
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await Promise.all([closed, ...[...pools.values()].map((pool) => pool.destroy())]);
    },
  };
};
