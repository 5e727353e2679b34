import { OBJECTIVES } from '../shared/telemetry/objectives.ts';
import type { Each } from './alarm.ts';
import { missedShare, objectiveNames, objectiveSeries } from './burn-rates.ts';
import { balancer, broker, cluster, node, own, type Series, table } from './series.ts';

/** What the dashboards show, each graph for all there is of its kind. Beside series, whatever a search finds: codes and reasons come and go. */
export type Graph = {
  readonly title: string;
  readonly each: Each;
  readonly series: Readonly<Record<string, Series>>;
  /** Shown in the place of the series. */
  readonly expression?: string;
  /** Of our own metrics, all that there are by these dimensions. */
  readonly search?: { readonly metric: Parameters<typeof own>[0]; readonly by: readonly string[] };
};

const objectives = objectiveNames.map((objective): Graph => ({
  title: `Objective ${objective}: share that failed, of ${((1 - OBJECTIVES[objective].share) * 100).toPrecision(1)} %`,
  each: 'stage',
  series: objectiveSeries(objective),
  expression: `100*(${missedShare(objective)})`,
}));

const ingest = { role: 'ingest' };

export const GRAPHS: Readonly<Record<'signals' | 'platform', readonly Graph[]>> = {
  signals: [
    ...objectives,
    {
      title: 'Heartbeats accepted',
      each: 'stage',
      series: { accepted: own('playbeat_heartbeats_total', { ...ingest, result: 'accepted' }) },
    },
    {
      title: 'Heartbeats rejected, by code',
      each: 'stage',
      series: {},
      search: { metric: 'playbeat_heartbeats_rejected_total', by: ['role', 'code'] },
    },
    {
      title: 'Decisions on starts, by outcome and reason',
      each: 'stage',
      series: {},
      search: { metric: 'playbeat_decisions_total', by: ['role', 'outcome', 'reason'] },
    },
    {
      title: 'Degraded decisions',
      each: 'stage',
      series: { degraded: own('playbeat_decisions_degraded_total', ingest) },
    },
    {
      title: 'Seconds to append, to decide a start (99 of 100)',
      each: 'stage',
      series: {
        append: own('playbeat_append_seconds', ingest, 'Maximum'),
        start: own('playbeat_start_seconds', ingest, 'Maximum'),
      },
    },
    {
      title: 'Seconds behind',
      each: 'group',
      series: { late: own('playbeat_processor_lag_seconds', { processor: '{group}' }, 'Maximum') },
    },
    {
      title: 'Records that wait for the log',
      each: 'stage',
      series: { waiting: own('playbeat_ingest_queue_records', ingest, 'Maximum') },
    },
    { title: 'Expiries', each: 'stage', series: { expired: own('playbeat_expiries_total', { role: 'concurrency' }) } },
    {
      title: 'Parked',
      each: 'stage',
      series: { parked: own('playbeat_records_parked_total', { role: 'concurrency' }) },
    },
    { title: 'Partitions taken', each: 'folding', series: { taken: own('playbeat_partitions_taken_total', {}) } },
    { title: 'Batches tried again', each: 'folding', series: { again: own('playbeat_processor_retries_total', {}) } },
    {
      title: 'Event loop: seconds late (99 of 100)',
      each: 'role',
      series: { late: own('playbeat_event_loop_delay_p99_seconds', {}, 'Maximum') },
    },
    {
      title: 'Synthetic household: seconds',
      each: 'stage',
      series: { seconds: own('playbeat_household_seconds', { role: 'household' }, 'Maximum') },
    },
  ],
  platform: [
    {
      title: 'Load balancer: calls, 5xx',
      each: 'balancer',
      series: {
        calls: balancer('RequestCount', 'Sum'),
        own: balancer('HTTPCode_ELB_5XX_Count', 'Sum'),
        services: balancer('HTTPCode_Target_5XX_Count', 'Sum'),
      },
    },
    {
      title: 'Load balancer: connections',
      each: 'balancer',
      series: { open: balancer('ActiveConnectionCount', 'Sum'), made: balancer('NewConnectionCount', 'Sum') },
    },
    {
      title: 'Kafka: controllers, partitions',
      each: 'stage',
      series: {
        controllers: cluster('ActiveControllerCount', 'Maximum'),
        partitions: cluster('GlobalPartitionCount', 'Maximum'),
      },
    },
    {
      title: 'Kafka: % of CPU',
      each: 'broker',
      series: { user: broker('CpuUser', 'Average'), system: broker('CpuSystem', 'Average') },
    },
    {
      title: 'Kafka: bytes a second',
      each: 'broker',
      series: { in: broker('BytesInPerSec', 'Average'), out: broker('BytesOutPerSec', 'Average') },
    },
    {
      title: 'Valkey: microseconds of reads and writes',
      each: 'node',
      series: {
        reads: node('SuccessfulReadRequestLatency', 'Average'),
        writes: node('SuccessfulWriteRequestLatency', 'Average'),
      },
    },
    {
      title: 'Valkey: % of memory, of its thread',
      each: 'node',
      series: {
        memory: node('DatabaseMemoryUsagePercentage', 'Maximum'),
        busy: node('EngineCPUUtilization', 'Average'),
      },
    },
    {
      title: 'Tables: capacity used, throttles',
      each: 'table',
      series: {
        reads: table('ConsumedReadCapacityUnits', 'Sum'),
        writes: table('ConsumedWriteCapacityUnits', 'Sum'),
        readsRefused: table('ReadThrottleEvents', 'Sum'),
        writesRefused: table('WriteThrottleEvents', 'Sum'),
      },
    },
  ],
};
