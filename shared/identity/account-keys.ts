import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { type AccountKey, accountKey } from '../../schemas/ids.ts';

/** Account ids per tenant that are kept with their key, so that a beat costs a look-up and not a hash. */
const CACHED = 200_000;

/** A tenant's pepper, from a generation of the log on. */
export type TenantPepper = { readonly tenant: string; readonly generation: number; readonly pepper: Uint8Array };
/** By tenant; who is not in it has the pepper of all. */
export type Peppers = ReadonlyMap<string, Uint8Array>;

/** Those that hold in a generation of the log: of each tenant the newest one. */
export const peppersIn = (all: readonly TenantPepper[], generation: number): Peppers =>
  new Map(
    all
      .filter((one) => one.generation <= generation)
      .sort((a, b) => a.generation - b.generation)
      .map(({ tenant, pepper }) => [tenant, pepper]),
  );

type Known = { readonly secret: KeyObject; readonly keys: Map<string, AccountKey> };

export type ToAccountKey = (tenant: string, accountId: string) => AccountKey;

/**
 * `accountKey = HMAC-SHA-256(pepper, tenant NUL accountId)`: the log never holds who an account is, and without the
 * pepper nobody can find out by trying ids. Keeps what it was asked last.
 */
export const accountKeys = (pepper: Uint8Array, own: Peppers = new Map()): ToAccountKey => {
  const tenants = new Map<string, Known>();
  const knownOf = (tenant: string): Known => {
    const before = tenants.get(tenant);
    if (before !== undefined) return before;
    // Of bytes each hash makes such an object, which takes longer than the hash.
    const made: Known = { secret: createSecretKey(own.get(tenant) ?? pepper), keys: new Map() };
    // Tenants are few: a caller cannot make one up.
    tenants.set(tenant, made);
    return made;
  };
  return (tenant, accountId) => {
    const { secret, keys } = knownOf(tenant);
    const found = keys.get(accountId);
    if (found !== undefined) return found;
    const key = accountKey(createHmac('sha256', secret).update(`${tenant}\0${accountId}`).digest('base64url'));
    if (keys.size >= CACHED) keys.clear();
    keys.set(accountId, key);
    return key;
  };
};
