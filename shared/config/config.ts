import { fileURLToPath } from 'node:url';
import { HEARTBEAT_INTERVAL_MS } from '../../schemas/time.ts';
import { DEFAULT_PARTITIONS } from '../../schemas/topics.ts';

/**
 * The catalogue of what can be set, by environment variables and by nothing else. `docs/reference/config.md` is made
 * from it. A key whose default is `null` is made or chosen at start, as its description says.
 */
type Described = { readonly description: string };
type NumberKey = Described & {
  readonly kind: 'port' | 'count' | 'ms';
  readonly unit: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
};
type TextKey = Described & {
  readonly kind: 'text' | 'path';
  readonly default: string | null;
  readonly pattern: RegExp;
  readonly means: string;
};
type ChoiceKey = Described & {
  readonly kind: 'choice';
  readonly default: string | null;
  readonly choices: readonly string[];
};
type ListKey = Described & {
  readonly kind: 'list';
  readonly default: null;
  readonly pattern: RegExp;
  readonly means: string;
  readonly maxItems: number;
};
type SecretKey = Described & { readonly kind: 'secret'; readonly default: null; readonly minBytes: number };
export type ConfigKey = NumberKey | TextKey | ChoiceKey | ListKey | SecretKey;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const NAME_MEANS = '1 to 64 of the characters A-Z a-z 0-9 . _ -';
/** Everything but control characters: a path with a line break in it is a mistake in a deployment file. */
const PATH = /^[^\p{Cc}]{1,4096}$/u;

export const CONFIG_KEYS = {
  PORT: {
    kind: 'port',
    unit: 'TCP port',
    default: 8080,
    min: 0,
    max: 65_535,
    description: 'Where players and apps call; 0 takes any free port and says which.',
  },
  ADMIN_PORT: {
    kind: 'port',
    unit: 'TCP port',
    default: 9090,
    min: 0,
    max: 65_535,
    description: 'Where operators call: health, metrics, admin; 0 takes any free port. Keep it off the internet.',
  },
  HOST: {
    kind: 'text',
    default: '127.0.0.1',
    pattern: /^[A-Za-z0-9.:_%-]{1,255}$/,
    means: 'an address or host name',
    description: 'The address to listen on. Anything but loopback needs identity, or `AUTH=off` said explicitly.',
  },
  AUTH: {
    kind: 'choice',
    default: null,
    choices: ['off'],
    description: '`off` says that callers are trusted as they are: whoever reaches the port may act for every account.',
  },
  TENANT: {
    kind: 'text',
    default: 'default',
    pattern: NAME,
    means: NAME_MEANS,
    description: 'The tenant of calls that bring no token.',
  },
  ACCOUNT_KEY_PEPPER: {
    kind: 'secret',
    default: null,
    minBytes: 32,
    description:
      'Makes account keys out of account ids. Left out, one is made in the data folder. Another pepper is another household for everybody: a new generation of topics.',
  },
  SESSION_TOKEN_KEY: {
    kind: 'secret',
    default: null,
    minBytes: 32,
    description:
      'Signs session tokens and termination tokens. Left out, one is made in the data folder. Changing it ends the validity of all tokens.',
  },
  DATA_DIR: {
    kind: 'path',
    default: './.data',
    pattern: PATH,
    means: 'a path',
    description: 'The folder of the embedded log and store; one process at a time holds it.',
  },
  POLICY_FILE: {
    kind: 'path',
    default: 'schemas/policies/default.yaml',
    pattern: PATH,
    means: 'a path',
    description: 'The policy that is activated at the first start. Left out, the one that comes with Playbeat.',
  },
  NODE_ID: {
    kind: 'text',
    default: null,
    pattern: NAME,
    means: NAME_MEANS,
    description: 'The name of this node in ticks and logs. Left out, a random one at each start.',
  },
  METADATA_KEYS: {
    kind: 'list',
    default: null,
    pattern: /^[A-Za-z][A-Za-z0-9_]{0,31}$/,
    means: '1 to 32 letters, digits or _, a letter first',
    maxItems: 8,
    description: 'The keys of `metadata` that are kept and that policies may match; all others are dropped.',
  },
  LOG_LEVEL: {
    kind: 'choice',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    description: 'The least level that is written. No level writes a line per heartbeat.',
  },
  PARTITIONS: {
    kind: 'count',
    unit: 'partitions',
    default: DEFAULT_PARTITIONS.embedded,
    min: 1,
    max: 256,
    description: 'How many partitions keyed topics are made with. A data folder keeps the number it was made with.',
  },
  HEARTBEAT_INTERVAL_MS: {
    kind: 'ms',
    unit: 'ms',
    default: HEARTBEAT_INTERVAL_MS,
    min: 1_000,
    max: 60_000,
    description: 'How long players wait between two beats. Leases are set by the policy: keep them over three beats.',
  },
  CHECKPOINT_MS: {
    kind: 'ms',
    unit: 'ms',
    default: 2_000,
    min: 100,
    max: 60_000,
    description: 'How often changed state is written to disk. After a kill the log repairs at most this much.',
  },
  INGEST_QUEUE_MAX: {
    kind: 'count',
    unit: 'records',
    default: 20_000,
    min: 100,
    max: 1_000_000,
    description: 'How many records may wait for the log; more are refused with `OVERLOADED`.',
  },
  APPEND_TIMEOUT_MS: {
    kind: 'ms',
    unit: 'ms',
    default: 250,
    min: 10,
    max: 10_000,
    description: 'How long a call waits for the log before it is answered `LOG_UNAVAILABLE`.',
  },
  DECISION_TIMEOUT_MS: {
    kind: 'ms',
    unit: 'ms',
    default: 500,
    min: 10,
    max: 10_000,
    description: 'How long a start waits for its decision before the rule’s fail mode answers.',
  },
  DRAIN_MS: {
    kind: 'ms',
    unit: 'ms',
    default: 10_000,
    min: 0,
    max: 110_000,
    description: 'How long calls in flight may take to end after SIGTERM.',
  },
  MAX_CONNECTIONS: {
    kind: 'count',
    unit: 'connections',
    default: 20_000,
    min: 1,
    max: 1_000_000,
    description: 'How many connections are held at once on `PORT`.',
  },
} as const satisfies Record<string, ConfigKey>;

