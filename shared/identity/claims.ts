import type { JWTPayload } from 'jose';
import { isId } from '../../schemas/validate.ts';
import { type Caller, type Right, SCOPES } from './caller.ts';

/** Which claim says what. */
export type ClaimNames = {
  readonly account: string;
  readonly profile: string;
  readonly tenant: string;
  readonly plan: string;
  readonly scope: string;
};

const TENANT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Who calls by a token without a `sub`, or with one that is no id. */
const UNNAMED = 'unnamed';
/** Of a plan: a policy names a handful, and each goes with every beat. */
const MAX_CLAIMS = 16;
const MAX_CLAIM_LENGTH = 64;

/** The caller that a verified token speaks of; a text says why it speaks of none. */
export const callerIn = (payload: JWTPayload, names: ClaimNames, defaultTenant: string): Caller | string => {
  const given = (name: string): string | null | undefined => {
    const value = payload[name];
    if (value === undefined || value === null) return null;
    const text = typeof value === 'number' ? String(value) : value;
    return typeof text === 'string' && isId(text) ? text : undefined;
  };
  const accountId = given(names.account);
  if (accountId === undefined) return `its claim ${names.account} is no id`;
  const profileId = given(names.profile);
  if (profileId === undefined) return `its claim ${names.profile} is no id`;
  const tenant = given(names.tenant) ?? (payload[names.tenant] === undefined ? defaultTenant : '');
  if (!TENANT.test(tenant)) return `its claim ${names.tenant} is no name of a tenant`;
  const rights = rightsIn(payload[names.scope], accountId);
  if (rights.size === 0) return `it has no scope of Playbeat, and no ${names.account}`;
  if (rights.has('player') && accountId === null && !rights.has('service')) return `it has no ${names.account}`;
  const who = typeof payload.sub === 'string' && isId(payload.sub) ? payload.sub : UNNAMED;
  return { tenant, who, accountId, profileId, rights, claims: claimsIn(payload[names.plan]) };
};

/** A text with spaces between, as in RFC 8693, or a list. A token of an account that names no scope of ours is a player's. */
const rightsIn = (scope: unknown, accountId: string | null): ReadonlySet<Right> => {
  const words: readonly unknown[] = typeof scope === 'string' ? scope.split(' ') : Array.isArray(scope) ? scope : [];
  const rights = new Set<Right>();
  for (const word of words) {
    const right = SCOPES.get(word);
    if (right !== undefined) rights.add(right);
  }
  if (rights.size === 0 && accountId !== null) rights.add('player');
  return rights;
};

/** A plan is its name, or an object: its `name` is what policies match as `plan`, its other members stand as `plan.streams` does. */
const claimsIn = (plan: unknown): Caller['claims'] => {
  if (typeof plan === 'string') return { plan: plan.slice(0, MAX_CLAIM_LENGTH) };
  if (typeof plan !== 'object' || plan === null || Array.isArray(plan)) return {};
  const claims: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(plan).slice(0, MAX_CLAIMS)) {
    if (name.length > MAX_CLAIM_LENGTH) continue;
    const key = name === 'name' ? 'plan' : `plan.${name}`;
    if (typeof value === 'number' && Number.isFinite(value)) claims[key] = value;
    if (typeof value === 'string' && value.length <= MAX_CLAIM_LENGTH) claims[key] = value;
  }
  return claims;
};
