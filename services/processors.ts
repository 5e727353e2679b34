import { epochMs, SECOND_MS } from '../schemas/time.ts';
import type { TopicName } from '../schemas/topics.ts';
import type { Log } from '../shared/log/log.ts';
import { type PartitionStatus, type Replayed, runProcessor } from '../shared/runtime/run.ts';
import type { StateStore } from '../shared/state/state.ts';
import type { Table } from '../shared/table/table.ts';
import type { Log as Logger } from '../shared/telemetry/log.ts';
import type { Metrics } from '../shared/telemetry/metrics.ts';
import type { Tracing } from '../shared/telemetry/tracing.ts';
import { observedProcessor } from './observed-processor.ts';
import { isFolding, type RoleName, ROLES } from './roles.ts';
import { type FoldOptions, ROOMS } from './rooms.ts';

/** The processors that this process runs. */
export type Processors = {
  status(): readonly { readonly name: string; readonly partitions: readonly PartitionStatus[] }[];
  /** Has state made again from the log; null where the processor does not run here. */
  replay(name: string, only: number | null): readonly Replayed[] | null;
  /** The partitions that one of them owns; one that has failed folds nothing. */
  owned(name: string): readonly number[];
  /** Waits until each has folded what the log holds now, so that the first answer is a right one. */
  caughtUp(): Promise<void>;
  /** Sets the gauges. */
  sample(): void;
  close(): Promise<void>;
};

export type ProcessorsOptions = FoldOptions & {
  readonly roles: readonly RoleName[];
  readonly log: Log;
  readonly store: StateStore;
  readonly table: Table | null;
  readonly partitions: number;
  readonly clock: () => number;
  /** Waits before a batch is tried again. */
  readonly pause: (ms: number) => Promise<void>;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly tracing: Pick<Tracing, 'decided'>;
};

/** How long a start waits for the folds to catch up before it takes calls all the same. */
const CATCH_UP_MS = 10 * SECOND_MS;

export const startProcessors = async (options: ProcessorsOptions): Promise<Processors> => {
  const { roles, log, store, table, partitions, clock, pause, logger } = options;
  const folds = roles
    .filter(isFolding)
    .flatMap((role) => ROOMS[role].folds(options).map((processor) => ({ role, processor })));
  const running = await Promise.all(
    folds.map(async ({ role, processor }) => {
      const { name, input } = processor;
      const watched = observedProcessor(processor, options);
      const one = await runProcessor({
        processor,
        log,
        store,
        ...(table === null ? {} : { table }),
        // What nobody can read is set aside once, whoever else folds it.
        parks: (ROLES[role].produces as readonly TopicName[]).includes('heartbeats.v1.parked'),
        partitions,
        clock: () => epochMs(clock()),
        pause,
        onEvent: watched.onEvent,
      });
      return { name, input, watched, one };
    }),
  );
  return {
    status: () => running.map(({ name, one }) => ({ name, partitions: one.status() })),
    replay: (name, only) => running.find((own) => own.name === name)?.one.replay(only) ?? null,
    owned: (name) =>
      running
        .filter((own) => own.name === name)
        .flatMap(({ one }) => one.status().filter(({ state }) => state !== 'failed'))
        .map(({ partition }) => partition),
    caughtUp: async () => {
      const numbers = Array.from({ length: partitions }, (_, partition) => partition);
      const untilMs = clock() + CATCH_UP_MS;
      const folded = async ({ name, input, one }: (typeof running)[number]): Promise<void> => {
        await Promise.all(
          numbers.map(async (partition) => {
            const { first, end } = await log.bounds(input, partition);
            // Where there was nothing to fold, nothing has been stored: there would be nothing to wait for.
            const isThere = one.status().some((own) => own.partition === partition && own.offset >= end);
            if (first === end || isThere) return;
            if (!(await store.waitFor(name, partition, end, Math.max(0, untilMs - clock()))))
              logger.warn(
                { processor: name, partition, end },
                'calls are taken before all that the log holds is folded',
              );
          }),
        );
      };
      // What those of the heartbeats send, the others fold.
      await Promise.all(running.filter(({ input }) => input === 'heartbeats.v1').map(folded));
      await Promise.all(running.filter(({ input }) => input !== 'heartbeats.v1').map(folded));
    },
    sample: () => running.forEach(({ watched, one }) => watched.sample(one.status())),
    close: async () => void (await Promise.all(running.map(({ one }) => one.close()))),
  };
};
