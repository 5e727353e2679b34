import kafkajs from 'kafkajs';
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import type { ConnectionOptions } from 'node:tls';
import { topicNameIn, type TopicName } from '../../schemas/topics.ts';
import {
  dropSilentBrokers,
  findOtherCoordinators,
  mendConnections,
  restTimers,
  writeNumbersInPlace,
  type ClientConfig,
  type RetryConfig,
} from './kafka-log-inside.ts';
import { saslOf, type KafkaSasl } from './kafka-log-sasl.ts';
import { LogUnavailable, type LogPlace } from './log-errors.ts';

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;

export type KafkaConnection = {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** TLS: `true` trusts the authorities that Node knows, `{ ca }` others, `{ ca, cert, key }` shows a certificate as well. */
  readonly ssl?: ConnectionOptions | boolean;
  readonly sasl?: KafkaSasl;
  /** Stands before the names of topics and groups where several installations share a Kafka. */
  readonly prefix?: string;
  /** Which generation of the log it is, 1 where nothing else is said: topics whose records belong to accounts have it in their names. */
  readonly generation?: number;
};

/** What every part of the adapter needs to reach Kafka and to speak of it. */
export type KafkaClient = {
  readonly config: ClientConfig;
  /** A connection pool of its own. Members of one group must not share one: kafkajs shares their offsets with it. */
  open(): InstanceType<typeof Kafka>;
  readonly generation: number;
  /** What Kafka calls a topic of the port, in this generation of the log or in another one. */
  topicOf(topic: TopicName, of?: number): string;
  groupOf(group: string): string;
  /** `who` had that trouble, where it does not show. */
  unavailable(error: unknown, at: LogPlace | null, who?: string): LogUnavailable;
};

/** Long enough for the election of a new leader, which takes a Kafka 2 s here. */
export const RETRY: RetryConfig = {
  initialRetryTime: 100,
  maxRetryTime: 500,
  multiplier: 1.5,
  factor: 0.2,
  retries: 10,
};

let prepared = false;
/** Once per process: what kafkajs keeps in its modules. */
const prepare = (): void => {
  if (prepared) return;
  prepared = true;
  restTimers();
  mendConnections();
  dropSilentBrokers();
  findOtherCoordinators();
  writeNumbersInPlace();
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: async (encoder: { readonly buffer: Buffer }) => compressFrameSync(encoder.buffer),
    decompress: async (bytes: Buffer) => decompressFrameSync(bytes),
  });
};

export const openKafkaClient = (connection: KafkaConnection): KafkaClient => {
  prepare();
  const { brokers, clientId, ssl, sasl, prefix = '', generation = 1 } = connection;
  const config: ClientConfig = {
    brokers: [...brokers],
    clientId,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl: saslOf(sasl) }),
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    enforceRequestTimeout: true,
    retry: RETRY,
  };
  const where = `Kafka at ${brokers.join(',')}`;
  return {
    config,
    // What goes wrong arrives as an error; kafkajs would report each attempt as well.
    open: () => new Kafka({ ...config, logLevel: logLevel.NOTHING }),
    generation,
    topicOf: (topic, of = generation) => `${prefix}${topicNameIn(topic, of)}`,
    groupOf: (group) => `${prefix}${group}`,
    unavailable: (error, at, who) => {
      if (error instanceof LogUnavailable) return error;
      return new LogUnavailable(who === undefined ? textOf(error) : `${who}: ${textOf(error)}`, {
        where,
        at,
        cause: error,
      });
    },
  };
};

/** The name that Kafka has for it, which kafkajs may have put into the cause. */
export const typeOf = (error: unknown): string | null => {
  if (!(error instanceof Error)) return null;
  const { type } = error as { readonly type?: unknown };
  return typeof type === 'string' ? type : typeOf(error.cause);
};

/** The user may not do that: trying again at once would not help, trying again later may. */
export const isForbidden = (error: unknown): boolean => typeOf(error)?.endsWith('_AUTHORIZATION_FAILED') ?? false;

export const textOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const { errors } = error as { readonly errors?: unknown };
  // Of what failed in several parts the first says most.
  if (Array.isArray(errors) && errors.length > 0) return `${error.message}: ${textOf(errors[0])}`;
  const type = typeOf(error);
  return type === null ? error.message : `${error.message} (${type})`;
};
