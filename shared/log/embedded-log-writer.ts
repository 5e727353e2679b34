import type { EpochMs } from '../../schemas/time.ts';
import type { Appended, NewRecord } from './log.ts';
import { LogUnavailable } from './log-errors.ts';
import { batchWriter, type BatchWriter } from './embedded-log-batch.ts';
import { logError, type Channel } from './embedded-log-channel.ts';
import type { Partition } from './embedded-log-partition.ts';
import type { AppendRow, GroupOffset } from './embedded-log-protocol.ts';

/**
 * Group commit. One transaction is under way at a time; what is appended meanwhile, to any partition, is the next one.
 * When none is under way, appends wait for the end of the loop turn, so that the requests of one turn share a commit.
 */
export type Writer = {
  append(inbox: Inbox, records: readonly NewRecord[]): Promise<Appended>;
  /** Stored with the next appends, or after a second without any. */
  putOffset(offset: GroupOffset): void;
  /** Resolves when all that was handed in before has been stored or refused. */
  drained(): Promise<void>;
};

/** What waits to be stored in one partition. */
export type Inbox = {
  readonly partition: Partition;
  readonly batches: BatchWriter;
  /** Records written since the last flush. */
  count: number;
  /** Settled with the flush that takes them; null while nothing waits. */
  flush: PromiseWithResolvers<Flushed> | null;
};

type Flushed = { readonly base: number; readonly appendedAtMs: EpochMs };
type Flight = Flushed & {
  readonly inbox: Inbox;
  readonly flush: PromiseWithResolvers<Flushed>;
  readonly batches: readonly { readonly body: Buffer; readonly count: number }[];
  readonly count: number;
};

export const openInbox = (partition: Partition): Inbox => ({
  partition,
  batches: batchWriter(),
  count: 0,
  flush: null,
});

const OFFSETS_DELAY_MS = 1_000;

export type WriterOptions = {
  readonly channel: Channel;
  readonly file: string;
  readonly clock: () => EpochMs;
  /** Beyond so many bytes that wait for the disk, appends are refused: the disk is too slow or stuck. */
  readonly maxWaitingBytes: number;
  readonly onTrouble: (error: Error) => void;
};

export const openWriter = ({ channel, file, clock, maxWaitingBytes, onTrouble }: WriterOptions): Writer => {
  let waiting: Inbox[] = [];
  let waitingBytes = 0;
  let underWay: Promise<void> | null = null;
  let turn: NodeJS.Immediate | null = null;
  let offsets = new Map<string, GroupOffset>();
  let offsetsTimer: NodeJS.Timeout | null = null;

  const takeOff = (inbox: Inbox, appendedAtMs: EpochMs): Flight => {
    const flight: Flight = {
      inbox,
      base: inbox.partition.end,
      appendedAtMs,
      flush: inbox.flush ?? Promise.withResolvers<Flushed>(),
      batches: inbox.batches.take(),
      count: inbox.count,
    };
    inbox.flush = null;
    inbox.count = 0;
    return flight;
  };

  const land = (flight: Flight): void => {
    const p = flight.inbox.partition;
    p.newestAtMs = Math.max(p.newestAtMs, flight.appendedAtMs);
    for (const { body, count } of flight.batches) {
      p.tail.push({ base: p.end, count, appendedAtMs: flight.appendedAtMs, body });
      p.end += count;
    }
    flight.flush.resolve(flight);
    const wakes = [...p.wakes];
    p.wakes.clear();
    for (const wake of wakes) wake();
  };

  const commit = async (): Promise<void> => {
    const appendedAtMs = clock();
    const flights = waiting.map((inbox) => takeOff(inbox, appendedAtMs));
    const offsetsNow = offsets;
    waiting = [];
    waitingBytes = 0;
    offsets = new Map();
    try {
      const body = join(flights);
      const request = { appendedAtMs, rows: rowsOf(flights), body, offsets: [...offsetsNow.values()] };
      await channel.ask('append', request, body.buffer);
      for (const flight of flights) land(flight);
    } catch (trouble) {
      for (const { inbox, flush } of flights) {
        const { topic, partition } = inbox.partition;
        const error = logError(trouble, file, { topic, partition, offset: null });
        // The port knows one answer to an append that may not be stored; what is damaged is its cause.
        flush.reject(
          error instanceof LogUnavailable
            ? error
            : new LogUnavailable('it is damaged and takes no records', { where: file, at: error.at, cause: error }),
        );
      }
      if (flights.length === 0) onTrouble(logError(trouble, file, null));
      // Newer offsets may have come meanwhile: they win.
      offsets = new Map([...offsetsNow, ...offsets]);
      delayOffsets();
    }
  };

  const start = (): void => {
    turn = null;
    if (underWay !== null || (waiting.length === 0 && offsets.size === 0)) return;
    if (offsetsTimer !== null) clearTimeout(offsetsTimer);
    offsetsTimer = null;
    underWay = commit().finally(() => {
      underWay = null;
      if (waiting.length > 0) start();
    });
  };

  const delayOffsets = (): void => {
    if (offsets.size > 0 && offsetsTimer === null) offsetsTimer = setTimeout(offsetsDue, OFFSETS_DELAY_MS).unref();
  };
  const offsetsDue = (): void => {
    offsetsTimer = null;
    start();
    delayOffsets();
  };

  return {
    append: (inbox, records) => {
      const { partition } = inbox.partition;
      if (waitingBytes > maxWaitingBytes)
        return Promise.reject(
          new LogUnavailable('its disk does not keep up; append less, or give it a faster disk', {
            where: file,
            at: { topic: inbox.partition.topic, partition, offset: null },
          }),
        );
      for (const record of records) {
        inbox.batches.write(record);
        waitingBytes += record.value === null ? 0 : record.value.length;
      }
      const before = inbox.count;
      inbox.count += records.length;
      if (inbox.flush === null) {
        inbox.flush = Promise.withResolvers<Flushed>();
        waiting.push(inbox);
        if (underWay === null && turn === null) turn = setImmediate(start);
      }
      return inbox.flush.promise.then(({ base, appendedAtMs }) => ({
        partition,
        baseOffset: base + before,
        appendedAtMs,
      }));
    },
    putOffset: (offset) => {
      offsets.set(`${offset.partitionId} ${offset.group}`, offset);
      delayOffsets();
    },
    drained: async () => {
      while (underWay !== null || waiting.length > 0) {
        start();
        await underWay;
      }
      start();
      await underWay;
      if (offsetsTimer !== null) clearTimeout(offsetsTimer);
    },
  };
};

const join = (flights: readonly Flight[]): Uint8Array<ArrayBuffer> => {
  let bytes = 0;
  for (const { batches } of flights) for (const { body } of batches) bytes += body.length;
  // Not from Buffer's pool: it is handed over whole.
  const joined = new Uint8Array(new ArrayBuffer(bytes));
  let at = 0;
  for (const { batches } of flights) {
    for (const { body } of batches) {
      joined.set(body, at);
      at += body.length;
    }
  }
  return joined;
};

const rowsOf = (flights: readonly Flight[]): readonly AppendRow[] => {
  const rows: AppendRow[] = [];
  for (const { inbox, appendedAtMs, base, batches } of flights) {
    const newestAtMs = Math.max(inbox.partition.newestAtMs, appendedAtMs);
    let next = base;
    for (const { body, count } of batches) {
      rows.push({ partitionId: inbox.partition.id, base: next, count, newestAtMs, bytes: body.length });
      next += count;
    }
  }
  return rows;
};
