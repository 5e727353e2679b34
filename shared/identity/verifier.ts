import { hash } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify, type JWTVerifyOptions } from 'jose';
import { SECOND_MS } from '../../schemas/time.ts';
import type { Caller } from './caller.ts';
import { callerIn, type ClaimNames } from './claims.ts';
import type { FindKey } from './key-set.ts';

/** The token is not good, and why: a sentence that names nothing of what is in it. */
export class TokenRefused extends Error {}

export type VerifierOptions = {
  readonly findKey: FindKey;
  readonly issuer: string;
  readonly audience: string;
  readonly claims: ClaimNames;
  /** Of tokens that name none. */
  readonly tenant: string;
  /** As jose wants the time. */
  readonly now: () => Date;
};

/** At once where the token was verified before. Rejects with `TokenRefused`, or with `KeysUnavailable`. */
export type Verify = (token: string) => Caller | Promise<Caller>;

/** One for RSA, one for elliptic curves, one for Edwards curves; what a token says of itself chooses among these and no others. */
export const ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'Ed25519'] as const;
/** How far the issuer's clock and ours may be apart. */
const SKEW_S = 10;
/** Verified tokens that are remembered, so that a call costs a hash and not a signature. */
export const CACHED = 100_000;
/** `JWT`, or an access token by RFC 9068. */
const TYPES = /^(application\/)?(at\+)?jwt$/i;

type Known = { readonly caller: Caller; readonly goneAtMs: number };

export const verifier = ({ findKey, issuer, audience, claims, tenant, now }: VerifierOptions): Verify => {
  const known = new Map<string, Known>();
  const options = (): JWTVerifyOptions => ({
    algorithms: [...ALGORITHMS],
    issuer,
    audience,
    requiredClaims: ['exp'],
    clockTolerance: SKEW_S,
    currentDate: now(),
  });
  const verify = async (token: string, digest: string): Promise<Caller> => {
    const { payload, protectedHeader } = await verified(token, findKey, options());
    if (protectedHeader.typ !== undefined && !TYPES.test(protectedHeader.typ))
      throw new TokenRefused('the token is of another type than JWT');
    const caller = callerIn(payload, claims, tenant);
    if (typeof caller === 'string') throw new TokenRefused(`the token names no caller: ${caller}`);
    if (known.size >= CACHED) known.clear();
    known.set(digest, { caller, goneAtMs: ((payload.exp ?? 0) + SKEW_S) * SECOND_MS });
    return caller;
  };
  return (token) => {
    const digest = hash('sha256', token, 'base64');
    const before = known.get(digest);
    if (before === undefined) return verify(token, digest);
    if (now().getTime() < before.goneAtMs) return before.caller;
    known.delete(digest);
    throw new TokenRefused(EXPIRED);
  };
};

const EXPIRED = 'the token has expired';

type Verified = { readonly payload: JWTPayload; readonly protectedHeader: { readonly typ?: string } };

const verified = async (token: string, findKey: FindKey, options: JWTVerifyOptions): Promise<Verified> => {
  try {
    return await jwtVerify(token, findKey, options);
  } catch (error) {
    // A token that names no key, and several that may be it.
    if (error instanceof errors.JWKSMultipleMatchingKeys)
      for await (const key of error) {
        const one = await jwtVerify(token, key, options).catch(() => null);
        if (one !== null) return one;
      }
    throw error instanceof errors.JOSEError ? new TokenRefused(reasonOf(error), { cause: error }) : error;
  }
};

const reasonOf = (error: errors.JOSEError): string => {
  if (error instanceof errors.JWTExpired) return EXPIRED;
  if (error instanceof errors.JWTClaimValidationFailed) return `the token's claim ${error.claim} is not as it must be`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the token is signed in a way that is not taken here';
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid) return 'the token is no JWT';
  return 'the token was not signed by a key that is known here';
};
