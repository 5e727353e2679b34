import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { accountKeys, peppersIn } from './account-keys.ts';

const PEPPER = Buffer.from('pepper');

describe('an account key', () => {
  it('is base64url(HMAC-SHA-256(pepper, tenant NUL accountId)), 43 characters', () => {
    const key = accountKeys(PEPPER)('acme', 'a-4711');
    expect(key).toBe('A_hrwLoYVaGpdsZzsq045GCf6EnwackufWocLcJH-DA');
    expect(key).toBe(createHmac('sha256', PEPPER).update(Buffer.from('acme\0a-4711')).digest('base64url'));
    expect(key).toMatch(/^[\w-]{43}$/);
  });

  it('is the same each time, and another for another account, tenant or pepper', () => {
    const keyOf = accountKeys(PEPPER);
    expect(keyOf('acme', 'a')).toBe(keyOf('acme', 'a'));
    const keys = [
      keyOf('acme', 'a'),
      keyOf('acme', 'b'),
      keyOf('other', 'a'),
      keyOf('acmea', ''),
      accountKeys(Buffer.from('another'))('acme', 'a'),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("is made with its tenant's own pepper from a generation on, with the newest that holds there", () => {
    const all = [3, 2].map((generation) => ({ tenant: 'acme', generation, pepper: Buffer.from(`p${generation}`) }));
    const keyIn = (generation: number, tenant: string) => accountKeys(PEPPER, peppersIn(all, generation))(tenant, 'a');
    const by = (pepper: Uint8Array, tenant: string) => accountKeys(pepper)(tenant, 'a');
    expect([1, 2, 3, 4].map((generation) => keyIn(generation, 'acme'))).toEqual(
      ['pepper', 'p2', 'p3', 'p3'].map((text) => by(Buffer.from(text), 'acme')),
    );
    expect(keyIn(4, 'other')).toBe(by(PEPPER, 'other'));
  });

  it('does not show the account', () => {
    expect(accountKeys(PEPPER)('acme', 'viewer@example.com')).not.toContain('viewer');
  });
});
