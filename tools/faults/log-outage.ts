import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Log } from '../../shared/log/log.ts';
import { readAll, record, textOf, TOPIC } from '../../shared/log/testing/member.ts';

export type LogOutageOptions = {
  readonly log: Log;
  /** Each gets an append every so often, whatever becomes of those before it. */
  readonly partitions: number;
  readonly everyMs: number;
  /** What goes away, for how long, and comes back. */
  begin(): Promise<void>;
  end(): Promise<void>;
  readonly forMs: number;
};

export type LogOutageReport = {
  readonly acknowledged: number;
  readonly refused: number;
  /** From the return until appends that were made after it are stored, and delivered, in every partition. */
  readonly appendsBackMs: number;
  readonly deliveriesBackMs: number;
  /** The longest time that a partition stored, or delivered, nothing. */
  readonly appendsOutMs: number;
  readonly deliveriesOutMs: number;
  /** Appends without an answer, at most. */
  readonly unanswered: number;
  /** How much memory grew from the middle of the outage to its end. */
  readonly grownMiB: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly undelivered: readonly string[];
  /** Partitions whose consumption ended. */
  readonly failures: readonly string[];
};

/** A partition that is not back by then is lost for the report. */
const BACK_WITHIN_MS = 90_000;
const WARM_UP = 20;

/** When something last happened in each partition, and the longest time that it did not. */
const watch = (partitions: number) => {
  const lastMs = Array.from({ length: partitions }, () => performance.now());
  let longestMs = 0;
  return {
    happened: (partition: number): void => {
      const now = performance.now();
      longestMs = Math.max(longestMs, now - lastMs[partition]!);
      lastMs[partition] = now;
    },
    longestMs: (): number => Math.max(longestMs, ...lastMs.map((ms) => performance.now() - ms)),
  };
};

/** Loads a log, takes something away from under it, and says what became of what was acknowledged. */
export const runLogOutage = async (options: LogOutageOptions): Promise<LogOutageReport> => {
  const { log, partitions, everyMs, begin, end, forMs } = options;
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const acknowledged = new Set<string>();
  const delivered = new Set<string>();
  const failures: string[] = [];
  /** The first append of each partition that was made after the return. */
  let late: string[] = [];
  let [refused, unanswered, unansweredMost] = [0, 0, 0];
  let stopped = false;
  const stores = watch(partitions);
  const deliveries = watch(partitions);

  await log.consume({
    group: 'outage',
    topic: TOPIC,
    assigned: async () => 0,
    batch: async (batch) => {
      for (const one of batch.records) delivered.add(textOf(one));
      deliveries.happened(batch.partition);
      return batch.to;
    },
    revoked: async () => {},
    failed: (partition, error) => failures.push(`${partition}: ${String(error)}`),
  });

  const append = async (partition: number, text: string): Promise<void> => {
    unansweredMost = Math.max(unansweredMost, ++unanswered);
    try {
      await log.append(TOPIC, partition, [record(text)]);
      acknowledged.add(text);
      stores.happened(partition);
    } catch {
      refused += 1;
    }
    unanswered -= 1;
  };
  const write = async (partition: number): Promise<void> => {
    for (let n = 0; !stopped; n++) {
      void append(partition, `${partition}.${n}`);
      if (late.length === partitions) late[partition] ||= `${partition}.${n}`;
      await sleep(everyMs);
    }
  };
  const until = async (holds: () => boolean): Promise<number> => {
    const startedAt = performance.now();
    while (!holds() && performance.now() - startedAt < BACK_WITHIN_MS) await sleep(10);
    return performance.now() - startedAt;
  };
  /** That one or one behind it: appends of one partition are stored in their order, but one may be refused. */
  const has = (texts: ReadonlySet<string>, partition: number): boolean => {
    const from = late[partition];
    if (from === undefined || from === '') return false;
    for (let n = Number(from.split('.')[1]); n < Number(from.split('.')[1]) + 1_000; n++)
      if (texts.has(`${partition}.${n}`)) return true;
    return false;
  };

  const writing = Promise.all(all.map(write));
  await until(() => all.every((partition) => delivered.has(`${partition}.${WARM_UP}`)));
  await begin();
  await sleep(forMs / 2);
  const atHalfMiB = usedMiB();
  await sleep(forMs / 2);
  const grownMiB = usedMiB() - atHalfMiB;
  await end();
  late = all.map(() => '');
  const [appendsBackMs, deliveriesBackMs] = await Promise.all([
    until(() => all.every((partition) => has(acknowledged, partition))),
    until(() => all.every((partition) => has(delivered, partition))),
  ]);
  stopped = true;
  await writing;
  const [appendsOutMs, deliveriesOutMs] = [stores.longestMs(), deliveries.longestMs()];
  await until(() => unanswered === 0);
  await until(() => [...acknowledged].every((text) => delivered.has(text)));

  const held = new Map<string, number>();
  for (const partition of all)
    for (const one of await readAll(log, partition)) held.set(textOf(one), (held.get(textOf(one)) ?? 0) + 1);
  return {
    acknowledged: acknowledged.size,
    refused,
    appendsBackMs,
    deliveriesBackMs,
    appendsOutMs,
    deliveriesOutMs,
    unanswered: unansweredMost,
    grownMiB,
    lost: [...acknowledged].filter((text) => !held.has(text)),
    doubled: [...acknowledged].filter((text) => (held.get(text) ?? 0) > 1),
    undelivered: [...acknowledged].filter((text) => !delivered.has(text)),
    failures,
  };
};

/** What is in use when all that is garbage has gone. */
const usedMiB = (): number => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 / 1024;
};
