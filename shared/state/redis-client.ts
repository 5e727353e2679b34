import { Cluster, Redis } from 'ioredis';
import type { ConnectionOptions } from 'node:tls';

/** Where a Redis is and how one gets in. */
export type RedisAccess = {
  /** A single server, or the nodes through which the others of a cluster are found: `redis://` or `rediss://` (TLS). */
  readonly server: { readonly url: string } | { readonly cluster: readonly string[] };
  readonly username?: string;
  readonly password?: string;
  /** Beyond what `rediss://` says: certificates, the server's name. */
  readonly tls?: ConnectionOptions;
  /** How long the answer to one call may take, 50 to 1,000. */
  readonly commandTimeoutMs: number;
};

export const CONNECT_MS = 5_000;
/** A connection on which nothing has come for so long is given up: a half-open one would swallow calls for minutes. */
const SILENT_MS = 2_000;
/** Of ioredis, in a cluster: the rest of the trying again is done by who calls. */
const REDIRECTIONS = 5;
const REDIRECT_PAUSE_MS = 50;

/** Of every connection, a single one or one to a node of a cluster. */
const nodeOptionsOf = (access: RedisAccess, url: URL) => {
  const { commandTimeoutMs, username = decodeURIComponent(url.username), tls } = access;
  const password = access.password ?? decodeURIComponent(url.password);
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

const placeOf = ({ hostname, port }: URL) => ({
  host: hostname.replace(/^\[|\]$/g, ''),
  port: Number(port || 6379),
});

/** What is called in one turn of the event loop leaves in one write, which costs more than all else of a call. */
const gathering = (redis: Redis): Redis => {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    const socket = redis.stream;
    if (socket?.writableCorked === 0) {
      socket.cork();
      setImmediate(() => socket.uncork());
    }
    return send(command, stream);
  };
  return redis;
};

/** Where it is asked first, and the others. */
export const urlsOf = ({ server }: Pick<RedisAccess, 'server'>): readonly [URL, ...URL[]] => {
  const [first, ...others] = ('url' in server ? [server.url] : server.cluster).map((url) => new URL(url));
  if (first === undefined) throw new TypeError('a cluster is found through one node at least');
  return [first, ...others];
};

export const createRedisClient = (access: RedisAccess): Redis | Cluster => {
  const urls = urlsOf(access);
  const [first] = urls;
  const node = nodeOptionsOf(access, first);
  if ('url' in access.server) {
    return gathering(
      new Redis({
        ...node,
        ...placeOf(first),
        db: Number(first.pathname.slice(1) || 0),
        lazyConnect: true,
        enableOfflineQueue: false,
        retryStrategy: reconnectMs,
      }),
    );
  }
  return new Cluster(urls.map(placeOf), {
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

/** Why a server cannot be had; the client of a cluster keeps that to itself. Null: it can. */
export const whyNoConnection = async (access: RedisAccess, url: URL): Promise<unknown> => {
  const alone = new Redis({
    ...nodeOptionsOf(access, url),
    ...placeOf(url),
    lazyConnect: true,
    retryStrategy: () => null,
  });
  let why: unknown = null;
  alone.on('error', (error) => (why ??= error));
  await alone.connect().catch((error: unknown) => (why ??= error));
  alone.disconnect();
  return why;
};
