import { readFile } from 'node:fs/promises';
import type { Config } from '../shared/config/config.ts';
import type { IdentityConfig } from '../shared/config/identity-config.ts';
import { callerAddress } from '../shared/http/address.ts';
import { identifier, sessionReader } from '../shared/http/identify.ts';
import { createLimits, type LimitedBy } from '../shared/http/limits.ts';
import { type FindKey, fixedKeys, keysIn, keysInFile, remoteKeys } from '../shared/identity/key-set.ts';
import type { Tokens } from '../shared/identity/tokens.ts';
import { verifier, type Verify } from '../shared/identity/verifier.ts';

/** A key set is a few kilobytes: who sends more, or takes longer, sends no keys. */
const READ_WITHIN_MS = 5_000;
const MAX_KEYS_BYTES = 256 * 1_024;

/** How tokens are verified; null where nobody is asked who they are. Throws where the file with the keys is not good. */
export const openIdentity = async (
  { identity, tenant }: Pick<Config, 'identity' | 'tenant'>,
  clock: () => number,
  onTrouble: (error: unknown) => void,
): Promise<Verify | null> => {
  if (identity === null) return null;
  const { issuer, audience, claims } = identity;
  return verifier({
    findKey: await keysOf(identity, clock, onTrouble),
    issuer,
    audience,
    claims,
    tenant,
    now: () => new Date(clock()),
  });
};

const keysOf = async (
  { keys }: IdentityConfig,
  clock: () => number,
  onTrouble: (error: unknown) => void,
): Promise<FindKey> => {
  if ('url' in keys) return remoteKeys({ load: () => fetchKeys(keys.url), clock, onTrouble });
  try {
    return fixedKeys(keysInFile(await readFile(keys.file, 'utf8')));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`AUTH_PUBLIC_KEY_FILE=${keys.file} cannot be used: ${why}`, { cause });
  }
};

const fetchKeys = async (url: string): Promise<ReturnType<typeof keysIn>> => {
  const answer = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(READ_WITHIN_MS),
  });
  if (!answer.ok) throw new Error(`the keys of AUTH_JWKS_URL: ${answer.status} ${answer.statusText}`);
  const text = await answer.text();
  if (text.length > MAX_KEYS_BYTES)
    throw new Error(`the keys of AUTH_JWKS_URL are larger than ${MAX_KEYS_BYTES} bytes`);
  return keysIn(JSON.parse(text));
};

type DoorParts = {
  readonly config: Pick<Config, 'tenant' | 'trustedProxies' | 'rates'>;
  readonly verify: Verify | null;
  readonly tokens: Pick<Tokens, 'readSession'>;
  readonly clock: () => number;
  readonly limited: (by: LimitedBy) => void;
};

/** What stands in front of every route: who calls, from where, and how often. */
export const openDoor = ({ config, verify, tokens, clock, limited }: DoorParts) => {
  const { tenant, trustedProxies, rates } = config;
  const readSession = sessionReader(tokens, clock);
  const addressOf = callerAddress(trustedProxies);
  const limiting = { asked: verify !== null, addressOf, steadyMs: () => performance.now(), limited };
  return {
    readSession,
    addressOf,
    identify: identifier({ verify, readSession, tenant }),
    limits: createLimits({ ...limiting, rates }),
    // However many calls come, who operates it gets in.
    adminLimits: createLimits({ ...limiting, rates: { ...rates, node: 0 } }),
  };
};
