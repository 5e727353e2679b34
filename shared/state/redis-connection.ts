import { Cluster } from 'ioredis';
import { CONNECT_MS, createRedisClient, type RedisAccess, urlsOf, whyNoConnection } from './redis-client.ts';
import type { Script } from './redis-state-scripts.ts';
import { StateEvicts, StateFull, StateUnavailable } from './state-errors.ts';
import type { After } from './waiters.ts';

export type RedisConnectionOptions = RedisAccess & {
  readonly after: After;
  /** The connection failed; it is made again by itself, and calls fail meanwhile. */
  onError(error: StateUnavailable): void;
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

const FIRST_PAUSE_MS = 10;
const LAST_PAUSE_MS = 200;

/** A reply by which Redis says that it did nothing, and may do it in a moment. */
const NOT_NOW =
  /^(Too many Cluster redirections\. Last error: ReplyError: )?(TRYAGAIN|CLUSTERDOWN|LOADING|MASTERDOWN|READONLY|BUSY|NOREPLICAS|MOVED|ASK) /;
/** What ioredis says when it has sent nothing. */
const NOT_SENT = /isn't (writeable|ready)|^None of startup nodes/;

/** What it says where there is no connection, and why there is none was said before. */
const NO_LINE = /isn't (writeable|ready)|^None of startup nodes|^Connection is closed/;

/** Of a cluster of which no node can be had, why that is so of the last one. */
const causeOf = (error: unknown): unknown =>
  error instanceof Error && 'lastNodeError' in error ? (error.lastNodeError ?? error) : error;
const messageOf = (error: unknown): string => {
  const cause = causeOf(error);
  return typeof cause === 'object' && cause !== null && 'message' in cause ? String(cause.message) : String(cause);
};

/** Connects, or says why not. */
export const connectRedis = async (options: RedisConnectionOptions): Promise<RedisConnection> => {
  const { after, onError } = options;
  const urls = urlsOf(options);
  const name = urls.map(({ protocol, hostname, port }) => `${protocol}//${hostname}:${port || 6379}`).join(',');
  const client = createRedisClient(options);
  /** Why the connection failed last: what the calls say then is only that there is none. */
  let lastError: unknown = null;
  /** Only the words of ioredis' errors: beside them they carry the command, with passwords and rows. */
  const unavailable = (error: unknown, maybeDone: boolean): StateUnavailable => {
    const detail = messageOf(NO_LINE.test(messageOf(error)) ? (lastError ?? error) : error);
    return new StateUnavailable(name, { detail, maybeDone });
  };
  const failed = (error: unknown): void => {
    if (lastError === null || !NO_LINE.test(messageOf(error))) lastError = error;
    onError(unavailable(error, false));
  };
  client.on('error', failed).on('ready', () => (lastError = null));
  if (client instanceof Cluster) client.on('node error', failed);

  const pause = (ms: number): Promise<void> => new Promise((resolve) => after(ms, resolve));

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
    const known = lastError ?? error;
    throw unavailable(
      NO_LINE.test(messageOf(known)) ? ((await whyNoConnection(options, urls[0])) ?? known) : known,
      false,
    );
  } finally {
    cancelDeadline();
  }
};
