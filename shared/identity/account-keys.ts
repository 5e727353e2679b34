import { createHmac } from 'node:crypto';
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

export type ToAccountKey = (tenant: string, accountId: string) => AccountKey;

/**
 * `accountKey = HMAC-SHA-256(pepper, tenant NUL accountId)`: the log never holds who an account is, and without the
 * pepper nobody can find out by trying ids. Keeps what it was asked last.
 */
export const accountKeys = (pepper: Uint8Array, own: Peppers = new Map()): ToAccountKey => {
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
    const key = accountKey(
      createHmac('sha256', own.get(tenant) ?? pepper)
        .update(`${tenant}\0${accountId}`)
        .digest('base64url'),
    );
    if (known.size >= CACHED) known.clear();
    known.set(accountId, key);
    return key;
  };
};
