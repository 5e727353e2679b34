import { PROBLEMS } from '../shared/errors/problems.ts';
import type { FrontOptions } from '../shared/http/front.ts';
import type { LimitedBy } from '../shared/http/limits.ts';
import type { Log as Logger } from '../shared/telemetry/log.ts';
import type { Cell, Metrics } from '../shared/telemetry/metrics.ts';
import { type ObjectiveName, START_WITHIN_MS } from '../shared/telemetry/objectives.ts';
import type { Counts } from './ingest/ingest.ts';

/** What is counted and written of a process that takes calls. Per beat it is a plain addition. */
export const observed = (metrics: Metrics, logger: Logger, clock: () => number) => {
  const accepted = metrics.cell('playbeat_heartbeats_total', { result: 'accepted' });
  const rejected = metrics.cell('playbeat_heartbeats_total', { result: 'rejected' });
  const objective = (name: ObjectiveName, result: 'met' | 'missed'): Cell =>
    metrics.cell('playbeat_objective_total', { objective: name, result });
  const [beatsMet, beatsMissed] = [objective('heartbeats', 'met'), objective('heartbeats', 'missed')];
  const [startsMet, startsMissed] = [objective('starts', 'met'), objective('starts', 'missed')];
  const degraded = metrics.cell('playbeat_decisions_degraded_total', {});
  const checkpointFailures = metrics.cell('playbeat_checkpoint_failures_total', {});
  const queue = metrics.cell('playbeat_ingest_queue_records', {});
  const append = metrics.timer('playbeat_append_seconds');
  const start = metrics.timer('playbeat_start_seconds');
  const dropped = metrics.cell('playbeat_connections_dropped_total', {});
  const troubles = metrics.cell('playbeat_storage_troubles_total', {});
  const beats = new Map<number, Cell>();
  const tellTrouble = onceASecond(clock, (err) => logger.error({ err }, 'storage trouble'));

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
      beatsMet.value += n;
    },
    rejected: (code) => {
      rejected.value += 1;
      if (PROBLEMS[code].status >= 500) beatsMissed.value += 1;
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
    started: ({ decision: outcome, reason, degraded: isDegraded }, tookMs) => {
      metrics.cell('playbeat_decisions_total', { outcome, reason }).value += 1;
      start.observe(tookMs / 1_000);
      if (isDegraded) degraded.value += 1;
      (isDegraded || tookMs > START_WITHIN_MS ? startsMissed : startsMet).value += 1;
    },
    startRefused: () => {
      startsMissed.value += 1;
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
    connectionDropped: (): void => {
      dropped.value += 1;
    },
    limited: (by: LimitedBy): void => {
      metrics.cell('playbeat_rate_limited_total', { by }).value += 1;
    },
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
    queued: (records: number): void => {
      queue.value = records;
    },
  };
};

/** What is away refuses everything: one line a second says so. */
export const onceASecond = (clock: () => number, write: (error: unknown, partition: number | null) => void) => {
  let nextMs = 0;
  return (partition: number | null, error: unknown): void => {
    const now = clock();
    if (now < nextMs) return;
    nextMs = now + 1_000;
    write(error, partition);
  };
};
