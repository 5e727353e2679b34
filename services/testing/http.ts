import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';

export type Method = 'GET' | 'POST' | 'DELETE' | 'OPTIONS' | 'PUT' | 'PATCH' | 'HEAD' | 'TRACE' | 'PROPFIND' | 'QUERY';

export type Request = {
  readonly method?: Method;
  readonly path: string;
  /** Sent as it is when it is text or bytes, else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
  readonly timeoutMs?: number;
};

export type Response = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Undefined where the text is no JSON. */
  readonly json: unknown;
};

/** Closed connections are the service's business: no test waits for an idle one. */
const shared = new Agent({ keepAlive: true, maxSockets: 128, timeout: 5_000 });
const TIMEOUT_MS = 15_000;

/** One call; rejects where no whole answer came. */
export const send = (url: string, { method, path, body, headers, agent, timeoutMs }: Request): Promise<Response> =>
  new Promise((resolve, reject) => {
    const bytes =
      body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    const type: Record<string, string> = bytes === undefined ? {} : { 'content-type': 'application/json' };
    const length: Record<string, string> =
      bytes === undefined ? {} : { 'content-length': String(Buffer.byteLength(bytes)) };
    const { hostname, port } = new URL(url);
    const call = request({
      hostname,
      port,
      path,
      method: method ?? (bytes === undefined ? 'GET' : 'POST'),
      headers: { ...type, ...length, ...headers },
      agent: agent ?? shared,
    });
    let answered = false;
    call.setTimeout(timeoutMs ?? TIMEOUT_MS, () => call.destroy(new Error(`no answer to ${path}`)));
    call.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () => {
        answered = true;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) });
      });
    });
    // A refusal may come, and the connection go, while the body is still on its way.
    call.on('error', (error) => {
      if (!answered) reject(new Error(`${error.message} (connection ${call.reusedSocket ? 'used before' : 'new'})`));
    });
    call.end(bytes);
  });

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** What no client library would send. Resolves with all that came back when the service closes. */
export const sendRaw = (url: string, text: string | Buffer): Promise<Response> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(text));
    socket.on('data', (part: string | Buffer) => {
      answer += String(part);
    });
    socket.on('error', reject);
    socket.on('close', () => {
      const end = answer.indexOf('\r\n\r\n');
      const [status = '', ...lines] = answer.slice(0, end).split('\r\n');
      const headers = Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
      );
      const body = answer.slice(end + 4);
      resolve({ status: Number(status.split(' ')[1]), headers, text: body, json: parsed(body) });
    });
  });

/** Half a call, and the connection is cut. */
export const sendHalf = (url: string, { path, body, headers }: Request): Promise<void> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const bytes = Buffer.from(body instanceof Uint8Array ? body : String(body));
    const lines = Object.entries({ host: 'a', 'content-length': String(bytes.length + 1), ...headers });
    const head = `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.on('connect', () => socket.write(Buffer.concat([Buffer.from(head), bytes]), () => socket.destroy()));
  });
