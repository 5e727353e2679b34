import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addressesOf,
  bootstrapOf,
  killBroker,
  restartBroker,
  runTool,
  signalBroker,
  startKafka,
  stopKafka,
  type Kafka,
  type KafkaOptions,
} from './kafka.ts';
import { authority, type Way } from './kafka-security.ts';
import { startKeeper } from './keeper.ts';
import { isRunning } from './processes.ts';

/** A Kafka that belongs to this process and ends with it, however that ends. For tests that kill brokers. */
export type OwnKafka = {
  readonly brokers: readonly string[];
  /** Where the brokers take clients that come by `advertise`, in their order; a proxy leads there. */
  readonly frontPorts: readonly number[];
  kill(id: number, signal?: NodeJS.Signals): Promise<void>;
  restart(id: number): Promise<void>;
  /** Stops and goes on without a word, as a machine that hangs: nothing is closed, nothing is answered. */
  freeze(id: number): void;
  thaw(id: number): void;
  /** Leaders and coordinators go back to the brokers that are to have them; resolves when they have caught up and it is done. */
  moveLeadersBack(): Promise<void>;
  /** Runs one of Kafka's own tools, by its class, and answers what it prints. */
  tool(name: string, args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
};

/** One broker that also has listeners with TLS, passwords and tokens. A user there may do what ACLs say; `admin` everything. */
export type SecureKafka = OwnKafka & {
  /** The certificate of the authority that its brokers are to be trusted by. */
  readonly ca: string;
  addresses(way: Way): readonly string[];
  addUser(name: string, password: string): Promise<void>;
};

export const startOwnKafka = async (brokers: 1 | 3, options: Pick<KafkaOptions, 'advertise'> = {}): Promise<OwnKafka> =>
  own(await start({ ...options, brokers }));

export const startSecureKafka = async (): Promise<SecureKafka> => {
  const started = await start({ brokers: 1, secure: true });
  const kafka = own(started);
  const ca = await authority(started.kafka.folder);
  return {
    ...kafka,
    ca,
    addresses: (way) => addressesOf(started.kafka, way),
    addUser: async (name, password) => {
      const secret = `SCRAM-SHA-512=[password=${password}]`;
      await kafka.tool('kafka.admin.ConfigCommand', [
        ...['--alter', '--entity-type', 'users', '--entity-name', name, '--add-config', secret],
      ]);
    },
  };
};

type Started = { readonly kafka: Kafka; watch(): Promise<void>; dismiss(): void };

const start = async (options: Omit<KafkaOptions, 'folder' | 'onLaunch'>): Promise<Started> => {
  const folder = await mkdtemp(join(tmpdir(), 'playbeat-kafka-'));
  const keeper = startKeeper(folder);
  const watch = async (kafka: Kafka): Promise<void> =>
    keeper.watch(kafka.nodes.filter((node) => isRunning(node.program)).map((node) => node.program.pid));
  const kafka = await startKafka({ ...options, folder, onLaunch: watch }).catch(async (error: unknown) => {
    keeper.dismiss();
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return { kafka, watch: () => watch(kafka), dismiss: keeper.dismiss };
};

const LEAD_AGAIN_WITHIN_MS = 60_000;

const own = ({ kafka, watch, dismiss }: Started): OwnKafka => {
  const tool: OwnKafka['tool'] = (name, args) =>
    runTool(kafka, name, ['--bootstrap-server', bootstrapOf(kafka), ...args]);
  return {
    brokers: bootstrapOf(kafka).split(','),
    frontPorts: kafka.nodes.flatMap(({ front }) => (front === null ? [] : [front.port])),
    kill: async (id, signal) => {
      await killBroker(kafka, id, signal);
      await watch();
    },
    restart: async (id) => {
      await restartBroker(kafka, id);
      await watch();
    },
    freeze: (id) => signalBroker(kafka, id, 'SIGSTOP'),
    thaw: (id) => signalBroker(kafka, id, 'SIGCONT'),
    moveLeadersBack: async () => {
      const until = performance.now() + LEAD_AGAIN_WITHIN_MS;
      const args = ['--election-type', 'preferred', '--all-topic-partitions'];
      // It refuses as long as a broker that is to lead has not caught up.
      while (!(await tool('org.apache.kafka.tools.LeaderElectionCommand', args).then(Boolean, () => false)))
        if (performance.now() > until) throw new Error('a broker that is to lead does not catch up');
    },
    tool,
    stop: async () => {
      await stopKafka(kafka);
      dismiss();
    },
  };
};
