import { setTimeout as sleep } from 'node:timers/promises';
import { NO_CLAIMS } from './kafka-log-assigner.ts';
import { typeOf, type KafkaClient } from './kafka-log-client.ts';
import { startDelivery, type KafkaDelivery } from './kafka-log-delivery.ts';
import { openMember, type Member } from './kafka-log-member.ts';
import type { KafkaReader } from './kafka-log-reader.ts';
import type { Consumer, Consumption } from './log.ts';
import { atMost } from './revocation.ts';

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
const LOOK_MS = 10_000;
const COMMIT_EVERY_MS = 200;
/** What is not committed by then is said again by the next owner. */
const LAST_COMMIT_MS = 2_000;
const FIRST_RESTART_MS = 100;
const LAST_RESTART_MS = 1_000;
/** One that has lived so long did not fail for the reason of the one before. */
const LONG_LIFE_MS = 30_000;

/**
 * A place in a consumer group. kafkajs fetches and keeps the membership, and never waits for a handler: batches queue up
 * in a delivery for each partition. A member that crashes, or says nothing for long, is replaced until `close`.
 */
export const joinGroup = (consumer: Consumer, options: GroupOptions): Consumption => {
  const { client, reader, onTrouble } = options;
  const group = client.groupOf(consumer.group);
  const topic = client.topicOf(consumer.topic);
  const deliveries = new Map<number, KafkaDelivery>();
  const commits = new Map<number, number>();
  const claims = { ...NO_CLAIMS };
  let member: Member | null = null;
  let closing = false;
  /** Assignments so far: what belongs to an earlier one is not begun any more. */
  let assignments = 0;
  const leaving = new AbortController();
  const left = new Promise<null>((resolve) => {
    leaving.signal.addEventListener('abort', () => resolve(null));
  });
  let sessionTimeoutMs = options.sessionTimeoutMs;

  const trouble = (error: unknown): void => {
    if (!closing) onTrouble(client.unavailable(error, null, `the member of ${group} for ${topic}`));
  };

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

  const flush = async (by: Member | null): Promise<void> => {
    const offsets = new Map(commits);
    commits.clear();
    if (offsets.size === 0) return;
    await by?.commit(offsets).catch((error: unknown) => {
      if (!isOvertaken(error)) trouble(error);
    });
  };
  let flushing = Promise.resolve();
  const flusher = setInterval(() => {
    if (commits.size > 0) flushing = flushing.then(() => flush(member));
  }, COMMIT_EVERY_MS).unref();

  const assign = async (by: Member, partitions: readonly number[]): Promise<void> => {
    const assignment = ++assignments;
    // Before the first fetch: nothing is fetched from where the group was.
    by.pause(partitions);
    // Another member may have had them since.
    await stopAll();
    if (closing || assignment !== assignments || by !== member) return;
    for (const partition of partitions) {
      const ifMember = (work: () => void): void => {
        if (assignment === assignments && by === member) work();
      };
      const delivery = startDelivery({
        consumer,
        partition,
        reader,
        maxRecords: options.maxRecords,
        maxBytes: options.maxBytes,
        onTrouble,
        fetching: {
          seek: (offset) => ifMember(() => by.seek(partition, offset)),
          pause: () => ifMember(() => by.pause([partition])),
          resume: () => ifMember(() => by.resume(partition)),
          isKnown: by.isKnown,
          stuck: by.giveUp,
        },
      });
      deliveries.set(partition, delivery);
    }
  };

  /** One life of a member; resolves with the reason of its end. */
  const live = async (): Promise<Error | null> => {
    // One that was given up may still get through before it is gone: nobody listens to it.
    const ifMember = (work: () => void): void => {
      if (member === one) work();
    };
    const one = openMember({
      client,
      group,
      topic,
      sessionTimeoutMs,
      claims,
      onAssigned: (partitions) => ifMember(() => void assign(one, partitions).catch(one.giveUp)),
      // They are another's as soon as it has joined: not a moment to lose, so not one to wait either.
      onRebalancing: () =>
        ifMember(() => {
          void flush(one);
          void stopAll();
        }),
      onFetched: (partition, shown) => ifMember(() => deliveries.get(partition)?.accept(shown)),
      onKnown: () => deliveries.forEach((delivery) => delivery.goOn()),
    });
    member = one;
    const looker = setInterval(() => deliveries.forEach((delivery) => delivery.look()), LOOK_MS).unref();
    try {
      return await Promise.race([one.ended, left]);
    } finally {
      clearInterval(looker);
      // Whatever it may still come by is not listened to.
      member = null;
      await stopAll();
      // What a member that crashed has not said is lost, and said again behind the next batch.
      if (closing)
        await atMost(
          LAST_COMMIT_MS,
          flushing.then(() => flush(one)),
        );
      commits.clear();
      const gone = one.leave();
      if (closing) await gone;
    }
  };

  /** kafkajs does not say why it finds no coordinator of the group; the reader asks as well, and hears. */
  const reasonOf = async (error: Error): Promise<unknown> => {
    if (error.name !== 'KafkaJSGroupCoordinatorNotFound') return error;
    return reader.groupOffset(consumer.group, consumer.topic, 0).then(
      () => error,
      (reason: unknown) => reason,
    );
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
      if (!isComingUp(error) || waitMs === LAST_RESTART_MS) trouble(await Promise.race([reasonOf(error), left]));
      if (performance.now() - startedAt > LONG_LIFE_MS) waitMs = FIRST_RESTART_MS;
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

const isTooShort = (error: Error): boolean => typeOf(error) === 'INVALID_SESSION_TIMEOUT';
/** What is committed while the group is given anew is lost, which is no trouble. */
const isOvertaken = (error: unknown): boolean =>
  ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'].includes(typeOf(error) ?? '');
/** What a coordinator says that has just been made one: no trouble, unless it goes on. */
const isComingUp = (error: Error): boolean =>
  ['GROUP_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE'].includes(typeOf(error) ?? '');
