import type { NewRecord } from '../../shared/log/log.ts';
import type { Processor } from '../../shared/runtime/processor.ts';
import type { Checkpoint, Row, StateView } from '../../shared/state/state.ts';
import type { MemoryTable } from '../../shared/table/memory-table.ts';
import type { Prng } from '../players/prng.ts';
import type { Engine } from './engine.ts';
import type { Schedule } from './schedule.ts';
import type { SimLog } from './sim-log.ts';
import type { Trace } from './trace.ts';
import type { Uninterrupted } from './uninterrupted.ts';

/** The loop of the product on the store of the product, and all that can happen to them. */
export type Consumer = {
  /** Something was appended: it will be folded soon. */
  wake(withinMs: number): void;
  /** Stands still for this long, as a process in a pause does. */
  pause(ms: number): void;
  checkpoint(): void;
  /** The process is killed. `memory`: what the store had not written down is lost with it. */
  crash(lose: { readonly memory: boolean }): void;
  /** The store goes back to what it had written down, under its owner. */
  rewind(): void;
  /** All state is lost. */
  wipe(): void;
  /** The group forgets how far it was. */
  forgetGroupOffset(): void;
  /** Folds to the end of the log, whatever was planned, without another fault. */
  finish(): void;
  read(keys: readonly string[]): StateView;
  readonly counts: Record<ConsumerCount, number>;
};
export type ConsumerCount = 'crashes' | 'rewinds' | 'fences' | 'wipes' | 'rebuilds' | 'repeats' | 'errors';

/** What a consumer is held against: the fold of the same records that nothing disturbs. */
export type Judge = Omit<Uninterrupted, 'rows'> & {
  /** Throws where the store's rows or clock are not what they have to be at its checkpoint. */
  compare(checkpoint: Checkpoint, rows: readonly (Row | null)[]): void;
};

export type ConsumerParts<State, Control> = {
  readonly engine: Engine;
  readonly processor: Processor<State, Control>;
  readonly partition: number;
  /** Outlives whatever happens to the consumer. */
  readonly table: MemoryTable | undefined;
  readonly rng: Prng;
  readonly schedule: Schedule;
  readonly log: SimLog;
  readonly judge: Judge;
  readonly trace: Trace;
  /** All that the partition may have a row of. */
  readonly keys: readonly string[];
  /** Where another fold reads what this one sends. */
  readonly onSent?: (records: readonly NewRecord[]) => void;
  /** With none, what the store has is what is folded. */
  readonly keptRows: number;
  /** So many timers the store brings at once. */
  readonly timersAtOnce: number;
  /** Names of all that was sent, by those before it that filled the same table as well. */
  readonly sent: Set<string>;
  /** Part of the batches that something happens to. */
  readonly faultRate: number;
};
