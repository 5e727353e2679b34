import Table from 'cli-table3';
import { ALL_QUESTIONS, type Mark, QUESTIONS, type Question, type Wrong } from './remembered/marks.ts';
import type { Latencies } from './tally.ts';
import type { Run } from './run.ts';
import { FALSE_BLOCKS, VIOLATIONS, type Violation, type ViolationKind } from './verdicts.ts';

const KINDS = Object.keys(VIOLATIONS) as readonly ViolationKind[];

type LatencySummary = {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
};

export type Report = {
  readonly passed: boolean;
  readonly options: Run['options'];
  readonly seconds: number;
  readonly households: number;
  readonly starts: Run['oracle']['counts'];
  readonly beats: number;
  readonly beatsPerSecond: number;
  readonly falseBlocks: number;
  readonly violations: Readonly<Record<ViolationKind, number>>;
  readonly latencies: Readonly<Record<'start' | 'beat' | 'blockCheck' | 'readable', LatencySummary>>;
  /** What the oracles of the remembered answers judged. */
  readonly remembered: Readonly<Record<Question, Mark>>;
  readonly furthestBehindMs: number;
  readonly firstWrong: readonly Wrong[];
  /** Decisions by outcome and reason, scenes, and errors by call, status and code. */
  readonly counts: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly clientCpuMicrosPerCall: number;
  readonly firstViolations: readonly Violation[];
};

const rounded = (ms: number): number => Math.round(ms * 100) / 100;
const summarize = (latencies: Latencies): LatencySummary => ({
  count: latencies.count(),
  p50Ms: rounded(latencies.percentile(0.5)),
  p99Ms: rounded(latencies.percentile(0.99)),
  p999Ms: rounded(latencies.percentile(0.999)),
});

export function makeReport(run: Run): Report {
  const { oracle, tally, marks } = run;
  const { verdicts } = oracle;
  const seconds = run.elapsedSeconds();
  const beats = tally.of('beats acknowledged');
  const { calls, cpuMs } = run.cost();
  const violations = Object.fromEntries(KINDS.map((kind) => [kind, verdicts.count(kind)]));
  return {
    // A run in which nothing was decided proves nothing.
    passed:
      verdicts.total() === 0 && oracle.counts.startsDecided > 0 && marks.wrong() === 0 && marks.unjudged().length === 0,
    options: run.options,
    seconds: rounded(seconds),
    households: run.population().households,
    starts: oracle.counts,
    beats,
    beatsPerSecond: Math.round(beats / Math.max(seconds, 0.001)),
    falseBlocks: FALSE_BLOCKS.reduce((sum, kind) => sum + verdicts.count(kind), 0),
    violations: violations as Record<ViolationKind, number>,
    latencies: {
      start: summarize(tally.startMs),
      beat: summarize(tally.beatMs),
      blockCheck: summarize(tally.checkMs),
      readable: summarize(marks.readableMs),
    },
    remembered: marks.of,
    furthestBehindMs: Math.round(marks.furthestBehindMs),
    firstWrong: marks.first,
    counts: Object.fromEntries([...tally.counts].sort(([a], [b]) => a.localeCompare(b))),
    calls,
    clientCpuMicrosPerCall: Math.round((cpuMs * 1_000) / Math.max(calls, 1)),
    firstViolations: verdicts.first,
  };
}

/** What there is to object to, a line each: the first ones. Empty for a run that passed. */
export function objectionsOf(report: Report): readonly string[] {
  const found = [
    ...report.firstViolations.map(({ kind, detail, accountId }) => `${kind} of ${accountId}: ${detail}`),
    ...report.firstWrong.map(({ question, what, accountId }) => `${QUESTIONS[question]}, of ${accountId}: ${what}`),
  ];
  return report.passed || found.length > 0 ? found : [verdictOf(report)];
}

const plain = { style: { head: [], border: [] } };

export function formatReport(report: Report): string {
  const { starts, latencies, counts, violations } = report;

  const outcomes = new Table({ head: ['what happened', 'how often'], ...plain, colAligns: ['left', 'right'] });
  for (const [name, count] of Object.entries(counts)) outcomes.push([name, count]);

  const times = new Table({
    head: ['latency', 'calls', 'p50 ms', 'p99 ms', 'p99.9 ms'],
    ...plain,
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  });
  for (const [name, { count, p50Ms, p99Ms, p999Ms }] of [
    ['start to decision', latencies.start],
    ['beat to 202', latencies.beat],
    ['block-check', latencies.blockCheck],
    ['202 to readable elsewhere', latencies.readable],
  ] as const)
    times.push([name, count, p50Ms, p99Ms, p999Ms]);

  const judged = new Table({ head: ['judged', 'count'], ...plain, colAligns: ['left', 'right'] });
  judged.push(
    ['starts decided', starts.startsDecided],
    ['  admitted', starts.admitted],
    ['  refused', starts.denied],
    ['degraded replies (exempt)', starts.degraded],
    ['displaced: told so when they came back', starts.displaced],
    ['came back after silence and went on', starts.returned],
    ['false blocks', report.falseBlocks],
    ['over-admissions', violations['over-admission']],
  );
  for (const kind of KINDS) if (violations[kind] > 0) judged.push([`violation: ${VIOLATIONS[kind]}`, violations[kind]]);

  const remembered = new Table({
    head: ['remembered', 'judged', 'uncertain', 'wrong', 'no answer'],
    ...plain,
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  });
  for (const question of ALL_QUESTIONS) {
    const { absent, ...mark } = report.remembered[question];
    const name = QUESTIONS[question];
    if (mark.judged === 0 && absent > 0) remembered.push([`${name}: not asked, there is no such path`, 0, 0, 0, 0]);
    else remembered.push([name, mark.judged, mark.uncertain, mark.wrong, mark.unanswered]);
  }
  const behind = `Furthest behind the last picture of a player that was cut off: ${report.furthestBehindMs} ms.`;

  const { options } = report;
  const head =
    `${report.households} households, limit ${options.limit}, ${report.seconds} s, seed ${options.seed}: ` +
    `${report.beats} beats acknowledged (${report.beatsPerSecond}/s), ` +
    `${report.calls} calls at ${report.clientCpuMicrosPerCall} µs of this client's processor each`;
  const shown = [...report.firstViolations.map(formatViolation), ...report.firstWrong.map(formatWrong)];
  const tables = [outcomes, times, judged, remembered].map(String);
  return [head, ...tables, behind, ...shown, verdictOf(report)].join('\n');
}

function verdictOf({ passed, starts, violations, remembered }: Report): string {
  if (passed) return 'Nothing to object to.';
  if (starts.startsDecided === 0) return 'Nothing was judged: no start was decided.';
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
  const wrong = sum(ALL_QUESTIONS.map((question) => remembered[question].wrong));
  const found = sum(Object.values(violations));
  if (found + wrong > 0) return `${found} violations, ${wrong} wrong answers.`;
  const none = ALL_QUESTIONS.filter((question) => remembered[question].judged === 0);
  return `Nothing was judged of: ${none.map((question) => QUESTIONS[question]).join('; ')}.`;
}

const formatWrong = ({ question, accountId, what }: Wrong): string =>
  `\n${QUESTIONS[question]}, account ${accountId}: ${what}`;

const formatViolation = (violation: Violation, index: number): string =>
  [
    `\n${index + 1}. ${violation.kind}: ${VIOLATIONS[violation.kind]}`,
    `   account ${violation.accountId}, session ${violation.sessionId}, ${(violation.atMs / 1_000).toFixed(3)} s: ${violation.detail}`,
    ...violation.history.map((line) => `   ${line}`),
  ].join('\n');
