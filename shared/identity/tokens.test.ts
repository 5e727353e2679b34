import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createTokens, looksLikeSessionToken, SESSION_TOKEN_MS, type SessionToken } from './tokens.ts';

const tokens = createTokens(Buffer.alloc(32, 1));
const session: SessionToken = {
  tenant: 'acme',
  accountId: 'a-4711',
  profileId: 'père',
  deviceId: 'tv-1',
  deviceType: 'tv',
  contentId: '🎬',
  contentType: 'vod',
  sessionId: 's-1',
  claims: { plan: 'gold', 'plan.streams': 4 },
  expiresAtMs: 1_800_000_000_000 + SESSION_TOKEN_MS,
};
const termination = { accountKey: 'key', sessionId: 's-1', admittedAt: '1.0.7' };
const signed = (): string => createTokens(Buffer.alloc(32, 1)).signSession(session);

describe('a token', () => {
  it('is read as it was signed, the first time and from memory', () => {
    const text = tokens.signSession(session);
    expect(tokens.readSession(text)).toEqual(session);
    expect(tokens.readSession(text)).toEqual(session);
    expect(tokens.readTermination(tokens.signTermination(termination))).toEqual(termination);
    expect(looksLikeSessionToken(text)).toBe(true);
  });

  it('carries its expiry, 12 hours on, for the caller to judge', () => {
    expect(SESSION_TOKEN_MS).toBe(43_200_000);
    expect(tokens.readSession(signed())?.expiresAtMs).toBe(session.expiresAtMs);
  });

  it('of the key before is read while that is given, and is never signed by it', () => {
    const [old, next] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const rotated = createTokens(next, old);
    expect(rotated.readSession(createTokens(old).signSession(session))).toEqual(session);
    expect(createTokens(next).readSession(rotated.signSession(session))).toEqual(session);
    expect(createTokens(next).readSession(createTokens(old).signSession(session))).toBeNull();
    expect(createTokens(next, Buffer.alloc(32, 3)).readSession(createTokens(old).signSession(session))).toBeNull();
  });

  it('of another kind is refused: a termination is no session, whatever it is called', () => {
    const other = tokens.signTermination(termination);
    expect(tokens.readSession(other)).toBeNull();
    expect(tokens.readTermination(signed())).toBeNull();
    expect(tokens.readSession(other.replace(/^pbt1/, 'pbs1'))).toBeNull();
    expect(looksLikeSessionToken(other)).toBe(false);
  });

  it('of another key is refused', () => {
    expect(createTokens(Buffer.alloc(32, 2)).readSession(signed())).toBeNull();
  });

  it('is refused with any one of its characters changed', () => {
    const text = signed();
    const fresh = createTokens(Buffer.alloc(32, 1));
    fc.assert(
      fc.property(fc.nat({ max: text.length - 2 }), fc.constantFrom('A', 'z', '0', '.', '=', ' '), (at, character) => {
        if (text[at] === character) return;
        expect(fresh.readSession(text.slice(0, at) + character + text.slice(at + 1))).toBeNull();
      }),
    );
  });

  it('with a payload of its bearer’s own under an old signature is refused', () => {
    const [kind, , mac] = signed().split('.');
    const payload = Buffer.from(JSON.stringify({ ...session, accountId: 'another' })).toString('base64url');
    expect(tokens.readSession(`${kind}.${payload}.${mac}`)).toBeNull();
  });

  it('is refused cut off, empty, or longer than 4,096 characters, without an error', () => {
    const text = signed();
    for (let end = 0; end < text.length; end++) expect(tokens.readSession(text.slice(0, end))).toBeNull();
    for (const nonsense of ['', '.', '..', 'pbs1', 'pbs1.', 'pbs1..', 'pbs1...', `pbs1.${'a'.repeat(5_000)}.b`]) {
      expect(tokens.readSession(nonsense)).toBeNull();
    }
    expect(tokens.readSession(`${text}.`)).toBeNull();
  });

  it('is nothing that any text happens to be', () => {
    fc.assert(fc.property(fc.string(), (text) => tokens.readSession(`pbs1.${text}`) === null));
  });
});
