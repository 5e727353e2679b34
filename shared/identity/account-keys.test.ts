import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { accountKeys } from './account-keys.ts';

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

  it('does not show the account', () => {
    expect(accountKeys(PEPPER)('acme', 'viewer@example.com')).not.toContain('viewer');
  });
});
