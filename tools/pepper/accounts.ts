import { isId } from '../../schemas/validate.ts';
import type { Peppers, ToAccountKey } from '../../shared/identity/account-keys.ts';

/** What the operator says of who there is. Nothing that is kept does. */
export type Accounts = {
  /** Old key to new one, of tenants whose pepper changes. */
  readonly moving: ReadonlyMap<string, string>;
  /** Keys that stay. */
  readonly staying: ReadonlySet<string>;
};

export class WrongLine extends Error {
  override readonly name = 'WrongLine';
}

/** Tenants whose pepper is another one then. */
export const changedTenants = (now: Peppers, then: Peppers): ReadonlySet<string> =>
  new Set([...then].filter(([tenant, pepper]) => !sameBytes(now.get(tenant), pepper)).map(([tenant]) => tenant));

const sameBytes = (a: Uint8Array | undefined, b: Uint8Array): boolean => a !== undefined && Buffer.compare(a, b) === 0;

/** `tenant,accountId` in each line; an id may have commas. Throws `WrongLine`, with its number and without what it says. */
export const readAccounts = (
  text: string,
  {
    tenants,
    now,
    then,
  }: { readonly tenants: ReadonlySet<string>; readonly now: ToAccountKey; readonly then: ToAccountKey },
): Accounts => {
  const moving = new Map<string, string>();
  const staying = new Set<string>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line === '') continue;
    const comma = line.indexOf(',');
    const accountId = line.slice(comma + 1);
    if (comma < 1 || !isId(accountId)) throw new WrongLine(`line ${i + 1} is not tenant,accountId`);
    const tenant = line.slice(0, comma);
    const key = now(tenant, accountId);
    if (tenants.has(tenant)) moving.set(key, then(tenant, accountId));
    else staying.add(key);
  }
  return { moving, staying };
};
