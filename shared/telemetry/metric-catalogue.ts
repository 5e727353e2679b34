/** The catalogue of metrics, in Prometheus naming. `docs/reference/metrics.md` is made from it. */
export type Metric = {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
};

export const METRICS = {
  playbeat_objective_total: {
    type: 'counter',
    help: 'What the objectives of operations count, by objective (heartbeats, starts, freshness) and result: met, missed.',
    labels: ['objective', 'result'],
  },
  playbeat_heartbeats_total: {
    type: 'counter',
    help: 'Heartbeats answered, by result: accepted, rejected.',
    labels: ['result'],
  },
  playbeat_heartbeats_rejected_total: {
    type: 'counter',
    help: 'Heartbeats that were not accepted, by problem code.',
    labels: ['code'],
  },
  playbeat_optional_fields_dropped_total: {
    type: 'counter',
    help: 'Invalid optional fields that were dropped from accepted heartbeats.',
    labels: ['field'],
  },
  playbeat_append_seconds: {
    type: 'histogram',
    help: 'From handing a group of records to the log until it is durable.',
    labels: [],
  },
  playbeat_ingest_queue_records: {
    type: 'gauge',
    help: 'Records that wait for the log.',
    labels: [],
  },
  playbeat_decisions_total: {
    type: 'counter',
    help: 'Decisions on starts, by outcome (allow, stop) and reason.',
    labels: ['outcome', 'reason'],
  },
  playbeat_start_seconds: {
    type: 'histogram',
    help: 'From the claim of a start to its decision, whoever made it: the fold or the fail mode.',
    labels: [],
  },
  playbeat_decisions_degraded_total: {
    type: 'counter',
    help: 'Decisions that were answered without knowing the newest state.',
    labels: [],
  },
  playbeat_displaced_returned_total: {
    type: 'counter',
    help: 'Displaced sessions that beat again; at most 0.1 % of sessions should.',
    labels: [],
  },
  playbeat_expiries_total: {
    type: 'counter',
    help: 'Sessions whose slot fell free since they were silent for longer than their lease.',
    labels: [],
  },
  playbeat_processor_lag_seconds: {
    type: 'gauge',
    help: 'Age of the newest record that is folded while others wait, else 0.',
    labels: ['processor', 'partition'],
  },
  playbeat_partitions_taken_total: {
    type: 'counter',
    help: 'Partitions that this process was given; each start and each move of a group gives some.',
    labels: ['processor'],
  },
  playbeat_processor_lag_records: {
    type: 'gauge',
    help: 'Records between the end of the partition and what is folded.',
    labels: ['processor', 'partition'],
  },
  playbeat_processor_records_total: {
    type: 'counter',
    help: 'Records folded, repeats after a crash included.',
    labels: ['processor'],
  },
  playbeat_processor_retries_total: {
    type: 'counter',
    help: 'Batches that were tried again, since the log or the store could not be had.',
    labels: ['processor'],
  },
  playbeat_processor_reopened_total: {
    type: 'counter',
    help: 'Partitions opened again since the store held something else than expected, by outcome: rewound, unknown.',
    labels: ['processor', 'outcome'],
  },
  playbeat_processor_rebuilds_total: {
    type: 'counter',
    help: 'Partitions folded again from the log; lost: there had been state before.',
    labels: ['processor', 'lost'],
  },
  playbeat_storage_troubles_total: {
    type: 'counter',
    help: 'Failures of the log or the store that no call waited for, such as a connection that broke.',
    labels: [],
  },
  playbeat_processor_warming: {
    type: 'gauge',
    help: '1 while the state of the partition is rebuilt from the log, else 0.',
    labels: ['processor', 'partition'],
  },
  playbeat_records_parked_total: {
    type: 'counter',
    help: 'Records whose bytes no version can read, set aside with their position.',
    labels: ['topic'],
  },
  playbeat_partition_paused: {
    type: 'gauge',
    help: '1 while the partition stands still and waits for an operator, else 0.',
    labels: ['processor', 'partition'],
  },
  playbeat_checkpoint_failures_total: {
    type: 'counter',
    help: 'Checkpoints of state that did not reach the disk; the next one tries again.',
    labels: [],
  },
  playbeat_schema_registry_up: {
    type: 'gauge',
    help: '1 while the schema registry holds our schemas, 0 while it is away or refuses one; absent without one.',
    labels: [],
  },
  playbeat_http_requests_total: {
    type: 'counter',
    help: 'Requests answered, by route pattern, method and status.',
    labels: ['route', 'method', 'status'],
  },
  playbeat_connections_dropped_total: {
    type: 'counter',
    help: 'Connections closed at once, since there were as many as `MAX_CONNECTIONS`.',
    labels: [],
  },
  playbeat_rate_limited_total: {
    type: 'counter',
    help: 'Calls refused since there were too many, by what was too much: session, account, address, node.',
    labels: ['by'],
  },
  playbeat_event_loop_delay_p99_seconds: {
    type: 'gauge',
    help: 'How late the event loop was, 99th percentile since the last scrape, or the last line for CloudWatch.',
    labels: [],
  },
  playbeat_household_rounds_total: {
    type: 'counter',
    help: 'Rounds of the synthetic household, by outcome: right, wrong, away. Counted by the household alone.',
    labels: ['outcome'],
  },
  playbeat_household_seconds: {
    type: 'gauge',
    help: 'How long the newest round of the synthetic household took.',
    labels: [],
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;
export type NameOf<Type extends Metric['type']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends Type ? Name : never;
}[MetricName];
/** Every label of the metric, none else. */
export type LabelsOf<Name extends MetricName> = Readonly<
  Record<(typeof METRICS)[Name]['labels'][number], string | number>
>;
