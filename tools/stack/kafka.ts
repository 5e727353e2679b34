import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brokersSeenBy } from './kafka-metadata.ts';
import { makeCertificates, type SecurePorts, type Way } from './kafka-security.ts';
import { brokerSettings, LOG4J, type NodePorts } from './kafka-settings.ts';
import { freePorts, HOST, isRunning, kill, launch, run, signal, waitFor, type Program } from './processes.ts';
import { commandOf, jars, needs } from './programs.ts';

/** A Kafka of one or three brokers on the loopback, as plain data. */
export type Kafka = { readonly folder: string; readonly clusterId: string; readonly nodes: KafkaNode[] };
export type KafkaNode = NodePorts & { program: Program };

export const KAFKA_VERSION = '4.3.1';
const HEAP = '192m';

const platform = (): string => {
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const machine = process.arch === 'arm64' ? 'aarch64' : process.platform === 'darwin' ? 'x86_64' : 'amd64';
  return `${system}_${machine}`;
};

/** Fetches what a Kafka needs, once. Answers the folder of the jars. */
export const prepareKafka = async (): Promise<string> => {
  await needs('java');
  return jars(`kafka-${KAFKA_VERSION}`, 'kafka-pom.xml', [
    `-Dkafka.version=${KAFKA_VERSION}`,
    `-Dzstd.platform=${platform()}`,
  ]);
};

/** Kafka's form of an id; it must not begin with a minus. */
const newId = (): string => {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const classPath = async (lib: string): Promise<string> =>
  (await readdir(lib))
    .filter((name) => name.endsWith('.jar'))
    .sort()
    .map((name) => join(lib, name))
    .join(':');

const javaArgs = async (kafka: Kafka, lib: string): Promise<string[]> => [
  // The quickest to start, not the quickest to run.
  ...[`-Xmx${HEAP}`, '-Xms48m', '-Xss512k', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
  ...['-XX:+ExitOnOutOfMemoryError', '-Djava.awt.headless=true'],
  `-Dlog4j2.configurationFile=${join(kafka.folder, 'log4j2.properties')}`,
  ...['-cp', await classPath(lib)],
];

const outputOf = (node: KafkaNode): string => join(node.folder, 'broker.log');

/** `kafka-storage format` once; later brokers get the two files that it writes, which saves 0.7 s each. */
const format = async (kafka: Kafka, node: KafkaNode, lib: string): Promise<void> => {
  const data = join(node.folder, 'data');
  const kept = join(lib, 'bootstrap.checkpoint');
  const settings = join(node.folder, 'server.properties');
  if (!(await exists(kept))) {
    const tool = ['kafka.tools.StorageTool', 'format', '-t', kafka.clusterId, '-c', settings];
    await run(commandOf('java'), [...(await javaArgs(kafka, lib)), ...tool], kafka.folder);
    await copyFile(join(data, 'bootstrap.checkpoint'), `${kept}.${process.pid}`);
    await rename(`${kept}.${process.pid}`, kept);
    return;
  }
  await mkdir(data, { recursive: true });
  await copyFile(kept, join(data, 'bootstrap.checkpoint'));
  const ids = { version: 1, 'cluster.id': kafka.clusterId, 'node.id': node.id, 'directory.id': newId() };
  const lines = Object.entries(ids).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(join(data, 'meta.properties'), lines.join(''));
};

const startNode = async (kafka: Kafka, node: KafkaNode, lib: string): Promise<void> => {
  const settings = join(node.folder, 'server.properties');
  node.program = launch({
    command: commandOf('java'),
    args: [...(await javaArgs(kafka, lib)), 'kafka.Kafka', settings],
    folder: node.folder,
    output: outputOf(node),
    mark: settings,
  });
};

/** A broker is ready when it sees all that run. */
const ready = async (kafka: Kafka, node: KafkaNode): Promise<void> => {
  const running = kafka.nodes.filter((one) => isRunning(one.program)).length;
  await waitFor({
    name: `broker ${node.id}`,
    program: node.program,
    output: outputOf(node),
    timeoutMs: 60_000,
    ready: async () => (await brokersSeenBy(node.port)) >= running,
  });
};

export type KafkaOptions = {
  /** Is made; holds data, settings and what the brokers say. */
  readonly folder: string;
  readonly brokers: 1 | 3;
  /** Whether it also has listeners with TLS, passwords and tokens, and asks its ACLs. */
  readonly secure?: boolean;
  /** For each broker the port of something before it (a proxy), by which clients that come through it are to come again. */
  readonly advertise?: readonly number[];
  /** Called as soon as there is something that must be ended again. */
  readonly onLaunch?: (kafka: Kafka) => Promise<void>;
};

const securePorts = ([tls = 0, scram = 0, oauth = 0]: readonly number[]): SecurePorts => ({ tls, scram, oauth });

export const startKafka = async (options: KafkaOptions): Promise<Kafka> => {
  const { folder, brokers, secure = false, advertise = [], onLaunch } = options;
  const lib = await prepareKafka();
  const each = secure ? 6 : 3;
  const ports = await freePorts(brokers * each);
  const nodes = Array.from({ length: brokers }, (_, i) => ({
    id: i + 1,
    port: ports[i * each]!,
    controllerPort: ports[i * each + 1]!,
    front: advertise[i] === undefined ? null : { port: ports[i * each + 2]!, advertised: advertise[i] },
    secure: secure ? securePorts(ports.slice(i * each + 3)) : null,
    folder: join(folder, `broker-${i + 1}`),
    program: { pid: 0, mark: '' },
  }));
  const kafka: Kafka = { folder, clusterId: newId(), nodes };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'log4j2.properties'), LOG4J);
  if (secure) await makeCertificates(folder);
  for (const node of nodes) {
    await mkdir(node.folder, { recursive: true });
    await writeFile(join(node.folder, 'server.properties'), brokerSettings(nodes, node));
    await format(kafka, node, lib);
  }
  for (const node of nodes) await startNode(kafka, node, lib);
  try {
    await onLaunch?.(kafka);
    for (const node of nodes) await ready(kafka, node);
  } catch (error) {
    await stopKafka(kafka);
    throw error;
  }
  return kafka;
};

