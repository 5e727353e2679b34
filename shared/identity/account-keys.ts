import { createHmac } from 'node:crypto';
import { type AccountKey, accountKey } from '../../schemas/ids.ts';

/** Account ids that are kept with their key, so that a beat costs a look-up and not a hash. */
const CACHED = 200_000;

/**
 * `accountKey = HMAC-SHA-256(pepper, tenant NUL accountId)`: the log never holds who an account is, and without the
 * pepper nobody can find out by trying ids.
 */
export const accountKeys = (pepper: Uint8Array): ((tenant: string, accountId: string) => AccountKey) => {
  const known = new Map<string, AccountKey>();
  return (tenant, accountId) => {
    const name = `${tenant}\0${accountId}`;
    const found = known.get(name);
    if (found !== undefined) return found;
    const key = accountKey(createHmac('sha256', pepper).update(name).digest('base64url'));
    // A map keeps the order of insertion: the oldest goes.
    for (const oldest of known.size >= CACHED ? known.keys() : []) {
      known.delete(oldest);
      break;
    }
    known.set(name, key);
    return key;
  };
};
