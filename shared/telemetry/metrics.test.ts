import { describe, expect, it } from '@jest/globals';
import { METRICS } from './metric-catalogue.ts';
import { createMetrics, watchEventLoop } from './metrics.ts';

const metrics = () => createMetrics({ process: false });
const linesOf = async (of: { text(): Promise<string> }, name: string): Promise<readonly string[]> =>
  (await of.text()).split('\n').filter((line) => line.startsWith(name));

describe('catalogue', () => {
  it('names counters *_total, times *_seconds, and everything playbeat_*', () => {
    for (const [name, { type, help }] of Object.entries(METRICS)) {
      expect(name).toMatch(/^playbeat_[a-z0-9_]+$/);
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
      expect(help).toMatch(/\.$/);
    }
  });
});

describe('metrics', () => {
  it('shows every family before anything happened, those without labels as 0', async () => {
    const text = await metrics().text();
    for (const [name, { type }] of Object.entries(METRICS)) expect(text).toContain(`# TYPE ${name} ${type}`);
    expect(text).toContain('\nplaybeat_decisions_degraded_total 0\n');
    expect(text).toContain('\nplaybeat_ingest_queue_records 0\n');
  });

  it('shows what cells hold at the scrape, at each scrape once', async () => {
    const all = metrics();
    const accepted = all.cell('playbeat_heartbeats_total', { result: 'accepted' });
    accepted.value += 1;
    accepted.value += 2;
    expect(await linesOf(all, 'playbeat_heartbeats_total')).toEqual(['playbeat_heartbeats_total{result="accepted"} 3']);
    expect(await linesOf(all, 'playbeat_heartbeats_total')).toEqual(['playbeat_heartbeats_total{result="accepted"} 3']);
  });

  it('gives the same cell for the same labels in any order', () => {
    const all = metrics();
    const one = all.cell('playbeat_http_requests_total', { route: '/v1/heartbeats', method: 'POST', status: 202 });
    expect(all.cell('playbeat_http_requests_total', { status: 202, method: 'POST', route: '/v1/heartbeats' })).toBe(
      one,
    );
    expect(all.cell('playbeat_http_requests_total', { status: 503, method: 'POST', route: '/v1/heartbeats' })).not.toBe(
      one,
    );
  });

  it('forgets the series of a partition that went away', async () => {
    const all = metrics();
    const here = { processor: 'concurrency', partition: 3 };
    all.cell('playbeat_processor_lag_records', here).value = 9;
    expect(await linesOf(all, 'playbeat_processor_lag_records')).toEqual([
      'playbeat_processor_lag_records{processor="concurrency",partition="3"} 9',
    ]);
    all.forget('playbeat_processor_lag_records', here);
    expect(await linesOf(all, 'playbeat_processor_lag_records')).toEqual([]);
  });

  it('asks for a sample before each scrape', async () => {
    const all = metrics();
    let queued = 7;
    const cell = all.cell('playbeat_ingest_queue_records', {});
    all.beforeScrape(() => {
      cell.value = queued;
    });
    expect(await linesOf(all, 'playbeat_ingest_queue_records')).toEqual(['playbeat_ingest_queue_records 7']);
    queued = 0;
    expect(await linesOf(all, 'playbeat_ingest_queue_records')).toEqual(['playbeat_ingest_queue_records 0']);
  });

  it('sorts a 300 µs append into the bucket up to 500 µs', async () => {
    const all = metrics();
    all.timer('playbeat_append_seconds').observe(0.000_3);
    const buckets = await linesOf(all, 'playbeat_append_seconds_bucket');
    expect(buckets.slice(0, 2)).toEqual([
      'playbeat_append_seconds_bucket{le="0.00025"} 0',
      'playbeat_append_seconds_bucket{le="0.0005"} 1',
    ]);
  });

  it('measures the event loop until it is told to stop', async () => {
    const all = metrics();
    const watch = watchEventLoop(all);
    try {
      const [line = ''] = await linesOf(all, 'playbeat_event_loop_delay_p99_seconds');
      expect(Number(line.split(' ')[1])).toBeGreaterThanOrEqual(0);
    } finally {
      watch.stop();
    }
  });
});
