import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bootstrapOf,
  killBroker,
  restartBroker,
  runTool,
  startKafka,
  stopKafka,
  type Kafka,
  type KafkaOptions,
} from './kafka.ts';
import { startKeeper } from './keeper.ts';
import { isRunning } from './processes.ts';

/** A Kafka that belongs to this process and ends with it, however that ends. For tests that kill brokers. */
export type OwnKafka = {
  readonly brokers: readonly string[];
  /** Where the brokers take clients that come by `advertise`, in their order; a proxy leads there. */
  readonly frontPorts: readonly number[];
  kill(id: number, signal?: NodeJS.Signals): Promise<void>;
  restart(id: number): Promise<void>;
  /** Runs one of Kafka's own tools, by its class, and answers what it prints. */
  tool(name: string, args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
};

export const startOwnKafka = async (
  brokers: 1 | 3,
  options: Pick<KafkaOptions, 'advertise'> = {},
): Promise<OwnKafka> => {
  const folder = await mkdtemp(join(tmpdir(), 'playbeat-kafka-'));
  const keeper = startKeeper(folder);
  const watch = async (kafka: Kafka): Promise<void> =>
    keeper.watch(kafka.nodes.filter((node) => isRunning(node.program)).map((node) => node.program.pid));
  const kafka = await startKafka({ ...options, folder, brokers, onLaunch: watch }).catch(async (error: unknown) => {
    keeper.dismiss();
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    brokers: bootstrapOf(kafka).split(','),
    frontPorts: kafka.nodes.flatMap(({ front }) => (front === null ? [] : [front.port])),
    kill: async (id, signal) => {
      await killBroker(kafka, id, signal);
      await watch(kafka);
    },
    restart: async (id) => {
      await restartBroker(kafka, id);
      await watch(kafka);
    },
    tool: (name, args) => runTool(kafka, name, ['--bootstrap-server', bootstrapOf(kafka), ...args]),
    stop: async () => {
      await stopKafka(kafka);
      keeper.dismiss();
    },
  };
};
