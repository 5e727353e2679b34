import { epochMs, type EpochMs } from '../../../schemas/time.ts';
import type { TopicName } from '../../../schemas/topics.ts';
import type { Consumer, Log, LogRecord } from '../../log/log.ts';
import { LogOutOfRange, LogUnavailable } from '../../log/log-errors.ts';

/** The log's port over lists in memory, with one consumer, and with the faults of a real one at hand. */
export type ListLog = Log & {
  readonly lists: ReadonlyMap<string, readonly LogRecord[]>;
  /** The next appends to this topic fail; `stored` says whether the records are there all the same. */
  failAppends(topic: TopicName, times: number, how?: { readonly stored: boolean }): void;
  /** Gives the partition to nobody, as a rebalance does; then, or at once, it may be assigned again. */
  revoke(partition: number): Promise<void>;
  assign(partition: number): Promise<void>;
  readonly groupOffsets: ReadonlyMap<number, number>;
};

export type ListLogOptions = {
  readonly partitions: number;
  readonly clock: () => EpochMs;
  readonly maxRecords?: number;
};

export const createListLog = ({ partitions, clock, maxRecords = 100 }: ListLogOptions): ListLog => {
  const lists = new Map<string, LogRecord[]>();
  const groupOffsets = new Map<number, number>();
  const failing = new Map<TopicName, { times: number; stored: boolean }>();
  const turns = new Map<number, number>();
  let wake = (): void => undefined;
  let appended = new Promise<void>((resolve) => (wake = resolve));
  let consumer: Consumer | null = null;

  const listOf = (topic: TopicName, partition: number): LogRecord[] => {
    const id = `${topic}/${partition}`;
    const list = lists.get(id) ?? [];
    lists.set(id, list);
    return list;
  };
  const read: Log['read'] = async (topic, partition, from, max) => {
    const list = listOf(topic, partition);
    if (from < 0 || from > list.length) {
      throw new LogOutOfRange({ topic, partition, offset: from }, { first: 0, end: list.length });
    }
    const records = list.slice(from, from + max);
    return { topic, partition, from, to: from + records.length, records, end: list.length };
  };

  /** One turn of ownership; a later turn of the same partition ends it. */
  const deliver = async (to: Consumer, partition: number): Promise<void> => {
    const turn = (turns.get(partition) ?? 0) + 1;
    turns.set(partition, turn);
    const mine = (): boolean => consumer === to && turns.get(partition) === turn;
    try {
      let from = await to.assigned(partition, groupOffsets.get(partition) ?? null);
      while (mine()) {
        const more = appended;
        const batch = await read(to.topic, partition, from, maxRecords);
        if (batch.records.length > 0) from = await to.batch(batch);
        else await more;
      }
    } catch (error) {
      if (mine()) to.failed(partition, error);
    }
  };
  const revoke = async (partition: number): Promise<void> => {
    turns.set(partition, (turns.get(partition) ?? 0) + 1);
    await consumer?.revoked(partition);
  };

  return {
    lists,
    groupOffsets,
    append: async (topic, partition, records) => {
      const fault = failing.get(topic);
      const fails = fault !== undefined && fault.times > 0;
      const list = listOf(topic, partition);
      const baseOffset = list.length;
      const appendedAtMs = epochMs(clock());
      if (!fails || fault.stored) {
        for (const record of records) list.push({ ...record, offset: list.length, appendedAtMs });
        wake();
        appended = new Promise((resolve) => (wake = resolve));
      }
      if (fails) {
        fault.times -= 1;
        throw new LogUnavailable('made to fail', { where: 'list', at: null });
      }
      return { partition, baseOffset, appendedAtMs };
    },
    read,
    bounds: async (topic, partition) => ({ first: 0, end: listOf(topic, partition).length }),
    offsetAt: async (topic, partition, atMs) => {
      const list = listOf(topic, partition);
      const found = list.findIndex((r) => r.appendedAtMs >= atMs);
      return found === -1 ? list.length : found;
    },
    consume: async (joining) => {
      consumer = joining;
      // Not before the caller has its answer.
      for (let partition = 0; partition < partitions; partition++) {
        void Promise.resolve().then(() => deliver(joining, partition));
      }
      return {
        commit: async (partition, offset) => {
          groupOffsets.set(partition, offset);
        },
        close: async () => {
          for (let partition = 0; partition < partitions; partition++) await revoke(partition);
          consumer = null;
          wake();
        },
      };
    },
    close: async () => undefined,
    failAppends: (topic, times, { stored } = { stored: false }) => {
      failing.set(topic, { times, stored });
    },
    revoke,
    assign: async (partition) => {
      if (consumer !== null) await deliver(consumer, partition);
    },
  };
};
