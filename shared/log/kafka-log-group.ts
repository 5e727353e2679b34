import type { Consumer as KafkaConsumer } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RETRY, textOf, type KafkaClient } from './kafka-log-client.ts';
import { startDelivery, type KafkaDelivery } from './kafka-log-delivery.ts';
import type { Shown } from './kafka-log-inside.ts';
import type { KafkaReader } from './kafka-log-reader.ts';
import type { Consumer, Consumption } from './log.ts';

export type GroupOptions = {
  readonly client: KafkaClient;
  readonly reader: KafkaReader;
  /** How long Kafka waits for a sign of a member; what every broker allows where this one allows no less. */
  readonly sessionTimeoutMs: number;
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly onTrouble: (error: Error) => void;
};

/** How long a partition may take to let go. */
const GRACE_MS = 1_000;
/** The least that a broker allows when nobody has set anything. */
const DEFAULT_SESSION_MS = 6_000;
/** Also what a pause, a resumption or a leave may take when nothing comes. */
const FETCH_WAIT_MS = 100;
/** With no broker to be had there is nobody to say good-bye to. */
const LEAVE_MS = 2_000;
const COMMIT_EVERY_MS = 200;
const FIRST_RESTART_MS = 100;
const LAST_RESTART_MS = 1_000;
/** A member that has not fetched for so long hangs, and is made anew. */
const SILENT_MS = 30_000;

/**
 * One member of a consumer group. kafkajs fetches and keeps the membership, and never waits for a handler: batches queue up
 * in a delivery for each partition. A member that crashes, or says nothing for long, is replaced until `close`.
 */
