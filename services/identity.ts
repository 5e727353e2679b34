import { readFile } from 'node:fs/promises';
import type { Config } from '../shared/config/config.ts';
import type { IdentityConfig } from '../shared/config/identity-config.ts';
import { type FindKey, fixedKeys, keysIn, keysInFile, remoteKeys } from '../shared/identity/key-set.ts';
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