export const bootstrapOf = (kafka: Kafka): string => kafka.nodes.map((node) => `${HOST}:${node.port}`).join(',');

/** Where its brokers listen in that way. */
export const addressesOf = (kafka: Kafka, way: Way): string[] =>
  kafka.nodes.flatMap((node) => (node.secure === null ? [] : [`${HOST}:${node.secure[way]}`]));

const nodeOf = (kafka: Kafka, id: number): KafkaNode => {
  const node = kafka.nodes.find((one) => one.id === id);
  if (node === undefined) throw new RangeError(`There is no broker ${id}.`);
  return node;
};

export const killBroker = (kafka: Kafka, id: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> =>
  kill(nodeOf(kafka, id).program, signal);

/** A signal that ends no broker: `SIGSTOP`, `SIGCONT`. */
export const signalBroker = (kafka: Kafka, id: number, name: NodeJS.Signals): void => {
  const { program } = nodeOf(kafka, id);
  if (isRunning(program)) signal(program.pid, name);
};

/** Starts a killed broker again, on its ports and its data. */
export const restartBroker = async (kafka: Kafka, id: number): Promise<void> => {
  const node = nodeOf(kafka, id);
  await kill(node.program);
  await startNode(kafka, node, await prepareKafka());
  await ready(kafka, node);
};

/** Kafka's own command line tools, by their class. */
export const runTool = async (kafka: Kafka, name: string, args: readonly string[]): Promise<string> =>
  run(commandOf('java'), [...(await javaArgs(kafka, await prepareKafka())), name, ...args], kafka.folder);

/** Ends the brokers and removes their folder. */
export const stopKafka = async (kafka: Kafka): Promise<void> => {
  await Promise.all(kafka.nodes.map((node) => kill(node.program)));
  await rm(kafka.folder, { recursive: true, force: true, maxRetries: 3 });
};
