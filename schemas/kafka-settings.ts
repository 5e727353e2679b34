import { SEGMENTS_PER_RETENTION, type Topic } from './topics.ts';

/** How a topic is set where the log is Kafka: the adapter makes and checks it, the infrastructure makes it. */

/** Room for one append of a processor's outputs; what is written at once is never split. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

/** One broker may be lost without a record lost, and without a stop. */
const minInSync = (replicas: number): number => (replicas >= 3 ? 2 : 1);

export const kafkaSettingsOf = (topic: Topic, replicas: number): Record<string, string> => ({
  // The only clock that processors know.
  'message.timestamp.type': 'LogAppendTime',
  'unclean.leader.election.enable': 'false',
  'min.insync.replicas': String(minInSync(replicas)),
  'max.message.bytes': String(MAX_MESSAGE_BYTES),
  ...(topic.retentionMs === 'compact'
    ? { 'cleanup.policy': 'compact' }
    : {
        'cleanup.policy': 'delete',
        'retention.ms': String(topic.retentionMs),
        // Kafka removes whole segments: a segment a day long would hold records for two.
        'segment.ms': String(topic.retentionMs / SEGMENTS_PER_RETENTION),
      }),
});
