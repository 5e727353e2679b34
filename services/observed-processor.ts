import type { LoopEvent } from '../shared/runtime/partition.ts';
import type { FailedEvent, PartitionStatus, RetryEvent } from '../shared/runtime/run.ts';
import type { Log as Logger } from '../shared/telemetry/log.ts';
import type { Metrics } from '../shared/telemetry/metrics.ts';
import { onceASecond } from './observed.ts';

/** What is counted and written of one processor in this process. Per batch it is a few additions. */
export type ObservedProcessor = {
  onEvent(event: LoopEvent | FailedEvent | RetryEvent): void;
  sample(partitions: readonly PartitionStatus[]): void;
};

type Seen = { readonly metrics: Metrics; readonly logger: Logger; readonly clock: () => number };

export const observedProcessor = (processor: string, { metrics, logger, clock }: Seen): ObservedProcessor => {
  const folded = metrics.cell('playbeat_processor_records_total', { processor });
  const returned = metrics.cell('playbeat_displaced_returned_total', {});
  const parked = metrics.cell('playbeat_records_parked_total', { topic: 'heartbeats.v1' });
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
          for (const { record } of event.effects)
            if (record.type === 'StreamDecided' && record.value.returned) returned.value += 1;
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
      for (const { partition, offset, end, state } of partitions) {
        told.push(partition);
        metrics.cell('playbeat_processor_lag_records', { processor, partition }).value = end - offset;
        metrics.cell('playbeat_processor_warming', { processor, partition }).value = state === 'warming' ? 1 : 0;
        metrics.cell('playbeat_partition_paused', { processor, partition }).value = state === 'failed' ? 1 : 0;
      }
    },
  };
};

const OF_PARTITION = [
  'playbeat_processor_lag_records',
  'playbeat_processor_warming',
  'playbeat_partition_paused',
] as const;
