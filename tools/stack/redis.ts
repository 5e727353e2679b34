import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificates, type Certificates } from './certificates.ts';
import { freePorts, HOST, kill, launch, waitFor, type Program } from './processes.ts';
import { commandOf, needs } from './programs.ts';
import { askRedis } from './redis-ask.ts';
import { formCluster } from './redis-cluster.ts';

export const REDIS_MODES = ['single', 'replica', 'cluster', 'cluster-replicas'] as const;
/** `replica`: a primary and its replica. `cluster`: three primaries; with replicas, one for each of them. */
export type RedisMode = (typeof REDIS_MODES)[number];

/** One or more Redis servers on the loopback, as plain data. Primaries come first, then their replicas in the same order. */
export type Redis = {
  readonly folder: string;
  readonly mode: RedisMode;
  readonly certificates: Certificates | null;
  readonly nodes: readonly RedisNode[];
};

export type RedisNode = {
  /** Without TLS, always. */
  readonly port: number;
  readonly tlsPort: number | null;
  /** Of the cluster. */
  readonly busPort: number;
  /** By which the other servers know it. */
  readonly nodePort: number;
  readonly folder: string;
  readonly args: readonly string[];
  program: Program;
};

export type RedisOptions = {
  /** Is made; holds what the servers say. */
  readonly folder: string;
  readonly mode: RedisMode;
  /** More arguments of each server; they win over those below. */
  readonly settings?: readonly string[];
  /** A second port of each, with TLS; the servers among themselves use nothing else. */
  readonly tls?: boolean;
  /** Called as soon as there is something that must be ended again. */
  readonly onLaunch?: (redis: Redis) => Promise<void>;
};

const COUNTS = {
  single: { primaries: 1, replicas: 0 },
  replica: { primaries: 1, replicas: 1 },
  cluster: { primaries: 3, replicas: 0 },
  'cluster-replicas': { primaries: 3, replicas: 3 },
} as const;

/** A state store keeps what it was given or says that it is full: it never lets go of a row by itself. */
const SETTINGS = [
  ...['--bind', HOST, '--protected-mode', 'yes', '--daemonize', 'no', '--logfile', ''],
  ...['--save', '', '--appendonly', 'no', '--maxmemory', '256mb', '--maxmemory-policy', 'noeviction'],
  // A replica is there at once, not after 5 s; and the command line stays as it is, for it is the mark.
  ...['--repl-diskless-sync-delay', '0', '--set-proc-title', 'no'],
];
/** A primary that is gone is noticed after so long, and replaced a second later. */
const CLUSTER_SETTINGS = [
  ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-announce-ip', HOST],
  // A replica is named to clients when it has heard something of its primary.
  ...['--repl-ping-replica-period', '1'],
];

const tlsArgs = ({ caFile, certFile, keyFile }: Certificates, tlsPort: number): string[] => [
  ...['--tls-port', String(tlsPort), '--tls-ca-cert-file', caFile, '--tls-cert-file', certFile],
  ...['--tls-key-file', keyFile, '--tls-auth-clients', 'no', '--tls-replication', 'yes', '--tls-cluster', 'yes'],
];

const isCluster = (mode: RedisMode): boolean => mode.startsWith('cluster');
const outputOf = (node: RedisNode): string => join(node.folder, 'redis.log');

