import { root } from '../steps.ts';
import { huntAll, MUTATION_RUN } from './mutate.ts';
import { MUTATIONS } from './mutations.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { runSeeds } from './pool.ts';
import { caughtLine, storyOf, summarize, tableOf } from './report.ts';
import type { SeedResult } from './world.ts';

const PROGRESS_MS = 5_000;
/** More stories than this are no help. */
const STORIES = 3;

/** Answers whether all is well. */
const simulate = async ({ from, seeds, alone, hours, workers, json }: Options): Promise<boolean> => {
  const results: SeedResult[] = [];
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1_000;
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
        console.error(`${results.length} of ${seeds} seeds, ${failed} failed, ${seconds().toFixed(0)} s`);
      }
      return true;
    },
  });
  const summary = summarize(results, seconds());
  if (json) console.log(JSON.stringify(summary));
  else {
    for (const result of alone ? results : summary.failed.slice(0, STORIES)) {
      console.log(`${storyOf(result, alone ? 200 : 25)}\n`);
    }
    if (summary.failed.length > 0) console.log(`failed: ${summary.failed.map((r) => r.seed).join(' ')}\n`);
    console.log(tableOf(summary));
  }
  return summary.failed.length === 0;
};

/** The source as it is has to pass the seeds that catch the bugs. */
const mutate = async ({ workers, every, json }: Options): Promise<boolean> => {
  const list = [{ name: 'none', patches: [] }, ...MUTATIONS.filter((_, i) => i % every === 0)];
  const onCaught = json
    ? () => undefined
    : (caught: Parameters<typeof caughtLine>[0]) => console.log(caughtLine(caught));
  const [unmutated, ...caught] = await huntAll(list, { ...MUTATION_RUN, width: workers, onCaught });
  if (json) console.log(JSON.stringify({ unmutated, caught }));
  return unmutated?.seed === null && caught.every(({ seed }) => seed !== null);
};

const options = readOptions(process.argv.slice(2));
if (typeof options !== 'object') {
  console.log(options ?? USAGE);
  process.exitCode = options === undefined ? 0 : 2;
} else {
  const well = await (options.mutations ? mutate(options) : simulate(options));
  process.exitCode = well ? 0 : 1;
}
