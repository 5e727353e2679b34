import { openKafkaClient } from '../../shared/log/kafka-log-client.ts';
import { openKafkaLog } from '../../shared/log/kafka-log.ts';
import { TOPIC } from '../../shared/log/testing/member.ts';
import { type LogOutageReport, runLogOutage } from './log-outage.ts';
import type { OwnKafka } from '../stack/own-kafka.ts';

export type KafkaOutage = {
  /** All brokers, or the one that leads partition 0, or the one that coordinates the group. */
  readonly who: 'all' | 'leader' | 'coordinator';
  /** A machine that is gone, or one that hangs: it takes connections and answers nothing. */
  readonly how: 'kill' | 'freeze';
  readonly forMs: number;
  readonly onTrouble?: (error: Error) => void;
};

const PARTITIONS = 4;
const EVERY_MS = 20;
/** So little that an outage fills it. */
const MAX_WAITING_BYTES = 64 * 1024;

let runs = 0;

/** Takes brokers away from a log under load. */
export const runKafkaOutage = async (kafka: OwnKafka, outage: KafkaOutage): Promise<LogOutageReport> => {
  const { who, how, forMs, onTrouble = () => {} } = outage;
  const prefix = `outage-${++runs}.`;
  const admin = openKafkaClient({ brokers: kafka.brokers, clientId: 'outage' }).open().admin();
  const log = await openKafkaLog({
    brokers: kafka.brokers,
    clientId: 'outage',
    partitions: PARTITIONS,
    prefix,
    maxWaitingBytes: MAX_WAITING_BYTES,
    onTrouble,
  });
  const idsOf = async (): Promise<number[]> => {
    if (who === 'all') return kafka.brokers.map((_, i) => i + 1);
    // There is one partition of offsets, and who leads it coordinates all groups.
    const name = who === 'leader' ? `${prefix}${TOPIC}` : '__consumer_offsets';
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
    await admin.disconnect();
    const leader = topics[0]?.partitions.find((one) => one.partitionId === 0)?.leader;
    if (leader === undefined) throw new Error(`nobody leads ${name}`);
    return [leader];
  };
  let ids: readonly number[] = [];
  try {
    return await runLogOutage({
      log,
      partitions: PARTITIONS,
      everyMs: EVERY_MS,
      forMs,
      begin: async () => {
        ids = await idsOf();
        for (const id of ids) await (how === 'kill' ? kafka.kill(id) : kafka.freeze(id));
      },
      end: async () => {
        await Promise.all(ids.map((id) => (how === 'kill' ? kafka.restart(id) : kafka.thaw(id))));
      },
    });
  } finally {
    await log.close();
  }
};
