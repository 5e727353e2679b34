import { existsSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { CONFIG_KEYS } from './config-keys.ts';
import { readConfig } from './config.ts';
import type { Environment } from './config-reader.ts';

const configOf = (env: Environment) => {
  const outcome = readConfig(env);
  if (!outcome.ok) throw new Error(outcome.errors.join('; '));
  return outcome.config;
};
const errorsOf = (env: Environment) => {
  const outcome = readConfig(env);
  return outcome.ok ? [] : outcome.errors;
};
const SECRET = Buffer.alloc(32, 7).toString('base64url');

describe('readConfig', () => {
  it('starts on an empty environment, on loopback', () => {
    expect(configOf({})).toMatchObject({
      port: 8080,
      adminPort: 9090,
      host: '127.0.0.1',
      auth: null,
      tenant: 'default',
      accountKeyPepper: null,
      sessionTokenKey: null,
      dataDir: './.data',
      nodeId: null,
      metadataKeys: [],
      logLevel: 'info',
      partitions: 4,
      heartbeatIntervalMs: 10_000,
      checkpointMs: 2_000,
      ingestQueueMax: 20_000,
      appendTimeoutMs: 250,
      decisionTimeoutMs: 500,
      drainMs: 10_000,
      maxConnections: 20_000,
    });
  });

  it('finds the shipped policy from every working directory', () => {
    const { policyFile } = configOf({});
    expect(isAbsolute(policyFile)).toBe(true);
    expect(existsSync(dirname(policyFile))).toBe(true);
    expect(configOf({ POLICY_FILE: 'mine.yaml' }).policyFile).toBe('mine.yaml');
  });

  it('reads every key of the catalogue, and no other', () => {
    const asked = new Set<string>();
    const watched = new Proxy<Environment>({}, { get: (_, name) => void asked.add(String(name)) });
    readConfig(watched);
    expect([...asked].sort()).toEqual(Object.keys(CONFIG_KEYS).sort());
  });

  it('takes both bounds of every number and neither neighbour', () => {
    for (const [name, key] of Object.entries(CONFIG_KEYS)) {
      if (!('min' in key)) continue;
      const near = (value: number) => errorsOf({ [name]: String(value) });
      expect([name, near(key.min), near(key.max)]).toEqual([name, [], []]);
      expect(near(key.max + 1)).toEqual([expect.stringContaining(name)]);
      expect(near(key.min - 1)).toEqual([expect.stringContaining(name)]);
    }
  });

  it.each(['', ' 80', '8e3', '0x50', '80.5', '-1', 'http', '٨٠'])('refuses PORT=%j and names it', (value) => {
    expect(errorsOf({ PORT: value })).toEqual([expect.stringMatching(/^PORT\b/)]);
  });

  it('tells all errors at once', () => {
    const errors = errorsOf({ PORT: 'x', LOG_LEVEL: 'loud', TENANT: 'a b', METADATA_KEYS: 'plan,1st' });
    expect(errors).toHaveLength(4);
    expect(errors.join('\n')).toMatch(/PORT="x"[^]*TENANT="a b"[^]*METADATA_KEYS has "1st"[^]*LOG_LEVEL="loud"/);
  });

  it('refuses the same port twice, and takes two free ones', () => {
    expect(errorsOf({ PORT: '7000', ADMIN_PORT: '7000' })).toEqual([expect.stringMatching(/PORT and ADMIN_PORT/)]);
    expect(configOf({ PORT: '0', ADMIN_PORT: '0' })).toMatchObject({ port: 0, adminPort: 0 });
  });
});

describe('HOST and AUTH', () => {
  it.each(['0.0.0.0', '::', '10.0.0.1', 'playbeat.example', '127.0.0.1.example', '1270.0.0.1'])(
    'refuses %s unless AUTH=off is said, naming both',
    (HOST) => {
      expect(errorsOf({ HOST })).toEqual([expect.stringMatching(/HOST=.*AUTH=off/)]);
      expect(configOf({ HOST, AUTH: 'off' })).toMatchObject({ host: HOST, auth: 'off' });
    },
  );

  it.each(['127.0.0.1', '127.8.0.1', '::1', 'localhost'])('takes %s as it is', (HOST) => {
    expect(configOf({ HOST }).host).toBe(HOST);
  });

  it.each(['on', 'OFF', 'no', 'false'])('refuses AUTH=%s', (AUTH) => {
    expect(errorsOf({ AUTH })).toEqual([expect.stringMatching(/^AUTH=/)]);
  });
});

describe('keys to know callers by', () => {
  const KEYS = {
    AUTH_JWKS_URL: 'https://login.example/jwks',
    AUTH_ISSUER: 'https://login.example',
    AUTH_AUDIENCE: 'pb',
  };

  it('open any address, with the names that claims have by default', () => {
    expect(configOf({ ...KEYS, HOST: '0.0.0.0' })).toMatchObject({
      auth: null,
      identity: {
        keys: { url: KEYS.AUTH_JWKS_URL },
        issuer: KEYS.AUTH_ISSUER,
        audience: 'pb',
        claims: { account: 'account_id', profile: 'profile_id', tenant: 'tenant', plan: 'plan', scope: 'scope' },
      },
    });
    const { AUTH_JWKS_URL: _, ...rest } = KEYS;
    const env = { ...rest, AUTH_PUBLIC_KEY_FILE: '/keys.pem', AUTH_CLAIM_ACCOUNT: 'https://tv.example/household' };
    expect(configOf(env).identity).toMatchObject({
      keys: { file: '/keys.pem' },
      claims: { account: 'https://tv.example/household' },
    });
  });

  it.each([
    [{ ...KEYS, AUTH_PUBLIC_KEY_FILE: '/keys.pem' }, /are both given: choose one/],
    [{ ...KEYS, AUTH: 'off' }, /^AUTH=off says that nobody is asked.*leave one out/],
    [{ ...KEYS, AUTH_ISSUER: undefined }, /^AUTH_ISSUER must be given/],
    [{ AUTH_JWKS_URL: KEYS.AUTH_JWKS_URL }, /^AUTH_ISSUER and AUTH_AUDIENCE must be given/],
    [{ AUTH_ISSUER: 'a', AUTH_AUDIENCE: 'b' }, /need AUTH_JWKS_URL or AUTH_PUBLIC_KEY_FILE/],
    [{ ...KEYS, AUTH_JWKS_URL: 'https://user:secret@login.example/' }, /^AUTH_JWKS_URL/],
    [{ ...KEYS, AUTH_JWKS_URL: 'file:///etc/passwd' }, /^AUTH_JWKS_URL/],
    [{ ...KEYS, AUTH_CLAIM_SCOPE: 'two words' }, /^AUTH_CLAIM_SCOPE/],
  ])('as %j are refused', (env, message) => {
    expect(errorsOf(env)).toEqual(expect.arrayContaining([expect.stringMatching(message)]));
  });
});

describe('METADATA_KEYS', () => {
  it('takes 8 keys, not 9, and none twice', () => {
    const keys = Array.from('abcdefgh');
    expect(configOf({ METADATA_KEYS: keys.join(', ') }).metadataKeys).toEqual(keys);
    expect(errorsOf({ METADATA_KEYS: [...keys, 'i'].join(',') })).toEqual([expect.stringMatching(/9; at most 8/)]);
    expect(errorsOf({ METADATA_KEYS: 'plan,plan' })).toEqual([expect.stringMatching(/twice/)]);
  });
});

describe('peppers of tenants', () => {
  const peppersOf = (text: string) => configOf({ ACCOUNT_KEY_PEPPERS: text }).accountKeyPeppers;

  it('are read, each with its tenant and the generation from which it holds, and shown by nothing', () => {
    const peppers = peppersOf(`acme@2=${SECRET}, acme@3=${SECRET},globex@1=${SECRET}=`);
    expect(peppers.reveal().map(({ tenant, generation }) => [tenant, generation])).toEqual([
      ['acme', 2],
      ['acme', 3],
      ['globex', 1],
    ]);
    expect(peppers.reveal().every(({ pepper }) => Buffer.compare(pepper, Buffer.alloc(32, 7)) === 0)).toBe(true);
    expect(`${JSON.stringify({ peppers })} ${inspect({ peppers }, { depth: 9 })}`).not.toContain(SECRET.slice(0, 10));
    expect(configOf({}).accountKeyPeppers.reveal()).toEqual([]);
  });

  it('that are wrong are told by their number alone', () => {
    const wrong = [
      SECRET,
      `acme=${SECRET}`,
      `acme@0=${SECRET}`,
      `acme@10=${SECRET}`,
      'acme@2=short',
      `a b@2=${SECRET}`,
    ];
    for (const text of wrong) {
      const errors = errorsOf({ ACCOUNT_KEY_PEPPERS: `globex@1=${SECRET},${text}` });
      expect(errors).toEqual([expect.stringMatching(/^ACCOUNT_KEY_PEPPERS: number 2 is not tenant@generation=pepper/)]);
      expect(errors.join()).not.toContain(SECRET.slice(0, 10));
    }
    expect(errorsOf({ ACCOUNT_KEY_PEPPERS: `acme@2=${SECRET},acme@2=${SECRET}` })).toEqual([
      'ACCOUNT_KEY_PEPPERS has two for acme@2',
    ]);
  });
});

describe('secrets', () => {
  it('reveals 32 bytes to who asks, and nothing to JSON or inspect', () => {
    const config = configOf({ ACCOUNT_KEY_PEPPER: SECRET });
    expect(config.accountKeyPepper?.reveal()).toEqual(Buffer.alloc(32, 7));
    expect(JSON.stringify(config)).not.toContain(SECRET);
    expect(inspect(config, { depth: 9 })).not.toMatch(/Buffer|Uint8Array/);
  });

  it.each([SECRET.slice(0, 20), `${SECRET}!`, 'correct horse battery staple, and thirty-two bytes'])(
    'refuses %j without showing it',
    (value) => {
      for (const name of ['ACCOUNT_KEY_PEPPER', 'SESSION_TOKEN_KEY', 'SESSION_TOKEN_KEY_BEFORE']) {
        const errors = errorsOf({ [name]: value });
        expect(errors).toEqual([expect.stringContaining(name)]);
        expect(errors.join()).not.toContain(value.slice(0, 12));
      }
    },
  );

  it('does not show the value of a misspelt name', () => {
    expect(errorsOf({ ACCOUNT_KEY_PEPER: SECRET }).join()).not.toContain(SECRET);
  });
});

describe('names that look like ours', () => {
  it.each([
    ['HEARTBEAT_INTERVALL_MS', 'HEARTBEAT_INTERVAL_MS'],
    ['HEARTBEAT_INTERVAL', 'HEARTBEAT_INTERVAL_MS'],
    ['METADATA_KEY', 'METADATA_KEYS'],
    ['ADMINPORT', 'ADMIN_PORT'],
    ['PROT', 'PORT'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['data_dir', 'DATA_DIR'],
    ['PLAYBEAT_PORT', 'PORT'],
    ['PLAYBEAT_DATADIR', 'DATA_DIR'],
  ])('refuses %s and asks for %s', (name, meant) => {
    expect(errorsOf({ [name]: '1' })).toEqual([
      expect.stringMatching(new RegExp(`^${name} .*did you mean ${meant}\\?`)),
    ]);
  });

  it('refuses every other PLAYBEAT_ name', () => {
    expect(errorsOf({ PLAYBEAT_COLOUR: 'blue' })).toEqual([expect.stringMatching(/^PLAYBEAT_COLOUR is not known/)]);
  });

  it('leaves alone what every shell, npm, CI and container brings', () => {
    const common =
      'PATH HOME HOSTNAME USER LOGNAME SHELL SHLVL PWD OLDPWD TERM LANG LC_ALL TZ MAIL EDITOR PAGER DISPLAY TMPDIR TMP TEMP ' +
      'SSH_AUTH_SOCK XDG_DATA_DIRS XDG_CONFIG_HOME NODE NODE_ENV NODE_OPTIONS NODE_PATH NODE_VERSION INIT_CWD COLOR ' +
      'COLORTERM FORCE_COLOR NO_COLOR CI DEBUG VERBOSE DEBIAN_FRONTEND KUBERNETES_PORT KUBERNETES_SERVICE_HOST ' +
      'AWS_REGION ECS_AGENT_URI HTTP_PROXY HTTPS_PROXY NO_PROXY PS1 LS_COLORS GIT_DIR JEST_WORKER_ID npm_config_cache';
    expect(errorsOf(Object.fromEntries(common.split(' ').map((name) => [name, '1'])))).toEqual([]);
  });
});

describe('a cluster', () => {
  const CLUSTER = {
    KAFKA_BROKERS: 'kafka-1:9092,kafka-2:9092',
    REDIS_URL: 'redis://redis:6379',
    ACCOUNT_KEY_PEPPER: SECRET,
    SESSION_TOKEN_KEY: SECRET,
  };

  it('is what Kafka and Redis together make, with 64 partitions', () => {
    expect(configOf({}).cluster).toBeNull();
    expect(configOf(CLUSTER)).toMatchObject({
      partitions: 64,
      cluster: {
        kafka: {
          brokers: ['kafka-1:9092', 'kafka-2:9092'],
          tls: false,
          sasl: null,
          replicas: 3,
          createTopics: true,
          sessionTimeoutMs: 3_000,
          prefix: '',
        },
        redis: { urls: ['redis://redis:6379'], cluster: false, prefix: 'playbeat' },
        dynamo: null,
      },
    });
    expect(configOf({ ...CLUSTER, PARTITIONS: '8' }).partitions).toBe(8);
  });

  it('has durable tables where a region or an address of DynamoDB is given', () => {
    const dynamoOf = (more: Environment) => configOf({ ...CLUSTER, ...more }).cluster?.dynamo;
    const all = { prefix: 'playbeat', createTables: true };
    expect(dynamoOf({ DYNAMODB_REGION: 'eu-west-1' })).toEqual({ ...all, region: 'eu-west-1', endpoint: null });
    const local = { DYNAMODB_ENDPOINT: 'http://127.0.0.1:8000', DYNAMODB_PREFIX: 'p2', DYNAMODB_CREATE_TABLES: 'off' };
    expect(dynamoOf(local)).toEqual({
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:8000',
      prefix: 'p2',
      createTables: false,
    });
    expect(errorsOf({ ...CLUSTER, DYNAMODB_ENDPOINT: 'http://user:pass@host' })).toHaveLength(1);
  });

  it('needs both, and the secrets that its processes share', () => {
    const without = (name: keyof typeof CLUSTER) => errorsOf({ ...CLUSTER, [name]: undefined });
    expect(without('REDIS_URL')).toEqual([expect.stringMatching(/KAFKA_BROKERS is given and REDIS_URL is not/)]);
    expect(without('KAFKA_BROKERS')).toEqual([expect.stringMatching(/REDIS_URL is given and KAFKA_BROKERS is not/)]);
    expect(without('ACCOUNT_KEY_PEPPER')).toEqual([expect.stringMatching(/^ACCOUNT_KEY_PEPPER is needed/)]);
    expect(without('SESSION_TOKEN_KEY')).toEqual([expect.stringMatching(/^SESSION_TOKEN_KEY is needed/)]);
  });

  it('is of the first generation, or of the one that it was moved into', () => {
    expect(configOf(CLUSTER).logGeneration).toBe(1);
    expect(configOf({ ...CLUSTER, LOG_GENERATION: '2' }).logGeneration).toBe(2);
  });

  it('is found through several Redis addresses, or through one where that is said', () => {
    const redisOf = (more: Environment) => configOf({ ...CLUSTER, ...more }).cluster?.redis.cluster;
    expect(redisOf({ REDIS_URL: 'redis://a:1,redis://b:2' })).toBe(true);
    expect(redisOf({ REDIS_MODE: 'cluster' })).toBe(true);
    expect(errorsOf({ ...CLUSTER, REDIS_URL: 'redis://a:1,redis://b:2', REDIS_MODE: 'single' })).toHaveLength(1);
  });

  it('asks for what a way of saying who it is needs', () => {
    const saslOf = (more: Environment) => configOf({ ...CLUSTER, ...more }).cluster?.kafka.sasl;
    const who = { KAFKA_USERNAME: 'playbeat', KAFKA_PASSWORD: 'hush' };
    expect(saslOf({ ...who, KAFKA_SASL: 'scram-sha-512' })).toMatchObject({ username: 'playbeat' });
    const token = { ...who, KAFKA_SASL: 'oauthbearer', KAFKA_TOKEN_URL: 'https://id.example/token' };
    expect(saslOf({ ...token, KAFKA_TLS: 'on' })).toMatchObject({
      clientId: 'playbeat',
      tokenUrl: 'https://id.example/token',
    });
    expect(errorsOf({ ...CLUSTER, KAFKA_SASL: 'plain' })).toEqual([expect.stringMatching(/KAFKA_USERNAME/)]);
    expect(errorsOf({ ...CLUSTER, ...who, KAFKA_SASL: 'oauthbearer' })).toEqual([
      expect.stringMatching(/KAFKA_TOKEN_URL/),
    ]);
    const role = { KAFKA_SASL: 'aws-msk-iam', KAFKA_REGION: 'eu-west-1' };
    expect(saslOf({ ...role, KAFKA_TLS: 'on' })).toEqual({ mechanism: 'aws-msk-iam', region: 'eu-west-1' });
    expect(errorsOf({ ...CLUSTER, KAFKA_SASL: 'aws-msk-iam' })).toEqual([expect.stringMatching(/KAFKA_REGION/)]);
    // What is sent is the secret itself.
    for (const open of [{ ...who, KAFKA_SASL: 'plain' }, token, role])
      expect(errorsOf({ ...CLUSTER, ...open })).toEqual([expect.stringMatching(/KAFKA_TLS=on/)]);
  });

  it('shows no password: not of a key, not of an address that has one where it must not', () => {
    const { cluster } = configOf({ ...CLUSTER, REDIS_PASSWORD: 'hush' });
    expect(JSON.stringify(cluster) + inspect(cluster, { depth: 9 })).not.toContain('hush');
    const errors = errorsOf({ ...CLUSTER, REDIS_URL: 'redis://:hush@redis:6379' });
    expect(errors).toEqual([expect.stringMatching(/^REDIS_URL has an address, which is not/)]);
    expect(errors.join()).not.toContain('hush');
  });
});
