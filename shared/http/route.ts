import type { HttpSchemaName } from '../../schemas/http-schemas.ts';
import type { ProblemCode } from '../errors/problems.ts';
import type { Right } from '../identity/caller.ts';
import type { Call, Reply } from './call.ts';

/** One operation of the interface: routing, the OpenAPI document and the tests of the interface read the same object. */
export type Route = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With `{name}` for each parameter. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly port: 'public' | 'admin';
  readonly callers: readonly CallerKind[];
  /** The session token of a player that can set no header comes in the body: who calls is for the handler to find out. */
  readonly tokenInBody?: true;
  /** Whose data it touches, by where the account stands. */
  readonly touches: 'account-in-path' | 'account-in-query' | 'account-in-body' | 'nobody';
  readonly query?: readonly QueryParameter[];
  readonly request?: HttpSchemaName;
  /** Body by status; null: none. */
  readonly responses: Readonly<Record<number, HttpSchemaName | 'object' | null>>;
  readonly problems: readonly ProblemCode[];
  /** Answered in front of Express: for paths without parameters that carry most of the traffic. */
  readonly hot?: boolean;
  /** Null when the handler answers by itself. */
  readonly handle: (call: Call) => Promise<Reply | null> | Reply | null;
};

/** Whether every call of it is an event of the audit: what operators change, whichever route it is. */
export const isAudited = ({ port, method }: Pick<Route, 'port' | 'method'>): boolean =>
  port === 'admin' && method !== 'GET';

/** What a call may say for the audit. */
export const REASON_QUERY = {
  name: 'reason',
  description: 'Why, for the audit: at most 200 characters. The header `x-playbeat-reason` says it as well.',
} as const;

/** Who may call a route: by a right, by the session token of the session that it is about, or anybody at all. */
export type CallerKind = Right | 'session' | 'anybody';

export type QueryParameter = {
  readonly name: string;
  readonly description: string;
  readonly required?: boolean;
  readonly values?: readonly string[];
  /** A whole number, from the first to the last. */
  readonly range?: readonly [number, number];
};

/** Whether a path with braces matches, and with which parameters. */
export const toExpressPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');
