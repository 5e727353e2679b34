import { root } from '../steps.ts';
import { readOptions, USAGE } from './options.ts';
import { runSeeds } from './pool.ts';
import { storyOf, summarize, tableOf } from './report.ts';
import type { SeedResult } from './world.ts';

const PROGRESS_MS = 5_000;
/** More stories than this are no help. */
const STORIES = 3;

const options = readOptions(process.argv.slice(2));
if (typeof options !== 'object') {
  console.log(options ?? USAGE);
  process.exitCode = options === undefined ? 0 : 2;
} else {
  const { from, seeds, alone, hours, workers, json } = options;
  const results: SeedResult[] = [];
  const startedAt = performance.now();
  let toldAt = startedAt;
  await runSeeds({
    folder: root,
    hours,
    workers,
    seeds: Array.from({ length: seeds }, (_, i) => from + i),
    onResult: (result) => {
      results.push(result);
      if (!json && !alone && performance.now() - toldAt >= PROGRESS_MS) {
        toldAt = performance.now();
        const failed = results.filter((r) => r.failure !== null).length;
        console.error(
          `${results.length} of ${seeds} seeds, ${failed} failed, ${((toldAt - startedAt) / 1_000).toFixed(0)} s`,
        );
      }
      return true;
    },
  });
  const summary = summarize(results, (performance.now() - startedAt) / 1_000);
  if (json) console.log(JSON.stringify(summary));
  else {
    for (const result of alone ? results : summary.failed.slice(0, STORIES))
      console.log(`${storyOf(result, alone ? 200 : 25)}\n`);
    if (summary.failed.length > 0) console.log(`failed: ${summary.failed.map((r) => r.seed).join(' ')}\n`);
    console.log(tableOf(summary));
  }
  process.exitCode = summary.failed.length === 0 ? 0 : 1;
}
