import type { Loaded, Row } from '../state/state.ts';
import { type AnyTable, type Erasure, nameOf, type TableKey, type TableRow } from '../table/table.ts';
import type { Readable, Stored, TableWrite } from './fold.ts';
import { FEW_RECORDS, type Processor, stateIn } from './processor.ts';
import { step, type Steps } from './steps.ts';

export type LoopTable = Pick<AnyTable, 'get' | 'put' | 'erase'>;

type Parts<State, Control> = {
  readonly processor: Processor<State, Control>;
  /** Absent: this processor neither reads nor puts rows. */
  readonly table?: LoopTable;
};

const tableOf = <State, Control>({ processor, table }: Parts<State, Control>): LoopTable => {
  if (table === undefined) throw new Error(`${processor.name} asks for a durable table, and was given none`);
  return table;
};

/** The rows of the durable table that records of the batch need, by offset. */
export function* readFromTable<State, Control>(
  parts: Parts<State, Control>,
  { kept }: { readonly kept: ReadonlyMap<string, Row> },
  records: readonly Readable[],
  loaded: Loaded,
): Steps<ReadonlyMap<number, Stored>> {
  const { processor } = parts;
  if (processor.reads === undefined) return new Map();
  // What fires in this batch may forget what the state has now, and so may many records.
  const due = new Set(loaded.due.map(({ key }) => key));
  const counts = new Map<string, number>();
  for (const { key } of records) if (key !== null) counts.set(key, (counts.get(key) ?? 0) + 1);
  const needs = new Map<number, TableKey>();
  const wanted = new Map<string, TableKey>();
  for (const { key, event, offset } of records) {
    if (key === null) continue;
    const mayForget = due.has(key) || counts.get(key)! > FEW_RECORDS;
    const row = mayForget ? undefined : (kept.get(key) ?? loaded.rows.get(key));
    const needed = processor.reads(stateIn(processor, row), event, key);
    if (needed === null) continue;
    needs.set(offset, needed);
    wanted.set(nameOf(needed), needed);
  }
  if (needs.size === 0) return new Map();
  const rows = yield* step('read', () => tableOf(parts).get([...wanted.values()]));
  const found = new Map([...wanted.keys()].map((name, i) => [name, rows[i] ?? undefined]));
  return new Map([...needs].map(([offset, needed]) => [offset, { needed, row: found.get(nameOf(needed)) }]));
}

/** What the records of a batch do to the durable table; without what was done before. */
export function* writeToTable<State, Control>(
  parts: Parts<State, Control>,
  { groupOffset }: { readonly groupOffset: number },
  writes: readonly TableWrite[],
): Steps<void> {
  for (const { rows, erasure } of runsOf(writes.filter(({ offset }) => offset >= groupOffset))) {
    if (rows.length > 0) yield* step('put', () => tableOf(parts).put(rows));
    if (erasure !== null) yield* step('erase', () => tableOf(parts).erase(erasure));
  }
}

type Run = { readonly rows: readonly TableRow[]; readonly erasure: Erasure | null };

/** Rows up to the next erasure, which follows them, and so on. */
const runsOf = (writes: readonly TableWrite[]): readonly Run[] => {
  const runs: Run[] = [];
  let rows: TableRow[] = [];
  for (const write of writes) {
    if ('row' in write) rows.push(write.row);
    else {
      runs.push({ rows, erasure: write.erasure });
      rows = [];
    }
  }
  return rows.length === 0 ? runs : [...runs, { rows, erasure: null }];
};
