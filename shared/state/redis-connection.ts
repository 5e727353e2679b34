import { Cluster, Redis } from 'ioredis';
import type { ConnectionOptions } from 'node:tls';
import type { Script } from './redis-state-scripts.ts';
import { StateEvicts, StateFull, StateUnavailable } from './state-errors.ts';
import type { After } from './waiters.ts';

export type RedisConnectionOptions = {
  /** A single server, or the nodes through which the others of a cluster are found: `redis://` or `rediss://` (TLS). */
  readonly server: { readonly url: string } | { readonly cluster: readonly string[] };
  readonly username?: string;
  readonly password?: string;
  /** Beyond what `rediss://` says: certificates, the server's name. */
  readonly tls?: ConnectionOptions;
  /** How long the answer to one call may take, 50 to 1,000. */
  readonly commandTimeoutMs: number;
  readonly after: After;
  /** The connection failed; it is made again by itself, and calls fail meanwhile. */
  onError(error: unknown): void;
};

export type RedisConnection = {
  /** The addresses, without credentials. */
  readonly name: string;
  /** Runs a script. Tries again for `forMs` at most; a script must bear being run twice. */
  run(script: Script, call: ScriptCall): Promise<unknown>;
  hget(key: string, field: string): Promise<string | null>;
  /** Refuses servers that drop rows when they are full. */
  checkEviction(): Promise<void>;
  close(): void;
};

export type ScriptCall = {
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  readonly forMs: number;
};

const CONNECT_MS = 5_000;
const FIRST_PAUSE_MS = 10;
const LAST_PAUSE_MS = 200;
/** A connection on which nothing has come for so long is given up: a half-open one would swallow calls for minutes. */
const SILENT_MS = 2_000;
/** Of ioredis, in a cluster: the rest of the trying again is done here. */
const REDIRECTIONS = 5;
const REDIRECT_PAUSE_MS = 50;

/** A reply by which Redis says that it did nothing, and may do it in a moment. */
const NOT_NOW =
  /^(Too many Cluster redirections\. Last error: ReplyError: )?(TRYAGAIN|CLUSTERDOWN|LOADING|MASTERDOWN|READONLY|BUSY|NOREPLICAS|MOVED|ASK) /;
/** What ioredis says when it has sent nothing. */
const NOT_SENT = /isn't (writeable|ready)|^None of startup nodes/;

