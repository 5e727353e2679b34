import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type LabelsOf, type Metric, type MetricName, METRICS, type NameOf } from './metric-catalogue.ts';

/**
 * One number of one metric. Fetch it once, outside the loop, and then it is `accepted.value += 1`: nothing is looked up,
 * hashed or allocated per heartbeat. It is read when somebody scrapes.
 */
export type Cell = { value: number };
export type Timer = { observe(seconds: number): void };

/** A number with its labels; of a histogram how many lie within each of `SECONDS_BUCKETS`, and how many above them. */
export type Reading = {
  readonly name: MetricName;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number | readonly number[];
};

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
  /** Every number of the catalogue, sampled as for a scrape. */
  readings(): readonly Reading[];
  readonly contentType: string;
};

type Series = { readonly labels: Record<string, string | number>; readonly cell: Cell };

/** From 0.25 ms, a commit to a local disk, to 5 s, where every caller has given up. */
export const SECONDS_BUCKETS = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** `process`: with the figures of Node and the process too (memory, CPU, garbage collection); once per process. */
export const createMetrics = (options: { readonly process: boolean }): Metrics => {
  const registry = new Registry();
  if (options.process) collectDefaultMetrics({ register: registry });
  const samples: (() => void)[] = [];
  const families = new Map<string, Map<string, Series>>();
  const timers = new Map<string, Timer & { readonly counts: readonly number[] }>();

  for (const [name, metric] of Object.entries<Metric>(METRICS)) {
    const base = { name, help: metric.help, labelNames: metric.labels, registers: [registry] };
    if (metric.type === 'histogram') {
      timers.set(name, timerOf(new Histogram({ ...base, buckets: SECONDS_BUCKETS })));
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
    readings: () => {
      for (const sample of samples) sample();
      return [
        ...[...families].flatMap(([name, cells]) =>
          [...cells.values()].map(({ labels, cell }) => ({ name: name as MetricName, labels, value: cell.value })),
        ),
        ...[...timers].map(([name, { counts }]) => ({ name: name as MetricName, labels: {}, value: [...counts] })),
      ];
    },
    contentType: registry.contentType,
  };
};

const timerOf = (histogram: Histogram) => {
  const counts = Array.from({ length: SECONDS_BUCKETS.length + 1 }, () => 0);
  return {
    counts,
    observe: (seconds: number): void => {
      histogram.observe(seconds);
      const within = SECONDS_BUCKETS.findIndex((bound) => seconds <= bound);
      counts[within === -1 ? SECONDS_BUCKETS.length : within]! += 1;
    },
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
