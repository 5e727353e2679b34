import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeOutput, encodeEvent } from '../../schemas/codec.ts';
import { type TableName, TABLES } from '../../schemas/tables.ts';
import { epochMs, SECOND_MS } from '../../schemas/time.ts';
import type { TopicName } from '../../schemas/topics.ts';
import { openEmbeddedLog } from '../../shared/log/embedded-log.ts';
import type { Log } from '../../shared/log/log.ts';
import { partitionOf } from '../../shared/log/partition.ts';
import { readAll } from '../../shared/log/testing/member.ts';
import { openEmbeddedState } from '../../shared/state/embedded-state.ts';
import { BY_ID } from '../../shared/table/table.ts';
import { openSqliteTable } from '../../shared/table/sqlite-table.ts';
import { createLog } from '../../shared/telemetry/log.ts';
import { createMetrics } from '../../shared/telemetry/metrics.ts';
import { policyOf, TWO_STREAMS } from '../concurrency/testing/household.ts';
import { packed } from '../packed.ts';
import { type Processors, startProcessors } from '../processors.ts';
import type { RoleName } from '../roles.ts';
import type { Audience } from '../trending/audience.ts';
import { makeFolder } from './server.ts';
import { street } from './street.ts';

/**
 * A street under all folds on the real parts of one machine, with a clock that is turned by hand; those that remember may stand
 * still for 10 minutes while concurrency runs.
 */
export type Standstill = {
  /** What concurrency had decided, and its rows, when the 10 minutes were over, and how many of the decisions fell into them. */
  readonly decided: Lines;
  readonly decidedMeanwhile: number;
  /** What the log handed out in the 10 minutes, and then until everybody was at its end. */
  readonly meanwhile: readonly Handed[];
  readonly caughtUpWith: readonly Handed[];
  /** At the end of the evening: rows, durable rows, view ends and moves; and what is told of each content. */
  readonly remembered: Lines;
  readonly told: Lines;
  close(): Promise<void>;
};
export type Handed = { readonly group: string; readonly partition: number; readonly records: number };
/** Each thing as a text, with its place. */
export type Lines = readonly string[];

export const PARTITIONS = [0, 1, 2, 3] as const;
/** Who folds the heartbeats and stands still; with them does the ledger, which folds what concurrency decides. */
export const STANDS_STILL = ['resume-position', 'view-end', 'trending'] as const satisfies readonly RoleName[];
const STANDING_STILL: readonly RoleName[] = [...STANDS_STILL, 'decision-ledger'];
/** As much as live time goes on by between two records. */
export const STEP_S = 5;
export const STOPS_S = 60;
export const GOES_ON_S = STOPS_S + 600;
const BEATS_END_S = GOES_ON_S + 60;
/** Within the minute that has begun by then all figures have been told. */
const ENDS_S = BEATS_END_S + 30;
const START_MS = 1_800_000_000_000;
/** A step takes milliseconds, catching up a second or two. */
const PATIENCE_MS = 60_000;

