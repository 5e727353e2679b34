import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import express, { type Express } from 'express';
import { problem, PROBLEM_CONTENT_TYPE, type ProblemCode } from '../errors/problems.ts';
import { type Call, type Identified, ProblemError, sendError, sendProblem, sendReply } from './call.ts';
import type { Trace } from '../../schemas/generated/records.ts';
import { type AllowOrigin, corsHeaders } from './cors.ts';
import { guarded } from './guard.ts';
import type { Identify } from './identify.ts';
import type { Limits } from './limits.ts';
import { type Route, toExpressPath } from './route.ts';

/** Headers of a request, all together: more answers 431. */
export const MAX_HEADER_BYTES = 8 * 1_024;
/** How often Node looks for requests that are too slow: left alone it is every 30 s, and a timeout of 10 s means 40. */
const LOOK_FOR_SLOW_MS = 1_000;

export type FrontOptions = {
  readonly routes: readonly Route[];
  /** Pages and documents beside the interface. */
  readonly extend?: (app: Express) => void;
  readonly identify: Identify;
  readonly limits: Limits;
  readonly allowOrigin: AllowOrigin;
  readonly nextRequestId: () => string;
  /** The trace of a call of the route, where somebody watches it. */
  readonly trace: (req: IncomingMessage, res: ServerResponse, route: Route) => Trace | null;
  readonly onAnswer: (route: string, method: string, status: number) => void;
  readonly onInternal: (error: unknown, call: Call) => void;
};

export type Front = {
  readonly server: Server;
  /**
   * From now on answers close their connection, so that a balancer goes elsewhere, and connections without a call are
   * closed. A call in flight was told that its connection stays: call it again until the server has closed.
   */
  drain(): void;
};

/**
 * One HTTP server: hot routes are answered at once, all others by Express (which costs 5/6 of the throughput). Request
 * ids, CORS and limits are the same function for both.
 */
export const createFront = (options: FrontOptions): Front => {
  const { routes, nextRequestId, allowOrigin } = options;
  const hot = new Map<string, Route>();
  for (const route of routes) if (route.hot === true) hot.set(`${route.method} ${route.path}`, route);
  const app = createApp(options);
  let draining = false;

  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    requireHostHeader: true,
    connectionsCheckingInterval: LOOK_FOR_SLOW_MS,
  };
  const server = createServer(limits, (req, res) => {
    if (draining) res.shouldKeepAlive = false;
    const url = req.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark === -1 ? url : url.slice(0, mark);
    if (req.method === 'OPTIONS') return answerOptions(res, allowOrigin(req.headers.origin));
    const route = hot.get(`${req.method} ${path}`);
    if (route === undefined) return app(req, res);
    const call: Call = {
      req,
      res,
      path,
      params: NONE,
      query: mark === -1 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1)),
      requestId: requestIdOf(req, nextRequestId),
      allowOrigin: allowOrigin(req.headers.origin),
      ...NOBODY,
    };
    run(route, call, options);
  });
  server.on('clientError', (error, socket) => answerClientError(error, socket, nextRequestId()));
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return {
    server,
    drain: () => {
      draining = true;
      server.closeIdleConnections();
      // To Node, a connection that has not sent anything yet is not idle: browsers open such ones ahead of need.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    },
  };
};

const NONE: Readonly<Record<string, string>> = {};
const NO_QUERY = new URLSearchParams();
/** Of a call that nothing is known of yet. */
const NOBODY: Identified & Pick<Call, 'trace'> = { caller: null, session: null, trace: null };

type Answering = Pick<FrontOptions, 'identify' | 'limits' | 'trace' | 'onAnswer' | 'onInternal'>;

const run = (route: Route, call: Call, { identify, limits, trace, onAnswer, onInternal }: Answering): void => {
  const fail = (error: unknown): void => {
    sendError(call, limits.refused(call, error), onInternal);
    onAnswer(route.path, route.method, call.res.statusCode);
  };
  const finish = (reply: Awaited<ReturnType<Route['handle']>>): void => {
    if (reply === null) return;
    sendReply(call, reply);
    onAnswer(route.path, route.method, reply.status);
  };
  const isOpen = route.callers.includes('anybody');
  const answer = (who: Identified): void => {
    try {
      // Whoever is asked nothing starts no traces.
      const known = { ...call, ...who, trace: isOpen ? null : trace(call.req, call.res, route) };
      // What takes a session token in its body is what a stream lives on.
      if (!isOpen) limits.pass(known, route.tokenInBody === true);
      const reply = route.handle(guarded(route, known));
      if (reply instanceof Promise) reply.then(finish, fail);
      else finish(reply);
    } catch (error) {
      fail(error);
    }
  };
  if (isOpen) return answer(call);
  try {
    const who = identify(call.req);
    // Nothing of the body is read before it is known whose it is.
    if (who instanceof Promise) who.then(answer, fail);
    else answer(who);
  } catch (error) {
    fail(error);
  }
};

