import type { LoopEvent } from '../shared/runtime/partition.ts';
import type { Processor } from '../shared/runtime/processor.ts';
import type { FailedEvent, PartitionStatus, RetryEvent, TakenEvent } from '../shared/runtime/run.ts';
import type { Log as Logger } from '../shared/telemetry/log.ts';
import type { Metrics } from '../shared/telemetry/metrics.ts';
import { FRESH_WITHIN_MS } from '../shared/telemetry/objectives.ts';
import type { Tracing } from '../shared/telemetry/tracing.ts';
import { onceASecond } from './observed.ts';

/** What is counted and written of one processor in this process. Per batch it is a few additions. */
export type ObservedProcessor = {
  onEvent(event: LoopEvent | FailedEvent | RetryEvent | TakenEvent): void;
  sample(partitions: readonly PartitionStatus[]): void;
};

type Seen = {
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: () => number;
  readonly tracing: Pick<Tracing, 'decided'>;
};

export const observedProcessor = (
  { name: processor, input }: Pick<Processor<unknown, unknown>, 'name' | 'input'>,
  { metrics, logger, clock, tracing }: Seen,
): ObservedProcessor => {
  const folded = metrics.cell('playbeat_processor_records_total', { processor });
  const returned = metrics.cell('playbeat_displaced_returned_total', {});
  const parked = metrics.cell('playbeat_records_parked_total', { topic: 'heartbeats.v1' });
  const expired = metrics.cell('playbeat_expiries_total', {});
  const taken = metrics.cell('playbeat_partitions_taken_total', { processor });
  const fresh = metrics.cell('playbeat_objective_total', { objective: 'freshness', result: 'met' });
  const late = metrics.cell('playbeat_objective_total', { objective: 'freshness', result: 'missed' });
  const retries = metrics.cell('playbeat_processor_retries_total', { processor });
  /** Partitions of the newest sample. */
  const told: number[] = [];
  const tellRetry = onceASecond(clock, (err, partition) =>
    logger.warn({ processor, partition, err }, 'a batch is tried again'),
  );

  return {
    onEvent: (event) => {
      switch (event.kind) {
        case 'folded':
          folded.value += event.records;
          if (processor === 'concurrency' && event.oldestAtMs !== null)
            (clock() - event.oldestAtMs > FRESH_WITHIN_MS ? late : fresh).value += event.records;
          for (const decision of event.traced)
            tracing.decided({ ...decision, processor, topic: input, partition: event.partition });
          for (const { record } of event.effects) {
            if (record?.type !== 'StreamDecided') continue;
            if (record.value.returned) returned.value += 1;
            if (record.value.outcome === 'expired') expired.value += 1;
          }
          return;
        case 'taken':
          taken.value += 1;
          return;
        case 'parked':
          parked.value += 1;
          return logger.warn({ processor, ...event }, 'a record that nobody can read was parked');
        case 'rebuild':
          metrics.cell('playbeat_processor_rebuilds_total', { processor, lost: String(event.lost) }).value += 1;
          if (event.lost) return logger.error({ processor, ...event }, 'stored state does not fit the log: rebuilding');
          return logger.info({ processor, ...event }, 'no state yet: folding the log');
        case 'reopened':
          metrics.cell('playbeat_processor_reopened_total', { processor, outcome: event.outcome }).value += 1;
          return logger.warn({ processor, ...event }, 'the store went back: going on from what it holds');
        case 'retry':
          retries.value += 1;
          return tellRetry(event.partition, event.error);
        case 'failed':
          return logger.error({ processor, partition: event.partition, err: event.error }, 'a partition stands still');
      }
    },
    sample: (partitions) => {
      // What another process folds by now, that one tells of.
      for (const partition of told.splice(0))
        for (const name of OF_PARTITION) metrics.forget(name, { processor, partition });
      for (const { partition, offset, end, state, appendedAtMs } of partitions) {
        told.push(partition);
        const ageMs = end > offset && appendedAtMs !== null ? clock() - appendedAtMs : 0;
        metrics.cell('playbeat_processor_lag_seconds', { processor, partition }).value = ageMs / 1_000;
        metrics.cell('playbeat_processor_lag_records', { processor, partition }).value = end - offset;
        metrics.cell('playbeat_processor_warming', { processor, partition }).value = state === 'warming' ? 1 : 0;
        metrics.cell('playbeat_partition_paused', { processor, partition }).value = state === 'failed' ? 1 : 0;
      }
    },
  };
};

const OF_PARTITION = [
  'playbeat_processor_lag_records',
  'playbeat_processor_lag_seconds',
  'playbeat_processor_warming',
  'playbeat_partition_paused',
] as const;
