import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { ROW_IDS, ROWS } from './catalogue.ts';
import { figure, median, quantile, rowOf } from './row.ts';

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

type Ended = { readonly code: number | null; readonly out: string; readonly progress: string };

const run = (...args: readonly string[]): Promise<Ended> => runFile('main.ts', ...args);
const runFile = (file: string, ...args: readonly string[]): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [pathOf(file), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let progress = '';
    child.stdout.on('data', (part: Buffer) => (out += part.toString()));
    child.stderr.on('data', (part: Buffer) => (progress += part.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, progress }));
  });

describe('npm run bench', () => {
  let small: Ended, table: Ended, unknown: Ended;
  beforeAll(async () => {
    const tiny = ['--rounds', '2', '--seconds', '0.1', '--accounts', '200'];
    [small, table, unknown] = await Promise.all([
      run('--json', ...tiny, 'P2', 'P3', 'P3a'),
      run(...tiny, 'P3', 'P4all'),
      run('--json', 'P99'),
    ]);
  }, 60_000);

  it('prints one JSON object with a row for each of the three that were asked for', () => {
    const figures = { ours: expect.any(Number), baseline: expect.any(Number), ratio: expect.any(Number) };
    expect(JSON.parse(small.out)).toMatchObject({
      machine: { cpu: expect.any(String), cores: expect.any(Number), node: process.version },
      rows: [
        { id: 'P2', ...figures, goal: { ratio: 3 }, reached: expect.any(Boolean), rounds: [{}, {}] },
        { id: 'P3', ...figures, goal: { ratio: 0.85 }, reached: expect.any(Boolean), rounds: [{}, {}] },
        { id: 'P3a', ...figures, goal: { ratio: 0.85 }, reached: expect.any(Boolean), rounds: [{}, {}] },
      ],
    });
    expect(small.code).toBe(0);
  });

  it('prints progress beside it, and a table that names the machine', () => {
    expect(small.progress).toContain('P2 round 2:');
    expect(table.out).toMatch(/cores, Node v\d+/);
    expect(table.out).toContain(ROWS.P3.what);
  });

  it('says below it how many viewers all processors of a local process serve', () => {
    expect(table.out).toContain('concurrency, resume-position, view-end, trending, audience');
    expect(table.out).toMatch(/P4all: that is [\d,.]+ viewers who beat every 10 s/);
  });

  it('ends with 1 and says which rows there are when it knows one not', () => {
    expect(unknown.code).toBe(1);
    expect(unknown.progress).toContain('there is no row P99');
    expect(unknown.progress).toContain(ROW_IDS.join(' '));
  });
});

describe('the bench on Kafka and Redis', () => {
  it('has a row for P1k, P1kb, P5, P5b, P6, P9k and the memory of Redis', async () => {
    const tiny = ['--rounds', '1', '--seconds', '0.5', '--accounts', '500'];
    const { out, progress, code } = await run(
      '--json',
      ...tiny,
      'P1k',
      'P1kb',
      'P5',
      'P5b',
      'P6',
      'P9k',
      'memory-redis',
    );
    const { rows } = (code === 0 ? JSON.parse(out) : { rows: [] }) as { rows: readonly { id: string }[] };
    expect({ code, progress }).toMatchObject({ code: 0 });
    expect(rows.map(({ id }) => id)).toEqual(['P1k', 'P1kb', 'P5', 'P5b', 'P6', 'P9k', 'memory-redis']);
    const figures = { ours: expect.any(Number), baseline: expect.any(Number), ratio: expect.any(Number) };
    for (const row of rows) expect(row).toMatchObject(figures);
  }, 120_000);

  it('drains 8,000 records, sees 300 a second decided and is right again after a kill -9', async () => {
    const short = ['--json', '--records', '8000', '--rate', '300', '--seconds', '1', '--settle', '1'];
    const { out, progress, code } = await runFile('processor.ts', ...short);
    expect({ code, progress }).toMatchObject({ code: 0 });
    expect(JSON.parse(out)).toMatchObject({
      accounts: 1_000,
      drained: { records: 8_004, perSecond: expect.any(Number), cpuSecondsPerMillion: expect.any(Number) },
      visible: { fromCallMs: { p50: expect.any(Number), p99: expect.any(Number) } },
      kills: [{ firstMs: expect.any(Number), allMs: expect.any(Number) }],
    });
  }, 60_000);

  it('shows the memory of ingest, owner and Redis under a steady load', async () => {
    const { out, progress } = await runFile('steady.ts', '--engine', 'cluster', '--minutes', '0.08', '--json');
    const { rows } = JSON.parse(out || '{}') as { rows?: readonly unknown[] };
    const row = (name: string, gates: boolean) => ({ name, gates, last: expect.any(Number) });
    expect({ rows, progress }).toMatchObject({
      rows: [row('ingest', true), row('owner', true), row('redis (used)', false)],
    });
  }, 60_000);
});

describe('a row', () => {
  it('has the median of the ratios, and reaches a goal of 0.85 with 0.9, and one of at most 1.8 with 1.79', () => {
    const rounds = [
      { ours: 90, baseline: 100 },
      { ours: 50, baseline: 100 },
      { ours: 300, baseline: 200 },
    ];
    expect(rowOf('P3', rounds, [])).toMatchObject({ ours: 90, baseline: 100, ratio: 0.9, reached: true });
    expect(rowOf('P9', [{ ours: 21, baseline: 1 }], [])).toMatchObject({ reached: false });
    expect(rowOf('P1k', [{ ours: 45, baseline: 24.6 }], [])).toMatchObject({ reached: false });
    expect(rowOf('P1k', [{ ours: 44, baseline: 24.6 }], [])).toMatchObject({ reached: true });
    expect(rowOf('memory', [{ ours: 900, baseline: 600 }], [])).toMatchObject({ reached: null });
  });

  it('is printed with three digits', () => {
    expect([0.123_4, 12.345, 999.9, 1_234, 123_456].map(figure)).toEqual([
      '0.123',
      '12.3',
      '1,000',
      '1,230',
      '123,000',
    ]);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(quantile([1, 2, 3, 4], 0.99)).toBe(4);
  });
});

describe('docs/reference/performance.md', () => {
  const page = readFileSync(pathOf('../docs/reference/performance.md'), 'utf8');

  it('explains every row', () => {
    for (const id of ROW_IDS) expect(page).toContain(`| ${id} `);
  });

  it('shows every baseline as it is, none of them over 40 lines', () => {
    for (const name of readdirSync(pathOf('baselines'))) {
      const source = readFileSync(pathOf(`baselines/${name}`), 'utf8');
      expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
      expect(page).toContain(source.trimEnd());
    }
  });
});
