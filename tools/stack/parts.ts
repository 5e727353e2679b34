import { join } from 'node:path';
import { startDynamo } from './dynamodb.ts';
import { bootstrapOf, startKafka, type Kafka } from './kafka.ts';
import { startRedis, type RedisMode } from './redis.ts';
import { startRegistry } from './registry.ts';
import { stackFolder, type Part, type PartName } from './state.ts';

export type StackOptions = { readonly brokers: 1 | 3; readonly redis: RedisMode };

type Start = {
  readonly options: StackOptions;
  /** Called as soon as something runs; resolves when that is written down. */
  onLaunch(part: Part & { readonly kafka?: Kafka }): Promise<void>;
};

export type PartRecipe = {
  readonly name: PartName;
  /** By this name services find it; a value that is set already is somebody else's program, to be used as it is. */
  readonly variable: string;
  start(start: Start): Promise<void>;
};

/** The parts of the stack, in the order in which they are started. */
export const PARTS: readonly PartRecipe[] = [
  {
    name: 'kafka',
    variable: 'KAFKA_BROKERS',
    start: async ({ options, onLaunch }) => {
      await startKafka({
        folder: join(stackFolder(), 'kafka'),
        brokers: options.brokers,
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
    start: ({ options, onLaunch }) =>
      startRedis({ folder: join(stackFolder(), 'redis'), mode: options.redis, onLaunch }),
  },
  {
    name: 'dynamodb',
    variable: 'DYNAMODB_ENDPOINT',
    start: ({ onLaunch }) => startDynamo({ folder: join(stackFolder(), 'dynamodb'), onLaunch }),
  },
  {
    name: 'registry',
    variable: 'SCHEMA_REGISTRY_URL',
    start: ({ onLaunch }) => startRegistry({ folder: join(stackFolder(), 'registry'), onLaunch }),
  },
];
