import kafkajs, { type Admin } from 'kafkajs';
import { MOVING_TOPICS } from '../../schemas/topics.ts';
import type { KafkaClient } from './kafka-log-client.ts';
import { LogOfOtherGeneration } from './log-errors.ts';
import { MAX_GENERATION } from './position.ts';

/**
 * Which generations of the log a Kafka has. While one is copied, its topics take the append times of the records that they are sent
 * (`CreateTime`); that all of them stamp records themselves, as the catalogue says, is the mark of a whole copy.
 */
export type Copy = 'none' | 'half' | 'whole';

export const STAMPED_BY = 'message.timestamp.type';
export const CONFIG_OF_TOPIC = kafkajs.ConfigResourceTypes.TOPIC;

/** Of the topics that Kafka has. */
export const copyOf = async (
  admin: Admin,
  client: KafkaClient,
  { generation, there }: { readonly generation: number; readonly there: ReadonlySet<string> },
): Promise<Copy> => {
  const names = MOVING_TOPICS.map((topic) => client.topicOf(topic, generation));
  if (!names.some((name) => there.has(name))) return 'none';
  if (!names.every((name) => there.has(name))) return 'half';
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({ type: CONFIG_OF_TOPIC, name, configNames: [STAMPED_BY] })),
  });
  const stamps = resources.flatMap(({ configEntries }) => configEntries.map(({ configValue }) => configValue));
  return stamps.length === names.length && stamps.every((one) => one === 'LogAppendTime') ? 'whole' : 'half';
};

/** Throws `LogOfOtherGeneration` where the log that is asked for lies in another generation, or on the way to this one. */
export const checkGeneration = async (admin: Admin, client: KafkaClient, there: ReadonlySet<string>): Promise<void> => {
  const { generation: wanted } = client;
  const has = (generation: number): boolean =>
    MOVING_TOPICS.some((topic) => there.has(client.topicOf(topic, generation)));
  const others = Array.from({ length: MAX_GENERATION }, (_, i) => i + 1).filter((one) => one !== wanted && has(one));
  for (const is of others.filter((one) => one > wanted))
    if (!has(wanted) || (await copyOf(admin, client, { generation: is, there })) === 'whole')
      throw new LogOfOtherGeneration(
        `The log on Kafka is of generation ${is}: start with LOG_GENERATION=${is}, not ${wanted}.`,
      );
  const before = others.findLast((one) => one < wanted);
  if (before === undefined) return;
  throw new LogOfOtherGeneration(
    has(wanted)
      ? `The log on Kafka was not moved to the end from generation ${before} into ${wanted}: ` +
          `run npm run pepper with LOG_GENERATION=${before} again.`
      : `The log on Kafka is of generation ${before}: start with LOG_GENERATION=${before}, not ${wanted}.`,
  );
};
