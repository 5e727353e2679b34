import { createHmac } from 'node:crypto';
import { type AccountKey, accountKey } from '../../schemas/ids.ts';

/** Account ids per tenant that are kept with their key, so that a beat costs a look-up and not a hash. */
const CACHED = 200_000;

/**
 * `accountKey = HMAC-SHA-256(pepper, tenant NUL accountId)`: the log never holds who an account is, and without the
 * pepper nobody can find out by trying ids.
 */
export const accountKeys = (pepper: Uint8Array): ((tenant: string, accountId: string) => AccountKey) => {
  const tenants = new Map<string, Map<string, AccountKey>>();
  return (tenant, accountId) => {
    let known = tenants.get(tenant);
    if (known === undefined) {
      // Tenants are few: a caller cannot make one up.
      known = new Map();
      tenants.set(tenant, known);
    }
    const found = known.get(accountId);
    if (found !== undefined) return found;
    const key = accountKey(createHmac('sha256', pepper).update(`${tenant}\0${accountId}`).digest('base64url'));
    if (known.size >= CACHED) known.clear();
    known.set(accountId, key);
    return key;
  };
};