export const joinGroup = (consumer: Consumer, options: GroupOptions): Consumption => {
  const { client, reader, onTrouble } = options;
  const topic = client.topicOf(consumer.topic);
  const deliveries = new Map<number, KafkaDelivery>();
  const commits = new Map<number, number>();
  let member: KafkaConsumer | null = null;
  let closing = false;
  /** Assignments so far: what belongs to an earlier one is not begun any more. */
  let assignments = 0;
  const leaving = new AbortController();
  const left = new Promise<null>((resolve) => {
    leaving.signal.addEventListener('abort', () => resolve(null));
  });
  let sessionTimeoutMs = options.sessionTimeoutMs;

  let stopped: Promise<unknown> = Promise.resolve();
  /** Also waits for those that were told before. */
  const stopAll = async (): Promise<void> => {
    const stopping = [...deliveries].map(async ([partition, delivery]) => {
      await delivery.stop(GRACE_MS);
      deliveries.delete(partition);
    });
    stopped = Promise.all([stopped, ...stopping]);
    await stopped;
  };

  const flush = async (): Promise<void> => {
    const offsets = [...commits].map(([partition, offset]) => ({ topic, partition, offset: String(offset) }));
    commits.clear();
    if (offsets.length > 0) await member?.commitOffsets(offsets).catch(trouble);
  };
  const trouble = (error: unknown): void => {
    const who = `the member of ${client.groupOf(consumer.group)} for ${topic}`;
    if (!closing) onTrouble(client.unavailable(new Error(`${who}: ${textOf(error)}`, { cause: error }), null));
  };
  /** kafkajs does not say why it finds no coordinator of the group; the reader asks it as well, and hears. */
  const reasonOf = async (error: Error): Promise<unknown> => {
    if (error.name !== 'KafkaJSGroupCoordinatorNotFound') return error;
    return reader.groupOffset(consumer.group, consumer.topic, 0).then(
      () => error,
      (reason: unknown) => reason,
    );
  };
  let flushing = Promise.resolve();
  const flusher = setInterval(() => {
    if (commits.size > 0) flushing = flushing.then(flush);
  }, COMMIT_EVERY_MS).unref();

  const assign = async (by: KafkaConsumer, partitions: readonly number[]): Promise<void> => {
    const assignment = ++assignments;
    // Before the first fetch: nothing is fetched from where the group was.
    by.pause([{ topic, partitions: [...partitions] }]);
    // Another member may have had them since.
    await stopAll();
    if (closing || assignment !== assignments) return;
    for (const partition of partitions) {
      const at = [{ topic, partitions: [partition] }];
      const ifMember = (work: () => void): void => {
        if (assignment !== assignments || by !== member) return;
        try {
          work();
        } catch {
          // It has crashed and will say so: its deliveries end with it.
        }
      };
      const delivery = startDelivery({
        consumer,
        partition,
        reader,
        maxRecords: options.maxRecords,
        maxBytes: options.maxBytes,
        onTrouble,
        fetching: {
          seek: (offset) => ifMember(() => by.seek({ topic, partition, offset: String(offset) })),
          pause: () => ifMember(() => by.pause(at)),
          resume: () => ifMember(() => by.resume(at)),
        },
      });
      deliveries.set(partition, delivery);
    }
  };

  /** One life of a member; resolves with the reason of its end. */
  const live = async (): Promise<Error | null> => {
    const one = client.open().consumer({
      groupId: client.groupOf(consumer.group),
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: Math.max(sessionTimeoutMs, 5_000),
      heartbeatInterval: Math.floor(sessionTimeoutMs / 10),
      maxWaitTimeInMs: FETCH_WAIT_MS,
      metadataMaxAge: 60_000,
      allowAutoTopicCreation: false,
      // Restarted here, with everything that belongs to it.
      retry: { ...RETRY, restartOnFailure: async () => false },
    });
    let lastSignMs = performance.now();
    const sign = (): void => {
      lastSignMs = performance.now();
    };
    let watchdog: NodeJS.Timeout | undefined;
    const crashed = new Promise<Error>((resolve) => {
      one.on('consumer.crash', ({ payload }) => resolve(payload.error));
      watchdog = setInterval(() => {
        if (performance.now() - lastSignMs > SILENT_MS) resolve(new Error(`no fetch for ${SILENT_MS} ms`));
      }, 1_000).unref();
    });
    one.on('consumer.fetch', sign);
    // They are another's as soon as it has joined: not a moment to lose, so not one to wait either.
    one.on('consumer.rebalancing', () => {
      if (member !== one) return;
      void flush();
      void stopAll();
    });
    one.on('consumer.group_join', ({ payload }) => {
      sign();
      // One that was given up may still get through before it is gone.
      if (member !== one) return;
      assign(one, payload.memberAssignment[topic] ?? []).catch(trouble);
    });
    const start = async (): Promise<void> => {
      await one.connect();
      if (closing) return;
      await one.subscribe({ topics: [topic], fromBeginning: true });
      await one.run({
        autoCommit: false,
        eachBatch: async ({ batch, isStale }) => {
          const shown = batch as unknown as Shown;
          if (member === one && !isStale()) deliveries.get(batch.partition)?.accept(shown);
        },
      });
    };
    member = one;
    const started = start();
    try {
      return await Promise.race([started.then(() => crashed), crashed, left]);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      clearInterval(watchdog);
      await stopAll();
      // What a member that crashed has not said is lost, and said again behind the next batch.
      if (closing) await flushing.then(flush);
      commits.clear();
      member = null;
      // Not before it is in: it would stay in the group.
      const gone = started.catch(() => {}).then(() => one.disconnect().catch(() => {}));
      if (closing) await Promise.race([gone, sleep(LEAVE_MS, undefined, { ref: false })]);
    }
  };

  const lives = async (): Promise<void> => {
    // The caller has its answer first.
    await sleep(0);
    let waitMs = FIRST_RESTART_MS;
    while (!closing) {
      const startedAt = performance.now();
      const error = await live();
      if (error === null) break;
      if (isTooShort(error) && sessionTimeoutMs < DEFAULT_SESSION_MS) {
        sessionTimeoutMs = DEFAULT_SESSION_MS;
        continue;
      }
      trouble(await Promise.race([reasonOf(error), left]));
      if (performance.now() - startedAt > SILENT_MS) waitMs = FIRST_RESTART_MS;
      await sleep(waitMs, undefined, { signal: leaving.signal }).catch(() => {});
      waitMs = Math.min(2 * waitMs, LAST_RESTART_MS);
    }
  };
  const done = lives();

  return {
    commit: async (partition, offset) => {
      // What a former owner says late must not set the group back.
      const delivery = deliveries.get(partition);
      if (delivery !== undefined && (closing || delivery.isRunning())) commits.set(partition, offset);
    },
    close: async () => {
      closing = true;
      clearInterval(flusher);
      leaving.abort();
      await done;
    },
  };
};

const isTooShort = (error: Error & { readonly type?: unknown }): boolean => error.type === 'INVALID_SESSION_TIMEOUT';
