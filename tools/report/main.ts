import type { DecisionReport } from '../../schemas/generated/http.ts';
import { DAY_MS } from '../../schemas/time.ts';
import { called, headersOf } from '../admin-call.ts';
import { optionsOrUsage } from '../command.ts';
import { added, formatted } from './format.ts';
import { type Options, readOptions, USAGE } from './options.ts';

/** Of a large installation a day is millions of decisions, so they are counted day by day, and each may take its time. */
const ANSWER_MS = 600_000;

const reportOf = async (options: Options, fromMs: number, toMs: number): Promise<DecisionReport> => {
  const { url, by } = options;
  const query = new URLSearchParams({ from: String(fromMs), to: String(toMs), by });
  const answer = await called(new URL(`/admin/reports/decisions?${query}`, url), {
    headers: headersOf(process.env['ADMIN_TOKEN']),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  // The service's own answer, to its own document.
  return (await answer.json()) as DecisionReport;
};

const whole = async (options: Options): Promise<DecisionReport> => {
  const { fromMs, toMs } = options;
  const endOf = (ms: number): number => Math.min(toMs, (Math.floor(ms / DAY_MS) + 1) * DAY_MS);
  let report = await reportOf(options, fromMs, endOf(fromMs));
  for (let ms = endOf(fromMs); ms < toMs; ms = endOf(ms))
    report = added(report, await reportOf(options, ms, endOf(ms)));
  return report;
};

const options = optionsOrUsage(readOptions(process.argv.slice(2)), USAGE);
if (options !== null) {
  try {
    console.log(formatted(await whole(options), options.format));
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
    console.error(`${error instanceof Error ? error.message : String(error)}${cause}`);
    process.exitCode = 1;
  }
}
