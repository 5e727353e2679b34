import type { BenchName } from './catalogue.ts';
import type { BenchOptions } from './options.ts';
import type { Bench, Row } from './row.ts';

/**
 * A process per bench, so that none runs in code that another has warmed or in a heap that it has filled. It answers over
 * its channel and ends when that closes.
 */
export type FromRow = { readonly say: string } | { readonly rows: readonly Row[] };
export type Task = { readonly bench: BenchName; readonly options: BenchOptions };

const BENCHES: Readonly<Record<BenchName, () => Promise<Bench>>> = {
  P1: async () => (await import('./rows/heartbeats.ts')).heartbeats,
  P1k: async () => (await import('./rows/kafka-heartbeats.ts')).kafkaHeartbeats,
  P1j: async () => (await import('./rows/tokens.ts')).withTokens,
  hammer: async () => (await import('./rows/hammer.ts')).hammered,
  P2: async () => (await import('./rows/decode.ts')).decoding,
  P3: async () => (await import('./rows/fold.ts')).foldingOf('P3'),
  P3r: async () => (await import('./rows/fold.ts')).foldingOf('P3r'),
  P3v: async () => (await import('./rows/fold.ts')).foldingOf('P3v'),
  P3t: async () => (await import('./rows/fold.ts')).foldingOf('P3t'),
  P3a: async () => (await import('./rows/fold.ts')).foldingOf('P3a'),
  P4: async () => (await import('./rows/embedded.ts')).embeddedOf('P4'),
  P4r: async () => (await import('./rows/embedded.ts')).embeddedOf('P4r'),
  P4v: async () => (await import('./rows/embedded.ts')).embeddedOf('P4v'),
  P4t: async () => (await import('./rows/embedded.ts')).embeddedOf('P4t'),
  P4a: async () => (await import('./rows/embedded.ts')).embeddedOf('P4a'),
  P4all: async () => (await import('./rows/embedded.ts')).embeddedOf('P4all'),
  P5: async () => (await import('./rows/redis-commit.ts')).committing,
  P6: async () => (await import('./rows/kafka-path.ts')).kafkaPath,
  P7: async () => (await import('./rows/rebuild.ts')).rebuilding,
  P8: async () => (await import('./rows/query.ts')).querying,
  P9: async () => (await import('./rows/starts.ts')).starting,
  P9k: async () => (await import('./rows/starts.ts')).startingOnCluster,
  reads: async () => (await import('./rows/reads.ts')).reading,
  memory: async () => (await import('./rows/memory.ts')).remembering,
  'memory-redis': async () => (await import('./rows/redis-memory.ts')).rememberingInRedis,
};

const tell = (message: FromRow): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(message, () => resolve());
  });

process.once('disconnect', () => process.exit(1));
process.once('SIGTERM', () => process.exit(1));
process.once('message', (task: Task) => {
  void (async () => {
    const bench = await BENCHES[task.bench]();
    const rows = await bench(task.options, (line) => void tell({ say: line }));
    await tell({ rows });
    process.exit(0);
  })();
});