/** Of every connection, a single one or one to a node of a cluster. */
const nodeOptionsOf = (options: RedisConnectionOptions, url: URL) => {
  const { commandTimeoutMs, username = decodeURIComponent(url.username), tls } = options;
  const password = options.password ?? decodeURIComponent(url.password);
  return {
    replyMapping: 'legacy',
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(url.protocol === 'rediss:' || tls !== undefined ? { tls: tls ?? {} } : {}),
    connectTimeout: CONNECT_MS,
    // Closing a connection that has just failed would keep the process alive for so long.
    disconnectTimeout: 100,
    commandTimeout: commandTimeoutMs,
    socketTimeout: SILENT_MS,
    // What was under way when the line broke fails at once; what cannot be sent does, too, by `enableOfflineQueue`.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // A server that was the primary and is not any more: its name leads to the new one.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  } as const;
};

const reconnectMs = (times: number): number => Math.min(20 * times, 1_000);

const createClient = (options: RedisConnectionOptions, urls: readonly URL[], first: URL): Redis | Cluster => {
  const node = nodeOptionsOf(options, first);
  const startAt = urls.map(({ hostname, port }) => ({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 6379),
  }));
  if ('url' in options.server) {
    return new Redis({
      ...node,
      ...startAt[0],
      db: Number(first.pathname.slice(1) || 0),
      lazyConnect: true,
      enableOfflineQueue: false,
      retryStrategy: reconnectMs,
    });
  }
  return new Cluster(startAt, {
    redisOptions: node,
    lazyConnect: true,
    enableOfflineQueue: false,
    // The nodes' names are what their certificates are for; resolved, they would be refused.
    ...('tls' in node ? { dnsLookup: (address, callback) => callback(null, address) } : {}),
    slotsRefreshTimeout: 3_000,
    slotsRefreshInterval: 10_000,
    maxRedirections: REDIRECTIONS,
    retryDelayOnFailover: REDIRECT_PAUSE_MS,
    retryDelayOnClusterDown: REDIRECT_PAUSE_MS,
    retryDelayOnTryAgain: REDIRECT_PAUSE_MS,
    clusterRetryStrategy: reconnectMs,
  });
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Connects, or says why not. */
export const connectRedis = async (options: RedisConnectionOptions): Promise<RedisConnection> => {
  const { server, after, onError } = options;
  const urls = ('url' in server ? [server.url] : server.cluster).map((url) => new URL(url));
  const [first] = urls;
  if (first === undefined) throw new TypeError('a cluster is found through one node at least');
  const name = urls.map(({ protocol, hostname, port }) => `${protocol}//${hostname}:${port || 6379}`).join(',');
  const client = createClient(options, urls, first);
  /** Why the connection failed last: what the calls say then is only that there is none. */
  let lastError: unknown = null;
  const failed = (error: unknown): void => {
    lastError = error;
    onError(error);
  };
  client.on('error', failed);
  if (client instanceof Cluster) client.on('node error', failed);

  const pause = (ms: number): Promise<void> => new Promise((resolve) => after(ms, resolve));

  const unavailable = (error: unknown, maybeDone: boolean): StateUnavailable =>
    new StateUnavailable(name, { detail: messageOf(error), maybeDone });

  /** Until an answer, a refusal that stands, or the end of the time. */
  const attempts = async (call: () => Promise<unknown>, forMs: number): Promise<unknown> => {
    const startedAt = performance.now();
    let maybeDone = false;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)) {
      try {
        return await call();
      } catch (error) {
        const detail = messageOf(error);
        if (detail.startsWith('OOM')) throw new StateFull(name, detail);
        const notNow = NOT_NOW.test(detail) || NOT_SENT.test(detail);
        const refused = !notNow && error instanceof Error && error.name === 'ReplyError';
        if (!notNow && !refused) maybeDone = true;
        if (refused || performance.now() - startedAt + pauseMs >= forMs) throw unavailable(error, maybeDone);
        // Not all at the same moment, when many found the server away together.
        await pause(pauseMs * (0.5 + Math.random()));
      }
    }
  };

  const evaluate = async ({ text, sha }: Script, { keys, args }: ScriptCall): Promise<unknown> => {
    const rest = [keys.length, ...keys, ...args];
    try {
      return await client.call('evalsha', [sha, ...rest]);
    } catch (error) {
      // A server that was started again, or took over, knows no script; this also teaches it.
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      return await client.call('eval', [text, ...rest]);
    }
  };

  const connection: RedisConnection = {
    name,
    run: (script, call) => attempts(() => evaluate(script, call), call.forMs),
    hget: (key, field) => attempts(() => client.hget(key, field), 0) as Promise<string | null>,
    checkEviction: async () => {
      const nodes = client instanceof Cluster ? client.nodes('master') : [client];
      for (const node of nodes) {
        // INFO, for many a managed server knows no CONFIG. Where neither is allowed, the operator has to know.
        const info = await node.info('memory').catch((error: unknown) => {
          if (/^(NOPERM|ERR unknown command)/.test(messageOf(error))) return '';
          throw unavailable(error, false);
        });
        const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'noeviction';
        if (policy !== 'noeviction') throw new StateEvicts(`redis://${node.options.host}:${node.options.port}`, policy);
      }
    },
    close: () => client.disconnect(),
  };

  let cancelDeadline = (): void => {};
  try {
    await new Promise<void>((resolve, reject) => {
      cancelDeadline = after(CONNECT_MS, () => reject(new Error(`no connection within ${CONNECT_MS} ms`)));
      client.connect().then(() => resolve(), reject);
    });
    // A node of a cluster is connected to with the first call.
    if (client instanceof Cluster) await Promise.all(client.nodes('master').map((node) => node.ping()));
    await connection.checkEviction();
    return connection;
  } catch (error) {
    client.disconnect();
    if (error instanceof StateEvicts || error instanceof StateUnavailable) throw error;
    throw unavailable(lastError ?? error, false);
  } finally {
    cancelDeadline();
  }
};
