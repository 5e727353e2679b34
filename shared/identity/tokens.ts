import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { HOUR_MS } from '../../schemas/time.ts';

/**
 * Tokens that Playbeat signs itself: `<kind>.<payload>.<mac>`, base64url, HMAC-SHA-256 over kind and payload. They are
 * not encrypted: they carry nothing that their bearer does not know.
 */
export const SESSION_TOKEN_MS = 12 * HOUR_MS;

/** Alone authorises the beats and the stop of one session. */
export type SessionToken = {
  readonly tenant: string;
  readonly accountId: string;
  readonly profileId: string;
  readonly deviceId: string;
  readonly deviceType: string;
  readonly contentId: string;
  readonly contentType: 'live' | 'vod';
  readonly sessionId: string;
  readonly claims: Readonly<Record<string, string | number>>;
  readonly expiresAtMs: number;
};

/** Stops one admission of one session of one account. */
export type TerminationToken = { readonly accountKey: string; readonly sessionId: string; readonly admittedAt: string };

export type Tokens = {
  signSession(token: SessionToken): string;
  /** `null` for a text that was not signed here. Expiry is the caller's to judge. */
  readSession(text: string): SessionToken | null;
  signTermination(token: TerminationToken): string;
  readTermination(text: string): TerminationToken | null;
};

const SESSION = 'pbs1';
const TERMINATION = 'pbt1';
/** Longer than any token made here. */
const MAX_LENGTH = 4_096;
/** Verified session tokens that are remembered, so that a beat costs a look-up and not a signature. */
const CACHED = 100_000;

const isSame = (expected: Buffer, given: Buffer): boolean =>
  given.length === expected.length && timingSafeEqual(given, expected);

export const looksLikeSessionToken = (text: string): boolean => text.startsWith(`${SESSION}.`);

/** `before` is the key that signed until now: what it signed is read as long as it is given, so that a change of keys ends no session. */
export const createTokens = (key: Uint8Array, before: Uint8Array | null = null): Tokens => {
  const verified = new Map<string, SessionToken>();
  const [secret, secretBefore] = [createSecretKey(key), before && createSecretKey(before)];
  const mac = (signed: string, by = secret): Buffer => createHmac('sha256', by).update(signed).digest();
  const isSigned = (signed: string, given: Buffer): boolean =>
    isSame(mac(signed), given) || (secretBefore !== null && isSame(mac(signed, secretBefore), given));
  const sign = (kind: string, payload: unknown): string => {
    const signed = `${kind}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}`;
    return `${signed}.${mac(signed).toString('base64url')}`;
  };
  const read = (kind: string, text: string): unknown => {
    const end = text.lastIndexOf('.');
    if (text.length > MAX_LENGTH || !text.startsWith(`${kind}.`) || end <= kind.length) return null;
    const given = Buffer.from(text.slice(end + 1), 'base64url');
    if (!isSigned(text.slice(0, end), given)) return null;
    return JSON.parse(Buffer.from(text.slice(kind.length + 1, end), 'base64url').toString());
  };
  return {
    signSession: (token) => sign(SESSION, token),
    readSession: (text) => {
      const known = verified.get(text);
      if (known !== undefined) return known;
      // What bears our signature has the shape that we gave it.
      const token = read(SESSION, text) as SessionToken | null;
      if (token === null) return null;
      if (verified.size >= CACHED) verified.clear();
      verified.set(text, token);
      return token;
    },
    signTermination: (token) => sign(TERMINATION, token),
    readTermination: (text) => read(TERMINATION, text) as TerminationToken | null,
  };
};
