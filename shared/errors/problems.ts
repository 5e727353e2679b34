/**
 * The catalogue of everything that can go wrong with a call, as RFC 9457 problem documents. Codes and statuses are part
 * of the HTTP interface: add to them, do not change them. `docs/reference/errors.md` is made from it.
 */
type ProblemKind = {
  readonly status: number;
  /** One sentence without particulars, the same for every occurrence. */
  readonly title: string;
  /** The very same request may succeed later; a player repeats it with the same `sequence`, with jitter. */
  readonly retryable: boolean;
  /** What a player, or who calls for it, does about it. Only `decision: stop` ever stops the picture. */
  readonly advice: string;
};

export const PROBLEMS = {
  VALIDATION_FAILED: {
    status: 400,
    title: 'The request does not fit the schema.',
    retryable: false,
    advice: 'Play on. Fix the fields named in `errors`; the same request never passes.',
  },
  MALFORMED_JSON: {
    status: 400,
    title: 'The body is not JSON.',
    retryable: false,
    advice: 'Play on. Send one JSON document in UTF-8.',
  },
  TOO_DEEP: {
    status: 400,
    title: 'The body is nested too deeply.',
    retryable: false,
    advice: 'Play on. Send at most 4 levels.',
  },
  INVALID_POSITION: {
    status: 400,
    title: 'The position in `after` is none of ours.',
    retryable: false,
    advice: 'Pass on a `position` exactly as an earlier answer had it, or leave `after` out.',
  },
  INVALID_CURSOR: {
    status: 400,
    title: 'The cursor is none of this list, or older than 24 hours.',
    retryable: false,
    advice: 'Pass on `nextCursor` exactly as the page before had it, or start at the first page again.',
  },
  POLICY_INVALID: {
    status: 400,
    title: 'The policy is not valid.',
    retryable: false,
    advice: 'Not for players. Fix the rules named in `errors`; the active policy is unchanged.',
  },
  UNAUTHENTICATED: {
    status: 401,
    title: 'The call needs a token.',
    retryable: false,
    advice: 'Play on. Send the session token or a fresh login token in `Authorization`.',
  },
  SESSION_TOKEN_INVALID: {
    status: 401,
    title: 'The session token is not one that was issued here.',
    retryable: false,
    advice: 'Play on. Start the session again to get a new token.',
  },
  SESSION_TOKEN_EXPIRED: {
    status: 401,
    title: 'The session token has expired.',
    retryable: false,
    advice: 'Play on. Start the session again to get a new token.',
  },
  SESSION_TOKEN_MISMATCH: {
    status: 403,
    title: 'The session token belongs to another session, device, profile or account.',
    retryable: false,
    advice: 'Play on. Use the token that the start of this very session answered.',
  },
  ACCOUNT_MISMATCH: {
    status: 403,
    title: 'The token is for another account.',
    retryable: false,
    advice: 'Play on. Leave `accountId` out, or send the one of the token.',
  },
  FORBIDDEN: {
    status: 403,
    title: 'The token is not enough for this call.',
    retryable: false,
    advice: 'Play on. The call is for another kind of caller: see who may make it in `/openapi.json`.',
  },
  NOT_FOUND: {
    status: 404,
    title: 'There is nothing here.',
    retryable: false,
    advice: 'Check the path against `/openapi.json`. Another account’s data is answered like this too.',
  },
  NO_RESUME_POSITION: {
    status: 404,
    title: 'The profile has nothing to go on with in this content.',
    retryable: false,
    advice: 'Play from the start.',
  },
  POLICY_NOT_FOUND: {
    status: 404,
    title: 'There is no policy of this version.',
    retryable: false,
    advice: 'Not for players. Post the policy before activating it.',
  },
  PROCESSOR_NOT_FOUND: {
    status: 404,
    title: 'There is no such processor in this process.',
    retryable: false,
    advice: 'Not for players. Ask a process of its role; `GET /admin/processors` lists those that run here.',
  },
  VIEW_NOT_FOUND: {
    status: 404,
    title: 'The account has no view of this session.',
    retryable: false,
    advice: 'Views are known from their first beat on, for 90 days after their end.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    title: 'The path does not take this method.',
    retryable: false,
    advice: 'Use one of the methods in the `Allow` header.',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    title: 'The request did not arrive whole in time.',
    retryable: true,
    advice: 'Play on. Send the same beat again with jitter.',
  },
  STREAM_LIMIT_EXCEEDED: {
    status: 409,
    title: 'The account has no stream left for this session.',
    retryable: false,
    advice:
      'Do not start the picture. Show the sentence of `reason` and the streams in `active`; offer to try again after `retryAfterMs`.',
  },
  SESSION_ENDED: {
    status: 409,
    title: 'This session has ended, and its id with it.',
    retryable: false,
    advice: 'Do not start the picture with this session id. Show the sentence of `reason`; start again with a new id.',
  },
  NOTHING_TO_UNDO: {
    status: 409,
    title: 'No session on this content can be undone.',
    retryable: false,
    advice:
      'What stood there before the last session is kept for a day, and comes back once. Show the resume position as it is.',
  },
  POLICY_VERSION_NOT_NEWER: {
    status: 409,
    title: 'Policy versions only grow.',
    retryable: false,
    advice: 'Not for players. Give the policy a higher version than every earlier one.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    title: 'The body is too large.',
    retryable: false,
    advice: 'Play on. Send a heartbeat of at most 4 KB, a batch of at most 64 KB, after inflation.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'The body is of a type that is not read here.',
    retryable: false,
    advice: 'Play on. Send `application/json`; player calls may send JSON as `text/plain`.',
  },
  UNSUPPORTED_ENCODING: {
    status: 415,
    title: 'The body is encoded in a way that is not read here.',
    retryable: false,
    advice: 'Play on. Send the body plain or as gzip.',
  },
  RATE_LIMITED: {
    status: 429,
    title: 'Too many calls.',
    retryable: true,
    advice: 'Play on. Send the same beat again after `retryAfterMs` with jitter.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    title: 'The headers are too large.',
    retryable: false,
    advice: 'Play on. Send at most 8 KB of headers; cookies are not needed.',
  },
  INTERNAL: {
    status: 500,
    title: 'Something broke on our side.',
    retryable: true,
    advice: 'Play on. Send the same beat again with jitter; report the `requestId` if it stays.',
  },
  KEYS_UNAVAILABLE: {
    status: 503,
    title: 'The keys that tokens are verified with cannot be had now.',
    retryable: true,
    advice: 'Play on. Send it again with jitter; a session token is taken meanwhile.',
  },
  LOG_UNAVAILABLE: {
    status: 503,
    title: 'The heartbeat could not be stored.',
    retryable: true,
    advice: 'Play on. It was not accepted: send the same beat again with jitter.',
  },
  STORE_UNAVAILABLE: {
    status: 503,
    title: 'What is stored cannot be read right now.',
    retryable: true,
    advice: 'Ask again after `retryAfterMs`. Nothing is lost.',
  },
  OVERLOADED: {
    status: 503,
    title: 'More is waiting than can be answered in time.',
    retryable: true,
    advice: 'Nothing was accepted: play on, and send the same beat or start again after `retryAfterMs`.',
  },
  SHUTTING_DOWN: {
    status: 503,
    title: 'This node is about to end.',
    retryable: true,
    advice: 'Play on. Send the same beat again over a new connection.',
  },
  DECISION_UNAVAILABLE: {
    status: 503,
    title: 'The decision could not be had in time, and the rule asks for one.',
    retryable: true,
    advice: 'Do not start the picture; a running one plays on. Start again after `retryAfterMs`.',
  },
  NOT_YET: {
    status: 503,
    title: 'The answer does not include the asked position yet.',
    retryable: true,
    advice: 'Read again after `retryAfterMs`.',
  },
  WARMING: {
    status: 503,
    title: 'The service is rebuilding its state.',
    retryable: true,
    advice: 'Read again after `retryAfterMs`; `progress` says how far it is. Decisions are answered meanwhile.',
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** One field of a request that is not as it should be; `path` is a JSON Pointer into the body, or a parameter's name. */
export type FieldError = { readonly path: string; readonly code: string; readonly detail: string };

export type ProblemBody = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  readonly instance: string;
  readonly requestId: string;
  readonly retryAfterMs?: number;
  readonly errors?: readonly FieldError[];
  readonly [extra: string]: unknown;
};

export type Problem = { readonly status: number; readonly body: ProblemBody };

export type Occurrence = {
  /** What happened this time, for a developer. It goes out to the caller: never a secret, never a stack. */
  readonly detail: string;
  /** The path of the request, without its query. */
  readonly instance: string;
  readonly requestId: string;
  readonly retryAfterMs?: number | undefined;
  readonly errors?: readonly FieldError[] | undefined;
  /** Members beside the standard ones, such as the fields of a decision. They never replace a standard one. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
};

/** A path, so that it is right on every host; a client compares it as text and need not fetch it. */
export const problemType = (code: ProblemCode): string => `/problems/${code.toLowerCase().replaceAll('_', '-')}`;

export const problem = (code: ProblemCode, occurrence: Occurrence): Problem => {
  const { status, title } = PROBLEMS[code];
  const { detail, instance, requestId, retryAfterMs, errors, extra } = occurrence;
  return {
    status,
    body: {
      ...extra,
      type: problemType(code),
      title,
      status,
      code,
      detail,
      instance,
      requestId,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(errors === undefined ? {} : { errors }),
    },
  };
};
