import type { NewRecord } from '../../shared/log/log.ts';
import type { Processor } from '../../shared/runtime/processor.ts';
import type { Checkpoint, Row } from '../../shared/state/state.ts';
import type { MemoryTable } from '../../shared/table/memory-table.ts';
import type { TableRow } from '../../shared/table/table.ts';
import type { Prng } from '../players/prng.ts';
import { createConsumer, Unavailable } from './consumer.ts';
import type { Consumer, Judge } from './consumer-parts.ts';
import type { Engine } from './engine.ts';
import type { Schedule } from './schedule.ts';
import type { SimLog } from './sim-log.ts';
import type { Trace } from './trace.ts';
import { createUninterrupted, type FoldedOne } from './uninterrupted.ts';
import { sameJson } from './same.ts';
import { Violation } from './violation.ts';

/** What is asked of a fold that follows a log at its own pace: nobody waits for what it comes to. */
export type Fold = {
  readonly processor: Processor<unknown, unknown>;
  /** What is the same for the same records, however they were folded. */
  essence(rows: readonly (Row | null)[], table: readonly TableRow[]): unknown;
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

/** A consumer of one partition, its table, and the fold of the same records that nothing disturbs. */
export type Follower = {
  readonly consumer: Consumer;
  /** Without the log from its first beat on, most folds cannot make their rows again, and none is promised. */
  mayLoseAll(): boolean;
  /** Folds all that the log has, and lets nothing more go wrong. */
  settle(): void;
  /** The same, and all is looked at; on one day of four the log is folded once more from its start. */
  finish(): void;
};

export type FollowerParts = {
  readonly engine: Engine;
  readonly rng: Prng;
  readonly schedule: Schedule;
  readonly log: SimLog;
  readonly partition: number;
  readonly trace: Trace;
  readonly keys: readonly string[];
  readonly faultRate: number;
  /** How long it is away between two batches, on average. */
  readonly batchMs: number;
  readonly onSent?: (records: readonly NewRecord[]) => void;
};

/** Comparing whole states costs as much as folding them: now and then, and at the end. */
const LOOKED_AT = 1 / 64;

export const createFollower = (fold: Fold, parts: FollowerParts): Follower => {
  const { engine, rng, schedule, log, keys } = parts;
  const { processor } = fold;
  const tableOver = (rows: Map<string, TableRow>) => engine.createMemoryTable(log.clock, rows);

  const textOf = (value: unknown): string | undefined =>
    fold.countsAgain.length > 0 && log.wentBack()
      ? JSON.stringify(value, (name, part: unknown) => (fold.countsAgain.includes(name) ? undefined : part))
      : JSON.stringify(value);
  /** The tables have to hold the same rows. */
  const sameRows = (rows: ReadonlyMap<string, TableRow>): void => {
    for (const id of new Set([...wanted.keys(), ...rows.keys()])) {
      const [is, shouldBe] = [textOf(rows.get(id)), textOf(wanted.get(id))];
      if (!sameJson(is, shouldBe)) throw new Violation('T5 rows', `${processor.name}, ${id}: ${is}\n  not ${shouldBe}`);
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
  const judgeOf = (table: ReadonlyMap<string, TableRow>): Judge => ({
    ...uninterrupted,
    restart: () => undefined,
    compare: ({ offset, rebuild }: Checkpoint, rows) => {
      if (offset < log.end() || rebuild !== null) return;
      if (!log.wentBack()) sameVersions(table);
      if (!over && !rng.chance(LOOKED_AT)) return;
      const whole = uninterrupted.rows();
      const is = textOf(fold.essence(rows, [...table.values()]));
      const shouldBe = textOf(
        fold.essence(
          keys.map((key) => whole.get(key) ?? null),
          [...wanted.values()],
        ),
      );
      if (!sameJson(is, shouldBe))
        throw new Violation('T5 state', `${processor.name} at ${offset}: ${is}\n  not ${shouldBe}`);
      sameRows(table);
    },
  });
  let [calm, over] = [false, false];

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

  type Left = { readonly rows: Map<string, TableRow>; readonly sent: Set<string> };
  const nothing = (): Left => ({ rows: new Map(), sent: new Set() });
  const consumerOf = ({ rows, sent }: Left, faultRate: number, of = log): Consumer =>
    createConsumer({
      ...parts,
      ...{ processor, faultRate, log: of, table: lateTable(rows, faultRate / 8), judge: judgeOf(rows), sent },
      rng: rng.fork(1),
      keptRows: rng.fork(2).pick([0, 1]),
      timersAtOnce: rng.fork(3).pick([0, Number.POSITIVE_INFINITY]),
    });
  const left = nothing();
  const consumer = consumerOf(left, parts.faultRate);
  const next = (): void => {
    consumer.wake(0);
    schedule.after(rng.between(0, 2 * parts.batchMs), next);
  };
  next();

  const settle = (): void => {
    calm = true;
    consumer.finish();
  };
  return {
    consumer,
    mayLoseAll: () => fold.rebuildsFromTable || schedule.now() < processor.rebuildWindowMs,
    settle,
    finish: () => {
      over = true;
      settle();
      fold.ended();
      sameRows(left.rows);
      // The surviving log once more from its start, in long batches, on one day of four: into nothing, or over all that the day has left.
      if (rng.chance(0.75)) return;
      const again = rng.chance(0.5) ? nothing() : left;
      consumerOf(again, 0, { ...log, offsetAt: () => 0 }).finish();
      sameRows(again.rows);
    },
  };
};
