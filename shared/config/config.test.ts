import { existsSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { CONFIG_KEYS, readConfig, type Environment } from './config.ts';

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

  it('has a field for every key of the catalogue', () => {
    const fields = Object.keys(CONFIG_KEYS).map((name) =>
      name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    );
    expect(Object.keys(configOf({})).sort()).toEqual(fields.sort());
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

describe('METADATA_KEYS', () => {
  it('takes 8 keys, not 9, and none twice', () => {
    const keys = Array.from('abcdefgh');
    expect(configOf({ METADATA_KEYS: keys.join(', ') }).metadataKeys).toEqual(keys);
    expect(errorsOf({ METADATA_KEYS: [...keys, 'i'].join(',') })).toEqual([expect.stringMatching(/9 keys; at most 8/)]);
    expect(errorsOf({ METADATA_KEYS: 'plan,plan' })).toEqual([expect.stringMatching(/twice/)]);
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
      for (const name of ['ACCOUNT_KEY_PEPPER', 'SESSION_TOKEN_KEY']) {
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
