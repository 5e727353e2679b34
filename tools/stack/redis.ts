import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePorts, HOST, launch, run, waitFor, type Program } from './processes.ts';
import { needs } from './programs.ts';
import type { Part } from './state.ts';

export type RedisMode = 'single' | 'replica' | 'cluster';

export type RedisOptions = {
  /** Is made; holds what the servers say. */
  readonly folder: string;
  readonly mode: RedisMode;
  /** Called as soon as there is something that must be ended again. */
  onLaunch(part: Part): Promise<void>;
};

type Server = { readonly port: number; readonly program: Program; readonly output: string };

/** A state store keeps what it was given or says that it is full: it never lets go of a row by itself. */
const SETTINGS = [
  ...['--bind', HOST, '--protected-mode', 'yes', '--daemonize', 'no', '--logfile', ''],
  ...['--save', '', '--appendonly', 'no', '--maxmemory', '256mb', '--maxmemory-policy', 'noeviction'],
];

const startServer = async (folder: string, port: number, more: readonly string[]): Promise<Server> => {
  const home = join(folder, String(port));
  await mkdir(home, { recursive: true });
  const output = join(home, 'redis.log');
  const args = ['--port', String(port), '--dir', home, ...SETTINGS, ...more];
  // It writes its command line anew, with its address: the port stands in both.
  const program = launch({ command: 'redis-server', args, folder: home, output, mark: String(port) });
  return { port, program, output };
};

const answersPing = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, HOST, () => socket.write('PING\r\n'));
    socket.setTimeout(1_000, () => socket.destroy(new Error('no answer within 1 s')));
    socket.on('error', reject).on('data', (bytes) => {
      resolve(bytes.toString().startsWith('+PONG'));
      socket.destroy();
    });
  });

const cli = (port: number, args: readonly string[]): Promise<string> =>
  run('redis-cli', ['-h', HOST, '-p', String(port), ...args], '/');

const addressOf = (port: number): string => `redis://${HOST}:${port}`;

/** `REDIS_URL` names the primary, or all nodes of a cluster with commas between; `REDIS_REPLICA_URL` its replica. */
export const startRedis = async ({ folder, mode, onLaunch }: RedisOptions): Promise<void> => {
  await needs('redis-server');
  const count = { single: 1, replica: 2, cluster: 3 }[mode];
  const ports = await freePorts(mode === 'cluster' ? 2 * count : count);
  const servers: Server[] = [];
  for (const [i, port] of ports.slice(0, count).entries()) {
    const replica = mode === 'replica' && i === 1 ? ['--replicaof', HOST, String(ports[0])] : [];
    const cluster = ['--cluster-enabled', 'yes', '--cluster-port', String(ports[count + i])];
    const node = ['--cluster-node-timeout', '2000', '--cluster-announce-ip', HOST];
    servers.push(await startServer(folder, port, mode === 'cluster' ? [...cluster, ...node] : replica));
  }
  const addresses = servers.map(({ port }) => addressOf(port));
  await onLaunch({
    env:
      mode === 'replica'
        ? { REDIS_URL: addresses[0]!, REDIS_REPLICA_URL: addresses[1]! }
        : { REDIS_URL: addresses.join(',') },
    programs: servers.map(({ program }) => program),
  });
  const ready = (server: Server, name: string, condition: () => Promise<boolean>): Promise<void> =>
    waitFor({ name, program: server.program, output: server.output, timeoutMs: 15_000, ready: condition });
  for (const server of servers) await ready(server, `Redis at ${server.port}`, () => answersPing(server.port));
  if (mode === 'replica') {
    const linked = async (): Promise<boolean> =>
      (await cli(servers[1]!.port, ['info', 'replication'])).includes('master_link_status:up');
    await ready(servers[1]!, 'the replica of Redis', linked);
  }
  if (mode === 'cluster') {
    const nodes = servers.map(({ port }) => `${HOST}:${port}`);
    await cli(servers[0]!.port, ['--cluster', 'create', ...nodes, '--cluster-replicas', '0', '--cluster-yes']);
    for (const server of servers)
      await ready(server, `the Redis cluster at ${server.port}`, async () =>
        (await cli(server.port, ['cluster', 'info'])).includes('cluster_state:ok'),
      );
  }
};
