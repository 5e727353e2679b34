import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { fields } from './replies.ts';
import { createSlots, type Claim, type Flaw, type Ruling, type Slots } from './slots.ts';

/**
 * A right little server in memory, and with a flaw a wrong one: what the judging is tried on. Two streams, same device
 * replaces, silent first, lease. It is no model of the real one, only of what its callers see.
 */
export type SmallServer = {
  readonly url: string;
  close(): Promise<void>;
};

type Exchange = {
  readonly slots: Slots;
  readonly flaw: Flaw | undefined;
  readonly method: string;
  readonly url: URL;
  readonly body: Readonly<Record<string, unknown>>;
  readonly token: string | undefined;
};

type Answer = {
  readonly status: number;
  readonly body: unknown;
};

const NEXT_HEARTBEAT_MS = 10_000;
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const whole = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** The token of this server is no secret: it is what it stands for. */
const writeToken = (claim: Claim): string => Buffer.from(JSON.stringify(claim)).toString('base64url');
const readToken = (token: string | undefined): Readonly<Record<string, unknown>> =>
  token === undefined ? {} : fields(JSON.parse(Buffer.from(token, 'base64url').toString()));

function readClaim({ body, token }: Exchange, beat: Readonly<Record<string, unknown>> = body): Claim {
  const said = { ...beat, ...readToken(token ?? (text(beat['sessionToken']) || undefined)) };
  return {
    accountId: text(said['accountId']),
    sessionId: text(said['sessionId']),
    deviceId: text(said['deviceId']),
    continues: text(beat['continuesSessionId']),
    sequence: whole(beat['sequence']),
    state: text(beat['state']),
    ageMs: whole(beat['ageMs']),
  };
}

const decisionOf = ({ allow, reason, active }: Ruling, sessionId: string): object => ({
  sessionId,
  decision: allow ? 'allow' : 'stop',
  reason,
  limit: 2,
  degraded: false,
  active,
  retryAfterMs: 30_000,
});

async function onStart(exchange: Exchange): Promise<Answer> {
  const claim = readClaim(exchange);
  const ruling = exchange.slots.rule(claim);
  // Check, then act: what is decided now becomes true a moment later.
  if (exchange.flaw === 'two at once') await setTimeout(4);
  if (ruling.allow) exchange.slots.admit(claim);
  const decision = decisionOf(ruling, claim.sessionId);
  if (!ruling.allow) return { status: 409, body: { code: 'STREAM_LIMIT_EXCEEDED', status: 409, ...decision } };
  return {
    status: 201,
    body: { ...decision, sessionToken: writeToken(claim), nextHeartbeatMs: NEXT_HEARTBEAT_MS },
  };
}

function onBeats(exchange: Exchange): Answer {
  const batch = exchange.body['heartbeats'];
  const beats = (Array.isArray(batch) ? batch : [exchange.body]).map(fields);
  const results = beats.map((beat) => {
    const claim = readClaim(exchange, beat);
    const ruling = exchange.slots.beat(claim);
    const off = exchange.flaw === 'another sequence' && claim.sequence % 4 === 0 ? 1 : 0;
    return {
      sessionId: claim.sessionId,
      sequence: claim.sequence - off,
      nextHeartbeatMs: NEXT_HEARTBEAT_MS,
      decision: ruling && decisionOf(ruling, claim.sessionId),
    };
  });
  return { status: 202, body: { accepted: results.length, rejected: [], results } };
}

async function answer(exchange: Exchange): Promise<Answer> {
  const { slots, method, url, body } = exchange;
  const path = url.pathname;
  if (path === '/v1/sessions') return onStart(exchange);
  if (path === '/v1/heartbeats') return onBeats(exchange);
  const sessionId = /^\/v1\/sessions\/([^/]+)/.exec(path)?.[1];
  if (sessionId !== undefined) {
    const accountId = url.searchParams.get('accountId') ?? text(body['accountId']);
    slots.stop({ accountId, sessionId: decodeURIComponent(sessionId) });
    return { status: 202, body: {} };
  }
  if (path === '/v1/block-check') {
    const asked = method === 'POST' ? body : Object.fromEntries(url.searchParams);
    const claim = { ...readClaim({ ...exchange, body: asked, token: undefined }), state: 'playing' };
    const ruling = claim.sessionId === '' ? slots.rule({ ...claim, state: 'starting' }) : slots.status(claim);
    return { status: 200, body: decisionOf(ruling, claim.sessionId) };
  }
  const account = /^\/v1\/accounts\/([^/]+)\/sessions$/.exec(path)?.[1];
  // It remembers nothing, as a server without those roles.
  if (account === undefined) return { status: 404, body: { code: 'NOT_FOUND', status: 404 } };
  return { status: 200, body: { sessions: slots.holders(decodeURIComponent(account)), limit: 2 } };
}

async function serve(request: IncomingMessage, response: ServerResponse, exchange: Omit<Exchange, 'body' | 'token'>) {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const sent = Buffer.concat(parts).toString();
  const body = fields(sent === '' ? {} : JSON.parse(sent));
  const token = request.headers.authorization?.replace(/^Bearer /, '');
  const { status, body: said } = await answer({ ...exchange, body, token });
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(said));
}

export async function startSmallServer({ speed, flaw }: { readonly speed: number; readonly flaw?: Flaw | undefined }) {
  const slots = createSlots({ nowMs: () => performance.now() * speed, limit: 2, flaw });
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    serve(request, response, { slots, flaw, method: request.method ?? 'GET', url }).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const small: SmallServer = {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return small;
}
