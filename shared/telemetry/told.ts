import type { METRICS, MetricName } from './metric-catalogue.ts';

type LabelOf<Name extends MetricName> = (typeof METRICS)[Name]['labels'][number];

/**
 * What CloudWatch is told, and by which labels beside the role of the process: what alarms and dashboards need, since each series
 * costs 0.30 USD a month. Over the other labels counters are added up, and gauges taken at their most. Of a histogram it is told
 * the bound below which 99 of 100 lie.
 */
export const TOLD = {
  playbeat_objective_total: ['objective', 'result'],
  playbeat_heartbeats_total: ['result'],
  playbeat_heartbeats_rejected_total: ['code'],
  playbeat_append_seconds: [],
  playbeat_ingest_queue_records: [],
  playbeat_decisions_total: ['outcome', 'reason'],
  playbeat_decisions_degraded_total: [],
  playbeat_start_seconds: [],
  playbeat_expiries_total: [],
  playbeat_processor_lag_seconds: ['processor'],
  playbeat_processor_retries_total: [],
  playbeat_partitions_taken_total: [],
  playbeat_partition_paused: [],
  playbeat_records_parked_total: [],
  playbeat_storage_troubles_total: [],
  playbeat_schema_registry_up: [],
  playbeat_event_loop_delay_p99_seconds: [],
  playbeat_household_rounds_total: ['outcome'],
  playbeat_household_seconds: [],
} as const satisfies { readonly [Name in MetricName]?: readonly LabelOf<Name>[] };

export type ToldName = keyof typeof TOLD;
export const isTold = (name: string): name is ToldName => Object.hasOwn(TOLD, name);
