import type { DecodedOutput } from '../../schemas/codec.ts';
import type { LiveMs } from '../../schemas/time.ts';
import { formatPosition, positionOf } from '../../shared/log/position.ts';
import type { Stored } from '../../shared/runtime/fold.ts';
import type { Processor } from '../../shared/runtime/processor.ts';
import type { Due, Row } from '../../shared/state/state.ts';
import type { MemoryTable } from '../../shared/table/memory-table.ts';
import type { TableRow } from '../../shared/table/table.ts';
import type { Engine } from './engine.ts';
import type { SimLog, SimRecord } from './sim-log.ts';

/** A processor's fold of the log that nothing disturbs: record by record, by no loop and into no store. */
export type Uninterrupted = {
  /** The history starts again at this offset. */
  restart(from: number): void;
  /** Folds all that the log has by now. */
  advance(): void;
  output(id: string): Buffer | undefined;
  /** Ids of outputs caused in `[from, to)`. */
  outputsBetween(from: number, to: number): readonly string[];
  rows(): ReadonlyMap<string, Row>;
};

/** One record, and all that came of it. `rows`: as they are behind the record, for as long as there is no other. */
export type FoldedOne = {
  readonly record: SimRecord;
  readonly live: LiveMs;
  readonly outputs: readonly DecodedOutput[];
  readonly puts: readonly TableRow[];
  readonly rows: ReadonlyMap<string, Row>;
  readonly changed: boolean;
};

export type UninterruptedParts<State, Control> = {
  readonly engine: Engine;
  readonly processor: Processor<State, Control>;
  readonly partition: number;
  readonly log: Pick<SimLog, 'records' | 'end'>;
  readonly table: MemoryTable | undefined;
  readonly onFolded: (folded: FoldedOne) => void;
};

const NOTHING: readonly never[] = [];

export const createUninterrupted = <State, Control>(parts: UninterruptedParts<State, Control>): Uninterrupted => {
  const { engine, processor, partition, log, table, onFolded } = parts;
  let next = 0;
  let clock = engine.liveClock(null);
  let control: Control | undefined;
  const rows = new Map<string, Row>();
  let caused: { readonly offset: number; readonly id: string }[] = [];
  let outputs = new Map<string, Buffer>();

  /** The row of the table that the record cannot be folded without. */
  const storedFor = ({ key, event, offset }: SimRecord, due: readonly Due[]): Map<number, Stored> => {
    if (processor.reads === undefined || table === undefined || key === null) return new Map();
    // A timer that fires before the record may forget what the state has now.
    const row = due.some((timer) => timer.key === key) ? undefined : rows.get(key);
    const wanted = processor.reads(row === undefined ? undefined : engine.readState(processor, row), event, key);
    if (wanted === null) return new Map();
    return new Map([[offset, { needed: wanted, row: table.get([wanted])[0] ?? undefined }]]);
  };

  const dueBy = (live: LiveMs): readonly Due[] => {
    let due: Due[] | undefined;
    for (const [key, { dueMs }] of rows) if (dueMs !== null && dueMs <= live) (due ??= []).push({ key, dueMs });
    return due?.sort((a, b) => a.dueMs - b.dueMs || (a.key < b.key ? -1 : 1)) ?? NOTHING;
  };

  const foldOne = (): void => {
    const record = log.records[next]!;
    const { event, offset, appendedAtMs } = record;
    const live = clock.step(appendedAtMs, event);
    next += 1;
    const due = dueBy(live);
    if (event.type === 'Tick' && due.length === 0)
      return onFolded({ record, live, outputs: NOTHING, puts: NOTHING, rows, changed: false });
    const folded = engine.foldRecords({
      processor,
      partition,
      records: [{ key: record.key, offset, appendedAtMs, event }],
      lives: [live],
      loaded: { rows, due },
      kept: new Map(),
      stored: storedFor(record, due),
      control,
    });
    control = folded.control;
    for (const [key, row] of folded.rows) {
      if (row === null) rows.delete(key);
      else rows.set(key, row);
    }
    const cause = formatPosition(positionOf(partition, offset));
    const values = folded.effects.flatMap(({ effect: { record: output, name }, index }) => {
      if (output === null) return [];
      const id = `${processor.name}:${cause}:${name ?? index}`;
      outputs.set(id, engine.encodeOutput(output, { id, cause }));
      caused.push({ offset, id });
      return [{ ...output, value: { ...output.value, id, cause } } as DecodedOutput];
    });
    const puts: TableRow[] = [];
    for (const write of folded.writes)
      if ('erasure' in write) table?.erase(write.erasure);
      else {
        table?.put([write.row]);
        puts.push(write.row);
      }
    onFolded({ record, live, outputs: values, puts, rows, changed: folded.rows.size > 0 });
  };

  return {
    restart: (start) => {
      next = start;
      clock = engine.liveClock(null);
      control = undefined;
      rows.clear();
      caused = [];
      outputs = new Map();
    },
    advance: () => {
      while (next < log.end()) foldOne();
    },
    output: (id) => outputs.get(id),
    outputsBetween: (start, end) => {
      const ids: string[] = [];
      for (let at = caused.length - 1; at >= 0 && caused[at]!.offset >= start; at -= 1) {
        if (caused[at]!.offset < end) ids.push(caused[at]!.id);
      }
      return ids;
    },
    rows: () => rows,
  };
};
