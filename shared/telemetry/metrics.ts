import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** The catalogue of metrics, in Prometheus naming. `docs/reference/metrics.md` is made from it. */
type Metric = {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
};

export const METRICS = {
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
  playbeat_event_loop_delay_p99_seconds: {
    type: 'gauge',
    help: 'How late the event loop was, 99th percentile since the last scrape.',
    labels: [],
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;
type NameOf<Type extends Metric['type']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends Type ? Name : never;
}[MetricName];
/** Every label of the metric, none else. */
export type LabelsOf<Name extends MetricName> = Readonly<
  Record<(typeof METRICS)[Name]['labels'][number], string | number>
>;

/**
 * One number of one metric. Fetch it once, outside the loop, and then it is `accepted.value += 1`: nothing is looked up,
 * hashed or allocated per heartbeat. It is read when somebody scrapes.
 */
export type Cell = { value: number };
export type Timer = { observe(seconds: number): void };

export type Metrics = {
  /** The same labels give the same cell. Labels come from closed lists, never from a caller: each is kept for ever. */
  cell<Name extends NameOf<'counter' | 'gauge'>>(name: Name, labels: LabelsOf<Name>): Cell;
  /** Ends the series of these labels, as when a partition went to another node. */
  forget<Name extends NameOf<'counter' | 'gauge'>>(name: Name, labels: LabelsOf<Name>): void;
  timer(name: NameOf<'histogram'>): Timer;
  /** Called before each scrape, to set gauges that are cheaper to ask for than to keep. */
  beforeScrape(sample: () => void): void;
  /** The whole registry as Prometheus text. */
  text(): Promise<string>;
  readonly contentType: string;
};

type Series = { readonly labels: Record<string, string | number>; readonly cell: Cell };

/** From 0.25 ms, a commit to a local disk, to 5 s, where every caller has given up. */
const SECONDS_BUCKETS = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** `process`: with the figures of Node and the process too (memory, CPU, garbage collection); once per process. */
export const createMetrics = (options: { readonly process: boolean }): Metrics => {
  const registry = new Registry();
  if (options.process) collectDefaultMetrics({ register: registry });
  const samples: (() => void)[] = [];
  const families = new Map<string, Map<string, Series>>();
  const timers = new Map<string, Timer>();

  for (const [name, metric] of Object.entries<Metric>(METRICS)) {
    const base = { name, help: metric.help, labelNames: metric.labels, registers: [registry] };
    if (metric.type === 'histogram') {
      timers.set(name, new Histogram({ ...base, buckets: SECONDS_BUCKETS }));
      continue;
    }
    const cells = new Map<string, Series>();
    families.set(name, cells);
    if (metric.type === 'counter') {
      const counter: Counter = new Counter({
        ...base,
        collect: () => {
          counter.reset();
          for (const { labels, cell } of cells.values()) counter.inc(labels, cell.value);
        },
      });
    } else {
      const gauge: Gauge = new Gauge({
        ...base,
        collect: () => {
          gauge.reset();
          for (const { labels, cell } of cells.values()) gauge.set(labels, cell.value);
        },
      });
    }
  }

  const familyOf = (name: string) => {
    const family = families.get(name);
    if (family === undefined) throw new Error(`${name} is not in the catalogue of metrics`);
    return family;
  };
  const keyOf = (name: MetricName, labels: Readonly<Record<string, string | number>>): string =>
    METRICS[name].labels.map((label) => labels[label]).join('\0');

  return {
    cell: (name, labels) => {
      const family = familyOf(name);
      const key = keyOf(name, labels);
      const known = family.get(key);
      if (known !== undefined) return known.cell;
      const cell = { value: 0 };
      family.set(key, { labels: { ...labels }, cell });
      return cell;
    },
    forget: (name, labels) => {
      familyOf(name).delete(keyOf(name, labels));
    },
    timer: (name) => {
      const timer = timers.get(name);
      if (timer === undefined) throw new Error(`${name} is not in the catalogue of metrics`);
      return timer;
    },
    beforeScrape: (sample) => {
      samples.push(sample);
    },
    text: () => {
      for (const sample of samples) sample();
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
};

const EVENT_LOOP_RESOLUTION_MS = 10;

/** Measures the event loop of this process until `stop`. Once per process. */
export const watchEventLoop = (metrics: Metrics): { stop(): void } => {
  const delay = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS });
  delay.enable();
  const p99 = metrics.cell('playbeat_event_loop_delay_p99_seconds', {});
  metrics.beforeScrape(() => {
    // Node measures from one of its timers to the next: a loop that is never late still shows the resolution.
    p99.value = delay.count === 0 ? 0 : Math.max(0, delay.percentile(99) / 1e9 - EVENT_LOOP_RESOLUTION_MS / 1e3);
    delay.reset();
  });
  return { stop: () => void delay.disable() };
};