const planNodes = async (options: RedisOptions, certificates: Certificates | null): Promise<RedisNode[]> => {
  const { folder, mode, settings = [] } = options;
  const count = COUNTS[mode].primaries + COUNTS[mode].replicas;
  const ports = await freePorts(3 * count);
  const nodePorts = ports.slice(certificates === null ? 0 : count);
  return Array.from({ length: count }, (_, i) => {
    const [port, tlsPort, busPort, nodePort] = [ports[i]!, ports[count + i]!, ports[2 * count + i]!, nodePorts[i]!];
    const home = join(folder, `node-${i + 1}`);
    const args = ['--port', String(port), '--dir', home, ...SETTINGS];
    if (certificates !== null) args.push(...tlsArgs(certificates, tlsPort));
    if (isCluster(mode)) args.push(...CLUSTER_SETTINGS, '--cluster-port', String(busPort));
    if (mode === 'replica' && i === 1) args.push('--replicaof', HOST, String(nodePorts[0]));
    args.push(...settings);
    const ownTlsPort = certificates === null ? null : tlsPort;
    return { port, tlsPort: ownTlsPort, busPort, nodePort, folder: home, args, program: { pid: 0, mark: home } };
  });
};

const launchNode = (node: RedisNode): void => {
  const { args, folder, program } = node;
  const command = commandOf('redis-server');
  node.program = launch({ command, args, folder, output: outputOf(node), mark: program.mark });
};

const until = (node: RedisNode, what: string, holds: () => Promise<boolean>): Promise<void> =>
  waitFor({
    name: `${what} at ${node.port}`,
    program: node.program,
    output: outputOf(node),
    timeoutMs: 15_000,
    ready: holds,
  });

const answers = (node: RedisNode): Promise<void> =>
  until(node, 'Redis', async () => (await askRedis(node.port, 'ping')).startsWith('PONG'));

const following = (node: RedisNode): Promise<void> =>
  until(node, 'the replica of Redis', async () =>
    (await askRedis(node.port, 'info', 'replication')).includes('master_link_status:up'),
  );

export const startRedis = async (options: RedisOptions): Promise<Redis> => {
  const { folder, mode, tls = false, onLaunch } = options;
  await needs('redis-server');
  await mkdir(folder, { recursive: true });
  const certificates = tls ? await makeCertificates(join(folder, 'certificates')) : null;
  const redis: Redis = { folder, mode, certificates, nodes: await planNodes(options, certificates) };
  const { nodes } = redis;
  for (const node of nodes) await mkdir(node.folder, { recursive: true });
  for (const node of nodes) launchNode(node);
  try {
    await onLaunch?.(redis);
    await Promise.all(nodes.map(answers));
    const { primaries } = COUNTS[mode];
    if (isCluster(mode)) await formCluster(nodes, primaries, until);
    await Promise.all(nodes.slice(primaries).map(following));
  } catch (error) {
    await stopRedis(redis);
    throw error;
  }
  return redis;
};

/** What services need to find it: all nodes of a cluster, or the primary, and the replica beside it. */
export const redisEnv = ({ mode, nodes }: Redis): Record<string, string> => {
  const urls = nodes.map(({ port }) => `redis://${HOST}:${port}`);
  return mode === 'replica' ? { REDIS_URL: urls[0]!, REDIS_REPLICA_URL: urls[1]! } : { REDIS_URL: urls.join(',') };
};

export const killNode = (node: RedisNode, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> =>
  kill(node.program, signal);

/** Ends it and starts it again on its ports. It comes back empty: only a replica of a primary that lives has rows again. */
export const restartNode = async (node: RedisNode): Promise<void> => {
  await kill(node.program);
  launchNode(node);
  await answers(node);
};

/** Makes a replica a primary, whatever its own primary says of it. What that one did not pass on is lost. */
export const promoteNode = async ({ mode }: Redis, node: RedisNode): Promise<void> => {
  if (isCluster(mode)) await askRedis(node.port, 'cluster', 'failover', 'takeover');
  else await askRedis(node.port, 'replicaof', 'no', 'one');
  await until(node, 'the promotion', async () =>
    (await askRedis(node.port, 'info', 'replication')).includes('role:master'),
  );
};

/** Ends the servers and removes their folder. */
export const stopRedis = async (redis: Redis): Promise<void> => {
  await Promise.all(redis.nodes.map((node) => kill(node.program)));
  await rm(redis.folder, { recursive: true, force: true, maxRetries: 3 });
};