export type ConfigName = keyof typeof CONFIG_KEYS;
type NameOf<Kind extends ConfigKey['kind']> = {
  [Name in ConfigName]: (typeof CONFIG_KEYS)[Name]['kind'] extends Kind ? Name : never;
}[ConfigName];

/** Bytes that neither JSON nor a log line shows; only who asks for them gets them. */
export type Secret = { reveal(): Uint8Array; toJSON(): string };
export const secretOf = (bytes: Uint8Array): Secret => ({ reveal: () => bytes, toJSON: () => '[secret]' });

export type Config = {
  readonly port: number;
  readonly adminPort: number;
  readonly host: string;
  readonly auth: 'off' | null;
  readonly tenant: string;
  readonly accountKeyPepper: Secret | null;
  readonly sessionTokenKey: Secret | null;
  readonly dataDir: string;
  readonly policyFile: string;
  readonly nodeId: string | null;
  readonly metadataKeys: readonly string[];
  readonly logLevel: LogLevel;
  readonly partitions: number;
  readonly heartbeatIntervalMs: number;
  readonly checkpointMs: number;
  readonly ingestQueueMax: number;
  readonly appendTimeoutMs: number;
  readonly decisionTimeoutMs: number;
  readonly drainMs: number;
  readonly maxConnections: number;
};
export type LogLevel = (typeof CONFIG_KEYS)['LOG_LEVEL']['choices'][number];

export type Environment = Readonly<Record<string, string | undefined>>;
export type ConfigOutcome =
  { readonly ok: true; readonly config: Config } | { readonly ok: false; readonly errors: readonly string[] };

const NAMES = Object.keys(CONFIG_KEYS);
const SHIPPED_POLICY = fileURLToPath(new URL('../../schemas/policies/default.yaml', import.meta.url));

/**
 * All errors at once, each naming its variable. Values of secrets appear in none of them, and neither do values of
 * misspelt names, which may be secrets.
 */
