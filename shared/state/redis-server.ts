import { Redis } from 'ioredis';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real Redis on the loopback, in a folder of its own, for tests and benches. */
export type RedisServer = {
  readonly port: number;
  readonly url: string;
  /** A connection for looking into it and for its settings. */
  readonly admin: Redis;
  /** Ends it as a crash does, and starts it again on the same port. Nothing is kept: it comes back empty. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

const INSTALL = 'apt-get install -y --no-install-recommends redis-server';
const START_MS = 10_000;
const POLL_MS = 20;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  const end = performance.now() + START_MS;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > end) throw new Error(`${what} took longer than ${START_MS} ms`);
    await sleep(POLL_MS);
  }
};

export const startRedis = async (settings: readonly string[] = []): Promise<RedisServer> => {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'playbeat-redis-'));
  const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  let child: ChildProcess | null = null;
  let said = '';
  const kill = (): void => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', kill);

  const admin = new Redis({
    port,
    host: '127.0.0.1',
    lazyConnect: true,
    disconnectTimeout: 100,
    retryStrategy: () => POLL_MS,
  });
  admin.on('error', () => {});

  const start = async (): Promise<void> => {
    said = '';
    const starting = spawn('redis-server', [...where, ...settings], { stdio: ['ignore', 'pipe', 'pipe'] });
    child = starting;
    let failure: string | null = null;
    starting.on('error', (error) => (failure = error.message));
    starting.on('exit', (code) => (failure = `it ended with ${code}: ${said.slice(-500)}`));
    for (const stream of [starting.stdout, starting.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2_000)));
    }
    await until('starting Redis', async () => {
      if (failure !== null) return true;
      if (admin.status === 'wait' || admin.status === 'end') await admin.connect();
      return (await admin.ping()) === 'PONG';
    });
    if (failure !== null)
      throw new Error(`redis-server does not start (${failure as string}). To install it: ${INSTALL}`);
  };
  const crash = async (): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };

  try {
    await start();
  } catch (error) {
    admin.disconnect();
    kill();
    throw error;
  }
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    admin,
    restart: async () => {
      await crash();
      await start();
    },
    stop: async () => {
      admin.disconnect();
      await crash();
      process.off('exit', kill);
      kill();
    },
  };
};

export type RedisCluster = { readonly nodes: readonly RedisServer[]; stop(): Promise<void> };

const SLOTS = 16_384;

/** A cluster of primaries, the slots in equal shares. */
export const startRedisCluster = async (size: number): Promise<RedisCluster> => {
  const nodes: RedisServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (let i = 0; i < size; i++) {
      const bus = String(await freePort());
      nodes.push(
        await startRedis(['--cluster-enabled', 'yes', '--cluster-port', bus, '--cluster-node-timeout', '2000']),
      );
      const share = SLOTS / size;
      const { admin } = nodes[i]!;
      await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
      await admin.call('CLUSTER', 'ADDSLOTSRANGE', Math.round(i * share), Math.round((i + 1) * share) - 1);
      if (i > 0) await admin.call('CLUSTER', 'MEET', '127.0.0.1', nodes[0]!.port, await busOf(nodes[0]!));
    }
    await until('the cluster', async () => {
      const infos = await Promise.all(nodes.map(async ({ admin }) => String(await admin.call('CLUSTER', 'INFO'))));
      return infos.every((info) => info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${size}`));
    });
    return { nodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

const busOf = async ({ admin }: RedisServer): Promise<string> => {
  const [, port] = (await admin.config('GET', 'cluster-port')) as string[];
  return port!;
};
