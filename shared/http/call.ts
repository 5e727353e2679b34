import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FieldError } from '../../schemas/generated/http.ts';
import type { Trace } from '../../schemas/generated/records.ts';
import type { Caller } from '../identity/caller.ts';
import type { SessionToken } from '../identity/tokens.ts';
import { problem, PROBLEMS, type ProblemCode } from '../errors/problems.ts';
import { corsHeaders } from './cors.ts';

/** One request, as every route sees it, in front of Express and behind it. */
export type Call = {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly requestId: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly params: Readonly<Record<string, string>>;
  /** The page that may read the answer: see `AllowOrigin`. */
  readonly allowOrigin: string | null;
  /** What it causes goes on with; null where nobody watches. */
  readonly trace: Trace | null;
} & Identified;

/** Who calls, as far as the headers say it. Both are null where nobody is named, or a session token comes in the body. */
export type Identified = { readonly caller: Caller | null; readonly session: SessionToken | null };

/** Of whoever was let in. */
export const tenantOf = ({ caller, session }: Identified): string => (session ?? caller)?.tenant ?? '';

export type Reply = {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type ProblemDetails = {
  readonly retryAfterMs?: number;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the document. */
  readonly extra?: Readonly<Record<string, unknown>>;
};

/**
 * Ends a call with a problem document. Thrown where a route cannot go on; the front turns it into the answer. It has no stack: that
 * it is thrown is no fault of ours, and a tenth of what a refused call costs would be the taking of one.
 */
export class ProblemError extends Error {
  readonly code: ProblemCode;
  readonly details: ProblemDetails;
  constructor(code: ProblemCode, detail: string, details: ProblemDetails = {}) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(detail);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.details = details;
  }
}

/** What a page may read besides the body. A beat's answer has neither, so it does not say so. */
const EXPOSED = ['access-control-expose-headers', 'retry-after, x-request-id'] as const;
/** No browser takes an answer for anything but what it says it is. */
const NO_SNIFFING = ['x-content-type-options', 'nosniff'] as const;
export const JSON_TYPE = 'application/json; charset=utf-8';
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

export const sendReply = ({ res, requestId, allowOrigin }: Call, { status, body, headers }: Reply): void => {
  if (res.headersSent || res.destroyed) return;
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  // A flat list, which Node writes without looking names up.
  const flat = [...NO_SNIFFING, 'x-request-id', requestId, 'content-length', String(Buffer.byteLength(text))];
  if (allowOrigin !== null) flat.push(...corsHeaders(allowOrigin), ...EXPOSED);
  if (headers !== undefined) for (const [name, value] of Object.entries(headers)) flat.push(name, value);
  if (body !== undefined && headers?.['content-type'] === undefined) flat.push('content-type', JSON_TYPE);
  // Express has set headers of its own by now, which a flat list would repeat.
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  res.writeHead(status, flat);
  res.end(text);
};

export const sendProblem = (call: Call, code: ProblemCode, detail: string, details: ProblemDetails = {}): void => {
  const { status, body } = problem(code, { detail, instance: call.path, requestId: call.requestId, ...details });
  const retryAfter =
    details.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(details.retryAfterMs / 1_000)) };
  const close = status === 413 || status === 431 || status === 408 ? { connection: 'close' } : {};
  const headers = { 'content-type': PROBLEM_TYPE, ...retryAfter, ...close, ...details.headers };
  sendReply(call, { status, body, headers });
};

/** Whatever a route threw, as the answer: a problem says what it is, anything else is ours and says nothing. */
export const sendError = (call: Call, error: unknown, onInternal: (error: unknown, call: Call) => void): void => {
  if (error instanceof ProblemError) return sendProblem(call, error.code, error.message, error.details);
  onInternal(error, call);
  sendProblem(call, 'INTERNAL', PROBLEMS.INTERNAL.title);
};
