import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { type OwnKafka, startOwnKafka } from '../stack/own-kafka.ts';
import { type OwnRedis, startOwnRedis } from '../stack/own-redis.ts';
import { startOwnRegistry } from '../stack/own-registry.ts';
import { HOST } from '../stack/processes.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** A cluster whose every part can be broken: three brokers, a Redis with a replica, and lines that can be cut. */
export type World = {
  readonly cluster: Cluster;
  readonly kafka: OwnKafka;
  readonly redis: BreakableRedis;
  /** Between the services and the schema registry. */
  readonly registryLine: TcpProxy;
  /** Where folds without stored state began, by partition. */
  readonly rebuiltFrom: ReadonlyMap<number, readonly number[]>;
  close(): Promise<void>;
};

export type BreakableRedis = {
  /** Between the services and the primary. */
  readonly line: TcpProxy;
  /** The replica takes over, without what was written in the last moments; the old primary comes back as its replica. */
  failOver(lagMs: number): Promise<void>;
  wipe(): Promise<void>;
};

export type WorldOptions = {
  readonly ingest: number;
  readonly owners: number;
  readonly seed: number;
  readonly logs?: string;
};

const LINKED_WITHIN_MS = 10_000;

export const startWorld = async ({ ingest, owners, seed, logs }: WorldOptions): Promise<World> => {
  const stops: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  const rebuiltFrom = new Map<number, number[]>();
  const hear = (line: string): void => {
    if (!line.includes('"kind":"rebuild"')) return;
    const { partition, from } = JSON.parse(line) as { readonly partition: number; readonly from: number };
    rebuiltFrom.set(partition, [...(rebuiltFrom.get(partition) ?? []), from]);
  };
  try {
    const [kafka, redis, registry] = await Promise.all([
      startOwnKafka(3),
      startBreakableRedis(seed),
      startOwnRegistry(),
    ]);
    stops.push(kafka.stop, redis.stop, registry.stop);
    const registryAt = new URL(registry.url);
    const registryLine = await startTcpProxy({ to: Number(registryAt.port), seed });
    stops.push(registryLine.close);
    const cluster = await startCluster({
      env: {
        KAFKA_BROKERS: kafka.brokers.join(','),
        REDIS_URL: `redis://${redis.line.address}`,
        SCHEMA_REGISTRY_URL: `http://${registryLine.address}${registryAt.pathname}`,
      },
      counts: { ingest, concurrency: owners },
      port: 0,
      adminPort: 0,
      onLine: hear,
      ...(logs === undefined ? {} : { logs }),
    });
    stops.push(cluster.close);
    return { cluster, kafka, redis, registryLine, rebuiltFrom, close };
  } catch (error) {
    await close();
    throw error;
  }
};

const startBreakableRedis = async (seed: number): Promise<BreakableRedis & { stop(): Promise<void> }> => {
  const settings = ['--maxmemory', '1gb', '--repl-diskless-sync-delay', '0'];
  let [primary, replica] = await Promise.all([
    startOwnRedis({ mode: 'single', settings }),
    startOwnRedis({ mode: 'single', settings }),
  ]);
  const line = await startTcpProxy({ to: primary.first.port, seed });
  const replication = await startTcpProxy({ to: primary.first.port, seed });

  const follow = async (): Promise<void> => {
    replication.lead(primary.first.port);
    const { admin } = replica.first;
    await admin.call('REPLICAOF', HOST, replication.port);
    const until = performance.now() + LINKED_WITHIN_MS;
    while (!(await admin.info('replication')).includes('master_link_status:up')) {
      if (performance.now() > until) throw new Error('the replica of Redis does not follow');
      await sleep(20);
    }
  };
  await follow();

  return {
    line,
    wipe: async () => {
      await primary.first.admin.flushall();
    },
    failOver: async (lagMs) => {
      replication.answers('hold');
      await sleep(lagMs);
      const old: OwnRedis = primary;
      await replica.first.admin.call('REPLICAOF', 'NO', 'ONE');
      replication.cut();
      replication.answers('pass');
      line.lead(replica.first.port);
      await old.first.kill();
      line.cut('reset');
      [primary, replica] = [replica, old];
      await replica.first.restart();
      await follow();
    },
    stop: async () => {
      await Promise.all([line.close(), replication.close()]);
      await Promise.all([primary.stop(), replica.stop()]);
    },
  };
};
