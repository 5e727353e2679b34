import { Agent, request, type ClientRequest } from 'node:http';
import { setTimeout } from 'node:timers/promises';

/** Status 0 means that there was no answer: `why` says what happened instead. */
export type Reply = {
  readonly status: number;
  readonly body: unknown;
  readonly why: string;
};

/** Done or not: nobody knows. The contract says: the same again, with jitter. */
export const isLost = ({ status }: Reply): boolean => status === 0 || status === 429 || status >= 500;

export type Call = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
  readonly token?: string | undefined;
  /** False: a connection for this call alone, as old televisions do it. */
  readonly keepAlive: boolean;
};

export type Client = {
  call(call: Call): Promise<Reply>;
  /** Calls so far. */
  calls(): number;
  /** Waits a second for the answers that are still on the way. */
  close(): Promise<void>;
};

export type ClientOptions = {
  readonly url: string;
  readonly timeoutMs: number;
  readonly sockets: number;
};

const SWEEP_MS = 250;
const CLOSE_LOOKS = 50;

const parse = (text: string): unknown => {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Calls over `node:http`, which never reject. Thousands of players share connections, so that a beat costs little here. */
export function createClient({ url, timeoutMs, sockets }: ClientOptions): Client {
  const base = new URL(url);
  if (base.protocol !== 'http:') throw new Error(`only http: addresses are played against, not ${url}`);
  const target = { host: base.hostname.replace(/^\[|\]$/g, ''), port: base.port === '' ? 80 : Number(base.port) };
  const kept = new Agent({ keepAlive: true, maxSockets: sockets, scheduling: 'lifo' });
  const single = new Agent({ keepAlive: false });
  // One sweep over calls in the order of their sending is cheaper than a timer for each of them.
  const pending = new Map<ClientRequest, number>();
  let calls = 0;
  const sweep = setInterval(() => {
    const overdueMs = performance.now() - timeoutMs;
    for (const [sent, sentMs] of pending) {
      if (sentMs > overdueMs) break;
      pending.delete(sent);
      sent.destroy(new Error('timeout'));
    }
  }, SWEEP_MS);
  sweep.unref();

  const once = (call: Call, mayResend: boolean): Promise<Reply> =>
    new Promise((resolve) => {
      const headers: Record<string, string | number> = {};
      if (call.body !== undefined) {
        headers['content-type'] = call.contentType ?? 'application/json';
        headers['content-length'] = Buffer.byteLength(call.body);
      }
      if (call.token !== undefined) headers['authorization'] = `Bearer ${call.token}`;
      const agent = call.keepAlive ? kept : single;
      const sent = request({ ...target, method: call.method, path: call.path, headers, agent });
      const fail = (error: NodeJS.ErrnoException): void => {
        pending.delete(sent);
        // The server closed an idle connection in the moment of its reuse: no browser shows this to a player either.
        if (mayResend && sent.reusedSocket && error.code === 'ECONNRESET') return resolve(once(call, false));
        resolve({ status: 0, body: undefined, why: error.code ?? error.message });
      };
      sent.on('error', fail);
      sent.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (text += part));
        response.on('error', fail);
        response.on('end', () => {
          pending.delete(sent);
          const body = parse(text);
          resolve({ status: response.statusCode ?? 0, body, why: `${response.statusCode} ${codeOf(body)}`.trim() });
        });
      });
      pending.set(sent, performance.now());
      sent.end(call.body);
    });

  return {
    call(call) {
      calls += 1;
      return once(call, true);
    },
    calls: () => calls,
    async close() {
      for (let left = CLOSE_LOOKS; left > 0 && pending.size > 0; left -= 1) await setTimeout(20);
      clearInterval(sweep);
      kept.destroy();
      single.destroy();
    },
  };
}

const codeOf = (body: unknown): string =>
  typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string' ? body.code : '';
