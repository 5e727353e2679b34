import type { Admin } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaSettingsOf } from '../../schemas/kafka-settings.ts';
import { MOVING_TOPICS, partitionsOf, TOPICS, type TopicName } from '../../schemas/topics.ts';
import { checkGeneration, CONFIG_OF_TOPIC } from './kafka-log-generations.ts';
import { RETRY, typeOf, type KafkaClient } from './kafka-log-client.ts';
import { LogMisconfigured, LogOfOtherGeneration } from './log-errors.ts';

export type TopicsOptions = {
  /** Partitions of keyed topics. */
  readonly partitions: number;
  /** How many brokers hold each record; fewer where there are fewer brokers. */
  readonly replicas: number;
  /** Whether topics that are not there are made; otherwise the first of them is named in an error. */
  readonly create: boolean;
};

export const topicNames = Object.keys(TOPICS).filter((name): name is TopicName => name in TOPICS);

/** Makes the topics of the catalogue that are not there where it may, and names the first that is not as the catalogue says. */
export const openTopics = async (client: KafkaClient, options: TopicsOptions): Promise<void> => {
  const admin = client.open().admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    const replicas = Math.min(options.replicas, brokers.length);
    const there = new Set(await admin.listTopics());
    await checkGeneration(admin, client, there);
    const missing = topicNames.filter((name) => !there.has(client.topicOf(name)));
    const first = missing.find((name) => !options.create || isMoved(client, name));
    if (first !== undefined) throw missingTopic(client.topicOf(first), first, options, replicas);
    if (missing.length > 0) await makeTopics(admin, client, missing, { ...options, replicas });
    await untilKnown(() => verify(admin, client, { ...options, replicas }));
  } catch (error) {
    if (error instanceof LogMisconfigured || error instanceof LogOfOtherGeneration) throw error;
    throw client.unavailable(error, null);
  } finally {
    await admin.disconnect().catch(() => {});
  }
};

/** One of those that only a move makes: empty, it would stand for a log that lies elsewhere. */
const isMoved = ({ generation }: KafkaClient, topic: TopicName): boolean =>
  generation > 1 && MOVING_TOPICS.includes(topic);

/** Who asks for them next may have to wait, `untilKnown`. */
export const makeTopics = async (
  admin: Admin,
  client: KafkaClient,
  names: readonly TopicName[],
  {
    partitions,
    replicas,
    settings = {},
  }: Pick<TopicsOptions, 'partitions' | 'replicas'> & { readonly settings?: Readonly<Record<string, string>> },
): Promise<void> => {
  await admin.createTopics({
    // Which fails where a broker has not heard of them yet.
    waitForLeaders: false,
    topics: names.map((name) => ({
      topic: client.topicOf(name),
      numPartitions: partitionsOf(name, partitions),
      replicationFactor: replicas,
      configEntries: entriesOf({ ...kafkaSettingsOf(TOPICS[name], replicas), ...settings }),
    })),
  });
};

export const entriesOf = (settings: Readonly<Record<string, string>>) =>
  Object.entries(settings).map(([name, value]) => ({ name, value }));

const missingTopic = (name: string, topic: TopicName, options: TopicsOptions, replicas: number): LogMisconfigured => {
  const settings = Object.entries(kafkaSettingsOf(TOPICS[topic], replicas)).map(
    ([key, value]) => `--config ${key}=${value}`,
  );
  const partitions = partitionsOf(topic, options.partitions);
  const expected = [`--partitions ${partitions}`, `--replication-factor ${replicas}`, ...settings].join(' ');
  return new LogMisconfigured({ topic: name, setting: 'topic', is: 'missing', expected });
};

const KNOWN_WITHIN_MS = 5_000;
const NOT_KNOWN_YET: ReadonlySet<string | null> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']);

/** A topic that was just made is not known to every broker at once, and any of them may be asked. */
export const untilKnown = async <T>(ask: () => Promise<T>): Promise<T> => {
  for (let left = KNOWN_WITHIN_MS; ; left -= RETRY.initialRetryTime) {
    try {
      return await ask();
    } catch (error) {
      if (left <= 0 || !NOT_KNOWN_YET.has(typeOf(error))) throw error;
      await sleep(RETRY.initialRetryTime);
    }
  }
};

const verify = async (admin: Admin, client: KafkaClient, options: TopicsOptions): Promise<void> => {
  const names = topicNames.map((name) => client.topicOf(name));
  const { topics } = await admin.fetchTopicMetadata({ topics: names });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({ type: CONFIG_OF_TOPIC, name })),
  });
  for (const topic of topicNames) {
    const name = client.topicOf(topic);
    const count = topics.find((one) => one.name === name)?.partitions.length ?? 0;
    const expected = partitionsOf(topic, options.partitions);
    if (count !== expected)
      throw new LogMisconfigured({ topic: name, setting: 'partitions', is: String(count), expected: String(expected) });
    const entries = resources.find((one) => one.resourceName === name)?.configEntries ?? [];
    for (const [setting, wanted] of Object.entries(kafkaSettingsOf(TOPICS[topic], options.replicas))) {
      const is = entries.find((entry) => entry.configName === setting)?.configValue ?? '';
      if (is !== wanted) throw new LogMisconfigured({ topic: name, setting, is, expected: wanted });
    }
  }
};
