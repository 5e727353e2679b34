import { createPublicKey } from 'node:crypto';
import {
  createLocalJWKSet,
  type CryptoKey,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
} from 'jose';
import { MINUTE_MS, SECOND_MS } from '../../schemas/time.ts';

/** The key that a token says it was signed with. Rejects with an error of jose where there is none. */
export type FindKey = (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;

/** No key is known yet: whoever has them does not answer. */
export class KeysUnavailable extends Error {}

/** Public keys as PEM (SPKI), one or several after each other, or as a JSON Web Key Set. */
export const keysInFile = (text: string): JSONWebKeySet => {
  if (text.trimStart().startsWith('{')) return keysIn(JSON.parse(text));
  const pems = text.match(/-----BEGIN PUBLIC KEY-----[\s\S]+?-----END PUBLIC KEY-----/g) ?? [];
  if (pems.length === 0)
    throw new Error('it has no public key (PEM, -----BEGIN PUBLIC KEY-----) and is no JSON Web Key Set');
  return { keys: pems.map((pem) => createPublicKey(pem).export({ format: 'jwk' }) as JWK) };
};

/** A key set that somebody sent: only what can verify is taken. */
export const keysIn = (value: unknown): JSONWebKeySet => {
  const keys = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : null;
  if (!Array.isArray(keys)) throw new Error('it has no list of keys');
  const usable = keys.filter(isVerifying);
  if (usable.length === 0) throw new Error('it has no public key to verify with');
  return { keys: usable };
};

/** A secret (`oct`) is no public key, and one that encrypts signs nothing. */
const isVerifying = (key: unknown): key is JWK =>
  typeof key === 'object' &&
  key !== null &&
  'kty' in key &&
  (key.kty === 'RSA' || key.kty === 'EC' || key.kty === 'OKP') &&
  (!('use' in key) || key.use === 'sig');

export const fixedKeys = (set: JSONWebKeySet): FindKey => {
  const find = createLocalJWKSet(set);
  // Keys without names, as PEM has them, may be the one that a token names.
  const named = set.keys.some(({ kid }) => kid !== undefined);
  return ({ kid, ...header }, token) => find(named && kid !== undefined ? { ...header, kid } : header, token);
};

/** Keys are read again after this long. */
export const FRESH_MS = 10 * MINUTE_MS;
/** And for a key that is not known, but no more often: else whoever makes keys up makes us call. */
export const COOLDOWN_MS = 30 * SECOND_MS;

export type RemoteKeysOptions = {
  /** The set as it is now; rejects where it cannot be had. */
  readonly load: () => Promise<JSONWebKeySet>;
  readonly clock: () => number;
  /** Keys could not be read: the last ones stay. */
  readonly onTrouble: (error: unknown) => void;
};

/** Keys that somebody else changes. While they cannot be read, those known last go on. */
export const remoteKeys = ({ load, clock, onTrouble }: RemoteKeysOptions): FindKey => {
  let known: FindKey | null = null;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | null = null;
  const read = (): Promise<void> => {
    triedAtMs = clock();
    reading ??= load()
      .then((set) => {
        known = fixedKeys(set);
        readAtMs = clock();
      }, onTrouble)
      .finally(() => {
        reading = null;
      });
    return reading;
  };
  const mayTry = (): boolean => clock() - triedAtMs >= COOLDOWN_MS;
  return async (header, token) => {
    if (known === null) {
      // Whoever comes while they are read the first time waits for that.
      if (reading !== null || mayTry()) await read();
      if (known === null) throw new KeysUnavailable('the keys that tokens are verified with cannot be had');
    } else if (clock() - readAtMs >= FRESH_MS && mayTry()) void read();
    try {
      return await known(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !mayTry()) throw error;
      await read();
      return known(header, token);
    }
  };
};
