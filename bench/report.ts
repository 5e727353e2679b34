import { availableParallelism, cpus } from 'node:os';
import Table from 'cli-table3';
import { figure, type Row } from './row.ts';

export type Machine = { readonly cpu: string; readonly cores: number; readonly node: string };

export const machine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  node: process.version,
});

export const headerOf = ({ cpu, cores, node }: Machine): string => `${cpu}, ${cores} cores, Node ${node}`;

const goalOf = ({ goal }: Row): string => {
  if (goal === null) return '';
  if ('ratio' in goal) return `ratio of ${goal.ratio} or more`;
  return 'ratioAtMost' in goal ? `ratio of ${goal.ratioAtMost} or less` : `at most ${goal.atMost}`;
};

const reachedOf = ({ reached }: Row): string => (reached === null ? '' : reached ? 'yes' : 'NO');

export const tableOf = (rows: readonly Row[]): string => {
  const table = new Table({
    head: ['id', 'what', 'unit', 'ours', 'baseline', 'ratio', 'goal', 'reached'],
    style: { head: [], border: [] },
  });
  for (const row of rows) {
    table.push([
      row.id,
      row.what,
      row.unit,
      { hAlign: 'right', content: figure(row.ours) },
      { hAlign: 'right', content: figure(row.baseline) },
      { hAlign: 'right', content: row.ratio.toFixed(2) },
      goalOf(row),
      reachedOf(row),
    ]);
  }
  const notes = rows.flatMap((row) => row.notes.map((note) => `${row.id}: ${note}`));
  return [table.toString(), ...notes].join('\n');
};
