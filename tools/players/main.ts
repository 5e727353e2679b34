import { optionsOrUsage } from '../command.ts';
import { readOptions, USAGE } from './options.ts';
import { showProgress } from './progress.ts';
import { formatReport, makeReport } from './report.ts';
import { startRun } from './run.ts';

const options = optionsOrUsage(readOptions(process.argv.slice(2)), USAGE);
if (options !== null) {
  const run = startRun(options);
  // Progress is no result: it stays off standard output, which belongs to the table or the JSON.
  const progress = showProgress(run, process.stderr);

  const finish = (): void => {
    progress.stop();
    const report = makeReport(run);
    console.log(options.json ? JSON.stringify(report) : formatReport(report));
    process.exitCode = report.passed ? 0 : 1;
  };

  process.once('SIGINT', () => {
    run.end();
    // Who asks twice does not want to wait for a server that no longer answers.
    process.once('SIGINT', () => {
      finish();
      process.exit();
    });
  });
  await run.finished;
  finish();
}
