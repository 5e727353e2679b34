import { startDynamo } from './dynamodb.ts';
import { bootstrapOf, startKafka, type Kafka } from './kafka.ts';
import { redisEnv, startRedis } from './redis.ts';
import { startRegistry } from './registry.ts';
import type { Part, PartName, StackOptions } from './state.ts';

type Start = {
  readonly options: StackOptions;
  /** Its own, and not there yet. */
  readonly folder: string;
  /** Called as soon as something runs; resolves when that is written down. */
  onLaunch(part: Part & { readonly kafka?: Kafka }): Promise<void>;
};

export type PartRecipe = {
  readonly name: PartName;
  /** By this name services find it; a value that is set already is somebody else's program, to be used as it is. */
  readonly variable: string;
  /** Which of the options says how it is started. */
  readonly option: keyof StackOptions | null;
  start(start: Start): Promise<void>;
};

/** The parts of the stack, in the order in which they are started. */
export const PARTS: readonly PartRecipe[] = [
  {
    name: 'kafka',
    variable: 'KAFKA_BROKERS',
    option: 'brokers',
    start: async ({ options, folder, onLaunch }) => {
      await startKafka({
        folder,
        brokers: options.brokers === '3' ? 3 : 1,
        onLaunch: (kafka) =>
          onLaunch({
            env: { KAFKA_BROKERS: bootstrapOf(kafka) },
            programs: kafka.nodes.map((node) => node.program),
            kafka,
          }),
      });
    },
  },
  {
    name: 'redis',
    variable: 'REDIS_URL',
    option: 'redis',
    start: async ({ options, folder, onLaunch }) => {
      await startRedis({
        folder,
        mode: options.redis,
        onLaunch: (redis) => onLaunch({ env: redisEnv(redis), programs: redis.nodes.map((node) => node.program) }),
      });
    },
  },
  {
    name: 'dynamodb',
    variable: 'DYNAMODB_ENDPOINT',
    option: null,
    start: ({ folder, onLaunch }) => startDynamo({ folder, onLaunch }),
  },
  {
    name: 'registry',
    variable: 'SCHEMA_REGISTRY_URL',
    option: null,
    start: ({ folder, onLaunch }) => startRegistry({ folder, onLaunch }),
  },
];
