import { HEARTBEAT_INTERVAL_MS } from '../../schemas/time.ts';
import { DEFAULT_PARTITIONS } from '../../schemas/topics.ts';
import { MAX_GENERATION } from '../log/position.ts';

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
/** Each with the tenant that it is of, and the generation of the log from which it holds. */
type PeppersKey = Described & { readonly kind: 'peppers'; readonly default: null; readonly minBytes: number };
/** Given by another system as it is. Its value is shown nowhere. */
type PasswordKey = Described & { readonly kind: 'password'; readonly default: null };
export type ConfigKey = NumberKey | TextKey | ChoiceKey | ListKey | SecretKey | PeppersKey | PasswordKey;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const NAME_MEANS = '1 to 64 of the characters A-Z a-z 0-9 . _ -';
const REGION = /^[a-z0-9-]{1,32}$/;
const REGION_MEANS = 'the name of a region';
const NAMESPACE = /^(?!AWS\/)[A-Za-z0-9._/#:-]{1,255}$/;
/** No user name and no password in it: those have keys of their own, whose values are never shown. */
const URL_WITHOUT_CREDENTIALS = '[A-Za-z0-9.:_\\[\\]-]{1,255}(/[^@\\s]{0,500})?$';
/** Everything but control characters: a path with a line break in it is a mistake in a deployment file. */
const PATH = /^[^\p{Cc}]{1,4096}$/u;

const claimKey = <T extends string>(name: T, says: string) =>
  ({
    kind: 'text',
    default: name,
    pattern: /^[^\p{Cc}\s]{1,128}$/u,
    means: '1 to 128 characters without spaces',
    description: `The claim of a token that says ${says}.`,
  }) as const;

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
    description:
      'The address to listen on. Anything but loopback needs `AUTH_JWKS_URL` or `AUTH_PUBLIC_KEY_FILE`, or `AUTH=off` said explicitly.',
  },
  AUTH: {
    kind: 'choice',
    default: null,
    choices: ['off'],
    description: '`off` says that callers are trusted as they are: whoever reaches the port may act for every account.',
  },
  AUTH_JWKS_URL: {
    kind: 'text',
    default: null,
    pattern: new RegExp(`^https?://${URL_WITHOUT_CREDENTIALS}`),
    means: 'an http or https address without user name and password',
    description:
      'Where the public keys are that tokens (JWT) are verified with, as a JSON Web Key Set. It or the next, and every call needs a token.',
  },
  AUTH_PUBLIC_KEY_FILE: {
    kind: 'path',
    default: null,
    pattern: PATH,
    means: 'a path',
    description: 'The same keys in a file: PEM, one or several, or a JSON Web Key Set.',
  },
  AUTH_ISSUER: {
    kind: 'text',
    default: null,
    pattern: /^[^\p{Cc}]{1,512}$/u,
    means: '1 to 512 characters',
    description: 'The `iss` that a token must have.',
  },
  AUTH_AUDIENCE: {
    kind: 'text',
    default: null,
    pattern: /^[^\p{Cc}]{1,512}$/u,
    means: '1 to 512 characters',
    description: 'The `aud` that a token must have, alone or among others.',
  },
  AUTH_CLAIM_ACCOUNT: claimKey('account_id', 'the account, whose data its bearer may touch'),
  AUTH_CLAIM_PROFILE: claimKey('profile_id', 'who watches'),
  AUTH_CLAIM_TENANT: claimKey('tenant', 'the tenant; left out of a token it is `TENANT`'),
  AUTH_CLAIM_PLAN: claimKey('plan', 'the plan: its name, or an object with `name` and what policies take limits from'),
  AUTH_CLAIM_SCOPE: claimKey('scope', 'what its bearer is, `playbeat:player` and so on, with spaces between'),
  CORS_ORIGINS: {
    kind: 'list',
    default: null,
    pattern: /^(\*|null|[a-z][a-z0-9+.-]{0,31}:\/\/[A-Za-z0-9.:_[\]-]{0,255})$/,
    means: 'an origin, as in `https://tv.example`, or `null`, or `*`',
    maxItems: 64,
    description:
      'The origins whose web pages may call; `*` for any, `null` for packaged television apps that say so. Left out, pages of the same machine.',
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
      'Makes account keys out of account ids, for every tenant that has no pepper of its own. Left out, one is made in the data folder. It never changes: give each tenant one of its own in the next generation of the log.',
  },
  ACCOUNT_KEY_PEPPERS: {
    kind: 'peppers',
    default: null,
    minBytes: 32,
    description:
      'Peppers of single tenants, each from a generation of the log on: `acme@2=…,globex@3=…`. What is ahead of `LOG_GENERATION` does nothing yet; `npm run pepper` moves the accounts there.',
  },
  LOG_GENERATION: {
    kind: 'count',
    unit: 'generations',
    default: 1,
    min: 1,
    max: MAX_GENERATION,
    description:
      'Which generation of the log this is. It is one more after each `npm run pepper`, for all processes at once; a log of another one is refused.',
  },
  SESSION_TOKEN_KEY: {
    kind: 'secret',
    default: null,
    minBytes: 32,
    description:
      'Signs session tokens, termination tokens and cursors. Left out, one is made in the data folder. To change it, give the old one as `SESSION_TOKEN_KEY_BEFORE`.',
  },
  SESSION_TOKEN_KEY_BEFORE: {
    kind: 'secret',
    default: null,
    minBytes: 32,
    description:
      'The key before: tokens that it signed are still taken. Leave it out 12 hours after the change, when none of them is good any more.',
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
  LIVE_PAGE: {
    kind: 'choice',
    default: null,
    choices: ['on', 'off'],
    description:
      'Whether `/` is a page that shows what happens now. Left out, it is where one process has all roles. Where callers are asked who they are, it asks for a service’s token.',
  },
  PARTITIONS: {
    kind: 'count',
    unit: 'partitions',
    default: DEFAULT_PARTITIONS.embedded,
    min: 1,
    max: 256,
    description:
      'How many partitions keyed topics are made with, 64 on Kafka when left out. What was made keeps its number.',
  },
  HEARTBEAT_INTERVAL_MS: {
    kind: 'ms',
    unit: 'ms',
    default: HEARTBEAT_INTERVAL_MS,
    min: 1_000,
    max: 60_000,
    description: 'How long players wait between two beats. Leases are set by the policy: keep them over three beats.',
  },
  TRENDING_MIN_AUDIENCE: {
    kind: 'count',
    unit: 'accounts',
    default: 10,
    min: 1,
    max: 1_000_000,
    description: 'A content that fewer watch is in no list of trending.',
  },
  DECISION_LEDGER_DAYS: {
    kind: 'count',
    unit: 'days',
    default: 90,
    min: 1,
    max: 400,
    description:
      'How long decisions are kept, for support and for reports. What is kept already goes when it was to go then.',
  },
  CHECKPOINT_MS: {
    kind: 'ms',
    unit: 'ms',
    default: 2_000,
    min: 100,
    max: 60_000,
    description: 'How often changed state is written to disk. After a kill the log repairs at most this much.',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    kind: 'text',
    default: null,
    pattern: new RegExp(`^https?://${URL_WITHOUT_CREDENTIALS}`),
    means: 'an http or https address',
    description:
      'Where spans of watched calls are sent, as OTLP over HTTP; `/v1/traces` is put behind it. Left out, none are made.',
  },
  TRACE_ONE_IN: {
    kind: 'count',
    unit: 'calls',
    default: 0,
    min: 0,
    max: 1_000_000_000,
    description: 'Of the calls without a `traceparent`, one in so many starts a trace; 0: none does.',
  },
  CLOUDWATCH_NAMESPACE: {
    kind: 'text',
    default: null,
    pattern: NAMESPACE,
    means: '1 to 255 of the characters A-Z a-z 0-9 . _ / # : -',
    description:
      'Writes metrics into the log, once a minute, as lines of which CloudWatch makes metrics under this namespace. Left out, none.',
  },
  INGEST_QUEUE_MAX: {
    kind: 'count',
    unit: 'records',
    default: 20_000,
    min: 100,
    max: 1_000_000,
    description: 'How many records may wait for the log; more are refused with `OVERLOADED`.',
  },
  STARTS_WAITING_MAX: {
    kind: 'count',
    unit: 'starts',
    default: 128,
    min: 1,
    max: 100_000,
    description: 'How many starts may wait for their decision; more are refused with `OVERLOADED`, and beats go on.',
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
  TRUSTED_PROXIES: {
    kind: 'count',
    unit: 'proxies',
    default: 0,
    min: 0,
    max: 16,
    description:
      'How many proxies of yours a call comes through, each adding to `X-Forwarded-For`. With too few the caller is a proxy, with too many the caller may say where it is.',
  },
  RATE_SESSION_PER_MINUTE: {
    kind: 'count',
    unit: 'calls a minute',
    default: 200,
    min: 12,
    max: 1_000_000,
    description:
      'Calls that one session may make with its session token, a quarter of them at once; a batch counts as one for every five beats. A player needs 6. Over it `429`.',
  },
  RATE_ACCOUNT_PER_MINUTE: {
    kind: 'count',
    unit: 'calls a minute',
    default: 1_200,
    min: 12,
    max: 1_000_000,
    description: 'The same for all calls of one account, by whatever token. Calls of services are not counted.',
  },
  RATE_ADDRESS_PER_MINUTE: {
    kind: 'count',
    unit: 'calls a minute',
    default: 600,
    min: 12,
    max: 1_000_000,
    description: 'The same for calls of one address that bring no good token. Those that bring one are not counted.',
  },
  RATE_NODE_PER_MINUTE: {
    kind: 'count',
    unit: 'calls a minute',
    default: 0,
    min: 0,
    max: 100_000_000,
    description:
      'The same for all calls that come to one process; 0: as many as come. One beat per session and 5 s passes all the same.',
  },
  MAX_CONNECTIONS: {
    kind: 'count',
    unit: 'connections',
    default: 20_000,
    min: 1,
    max: 1_000_000,
    description: 'How many connections are held at once on `PORT`.',
  },
  KAFKA_BROKERS: {
    kind: 'list',
    default: null,
    pattern: /^[A-Za-z0-9._-]{1,253}:\d{1,5}$/,
    means: 'a host and a port, as in `kafka-1:9092`',
    maxItems: 32,
    description:
      'The Kafka through which the others are found. Given, the log is Kafka and the state is in Redis; left out, both are embedded.',
  },
  KAFKA_TLS: {
    kind: 'choice',
    default: 'off',
    choices: ['off', 'on'],
    description: 'Whether connections to Kafka are encrypted.',
  },
  KAFKA_CA_FILE: {
    kind: 'path',
    default: null,
    pattern: PATH,
    means: 'a path',
    description: 'The certificates that Kafka’s is checked with (PEM). Left out, those that Node knows.',
  },
  KAFKA_SASL: {
    kind: 'choice',
    default: null,
    choices: ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer', 'aws-msk-iam'],
    description:
      'How Playbeat says who it is. Left out, it does not. With `aws-msk-iam` as the role of its task, or as the AWS tools find it.',
  },
  KAFKA_USERNAME: {
    kind: 'text',
    default: null,
    pattern: /^[^\p{Cc}]{1,256}$/u,
    means: '1 to 256 characters',
    description: 'The name for `KAFKA_SASL`; with `oauthbearer` the client id.',
  },
  KAFKA_PASSWORD: {
    kind: 'password',
    default: null,
    description: 'The password for `KAFKA_SASL`; with `oauthbearer` the client secret.',
  },
  KAFKA_TOKEN_URL: {
    kind: 'text',
    default: null,
    pattern: new RegExp(`^https?://${URL_WITHOUT_CREDENTIALS}`),
    means: 'an http or https address',
    description: 'Where `oauthbearer` gets its tokens (RFC 6749, client credentials).',
  },
  KAFKA_REGION: {
    kind: 'text',
    default: null,
    pattern: REGION,
    means: REGION_MEANS,
    description: 'Where the cluster of Amazon MSK is, with `aws-msk-iam`.',
  },
  KAFKA_PREFIX: {
    kind: 'text',
    default: null,
    pattern: NAME,
    means: NAME_MEANS,
    description: 'Stands before the names of topics and groups, where several installations share a Kafka.',
  },
  KAFKA_REPLICAS: {
    kind: 'count',
    unit: 'brokers',
    default: 3,
    min: 1,
    max: 7,
    description: 'How many brokers hold each record, where there are so many.',
  },
  KAFKA_CREATE_TOPICS: {
    kind: 'choice',
    default: 'on',
    choices: ['on', 'off'],
    description: 'Whether topics that are missing are made. They are checked in any case.',
  },
  KAFKA_SESSION_TIMEOUT_MS: {
    kind: 'ms',
    unit: 'ms',
    default: 3_000,
    min: 500,
    max: 60_000,
    description:
      'How long the partitions of a dead owner wait for another one. 6 s where the broker’s `group.min.session.timeout.ms` allows no less.',
  },
  SCHEMA_REGISTRY_URL: {
    kind: 'text',
    default: null,
    pattern: new RegExp(`^https?://${URL_WITHOUT_CREDENTIALS}`),
    means: 'an http or https address without user name and password',
    description:
      'A schema registry with the interface of Confluent’s, for readers that are not Playbeat. Playbeat itself waits for none.',
  },
  SCHEMA_REGISTRY_USERNAME: {
    kind: 'text',
    default: null,
    pattern: /^[^\p{Cc}]{1,256}$/u,
    means: '1 to 256 characters',
    description: 'The user of the registry. Left out, it is asked without one.',
  },
  SCHEMA_REGISTRY_PASSWORD: { kind: 'password', default: null, description: 'The password of that user.' },
  REDIS_URL: {
    kind: 'list',
    default: null,
    pattern: new RegExp(`^rediss?://${URL_WITHOUT_CREDENTIALS}`),
    means: 'a redis:// or rediss:// (TLS) address without user name and password',
    maxItems: 32,
    description: 'Where the state lies, with `KAFKA_BROKERS`. Several addresses are nodes of one cluster.',
  },
  REDIS_MODE: {
    kind: 'choice',
    default: null,
    choices: ['single', 'cluster'],
    description: 'Says `cluster` where a cluster is found through one address. Left out, several addresses mean one.',
  },
  REDIS_USERNAME: {
    kind: 'text',
    default: null,
    pattern: /^[^\p{Cc}]{1,256}$/u,
    means: '1 to 256 characters',
    description: 'The user of Redis. Left out, the default one.',
  },
  REDIS_PASSWORD: { kind: 'password', default: null, description: 'The password of that user.' },
  REDIS_CA_FILE: {
    kind: 'path',
    default: null,
    pattern: PATH,
    means: 'a path',
    description: 'The certificates that those of Redis are checked with (PEM). Left out, those that Node knows.',
  },
  REDIS_PREFIX: {
    kind: 'text',
    default: 'playbeat',
    pattern: NAME,
    means: NAME_MEANS,
    description: 'Stands before all keys, where several installations share a Redis.',
  },
  DYNAMODB_REGION: {
    kind: 'text',
    default: null,
    pattern: REGION,
    means: REGION_MEANS,
    description:
      'Where the durable tables of a cluster lie. Credentials are found as the AWS tools find them, a task’s role among them.',
  },
  DYNAMODB_ENDPOINT: {
    kind: 'text',
    default: null,
    pattern: new RegExp(`^https?://${URL_WITHOUT_CREDENTIALS}`),
    means: 'an http or https address',
    description: 'Another address than the region’s own, such as that of DynamoDB Local, which wants no credentials.',
  },
  DYNAMODB_PREFIX: {
    kind: 'text',
    default: 'playbeat',
    pattern: NAME,
    means: NAME_MEANS,
    description: 'Stands before the names of tables, where several installations share an account.',
  },
  DYNAMODB_CREATE_TABLES: {
    kind: 'choice',
    default: 'on',
    choices: ['on', 'off'],
    description: 'Whether tables that are missing are made. They are checked in any case.',
  },
} as const satisfies Record<string, ConfigKey>;

export type ConfigName = keyof typeof CONFIG_KEYS;