export const standstill = async ({ stops }: { readonly stops: boolean }): Promise<Standstill> => {
  const folder = await makeFolder();
  let nowMs = START_MS;
  const clock = () => epochMs(nowMs);
  const log = await openEmbeddedLog({ folder, partitions: PARTITIONS.length, clock, onTrouble: fail });
  const store = await openEmbeddedState({ folder, packing: packed, onError: fail });
  const table = await openSqliteTable({ file: join(folder, 'tables.sqlite'), clock });
  const handed: Handed[] = [];

  const begin = (roles: readonly RoleName[]): Promise<Processors> =>
    startProcessors({
      roles,
      log: overheard(log, handed),
      store,
      table,
      partitions: PARTITIONS.length,
      ledgerMs: TABLES.decisions.retentionMs,
      clock,
      pause: () => fail(new Error('a batch had to be tried again')),
      metrics: createMetrics({ process: false }),
      logger: createLog({ level: 'silent', base: {} }),
      tracing: { decided: () => {} },
    });
  const concurrency = await begin(['concurrency']);
  let others: Processors | null = await begin(STANDING_STILL);

  const caughtUp = async (names: readonly string[], input: TopicName): Promise<void> => {
    for (const name of names)
      for (const partition of PARTITIONS) {
        const { end } = await log.bounds(input, partition);
        if (!(await store.waitFor(name, partition, end, PATIENCE_MS)))
          throw new Error(`${name} did not come to offset ${end} of partition ${partition}`);
      }
  };
  const folded = async (): Promise<void> => {
    await caughtUp(['concurrency', ...(others === null ? [] : STANDS_STILL)], 'heartbeats.v1');
    if (others === null) return;
    // What the folds of the heartbeats send, these fold.
    await caughtUp(['audience'], 'audience-moves.v1');
    await caughtUp(['decision-ledger'], 'stream-decisions.v1');
  };
  const play = async (fromS: number, untilS: number): Promise<void> => {
    for (const { atMs, records } of steps.slice(fromS / STEP_S, untilS / STEP_S)) {
      nowMs = atMs;
      await Promise.all(records.map((own, partition) => log.append('heartbeats.v1', partition, own)));
      await folded();
    }
  };

  const rowsOf = async (name: string): Promise<Lines> => {
    const views = await Promise.all(PARTITIONS.map((partition) => store.read(name, partition, keysOf[partition]!)));
    return linesOf(name, [...views.map(({ checkpoint }) => checkpoint), ...views.flatMap(({ rows }) => rows)]);
  };
  const listOf = async (name: TableName, list: string): Promise<Lines> => {
    const listing = keys.map((key) => table.list({ table: name, key, list, below: null, limit: 100 }));
    return linesOf(name, await Promise.all(listing));
  };
  /** All that lies in a topic, but for what is told to other folds. */
  const recordsOf = async (topic: TopicName) => {
    const records = await Promise.all(PARTITIONS.map((partition) => readAll(log, partition, topic)));
    return records.flat().filter(({ key }) => key !== null);
  };
  /** What is caught up with is sent later. */
  const timeless = async (topic: TopicName): Promise<string[]> =>
    (await recordsOf(topic)).map(({ key, value }) => `${key} ${hex(value)}`);
  const remembered = async (): Promise<Lines> => [
    ...(await Promise.all(STANDS_STILL.map(rowsOf))).flat(),
    ...(await listOf('resume-positions', 'history')),
    ...(await listOf('views', 'views')),
    ...(await listOf('decisions', BY_ID)),
    ...linesOf('view end', await timeless('view-ends.v1')),
    // What different partitions send comes in any order.
    ...linesOf('move', (await timeless('audience-moves.v1')).sort()),
  ];
  /** The newest figures, and where the viewers stand. When they are told again depends on when they were told. */
  const told = async (): Promise<Lines> => {
    const figures = new Map<string, unknown>();
    for (const { key, value } of await readAll(log, 0, 'audience-counts.v1')) {
      const output = decodeOutput(value);
      if (key !== null && output.type === 'AudienceCounted') figures.set(key, output.value.windows);
    }
    const audiences: unknown[] = [];
    for (const key of [...figures.keys()].sort()) {
      const { rows } = await store.read('audience', partitionOf(key, PARTITIONS.length), [key]);
      audiences.push([key, figures.get(key), (rows[0]?.state as Audience).stood]);
    }
    return linesOf('audience', audiences);
  };

  await play(0, STOPS_S);
  if (stops) {
    await others.close();
    others = null;
  }
  const [before, fromMs] = [handed.length, nowMs];
  await play(STOPS_S, GOES_ON_S);
  const meanwhile = handed.slice(before);
  const decisions = await recordsOf('stream-decisions.v1');
  const written = decisions.map(({ key, value, appendedAtMs }) => `${appendedAtMs} ${key} ${hex(value)}`);
  const decided = [...linesOf('decision', written), ...(await rowsOf('concurrency'))];
  const behind = handed.length;
  others ??= await begin(STANDING_STILL);
  await folded();
  const caughtUpWith = handed.slice(behind);
  await play(GOES_ON_S, ENDS_S);

  return {
    decided,
    decidedMeanwhile: decisions.filter(({ appendedAtMs }) => appendedAtMs > fromMs).length,
    meanwhile,
    caughtUpWith,
    remembered: await remembered(),
    told: await told(),
    close: async () => {
      for (const part of [concurrency, others, store, table, log]) await part?.close();
      await rm(folder, { recursive: true });
    },
  };
};

const fail = (error: unknown): never => {
  throw error;
};

/** The same log, and what it hands to whom. */
const overheard = (log: Log, handed: Handed[]): Log => ({
  ...log,
  consume: (consumer) =>
    log.consume({
      ...consumer,
      batch: (batch) => {
        handed.push({ group: consumer.group, partition: batch.partition, records: batch.records.length });
        return consumer.batch(batch);
      },
    }),
});

const linesOf = (what: string, all: readonly unknown[]): Lines =>
  all.map((one, i) => `${what} ${i} ${JSON.stringify(one)}`);
const hex = (value: Uint8Array | null): string => Buffer.from(value ?? []).toString('hex');

const { keys, at } = street({ households: 200, seconds: BEATS_END_S, startMs: START_MS });
const inPartitions = <T>(all: readonly T[], keyOf: (one: T) => string): readonly (readonly T[])[] => {
  const parts = Object.groupBy(all, (one) => partitionOf(keyOf(one), PARTITIONS.length));
  return PARTITIONS.map((partition) => parts[partition] ?? []);
};
const keysOf = inPartitions(keys, (key) => key);

const policy = {
  version: 1,
  mode: 'enforce',
  policy: JSON.stringify(policyOf(TWO_STREAMS)),
  activatedAtMs: START_MS,
  by: 'test',
} as const;
/** What is appended by the end of each step, by partition: what was said in it, and a tick. */
const steps = Array.from({ length: ENDS_S / STEP_S }, (_, step) => {
  const atMs = START_MS + (step + 1) * STEP_S * SECOND_MS;
  const tick = { source: 'test', shedding: false, receivedAtMs: atMs };
  const said = Array.from({ length: STEP_S }, (_, i) => at(step * STEP_S + i)).flat();
  const records = inPartitions(said, ({ key }) => key).map((own) => [
    ...(step === 0 ? [{ key: null, value: encodeEvent({ type: 'PolicyActivated', value: policy }) }] : []),
    ...own.map(({ key, event }) => ({ key, value: encodeEvent(event) })),
    { key: null, value: encodeEvent({ type: 'Tick', value: tick }) },
  ]);
  return { atMs, records };
});
