import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { errors, exportJWK, exportSPKI, generateKeyPair, type JSONWebKeySet } from 'jose';
import { COOLDOWN_MS, FRESH_MS, keysIn, keysInFile, KeysUnavailable, remoteKeys } from './key-set.ts';

const { publicKey } = await generateKeyPair('ES256', { extractable: true });
const jwk = await exportJWK(publicKey);
const setWith = (...kids: readonly string[]): JSONWebKeySet => ({ keys: kids.map((kid) => ({ ...jwk, kid })) });

/** An issuer that can be away, and a clock. */
const issuer = () => {
  let nowMs = 0;
  let set: JSONWebKeySet | null = setWith('k1');
  let reads = 0;
  const troubles: unknown[] = [];
  const keys = remoteKeys({
    load: () => {
      reads += 1;
      return set === null ? Promise.reject(new Error('away')) : Promise.resolve(set);
    },
    clock: () => nowMs,
    onTrouble: (error) => troubles.push(error),
  });
  const find = (kid: string) => keys({ alg: 'ES256', kid }, { payload: '', signature: '' });
  return {
    find,
    reads: () => reads,
    troubles,
    later: (ms: number) => (nowMs += ms),
    now: (next: JSONWebKeySet | null) => (set = next),
  };
};

describe('keys at an address', () => {
  it('are read once for many calls that come at the same time', async () => {
    const { find, reads } = issuer();
    await Promise.all([find('k1'), find('k1'), find('k1')]);
    await find('k1');
    expect(reads()).toBe(1);
  });

  it('are read again for a key that is not known, and no more than once in 30 s', async () => {
    const one = issuer();
    await one.find('k1');
    one.now(setWith('k1', 'k2'));
    one.later(COOLDOWN_MS - 1);
    await expect(one.find('k2')).rejects.toBeInstanceOf(errors.JWKSNoMatchingKey);
    expect(one.reads()).toBe(1);
    one.later(1);
    await one.find('k2');
    expect(one.reads()).toBe(2);
    await expect(one.find('made-up')).rejects.toBeInstanceOf(errors.JWKSNoMatchingKey);
    expect(one.reads()).toBe(2);
  });

  it('are read again after 10 minutes, so that a key that was taken back is no longer taken', async () => {
    const one = issuer();
    await one.find('k1');
    one.now(setWith('k2'));
    one.later(FRESH_MS - 1);
    await one.find('k1');
    expect(one.reads()).toBe(1);
    one.later(1);
    // Nobody waits for it: the call that comes then is answered by what is known.
    await one.find('k1');
    await expect(one.find('k1')).rejects.toBeInstanceOf(errors.JWKSNoMatchingKey);
    await one.find('k2');
  });

  it('stay as they were last while the issuer is away, however long', async () => {
    const one = issuer();
    await one.find('k1');
    one.now(null);
    for (let i = 0; i < 5; i++) {
      one.later(FRESH_MS);
      await one.find('k1');
    }
    await one.find('k1');
    expect(one.troubles.length).toBe(5);
  });

  it('that were never read are said to be unavailable, and are asked for again after 30 s', async () => {
    const one = issuer();
    one.now(null);
    await expect(one.find('k1')).rejects.toBeInstanceOf(KeysUnavailable);
    one.now(setWith('k1'));
    await expect(one.find('k1')).rejects.toBeInstanceOf(KeysUnavailable);
    one.later(COOLDOWN_MS);
    await one.find('k1');
    expect(one.reads()).toBe(2);
  });
});

describe('keys in a file', () => {
  it('are PEM, one or several, or a JSON Web Key Set', async () => {
    const pem = await exportSPKI(publicKey);
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'pem', type: 'spki' });
    expect(keysInFile(pem).keys).toMatchObject([{ kty: 'EC', crv: 'P-256' }]);
    expect(keysInFile(`${pem}\n${String(rsa)}`).keys).toMatchObject([{ kty: 'EC' }, { kty: 'RSA' }]);
    expect(keysInFile(JSON.stringify(setWith('k1'))).keys).toMatchObject([{ kid: 'k1' }]);
  });

  it.each([
    '',
    'hello',
    '{"keys":[]}',
    '{"keys":{}}',
    '{}',
    '{',
    '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----',
  ])('that are %j are refused', (text) => {
    expect(() => keysInFile(text)).toThrow();
  });

  it('have no secret and none to encrypt with among them', () => {
    const set = {
      keys: [{ kty: 'oct', k: 'AAAA' }, { ...jwk, use: 'enc' }, { ...jwk, kid: 'good', use: 'sig' }, null],
    };
    expect(keysIn(set).keys).toMatchObject([{ kid: 'good' }]);
  });
});
