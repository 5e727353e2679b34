import { type MetricName, METRICS } from './metric-catalogue.ts';
import { type Metrics, type Reading, SECONDS_BUCKETS } from './metrics.ts';
import { isTold, TOLD, type ToldName } from './told.ts';

/**
 * Metrics as lines in the log, in CloudWatch's Embedded Metric Format: it makes metrics of them, under the namespace and with the
 * labels as dimensions. Needs no agent, no right and no call; a line that is lost takes a minute's counts with it.
 */
export type CloudwatchLines = {
  /** What changed since the last call, and all gauges: a line for each set of dimensions. */
  lines(nowMs: number): readonly string[];
};

type Options = { readonly metrics: Metrics; readonly namespace: string; readonly role: string };

export const cloudwatchLines = ({ metrics, namespace, role }: Options): CloudwatchLines => {
  const before = new Map<string, number | readonly number[]>();
  /** Null: nothing to tell. */
  const sinceLast = ({ name, labels, value }: Reading): number | null => {
    const key = JSON.stringify([name, labels]);
    const last = before.get(key);
    before.set(key, value);
    if (typeof value !== 'number') return percentile99(value.map((n, i) => n - ((last as number[])?.[i] ?? 0)));
    if (METRICS[name].type === 'gauge') return value;
    return value - ((last as number) ?? 0) || null;
  };
  return {
    lines: (nowMs) => {
      const groups = new Map<string, Group>();
      for (const reading of metrics.readings()) {
        if (!isTold(reading.name)) continue;
        const value = sinceLast(reading);
        if (value !== null) put(groups, { name: reading.name, dimensions: { role, ...kept(reading) }, value });
      }
      return [...groups.values()].map((group) => lineOf(group, { namespace, nowMs }));
    },
  };
};

type Dimensions = Readonly<Record<string, string>>;
type Group = { readonly dimensions: Dimensions; readonly values: Map<ToldName, number> };

const kept = ({ name, labels }: Reading): Dimensions =>
  Object.fromEntries((TOLD[name as ToldName] as readonly string[]).map((label) => [label, String(labels[label])]));

type Told = { readonly name: ToldName; readonly dimensions: Dimensions; readonly value: number };

const put = (groups: Map<string, Group>, { name, dimensions, value }: Told): void => {
  const key = JSON.stringify(dimensions);
  const group = groups.get(key) ?? { dimensions, values: new Map<ToldName, number>() };
  groups.set(key, group);
  const other = group.values.get(name);
  group.values.set(
    name,
    other === undefined ? value : METRICS[name].type === 'gauge' ? Math.max(other, value) : other + value,
  );
};

const lineOf = ({ dimensions, values }: Group, at: { readonly namespace: string; readonly nowMs: number }): string =>
  JSON.stringify({
    _aws: {
      Timestamp: at.nowMs,
      CloudWatchMetrics: [
        {
          Namespace: at.namespace,
          Dimensions: [Object.keys(dimensions)],
          Metrics: [...values.keys()].map((name) => ({ Name: name, Unit: unitOf(name) })),
        },
      ],
    },
    ...dimensions,
    ...Object.fromEntries(values),
  });

const unitOf = (name: MetricName): string => (name.endsWith('_seconds') ? 'Seconds' : 'Count');

/** The bound that 99 of 100 lie within; of those above all bounds nothing more is known. */
const percentile99 = (counts: readonly number[]): number | null => {
  const all = counts.reduce((sum, n) => sum + n, 0);
  if (all === 0) return null;
  let seen = 0;
  const at = counts.findIndex((n) => (seen += n) >= all * 0.99);
  return SECONDS_BUCKETS[at] ?? 2 * SECONDS_BUCKETS.at(-1)!;
};
