import Table from 'cli-table3';
import type { DecisionCounts, DecisionReport } from '../../schemas/generated/http.ts';
import { mostFirst } from '../../services/decision-ledger/report.ts';
import type { Format } from './options.ts';

/** No account holds more slots than these (`MAX_HOLDERS`). */
const MOST_STREAMS = 16;
const FIGURES = ['starts', 'returns', 'denials', 'evictions', 'displaced', 'observed', 'degraded'] as const;
const NO_RULE = '(none)';

/** Adds a later span of time to an earlier one. */
export const added = (a: DecisionReport, b: DecisionReport): DecisionReport => {
  const lines = new Map(a.lines.map(({ value, counts }) => [value, counts]));
  for (const { value, counts } of b.lines) {
    const before = lines.get(value);
    lines.set(value, before === undefined ? counts : sum(before, counts));
  }
  return {
    ...a,
    to: b.to,
    lines: [...lines].map(([value, counts]) => ({ value, counts })).sort(mostFirst),
    total: sum(a.total, b.total),
  };
};

const sum = (a: DecisionCounts, b: DecisionCounts): DecisionCounts => {
  const streamsAtOnce: Record<string, number> = { ...a.streamsAtOnce };
  for (const [n, starts] of Object.entries(b.streamsAtOnce)) streamsAtOnce[n] = (streamsAtOnce[n] ?? 0) + starts;
  const figures = Object.fromEntries(FIGURES.map((name) => [name, a[name] + b[name]]));
  return { ...a, ...figures, streamsAtOnce };
};

export const formatted = (report: DecisionReport, format: Format): string => {
  if (format === 'json') return JSON.stringify(report, null, 2);
  return format === 'csv' ? csv(report) : table(report);
};

const streamsOf = ({ streamsAtOnce }: DecisionCounts): readonly number[] =>
  Array.from({ length: MOST_STREAMS }, (_, i) => streamsAtOnce[i + 1] ?? 0);
const figuresOf = (counts: DecisionCounts): readonly number[] => FIGURES.map((name) => counts[name]);

/** As RFC 4180 says. The total is not in it: whoever reads it adds up. */
const csv = ({ by, lines }: DecisionReport): string => {
  const head = [by, ...FIGURES, ...Array.from({ length: MOST_STREAMS }, (_, i) => `streams_${i + 1}`)];
  const rows = lines.map(({ value, counts }) => [cell(value ?? NO_RULE), ...figuresOf(counts), ...streamsOf(counts)]);
  return [head, ...rows].map((row) => row.join(',')).join('\r\n');
};

/** Names come from players: one that a spreadsheet would take for a formula is made a text. */
const cell = (text: string): string => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

/** Wide enough for a screen: who asks for all 16 takes the CSV. */
const table = ({ from, to, by, lines, total }: DecisionReport): string => {
  const most = Math.max(1, ...Object.keys(total.streamsAtOnce).map(Number));
  const streams = Array.from({ length: most }, (_, i) => `${i + 1} at once`);
  const made = new Table({
    head: [by, ...FIGURES, ...streams],
    colAligns: ['left', ...[...FIGURES, ...streams].map(() => 'right' as const)],
    style: { head: [], border: [] },
  });
  const row = (name: string, counts: DecisionCounts): string[] => [
    name,
    ...[...figuresOf(counts), ...streamsOf(counts).slice(0, most)].map(String),
  ];
  for (const { value, counts } of lines) made.push(row(value ?? NO_RULE, counts));
  made.push(row('total', total));
  return `Decisions from ${iso(from)} to ${iso(to)}\n${made.toString()}`;
};

const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