/** A caller's own id is kept when it is a plain word of reasonable length. */
const requestIdOf = (req: IncomingMessage, next: () => string): string => {
  const given = req.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.-]{1,128}$/.test(given) ? given : next();
};

/** A page that may not call is told nothing, and its browser does not let it. */
const answerOptions = (res: ServerResponse, allowOrigin: string | null): void => {
  const allowed = allowOrigin === null ? [] : [...corsHeaders(allowOrigin), ...PREFLIGHT];
  res.writeHead(204, [...allowed, 'content-length', '0']);
  res.end();
};

const PREFLIGHT = [
  ...['access-control-allow-methods', 'GET, POST, DELETE, OPTIONS'],
  'access-control-allow-headers',
  'authorization, content-type, content-encoding, idempotency-key, traceparent, tracestate, x-request-id',
  ...['access-control-max-age', '86400'],
];

const createApp = (options: FrontOptions): Express => {
  const { routes, nextRequestId, allowOrigin } = options;
  const app = express();
  // A path is the one of the document: a slash more, or other letters, is another path.
  app.enable('strict routing');
  app.enable('case sensitive routing');
  app.use((req, res, next) => {
    const [name, value, vary, by] = corsHeaders(allowOrigin(req.headers.origin));
    if (name !== undefined) res.set(name, value);
    if (vary !== undefined) res.set(vary, by);
    res.set('x-content-type-options', 'nosniff');
    next();
  });
  app.disable('x-powered-by');
  app.disable('etag');
  const toCall = (req: express.Request, res: express.Response): Call => {
    const url = req.originalUrl;
    const mark = url.indexOf('?');
    return {
      req,
      res,
      path: mark === -1 ? url : url.slice(0, mark),
      query: new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1)),
      params: Object.fromEntries(Object.entries(req.params).map(([name, value]) => [name, String(value)])),
      requestId: requestIdOf(req, nextRequestId),
      allowOrigin: allowOrigin(req.headers.origin),
      ...NOBODY,
    };
  };
  for (const route of routes) {
    const method = route.method === 'GET' ? 'get' : route.method === 'POST' ? 'post' : 'delete';
    app[method](toExpressPath(route.path), (req, res) => run(route, toCall(req, res), options));
  }
  options.extend?.(app);
  app.use((req: express.Request, res: express.Response) => {
    const call = toCall(req, res);
    const allowed = routes.filter((r) => pathMatches(r.path, call.path)).map((r) => r.method);
    if (allowed.length === 0) return sendProblem(call, 'NOT_FOUND', `there is no ${call.path} here`);
    const allow = allowed.join(', ');
    return sendProblem(call, 'METHOD_NOT_ALLOWED', `${req.method} is not among ${allow}`, { headers: { allow } });
  });
  app.use((error: unknown, req: express.Request, res: express.Response, _next: express.NextFunction) => {
    // Express itself fails on paths that are no proper percent-encoding.
    const malformed =
      error instanceof URIError || (error instanceof Error && 'status' in error && error.status === 400);
    const known = malformed ? new ProblemError('VALIDATION_FAILED', 'the path is not properly encoded') : error;
    sendError(toCall(req, res), known, options.onInternal);
  });
  return app;
};

/** Whether a path is one of those that a route is for. */
export const pathMatches = (pattern: string, path: string): boolean => {
  const parts = pattern.split('/');
  const given = path.split('/');
  return (
    parts.length === given.length &&
    parts.every((part, i) => (part.startsWith('{') ? given[i] !== '' : part === given[i]))
  );
};

/** Requests that never became one: Node's parser refused them, so the path is not known. */
const answerClientError = (error: Error, socket: Duplex, requestId: string): void => {
  if (!socket.writable) return;
  const [code, detail] = CLIENT_ERRORS['code' in error ? String(error.code) : ''] ?? NO_REQUEST;
  const { status, body } = problem(code, { detail, instance: '', requestId });
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: ${PROBLEM_CONTENT_TYPE}\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\nx-request-id: ${requestId}\r\n\r\n${isOfHead(error) ? '' : text}`,
  );
};

/** Such an answer has no body: what came would be taken for the next one. */
const isOfHead = (error: Error): boolean =>
  'rawPacket' in error && Buffer.isBuffer(error.rawPacket) && error.rawPacket.toString('latin1', 0, 5) === 'HEAD ';

const CLIENT_ERRORS: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  HPE_HEADER_OVERFLOW: ['HEADERS_TOO_LARGE', `the headers are larger than ${MAX_HEADER_BYTES} bytes`],
  ERR_HTTP_REQUEST_TIMEOUT: ['REQUEST_TIMEOUT', 'the request came too slowly'],
};
const NO_REQUEST: readonly [ProblemCode, string] = ['VALIDATION_FAILED', 'this is not an HTTP request'];
