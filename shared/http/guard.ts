import { mayTouch, type Right } from '../identity/caller.ts';
import type { ProblemCode } from '../errors/problems.ts';
import { type Call, ProblemError } from './call.ts';
import { isAudited, type Route } from './route.ts';

/** The account that stands for the caller's own in a path. */
export const ME = 'me';

/**
 * The call as its route may have it: by whom, and about whose data. `me` and an account that is left out are the caller's own.
 * Throws the problem to answer.
 */
export const guarded = (route: Route, call: Call): Call => {
  if (route.callers.includes('anybody')) return call;
  const { caller, session } = call;
  if (caller !== null) {
    if (!route.callers.some((kind) => caller.rights.has(kind as Right)))
      throw forbidden('the token lacks the scope for this call');
  } else if (session !== null) {
    if (!route.callers.includes('session')) throw forbidden('a session token is not enough for this call');
  } else if (route.tokenInBody !== true) {
    throw unidentified();
  }
  const own = (caller ?? session)?.accountId ?? null;
  if (route.touches === 'account-in-path') return { ...call, params: ownParams(call, own) };
  if (route.touches !== 'account-in-query') return call;
  const given = call.query.get('accountId');
  if (given !== null) refuseOther(call, given);
  if (given !== null || own === null) return call;
  const query = new URLSearchParams(call.query);
  query.set('accountId', own);
  return { ...call, query };
};

const ownParams = (call: Call, own: string | null): Call['params'] => {
  const { accountId = '' } = call.params;
  if (accountId === ME) {
    if (own === null) throw unidentified();
    return { ...call.params, accountId: own };
  }
  // That there is such an account is nobody else's to know.
  if (!isOwn(call, accountId)) throw new ProblemError('NOT_FOUND', 'there is nothing here for this token');
  return call.params;
};

const isOwn = ({ caller, session }: Call, accountId: string): boolean =>
  caller !== null ? mayTouch(caller, accountId) : session?.accountId === accountId;

/** For an account that a query or a body names: the problem where it is not the caller's. */
export const otherAccount = (call: Call, accountId: string): ProblemError | null =>
  isOwn(call, accountId) ? null : new ProblemError('ACCOUNT_MISMATCH', 'the token is for another account');

export const refuseOther = (call: Call, accountId: string): void => {
  const problem = otherAccount(call, accountId);
  if (problem !== null) throw problem;
};

const CHALLENGE = { 'www-authenticate': 'Bearer' };

export const unidentified = (): ProblemError =>
  new ProblemError('UNAUTHENTICATED', 'the call has no token', { headers: CHALLENGE });

const forbidden = (detail: string): ProblemError => new ProblemError('FORBIDDEN', detail);

/** All that may be answered to a call of the route before its handler is asked, or because of what is in its body. */
export const guardProblems = (route: Route): readonly ProblemCode[] => {
  const { callers, touches } = route;
  if (callers.includes('anybody')) return [];
  const ofSessions = callers.includes('session') ? (['SESSION_TOKEN_MISMATCH'] as const) : [];
  const ofAccounts =
    touches === 'nobody'
      ? []
      : touches === 'account-in-path'
        ? (['NOT_FOUND'] as const)
        : (['ACCOUNT_MISMATCH'] as const);
  const ofAudits = isAudited(route) ? (['VALIDATION_FAILED', 'LOG_UNAVAILABLE'] as const) : [];
  return [...ANY_GUARD, ...ofSessions, ...ofAccounts, ...ofAudits];
};

const ANY_GUARD = [
  'UNAUTHENTICATED',
  'SESSION_TOKEN_INVALID',
  'SESSION_TOKEN_EXPIRED',
  'FORBIDDEN',
  'KEYS_UNAVAILABLE',
  'RATE_LIMITED',
] as const;
