import { startOwnDynamo } from '../stack/own-dynamodb.ts';
import { startOwnKafka } from '../stack/own-kafka.ts';
import { startOwnRedis } from '../stack/own-redis.ts';

/** Kafka, Redis and, where it is asked for, DynamoDB for one cluster: those that the environment names, or its own. */
export type ClusterParts = { readonly env: Readonly<Record<string, string>>; stop(): Promise<void> };

export type PartsOptions = { readonly brokers: 1 | 3; readonly redis: 'single' | 'cluster'; readonly dynamo?: boolean };

export const startParts = async ({ brokers, redis: mode, dynamo = false }: PartsOptions): Promise<ClusterParts> => {
  const env: Record<string, string> = {};
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(stops.splice(0).map((one) => one()));
  };
  const given = (name: string): string | null => process.env[name] || null;
  try {
    const kafka = given('KAFKA_BROKERS');
    if (kafka === null) {
      const own = await startOwnKafka(brokers);
      stops.push(own.stop);
      env['KAFKA_BROKERS'] = own.brokers.join(',');
    } else env['KAFKA_BROKERS'] = kafka;
    const redis = given('REDIS_URL');
    if (redis === null) {
      const own = await startOwnRedis({ mode, settings: ['--maxmemory', '1gb'] });
      stops.push(own.stop);
      env['REDIS_URL'] = own.nodes.map(({ url }) => url).join(',');
    } else env['REDIS_URL'] = redis;
    const endpoint = given('DYNAMODB_ENDPOINT');
    if (endpoint !== null) env['DYNAMODB_ENDPOINT'] = endpoint;
    else if (dynamo) {
      const own = await startOwnDynamo();
      stops.push(own.stop);
      env['DYNAMODB_ENDPOINT'] = own.endpoint;
    }
    return { env, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
