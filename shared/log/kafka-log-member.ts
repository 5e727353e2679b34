import { stickyAssigner, type Claims } from './kafka-log-assigner.ts';
import { RETRY, type KafkaClient } from './kafka-log-client.ts';
import type { Shown } from './kafka-log-inside.ts';
import { atMost } from './revocation.ts';

/** One life of a member of a group, from its joining until it has crashed or is given up. */
export type Member = {
  /** Resolves with the reason when it has to be made anew. */
  readonly ended: Promise<Error>;
  giveUp(reason: Error): void;
  /**
   * Whether the group has confirmed within the session that this is a member. A process that was stopped for long wakes up
   * with what it was about to do, while its partitions are another's: until the group has answered, it does nothing.
   */
  isKnown(): boolean;
  /** The next fetch of the partition starts there. */
  seek(partition: number, offset: number): void;
  pause(partitions: readonly number[]): void;
  resume(partition: number): void;
  commit(offsets: ReadonlyMap<number, number>): Promise<void>;
  /** Not longer than its broker takes to answer, and 2 s at most. */
  leave(): Promise<void>;
};

export type MemberOptions = {
  readonly client: KafkaClient;
  readonly group: string;
  readonly topic: string;
  readonly sessionTimeoutMs: number;
  /** What this process had when it last heard of it; kept up to date here. */
  readonly claims: Claims;
  onAssigned(partitions: readonly number[]): void;
  /** Before it joins again; `onAssigned` follows. */
  onRebalancing(): void;
  onFetched(partition: number, shown: Shown): void;
  /** `isKnown` is true again. */
  onKnown(): void;
};

/** Also what a pause, a resumption or a leave may take when nothing comes. */
const FETCH_WAIT_MS = 100;
/** How long members have to join again when one comes or goes. */
const REBALANCE_MS = 5_000;
/** With no broker to be had there is nobody to say good-bye to. */
const LEAVE_MS = 2_000;
const LOOK_MS = 1_000;
/** So many looks without a fetch, and it hangs. */
const SILENT_LOOKS = 30;

export const openMember = (options: MemberOptions): Member => {
  const { client, group, topic, sessionTimeoutMs, claims } = options;
  // When a leader moves, kafkajs joins anew, and a member that says something new makes its whole group do so. All but the
  // one that assigns, whose joining does that in any case, say what is new when the group joins anew for another reason.
  let told = { ...claims };
  let assigns = false;
  const consumer = client.open().consumer({
    groupId: group,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: Math.max(sessionTimeoutMs, REBALANCE_MS),
    heartbeatInterval: Math.floor(sessionTimeoutMs / 10),
    maxWaitTimeInMs: FETCH_WAIT_MS,
    metadataMaxAge: 60_000,
    allowAutoTopicCreation: false,
    partitionAssigners: [stickyAssigner(() => (assigns ? claims : told))],
    // Made anew by its group, with everything that belongs to it.
    retry: { ...RETRY, restartOnFailure: async () => false },
  });
  const { promise: ended, resolve: giveUp } = Promise.withResolvers<Error>();

  // The session counts from when the group heard of the member, and an answer may have waited for this process for long.
  let askedAtMs = -Infinity;
  let knownAtMs = -Infinity;
  const isKnown = (): boolean => performance.now() - knownAtMs < sessionTimeoutMs;
  const known = (): void => {
    const before = isKnown();
    knownAtMs = askedAtMs;
    if (!before && isKnown()) options.onKnown();
  };
  consumer.on('consumer.network.request', ({ payload: { apiName, duration } }) => {
    if (apiName === 'Heartbeat' || apiName === 'SyncGroup') askedAtMs = performance.now() - duration;
  });
  let rejoins = false;
  consumer.on('consumer.heartbeat', ({ payload }) => {
    claims.generation = payload.groupGenerationId;
    known();
    if (!rejoins) return;
    // A coordinator that has just been made one cannot be joined yet. kafkajs goes on as a member then, and it is one: of the
    // same generation, with the same partitions.
    rejoins = false;
    options.onAssigned(claims.partitions);
  });

  // Looks and not time: a process that was stopped has not looked meanwhile.
  let [silent, unknown, joined] = [0, 0, false];
  const looker = setInterval(() => {
    silent += 1;
    unknown = isKnown() || !joined ? 0 : unknown + 1;
    if (silent > SILENT_LOOKS) giveUp(new Error(`no fetch for ${SILENT_LOOKS} s`));
    if (unknown * LOOK_MS > sessionTimeoutMs + REBALANCE_MS)
      giveUp(new Error(`no answer of the group for ${unknown} s`));
  }, LOOK_MS).unref();
  consumer.on('consumer.fetch', () => {
    silent = 0;
  });
  consumer.on('consumer.crash', ({ payload }) => giveUp(payload.error));
  consumer.on('consumer.rebalancing', () => {
    told = { ...claims };
    rejoins = true;
    options.onRebalancing();
  });
  consumer.on('consumer.group_join', ({ payload }) => {
    [silent, joined, rejoins] = [0, true, false];
    assigns = payload.isLeader;
    const partitions = payload.memberAssignment[topic] ?? [];
    claims.generation = -1;
    claims.partitions = partitions;
    known();
    options.onAssigned(partitions);
  });

  const start = async (): Promise<void> => {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, isStale }) => {
        if (!isStale()) options.onFetched(batch.partition, batch as unknown as Shown);
      },
    });
  };
  const started = start().catch((error: unknown) => {
    giveUp(error instanceof Error ? error : new Error(String(error)));
  });

  /** It has crashed and says so elsewhere. */
  const unlessCrashed = (work: () => void): void => {
    try {
      work();
    } catch {
      // What it was to do is done by the next one.
    }
  };
  return {
    ended,
    giveUp,
    isKnown,
    seek: (partition, offset) => unlessCrashed(() => consumer.seek({ topic, partition, offset: String(offset) })),
    pause: (partitions) => unlessCrashed(() => consumer.pause([{ topic, partitions: [...partitions] }])),
    resume: (partition) => unlessCrashed(() => consumer.resume([{ topic, partitions: [partition] }])),
    commit: (offsets) =>
      consumer.commitOffsets([...offsets].map(([partition, offset]) => ({ topic, partition, offset: String(offset) }))),
    leave: async () => {
      clearInterval(looker);
      // Not before it is in: it would stay in the group.
      const gone = started.then(() => consumer.disconnect().catch(() => {}));
      await atMost(LEAVE_MS, gone);
    },
  };
};
