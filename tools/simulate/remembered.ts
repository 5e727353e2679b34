import type { Processor } from '../../shared/runtime/processor.ts';
import type { Checkpoint, Row } from '../../shared/state/state.ts';
import type { MemoryTable } from '../../shared/table/memory-table.ts';
import type { TableRow } from '../../shared/table/table.ts';
import type { Prng } from '../players/prng.ts';
import { createConsumer, Unavailable } from './consumer.ts';
import type { Consumer, Judge } from './consumer-parts.ts';
import type { Engine } from './engine.ts';
import type { OracleParts } from './oracle.ts';
import { pointsFold } from './points.ts';
import type { Schedule } from './schedule.ts';
import type { SimLog } from './sim-log.ts';
import type { Trace } from './trace.ts';
import { createUninterrupted, type FoldedOne } from './uninterrupted.ts';
import { viewsFold } from './views.ts';
import { Violation } from './violation.ts';

/** A fold that follows the log at its own pace: nobody waits for what it comes to. */
export type Fold = {
  readonly processor: Processor<unknown, unknown>;
  /** What is the same for the same records, however they were folded. */
  essence(row: Row | null, table: readonly TableRow[]): unknown;
  /**
   * What is not the same where a clock was set back: a row tells by append times what is in it, and takes some records
   * for new ones that it has. They are repeats, and count as changes.
   */
  readonly countsAgain: readonly string[];
  /** A loss of all state costs nothing, though the rebuild starts in the middle of a history: its table has the rest. */
  readonly rebuildsFromTable: boolean;
  /** Holds what comes of each record to the rules of the domain, without the product's own code. */
  judged(folded: FoldedOne, table: ReadonlyMap<string, TableRow>): void;
  /** The log has ended. */
  ended(): void;
};

/** One more is one more line: what it is, what makes two of its rows the same, and what its outputs are held to. */
const foldsOf = ({ engine, key, wasSteady }: RememberedParts): readonly Fold[] => [
  pointsFold(engine, key),
  viewsFold(engine, wasSteady),
];

export type Remembered = { readonly fold: Fold; readonly consumer: Consumer; finish(): void };

export type RememberedParts = {
  readonly engine: Engine;
  readonly rng: Prng;
  readonly schedule: Schedule;
  readonly log: SimLog;
  readonly trace: Trace;
  readonly key: string;
  readonly faultRate: number;
  readonly wasSteady: OracleParts['wasSteady'];
};

/** They see some tens of records at a time, so that fewer batches have as much happen to them. */
const BATCH_MS = 180_000;
const FAULTS = 8;

/** Each day has one of them: all of them would cost more than what the days are for. */
export const rememberedOf = (parts: RememberedParts): Remembered =>
  remembered(parts.rng.fork(0).pick(foldsOf(parts)), parts);

const remembered = (fold: Fold, parts: RememberedParts): Remembered => {
  const { engine, rng, schedule } = parts;
  const { processor } = fold;
  const log = untrimmed(parts.log);
  const tableOver = (rows: Map<string, TableRow>) => engine.createMemoryTable(log.clock, rows);

  const textOf = (value: unknown): string | undefined =>
    fold.countsAgain.length > 0 && log.wentBack()
      ? JSON.stringify(value, (name, part: unknown) => (fold.countsAgain.includes(name) ? undefined : part))
      : JSON.stringify(value);
  /** The tables have to hold the same rows. */
  const sameRows = (rows: ReadonlyMap<string, TableRow>): void => {
    for (const id of new Set([...wanted.keys(), ...rows.keys()])) {
      const [is, shouldBe] = [textOf(rows.get(id)), textOf(wanted.get(id))];
      if (is !== shouldBe) throw new Violation('T5 rows', `${processor.name}, ${id}: ${is}\n  not ${shouldBe}`);
    }
  };

  const sameVersions = (rows: ReadonlyMap<string, TableRow>): void => {
    for (const [id, { version }] of wanted) {
      if (rows.get(id)?.version !== version)
        throw new Violation('T5 rows', `${processor.name}, ${id}: ${rows.get(id)?.version} and not ${version}`);
    }
  };

  const wanted = new Map<string, TableRow>();
  const uninterrupted = createUninterrupted({
    ...parts,
    processor,
    table: tableOver(wanted),
    onFolded: (folded) => fold.judged(folded, wanted),
  });
  /** Compares with rows of its own: what a table in the middle of a batch has is ahead of the state. */
  const judgeOf = (rows: ReadonlyMap<string, TableRow>): Judge => ({
    ...uninterrupted,
    restart: () => undefined,
    compare: ({ offset, rebuild }: Checkpoint, row) => {
      if (offset < log.end() || rebuild !== null) return;
      if (!log.wentBack()) sameVersions(rows);
      if (!calm && !rng.chance(LOOKED_AT)) return;
      const is = textOf(fold.essence(row, [...rows.values()]));
      const shouldBe = textOf(fold.essence(uninterrupted.row() ?? null, [...wanted.values()]));
      if (is !== shouldBe) throw new Violation('T5 state', `${processor.name} at ${offset}: ${is}\n  not ${shouldBe}`);
      sameRows(rows);
    },
  });
  let calm = false;

  /** A put whose answer never came may get there long after others. */
  const lateTable = (rows: Map<string, TableRow>, share: number): MemoryTable => {
    const table = tableOver(rows);
    return {
      ...table,
      put: (puts) => {
        if (calm || !rng.chance(share)) return table.put(puts);
        schedule.after(rng.pick([1_000, 60_000, 600_000]), () => table.put(puts));
        throw new Unavailable('a put is on its way');
      },
    };
  };

  const consumerOf = (rows: Map<string, TableRow>, faultRate: number, of = log): Consumer =>
    createConsumer({
      ...parts,
      ...{ processor, faultRate, log: of, table: lateTable(rows, faultRate / 8), judge: judgeOf(rows) },
      rng: rng.fork(1),
      keptRows: rng.fork(2).pick([0, 1]),
      timersAtOnce: rng.fork(3).pick([0, Number.POSITIVE_INFINITY]),
    });
  const rows = new Map<string, TableRow>();
  const consumer = consumerOf(rows, Math.min(0.3, parts.faultRate * FAULTS));
  const next = (): void => {
    consumer.wake(0);
    schedule.after(rng.between(0, 2 * BATCH_MS), next);
  };
  next();

  return {
    fold,
    consumer,
    finish: () => {
      calm = true;
      consumer.finish();
      fold.ended();
      sameRows(rows);
      // The surviving log once more from its start, in long batches, on one day of four: into nothing, or over all that the day has left.
      if (rng.chance(0.75)) return;
      const again = rng.chance(0.5) ? new Map<string, TableRow>() : rows;
      consumerOf(again, 0, { ...log, offsetAt: () => 0 }).finish();
      sameRows(again);
    },
  };
};

/** Comparing whole states costs as much as folding them: now and then, and at the end. */
const LOOKED_AT = 1 / 64;

/** The topic keeps a day. What the simulated retention takes before that, it takes from concurrency, which needs ten minutes. */
const untrimmed = (log: SimLog): SimLog => ({
  ...log,
  first: () => 0,
  offsetAt: (atMs) => {
    const at = log.records.findIndex(({ appendedAtMs }) => appendedAtMs >= atMs);
    return at === -1 ? log.end() : at;
  },
});
