import type { TopicName } from '../../../schemas/topics.ts';
import { recordsBetween } from '../log-records.ts';
import type { Batch, Consumer, Log, LogRecord, NewRecord } from '../log.ts';

export const TOPIC = 'heartbeats.v1';

export const record = (text: string): NewRecord => ({ key: text, value: new TextEncoder().encode(text) });
export const textOf = (r: NewRecord): string => new TextDecoder().decode(r.value ?? undefined);

export const readAll = async (log: Log, partition: number, topic: TopicName = TOPIC): Promise<LogRecord[]> => {
  const all: LogRecord[] = [];
  const bounds = await log.bounds(topic, partition);
  for await (const records of recordsBetween(log, { topic, partition }, bounds)) all.push(...records);
  return all;
};

export type MemberOptions = {
  readonly log: Log;
  readonly group?: string;
  /** Where to start; null for the first offset that is held. */
  start?(partition: number): number | null;
  onBatch?(batch: Batch): Promise<number>;
  onAssigned?(partition: number): void;
  onRevoked?(partition: number): void;
};

/** A member of a group that remembers all it was told, and wakes who waits for it. */
export const memberOf = ({ log, group = 'group', start, onBatch, onAssigned, onRevoked }: MemberOptions) => {
  const batches: Batch[] = [];
  const assigned = new Map<number, number | null>();
  const mine = new Set<number>();
  const failures: [number, unknown][] = [];
  const waiting = new Set<() => void>();
  const told = (): void => waiting.forEach((look) => look());
  const count = (): number => batches.reduce((sum, b) => sum + b.records.length, 0);
  const when = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });

  const consumer: Consumer = {
    group,
    topic: TOPIC,
    assigned: async (partition, groupOffset) => {
      assigned.set(partition, groupOffset);
      mine.add(partition);
      onAssigned?.(partition);
      const at = start?.(partition) ?? (await log.bounds(TOPIC, partition)).first;
      told();
      return at;
    },
    batch: async (batch) => {
      batches.push(batch);
      told();
      return onBatch === undefined ? batch.to : onBatch(batch);
    },
    revoked: async (partition) => {
      mine.delete(partition);
      onRevoked?.(partition);
      told();
    },
    failed: (partition, error) => {
      failures.push([partition, error]);
      told();
    },
  };
  return {
    consumer,
    assigned,
    mine,
    failures,
    count,
    when,
    has: (records: number) => when(() => count() >= records),
    texts: (partition: number) =>
      batches.filter((b) => b.partition === partition).flatMap((b) => b.records.map(textOf)),
  };
};
