import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import express, { type Express } from 'express';
import { type Call, CORS, ProblemError, sendError, sendProblem, sendReply } from './call.ts';
import { type Route, toExpressPath } from './route.ts';

/** Headers of a request, all together: more answers 431. */
export const MAX_HEADER_BYTES = 8 * 1_024;

export type FrontOptions = {
  readonly routes: readonly Route[];
  /** Pages and documents beside the interface. */
  readonly extend?: (app: Express) => void;
  readonly nextRequestId: () => string;
  readonly onAnswer: (route: string, method: string, status: number) => void;
  readonly onInternal: (error: unknown, call: Call) => void;
};

export type Front = {
  readonly server: Server;
  /** From now on answers close their connection, so that a balancer goes elsewhere. */
  drain(): void;
};

/**
 * One HTTP server: hot routes are answered at once, all others by Express (which costs 5/6 of the throughput). Request
 * ids, CORS and limits are the same function for both.
 */
export const createFront = (options: FrontOptions): Front => {
  const { routes, onAnswer, onInternal, nextRequestId } = options;
  const hot = new Map<string, Route>();
  for (const route of routes) if (route.hot === true) hot.set(`${route.method} ${route.path}`, route);
  const app = createApp(options);
  let draining = false;

  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: true }, (req, res) => {
    if (draining) res.shouldKeepAlive = false;
    const url = req.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark === -1 ? url : url.slice(0, mark);
    if (req.method === 'OPTIONS') return answerOptions(res);
    const route = hot.get(`${req.method} ${path}`);
    if (route === undefined) return app(req, res);
    const call: Call = {
      req,
      res,
      path,
      params: NONE,
      query: mark === -1 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1)),
      requestId: requestIdOf(req, nextRequestId),
    };
    run(route, call, { onAnswer, onInternal });
  });
  server.on('clientError', answerClientError);
  return {
    server,
    drain: () => {
      draining = true;
      server.closeIdleConnections();
    },
  };
};

const NONE: Readonly<Record<string, string>> = {};
const NO_QUERY = new URLSearchParams();

type Answering = Pick<FrontOptions, 'onAnswer' | 'onInternal'>;

const run = (route: Route, call: Call, { onAnswer, onInternal }: Answering): void => {
  const fail = (error: unknown): void => {
    sendError(call, error, onInternal);
    onAnswer(route.path, route.method, call.res.statusCode);
  };
  const finish = (reply: Awaited<ReturnType<Route['handle']>>): void => {
    if (reply === null) return;
    sendReply(call, reply);
    onAnswer(route.path, route.method, reply.status);
  };
  try {
    const answer = route.handle(call);
    if (answer instanceof Promise) answer.then(finish, fail);
    else finish(answer);
  } catch (error) {
    fail(error);
  }
};

/** A caller's own id is kept when it is a plain word of reasonable length. */
const requestIdOf = (req: IncomingMessage, next: () => string): string => {
  const given = req.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.-]{1,128}$/.test(given) ? given : next();
};

const answerOptions = (res: ServerResponse): void => {
  res.writeHead(204, {
    ...CORS,
    'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
    'access-control-allow-headers': 'authorization, content-type, content-encoding, idempotency-key, x-request-id',
    'access-control-max-age': '86400',
    'content-length': 0,
  });
  res.end();
};

const createApp = (options: FrontOptions): Express => {
  const { routes, nextRequestId } = options;
  const app = express();
  app.use((_req, res, next) => {
    res.set(CORS);
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
    res.setHeader('allow', allowed.join(', '));
    return sendProblem(call, 'METHOD_NOT_ALLOWED', `${req.method} is not among ${allowed.join(', ')}`);
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

const pathMatches = (pattern: string, path: string): boolean => {
  const parts = pattern.split('/');
  const given = path.split('/');
  return parts.length === given.length && parts.every((part, i) => part.startsWith('{') || part === given[i]);
};

/** Requests that never became one: Node's parser refused them. */
const answerClientError = (error: Error, socket: Duplex): void => {
  if (!socket.writable) return;
  const code = 'code' in error ? error.code : '';
  const status =
    code === 'HPE_HEADER_OVERFLOW'
      ? { line: '431 Request Header Fields Too Large', code: 'HEADERS_TOO_LARGE', title: 'headers over 8 KB' }
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? { line: '408 Request Timeout', code: 'REQUEST_TIMEOUT', title: 'the request came too slowly' }
        : { line: '400 Bad Request', code: 'VALIDATION_FAILED', title: 'this is not an HTTP request' };
  const body = JSON.stringify({
    type: `/problems/${status.code.toLowerCase().replaceAll('_', '-')}`,
    title: status.title,
    status: Number(status.line.slice(0, 3)),
    code: status.code,
    detail: status.title,
  });
  socket.end(
    `HTTP/1.1 ${status.line}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
};
