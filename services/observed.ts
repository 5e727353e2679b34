import { PROBLEMS } from '../shared/errors/problems.ts';
import type { FrontOptions } from '../shared/http/front.ts';
import type { FailedEvent, RetryEvent, RunningProcessor } from '../shared/runtime/run.ts';
import type { LoopEvent } from '../shared/runtime/partition.ts';
import type { Log as Logger } from '../shared/telemetry/log.ts';
import type { Cell, Metrics } from '../shared/telemetry/metrics.ts';
import type { Counts } from './ingest/ingest.ts';

/** What is counted and written of a running process. Per beat it is a plain addition. */
export const observed = (metrics: Metrics, logger: Logger, clock: () => number) => {
  const processor = 'concurrency';
  const accepted = metrics.cell('playbeat_heartbeats_total', { result: 'accepted' });
  const rejected = metrics.cell('playbeat_heartbeats_total', { result: 'rejected' });
  const degraded = metrics.cell('playbeat_decisions_degraded_total', {});
  const folded = metrics.cell('playbeat_processor_records_total', { processor });
  const returned = metrics.cell('playbeat_displaced_returned_total', {});
  const parked = metrics.cell('playbeat_records_parked_total', { topic: 'heartbeats.v1' });
  const checkpointFailures = metrics.cell('playbeat_checkpoint_failures_total', {});
  const queue = metrics.cell('playbeat_ingest_queue_records', {});
  const append = metrics.timer('playbeat_append_seconds');
  const start = metrics.timer('playbeat_start_seconds');
  const troubles = metrics.cell('playbeat_storage_troubles_total', {});
  const retries = metrics.cell('playbeat_processor_retries_total', { processor });
  const beats = new Map<number, Cell>();
  /** Partitions of the newest sample. */
  const told: number[] = [];
  const tellTrouble = onceASecond(clock, (err) => logger.error({ err }, 'storage trouble'));
  const tellRetry = onceASecond(clock, (err, partition) =>
    logger.warn({ processor, partition, err }, 'a batch is tried again'),
  );

  const byRoute = new Map<string, Cell[]>();
  const requests = (route: string, method: string, status: number): Cell => {
    const name = `${method} ${route}`;
    let cells = byRoute.get(name);
    if (cells === undefined) byRoute.set(name, (cells = []));
    return (cells[status] ??= metrics.cell('playbeat_http_requests_total', { route, method, status }));
  };

  const counts: Counts = {
    accepted: (n) => {
      accepted.value += n;
    },
    rejected: (code) => {
      rejected.value += 1;
      metrics.cell('playbeat_heartbeats_rejected_total', { code }).value += 1;
    },
    dropped: (path) => {
      // The field alone: what stands below `/metadata` is the caller's, and labels come from closed lists.
      metrics.cell('playbeat_optional_fields_dropped_total', { field: path.split('/')[1] ?? '' }).value += 1;
    },
    answered: (status) => {
      let cell = beats.get(status);
      if (cell === undefined) {
        cell = requests('/v1/heartbeats', 'POST', status);
        beats.set(status, cell);
      }
      cell.value += 1;
    },
    started: (outcome, reason, tookMs) => {
      metrics.cell('playbeat_decisions_total', { outcome, reason }).value += 1;
      start.observe(tookMs / 1_000);
    },
    degraded: () => {
      degraded.value += 1;
    },
  };

  const front: Pick<FrontOptions, 'onAnswer' | 'onInternal'> = {
    onAnswer: (route, method, status) => {
      requests(route, method, status).value += 1;
    },
    onInternal: (err, { requestId }) => logger.error({ err, requestId }, PROBLEMS.INTERNAL.title),
  };

  return {
    metrics,
    counts,
    front,
    appended: (_records: number, tookMs: number): void => append.observe(tookMs / 1_000),
    /** Of the log or the store, with nobody waiting for an answer. */
    trouble: (error: unknown): void => {
      troubles.value += 1;
      tellTrouble(null, error);
    },
    checkpointFailed: (): void => {
      checkpointFailures.value += 1;
    },
    logError: onceASecond(clock, (err, partition) =>
      logger.error({ err, partition }, 'the log did not take what was appended'),
    ),
    onLoopEvent: (event: LoopEvent | FailedEvent | RetryEvent): void => {
      switch (event.kind) {
        case 'folded':
          folded.value += event.records;
          for (const { record } of event.effects) if (record.value.returned) returned.value += 1;
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
    sample: (now: { readonly queued: number; readonly processor: RunningProcessor | null }): void => {
      queue.value = now.queued;
      // What another process folds by now, that one tells of.
      for (const partition of told.splice(0))
        for (const name of OF_PARTITION) metrics.forget(name, { processor, partition });
      for (const { partition, offset, end, state } of now.processor?.status() ?? []) {
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

/** What is away refuses everything: one line a second says so. */
const onceASecond = (clock: () => number, write: (error: unknown, partition: number | null) => void) => {
  let nextMs = 0;
  return (partition: number | null, error: unknown): void => {
    const now = clock();
    if (now < nextMs) return;
    nextMs = now + 1_000;
    write(error, partition);
  };
};
