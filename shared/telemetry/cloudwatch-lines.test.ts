import { describe, expect, it } from '@jest/globals';
import { cloudwatchLines } from './cloudwatch-lines.ts';
import { METRICS } from './metric-catalogue.ts';
import { createMetrics } from './metrics.ts';
import { OBJECTIVES } from './objectives.ts';
import { TOLD } from './told.ts';

const NOW_MS = 1_800_000_000_000;
const opened = () => {
  const metrics = createMetrics({ process: false });
  const { lines } = cloudwatchLines({ metrics, namespace: 'playbeat-dev', role: 'ingest' });
  const tell = (): readonly Document[] => lines(NOW_MS).map((line) => JSON.parse(line) as Document);
  /** All values of a metric, by its dimensions but the role. */
  const told = (name: string) =>
    tell()
      .filter((line) => name in line)
      .map(({ [name]: value, ...line }) => [
        ...dimensionsOf(line as Document)
          .slice(1)
          .map((key) => line[key]),
        value,
      ]);
  return { metrics, tell, told };
};
type Document = Readonly<Record<string, unknown>> & {
  readonly _aws: { readonly Timestamp: number; readonly CloudWatchMetrics: readonly [Directive] };
};
type Directive = {
  readonly Namespace: string;
  readonly Dimensions: readonly [readonly string[]];
  readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
};
const dimensionsOf = ({ _aws }: Document): readonly string[] => _aws.CloudWatchMetrics[0].Dimensions[0];

describe('what CloudWatch is told', () => {
  it('is in the catalogue of metrics, by labels that they have', () => {
    for (const [name, labels] of Object.entries(TOLD))
      expect(METRICS[name as keyof typeof METRICS].labels).toEqual(expect.arrayContaining([...labels]));
  });

  it('is a document of the Embedded Metric Format for each set of dimensions', () => {
    const { metrics, tell } = opened();
    metrics.cell('playbeat_heartbeats_total', { result: 'accepted' }).value = 7;
    metrics.cell('playbeat_ingest_queue_records', {}).value = 3;
    metrics.timer('playbeat_append_seconds').observe(0.003);
    const lines = tell();
    expect(lines).toEqual([
      {
        _aws: {
          Timestamp: NOW_MS,
          CloudWatchMetrics: [
            {
              Namespace: 'playbeat-dev',
              Dimensions: [['role', 'result']],
              Metrics: [{ Name: 'playbeat_heartbeats_total', Unit: 'Count' }],
            },
          ],
        },
        role: 'ingest',
        result: 'accepted',
        playbeat_heartbeats_total: 7,
      },
      expect.objectContaining({ playbeat_ingest_queue_records: 3, playbeat_append_seconds: 0.005 }),
    ]);
    for (const line of lines) {
      expect(dimensionsOf(line).filter((name) => typeof line[name] !== 'string')).toEqual([]);
      const { Metrics } = line._aws.CloudWatchMetrics[0];
      expect(Metrics.filter(({ Name }) => typeof line[Name] !== 'number')).toEqual([]);
      expect(Metrics.length).toBeLessThanOrEqual(100);
    }
  });

  it('is of a counter what was added since the line before, and nothing where that is nothing', () => {
    const { metrics, told } = opened();
    const accepted = metrics.cell('playbeat_heartbeats_total', { result: 'accepted' });
    accepted.value = 7;
    expect(told('playbeat_heartbeats_total')).toEqual([['accepted', 7]]);
    accepted.value += 5;
    expect(told('playbeat_heartbeats_total')).toEqual([['accepted', 5]]);
    expect(told('playbeat_heartbeats_total')).toEqual([]);
  });

  it('adds counters up over the labels that are left out, and takes gauges at their most', () => {
    const { metrics, tell } = opened();
    for (const partition of [0, 1, 2]) {
      metrics.cell('playbeat_processor_lag_seconds', { processor: 'concurrency', partition }).value = partition;
      metrics.cell('playbeat_partition_paused', { processor: 'concurrency', partition }).value = partition % 2;
    }
    for (const processor of ['trending', 'audience'])
      metrics.cell('playbeat_partitions_taken_total', { processor }).value = 4;
    const all = Object.assign({}, ...tell()) as Record<string, unknown>;
    expect(all).toMatchObject({
      playbeat_processor_lag_seconds: 2,
      playbeat_partition_paused: 1,
      playbeat_partitions_taken_total: 8,
    });
  });

  it('is of a histogram the bound that 99 of 100 of the newest lie within: 1 of 100 above it is left out, 2 are not', () => {
    const { metrics, told } = opened();
    const start = metrics.timer('playbeat_start_seconds');
    for (let i = 0; i < 99; i++) start.observe(0.02);
    start.observe(4);
    expect(told('playbeat_start_seconds')).toEqual([[0.025]]);
    for (let i = 0; i < 98; i++) start.observe(0.02);
    start.observe(60);
    start.observe(60);
    expect(told('playbeat_start_seconds')).toEqual([[10]]);
    expect(told('playbeat_start_seconds')).toEqual([]);
  });
});

describe('objectives', () => {
  it('are shares that leave something to fail', () => {
    for (const { share, says } of Object.values(OBJECTIVES)) {
      expect(share).toBeGreaterThan(0.99);
      expect(share).toBeLessThan(1);
      expect(says).toMatch(/\.$/);
    }
  });
});
