import type { TenantPepper } from '../identity/account-keys.ts';
import { CONFIG_KEYS, type ConfigKey, type ConfigName } from './config-keys.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A value that neither JSON nor a log line shows; only who asks for it gets it. */
export type Hidden<Value> = { reveal(): Value; toJSON(): string };
export type Secret = Hidden<Uint8Array>;
export type Password = Hidden<string>;
export const hidden = <Value>(value: Value): Hidden<Value> => ({ reveal: () => value, toJSON: () => '[secret]' });

type NameOf<Kind extends ConfigKey['kind']> = {
  [Name in ConfigName]: (typeof CONFIG_KEYS)[Name]['kind'] extends Kind ? Name : never;
}[ConfigName];

export const quoted = (value: string): string => JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);

/** An address may have a password in it, where it must not be. */
const shown = (name: ConfigName, value: string): string => (name.endsWith('_URL') ? 'an address' : quoted(value));

/** Reads single keys of the catalogue; what is wrong goes into `errors`, and the default is answered. */
export type Reader = ReturnType<typeof readerOf>;

export const readerOf = (env: Environment) => {
  const errors: string[] = [];

  const textOf = (name: ConfigName): string | null => {
    const text = env[name];
    if (text === undefined) return null;
    if (text !== '') return text;
    errors.push(`${name} is empty: give it a value or leave it out`);
    return null;
  };

  const number = (name: NameOf<'port' | 'count' | 'ms'>): number => {
    const key = CONFIG_KEYS[name];
    const text = textOf(name);
    if (text === null) return key.default;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (value >= key.min && value <= key.max) return value;
    errors.push(`${name}=${quoted(text)} is not a whole number from ${key.min} to ${key.max} (${key.unit})`);
    return key.default;
  };

  const text = (name: NameOf<'text' | 'path'>): string | null => {
    const key = CONFIG_KEYS[name];
    const value = textOf(name);
    if (value === null) return key.default;
    if (!key.pattern.test(value)) errors.push(`${name}=${shown(name, value)} is not ${key.means}`);
    return value;
  };

  const choice = <Choice extends string>(name: NameOf<'choice'>, choices: readonly Choice[]): Choice | null => {
    const value = textOf(name);
    if (value === null) return null;
    const chosen = choices.find((one) => one === value);
    if (chosen === undefined) errors.push(`${name}=${quoted(value)} is not ${choices.join(', ')}`);
    return chosen ?? null;
  };

  const list = (name: NameOf<'list'>): readonly string[] => {
    const key = CONFIG_KEYS[name];
    const value = textOf(name);
    if (value === null) return [];
    const items = value.split(',').map((item) => item.trim());
    for (const item of items) {
      if (!key.pattern.test(item)) errors.push(`${name} has ${shown(name, item)}, which is not ${key.means}`);
    }
    if (new Set(items).size < items.length) errors.push(`${name} names one twice`);
    if (items.length > key.maxItems) errors.push(`${name} has ${items.length}; at most ${key.maxItems} are taken`);
    return items;
  };

  const bytesIn = (value: string, minBytes: number): Uint8Array | null => {
    const bytes = /^[A-Za-z0-9_-]+={0,2}$/.test(value) ? Buffer.from(value, 'base64url') : null;
    return bytes !== null && bytes.length >= minBytes ? bytes : null;
  };

  const secret = (name: NameOf<'secret'>): Secret | null => {
    const value = textOf(name);
    if (value === null) return null;
    const { minBytes } = CONFIG_KEYS[name];
    const bytes = bytesIn(value, minBytes);
    if (bytes !== null) return hidden<Uint8Array>(bytes);
    errors.push(`${name} is not base64url of at least ${minBytes} bytes (its value is not shown)`);
    return null;
  };

  /** `tenant@generation=pepper`, with commas between. What is wrong is told by its number, since it may be a secret. */
  const peppers = (name: NameOf<'peppers'>): Hidden<readonly TenantPepper[]> => {
    const { minBytes } = CONFIG_KEYS[name];
    const found: TenantPepper[] = [];
    for (const [i, item] of (textOf(name)?.split(',') ?? []).entries()) {
      const [, tenant, number, value] = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63})@([1-9])=(.*)$/.exec(item.trim()) ?? [];
      const generation = Number(number);
      const pepper = value === undefined ? null : bytesIn(value, minBytes);
      if (tenant === undefined || pepper === null)
        errors.push(
          `${name}: number ${i + 1} is not tenant@generation=pepper, base64url of at least ${minBytes} bytes (it is not shown)`,
        );
      else if (found.some((one) => one.tenant === tenant && one.generation === generation))
        errors.push(`${name} has two for ${tenant}@${generation}`);
      else found.push({ tenant, generation, pepper });
    }
    return hidden<readonly TenantPepper[]>(found);
  };

  const password = (name: NameOf<'password'>): Password | null => {
    const value = textOf(name);
    return value === null ? null : hidden(value);
  };

  return { errors, text, number, choice, list, secret, peppers, password };
};
