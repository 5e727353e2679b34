import { fileURLToPath } from 'node:url';
import { DAY_MS } from '../../schemas/time.ts';
import { DEFAULT_PARTITIONS } from '../../schemas/topics.ts';
import { type ClusterConfig, readClusterConfig, readRegistryConfig, type RegistryConfig } from './cluster-config.ts';
import { CONFIG_KEYS } from './config-keys.ts';
import { type IdentityConfig, readIdentityConfig } from './identity-config.ts';
import { type Environment, type Hidden, quoted, readerOf, type Secret } from './config-reader.ts';
import { misspelt } from './misspelt.ts';
import type { Rates } from '../http/limits.ts';
import type { TenantPepper } from '../identity/account-keys.ts';

export type Config = {
  readonly port: number;
  readonly adminPort: number;
  readonly host: string;
  readonly auth: 'off' | null;
  /** Null: nobody is asked who they are. */
  readonly identity: IdentityConfig | null;
  readonly corsOrigins: readonly string[];
  readonly tenant: string;
  readonly accountKeyPepper: Secret | null;
  readonly accountKeyPeppers: Hidden<readonly TenantPepper[]>;
  readonly logGeneration: number;
  readonly sessionTokenKey: Secret | null;
  readonly sessionTokenKeyBefore: Secret | null;
  readonly dataDir: string;
  readonly policyFile: string;
  readonly nodeId: string | null;
  readonly metadataKeys: readonly string[];
  readonly logLevel: LogLevel;
  /** Null: where one process has all roles. */
  readonly livePage: 'on' | 'off' | null;
  readonly partitions: number;
  readonly heartbeatIntervalMs: number;
  readonly trendingMinAudience: number;
  readonly ledgerMs: number;
  readonly checkpointMs: number;
  readonly ingestQueueMax: number;
  readonly startsWaitingMax: number;
  readonly appendTimeoutMs: number;
  readonly decisionTimeoutMs: number;
  readonly drainMs: number;
  readonly trustedProxies: number;
  readonly rates: Rates;
  readonly maxConnections: number;
  /** Null: all of it in this process, on embedded parts. */
  readonly cluster: ClusterConfig | null;
  readonly registry: RegistryConfig | null;
  readonly tracing: TracingConfig;
  /** Null: no lines for CloudWatch. */
  readonly cloudwatch: string | null;
};
export type TracingConfig = {
  /** Null: no spans are made. */
  readonly endpoint: string | null;
  /** 0: no call without a trace context starts one. */
  readonly sampleOneIn: number;
};
export type LogLevel = (typeof CONFIG_KEYS)['LOG_LEVEL']['choices'][number];

export type ConfigOutcome =
  { readonly ok: true; readonly config: Config } | { readonly ok: false; readonly errors: readonly string[] };

const SHIPPED_POLICY = fileURLToPath(new URL('../../schemas/policies/default.yaml', import.meta.url));

/**
 * All errors at once, each naming its variable. Values of secrets appear in none of them, and neither do values of
 * misspelt names, which may be secrets.
 */
export const readConfig = (env: Environment): ConfigOutcome => {
  const reader = readerOf(env);
  const { errors, text, number, choice, list, secret, peppers } = reader;
  const cluster = readClusterConfig(reader);

  const config: Config = {
    port: number('PORT'),
    adminPort: number('ADMIN_PORT'),
    host: text('HOST') ?? CONFIG_KEYS.HOST.default,
    auth: choice('AUTH', CONFIG_KEYS.AUTH.choices),
    identity: readIdentityConfig(reader),
    corsOrigins: list('CORS_ORIGINS'),
    tenant: text('TENANT') ?? CONFIG_KEYS.TENANT.default,
    accountKeyPepper: secret('ACCOUNT_KEY_PEPPER'),
    accountKeyPeppers: peppers('ACCOUNT_KEY_PEPPERS'),
    logGeneration: number('LOG_GENERATION'),
    sessionTokenKey: secret('SESSION_TOKEN_KEY'),
    sessionTokenKeyBefore: secret('SESSION_TOKEN_KEY_BEFORE'),
    dataDir: text('DATA_DIR') ?? CONFIG_KEYS.DATA_DIR.default,
    policyFile: env['POLICY_FILE'] === undefined ? SHIPPED_POLICY : (text('POLICY_FILE') ?? SHIPPED_POLICY),
    nodeId: text('NODE_ID'),
    metadataKeys: list('METADATA_KEYS'),
    logLevel: choice('LOG_LEVEL', CONFIG_KEYS.LOG_LEVEL.choices) ?? CONFIG_KEYS.LOG_LEVEL.default,
    livePage: choice('LIVE_PAGE', CONFIG_KEYS.LIVE_PAGE.choices),
    partitions: cluster !== null && env['PARTITIONS'] === undefined ? DEFAULT_PARTITIONS.cluster : number('PARTITIONS'),
    heartbeatIntervalMs: number('HEARTBEAT_INTERVAL_MS'),
    trendingMinAudience: number('TRENDING_MIN_AUDIENCE'),
    ledgerMs: number('DECISION_LEDGER_DAYS') * DAY_MS,
    checkpointMs: number('CHECKPOINT_MS'),
    ingestQueueMax: number('INGEST_QUEUE_MAX'),
    startsWaitingMax: number('STARTS_WAITING_MAX'),
    appendTimeoutMs: number('APPEND_TIMEOUT_MS'),
    decisionTimeoutMs: number('DECISION_TIMEOUT_MS'),
    drainMs: number('DRAIN_MS'),
    trustedProxies: number('TRUSTED_PROXIES'),
    rates: {
      session: number('RATE_SESSION_PER_MINUTE'),
      account: number('RATE_ACCOUNT_PER_MINUTE'),
      address: number('RATE_ADDRESS_PER_MINUTE'),
      node: number('RATE_NODE_PER_MINUTE'),
    },
    maxConnections: number('MAX_CONNECTIONS'),
    cluster,
    registry: readRegistryConfig(reader),
    tracing: { endpoint: text('OTEL_EXPORTER_OTLP_ENDPOINT'), sampleOneIn: number('TRACE_ONE_IN') },
    cloudwatch: text('CLOUDWATCH_NAMESPACE'),
  };

  if (!isLoopback(config.host) && config.auth !== 'off' && config.identity === null) {
    errors.push(
      `HOST=${quoted(config.host)} can be reached from other machines, and nobody is asked who they are: ` +
        'listen on 127.0.0.1, give AUTH_JWKS_URL or AUTH_PUBLIC_KEY_FILE, or say AUTH=off',
    );
  }
  if (config.port !== 0 && config.port === config.adminPort) {
    errors.push(`PORT and ADMIN_PORT are both ${config.port}: give them different ports`);
  }
  if (cluster !== null) {
    for (const name of ['ACCOUNT_KEY_PEPPER', 'SESSION_TOKEN_KEY'] as const)
      if (env[name] === undefined) errors.push(`${name} is needed with KAFKA_BROKERS: all processes have the same one`);
  }
  errors.push(...misspelt(env));

  return errors.length === 0 ? { ok: true, config } : { ok: false, errors };
};

/** Names that resolve elsewhere at another time, or not at all, are not taken for loopback. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