export const readConfig = (env: Environment): ConfigOutcome => {
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
    if (!key.pattern.test(value)) errors.push(`${name}=${quoted(value)} is not ${key.means}`);
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
      if (!key.pattern.test(item)) errors.push(`${name} has ${quoted(item)}, which is not ${key.means}`);
    }
    if (new Set(items).size < items.length) errors.push(`${name} names a key twice`);
    if (items.length > key.maxItems) errors.push(`${name} has ${items.length} keys; at most ${key.maxItems} are kept`);
    return items;
  };

  const secret = (name: NameOf<'secret'>): Secret | null => {
    const value = textOf(name);
    if (value === null) return null;
    const { minBytes } = CONFIG_KEYS[name];
    const bytes = /^[A-Za-z0-9_-]+={0,2}$/.test(value) ? Buffer.from(value, 'base64url') : null;
    if (bytes !== null && bytes.length >= minBytes) return secretOf(bytes);
    errors.push(`${name} is not base64url of at least ${minBytes} bytes (its value is not shown)`);
    return null;
  };

  const config: Config = {
    port: number('PORT'),
    adminPort: number('ADMIN_PORT'),
    host: text('HOST') ?? CONFIG_KEYS.HOST.default,
    auth: choice('AUTH', CONFIG_KEYS.AUTH.choices),
    tenant: text('TENANT') ?? CONFIG_KEYS.TENANT.default,
    accountKeyPepper: secret('ACCOUNT_KEY_PEPPER'),
    sessionTokenKey: secret('SESSION_TOKEN_KEY'),
    dataDir: text('DATA_DIR') ?? CONFIG_KEYS.DATA_DIR.default,
    policyFile: env['POLICY_FILE'] === undefined ? SHIPPED_POLICY : (text('POLICY_FILE') ?? SHIPPED_POLICY),
    nodeId: text('NODE_ID'),
    metadataKeys: list('METADATA_KEYS'),
    logLevel: choice('LOG_LEVEL', CONFIG_KEYS.LOG_LEVEL.choices) ?? CONFIG_KEYS.LOG_LEVEL.default,
    partitions: number('PARTITIONS'),
    heartbeatIntervalMs: number('HEARTBEAT_INTERVAL_MS'),
    checkpointMs: number('CHECKPOINT_MS'),
    ingestQueueMax: number('INGEST_QUEUE_MAX'),
    appendTimeoutMs: number('APPEND_TIMEOUT_MS'),
    decisionTimeoutMs: number('DECISION_TIMEOUT_MS'),
    drainMs: number('DRAIN_MS'),
    maxConnections: number('MAX_CONNECTIONS'),
  };

  if (!isLoopback(config.host) && config.auth !== 'off') {
    errors.push(
      `HOST=${quoted(config.host)} can be reached from other machines, and nobody is asked who they are: ` +
        'listen on 127.0.0.1, or say AUTH=off',
    );
  }
  if (config.port !== 0 && config.port === config.adminPort) {
    errors.push(`PORT and ADMIN_PORT are both ${config.port}: give them different ports`);
  }
  errors.push(...misspelt(env));

  return errors.length === 0 ? { ok: true, config } : { ok: false, errors };
};

/** Names that resolve elsewhere at another time, or not at all, are not taken for loopback. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);

const quoted = (value: string): string => JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);

/**
 * The environment belongs to everybody, so an unknown name is not an error, but one that looks like ours is: a limit
 * that was meant and not set is worse than a start that fails.
 */
const misspelt = (env: Environment): readonly string[] =>
  Object.keys(env)
    .filter((name) => env[name] !== undefined && !NAMES.includes(name))
    .flatMap((name) => {
      const bare = name.replace(/^PLAYBEAT_/, '');
      const near = nearest(bare);
      if (bare !== name) {
        return [`${name} is not known: no name starts with PLAYBEAT_${near === null ? '' : `; did you mean ${near}?`}`];
      }
      return near === null ? [] : [`${name} is not known; did you mean ${near}?`];
    });

const nearest = (name: string): string | null => {
  const upper = name.toUpperCase();
  const scored = NAMES.map((known) => ({ known, edits: known === `${upper}_MS` ? 1 : distance(upper, known) }))
    // Two edits turn HOST into HOME and AUTH into PATH: short names get one.
    .filter(({ known, edits }) => edits <= (known.length <= 5 ? 1 : 2))
    .sort((a, b) => a.edits - b.edits);
  return scored[0]?.known ?? null;
};

/** Edits of one letter between two names: put in, left out, changed, or swapped with its neighbour. */
const distance = (a: string, b: string): number => {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, before[j - 2]! + 1);
      row.push(edits);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
};
