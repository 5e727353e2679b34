import type { IncomingMessage } from 'node:http';
import { type Caller, trusted } from '../identity/caller.ts';
import { KeysUnavailable } from '../identity/key-set.ts';
import { looksLikeSessionToken, type SessionToken, type Tokens } from '../identity/tokens.ts';
import { TokenRefused, type Verify } from '../identity/verifier.ts';
import { type Identified, ProblemError } from './call.ts';

export type IdentifyOptions = {
  /** Null where nobody is asked who they are. */
  readonly verify: Verify | null;
  readonly readSession: (text: string) => SessionToken;
  readonly tenant: string;
};

/** Who calls. Throws, or rejects with, the problem to answer. */
export type Identify = (req: IncomingMessage) => Identified | Promise<Identified>;

const NOBODY: Identified = { caller: null, session: null };

export const identifier = ({ verify, readSession, tenant }: IdentifyOptions): Identify => {
  const byDefault: Identified = verify === null ? { caller: trusted(tenant), session: null } : NOBODY;
  return ({ headers: { authorization } }) => {
    const token = authorization !== undefined && BEARER.test(authorization) ? authorization.slice(7).trim() : null;
    if (token === null) return byDefault;
    if (looksLikeSessionToken(token)) return { ...byDefault, session: readSession(token) };
    if (verify === null) return byDefault;
    try {
      const caller = verify(token);
      return caller instanceof Promise ? caller.then(identified, refuse) : identified(caller);
    } catch (error) {
      return refuse(error);
    }
  };
};

const BEARER = /^bearer /i;

const identified = (caller: Caller): Identified => ({ caller, session: null });

const refuse = (error: unknown): never => {
  if (error instanceof TokenRefused)
    throw new ProblemError('UNAUTHENTICATED', error.message, {
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    });
  if (error instanceof KeysUnavailable)
    throw new ProblemError('KEYS_UNAVAILABLE', error.message, { retryAfterMs: 5_000 });
  throw error;
};

/** Reads session tokens, wherever they stand. Throws the problem of one that is not good. */
export const sessionReader =
  (tokens: Pick<Tokens, 'readSession'>, clock: () => number): ((text: string) => SessionToken) =>
  (text) => {
    const token = tokens.readSession(text);
    if (token === null) throw new ProblemError('SESSION_TOKEN_INVALID', 'the session token was not issued here');
    if (token.expiresAtMs <= clock())
      throw new ProblemError('SESSION_TOKEN_EXPIRED', 'the session token is older than 12 hours');
    return token;
  };
