import { dirname, join } from 'node:path';
import { listenersOf as secureListeners, PROTOCOLS, securitySettings, type SecurePorts } from './kafka-security.ts';
import { HOST } from './processes.ts';

export type NodePorts = {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** Where it also listens, when it is a secure one. */
  readonly secure: SecurePorts | null;
  /** For clients that come through something else: where it takes them, and the port by which it tells them to come again. */
  readonly front: { readonly port: number; readonly advertised: number } | null;
  readonly folder: string;
};

const allListeners = ({ port, controllerPort, front, secure }: NodePorts): Record<string, string> => {
  const own = `PLAINTEXT://${HOST}:${port}`;
  const safe = secure === null ? [] : secureListeners(secure);
  const taken = front === null ? [] : [`FRONT://${HOST}:${front.port}`];
  const told = front === null ? [] : [`FRONT://${HOST}:${front.advertised}`];
  const protocols = ['CONTROLLER:PLAINTEXT', 'PLAINTEXT:PLAINTEXT', 'FRONT:PLAINTEXT'];
  return {
    listeners: [own, `CONTROLLER://${HOST}:${controllerPort}`, ...safe, ...taken].join(','),
    'advertised.listeners': [own, ...safe, ...told].join(','),
    'listener.security.protocol.map': [...protocols, ...(secure === null ? [] : PROTOCOLS)].join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
  };
};

/**
 * A broker that is small, starts at once, and notices within 2 s that another is gone (which is the time of a fail-over);
 * in everything that a client can see it keeps the promises of one in production.
 */
export const brokerSettings = (nodes: readonly NodePorts[], node: NodePorts): string => {
  const replicas = Math.min(3, nodes.length);
  const inSync = Math.min(2, replicas);
  const settings: Readonly<Record<string, string | number | boolean>> = {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': nodes.map((n) => `${n.id}@${HOST}:${n.controllerPort}`).join(','),
    ...allListeners(node),
    'log.dirs': join(node.folder, 'data'),
    'auto.create.topics.enable': false,
    'delete.topic.enable': true,
    // As many copies as there are brokers, and few partitions: 50 of them take seconds to make.
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'share.coordinator.state.topic.num.partitions': 1,
    // A group works at once, and a dead member is noticed in less than the 6 s that are the least otherwise.
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 500,
    'broker.heartbeat.interval.ms': 300,
    'broker.session.timeout.ms': 2_000,
    'controller.quorum.election.timeout.ms': 400,
    'controller.quorum.election.backoff.max.ms': 200,
    'controller.quorum.fetch.timeout.ms': 1_500,
    'replica.lag.time.max.ms': 3_000,
    'replica.fetch.wait.max.ms': 200,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'num.recovery.threads.per.data.dir': 1,
    // The cleaner takes 128 MiB of heap otherwise.
    'log.cleaner.threads': 1,
    'log.cleaner.dedupe.buffer.size': 2 * 1024 * 1024,
    'log.cleaner.io.buffer.size': 65_536,
    'log.index.size.max.bytes': 1024 * 1024,
    'offsets.topic.segment.bytes': 8 * 1024 * 1024,
    'log.segment.delete.delay.ms': 100,
    'controlled.shutdown.enable': nodes.length > 1,
    ...(node.secure === null ? {} : securitySettings(dirname(node.folder))),
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
};

export const LOG4J = `status=error
appender.o.type=Console
appender.o.name=o
appender.o.layout.type=PatternLayout
appender.o.layout.pattern=%d{HH:mm:ss.SSS} %p %c{1} %m%n
rootLogger.level=WARN
rootLogger.appenderRef.o.ref=o
`;
