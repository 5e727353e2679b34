import type { LogEvent, Output } from '../../schemas/events.ts';
import type { EpochMs, LiveMs } from '../../schemas/time.ts';
import type { TableName } from '../../schemas/tables.ts';
import type { TopicName } from '../../schemas/topics.ts';
import type { Position } from '../log/position.ts';
import type { Shape } from '../state/packing.ts';
import type { Row } from '../state/state.ts';
import type { TableKey, TableRow } from '../table/table.ts';

/**
 * A processor is a pure function of the log: no I/O, no clock, no randomness, exactly one input topic. The same object
 * runs on the embedded log, on Kafka, and under the test driver.
 */
export type Processor<State, Control> = {
  readonly name: string;
  readonly input: TopicName;
  /** Told how far the fold has come, partition by partition, in the time of its input: see `relayOf`. */
  readonly relays?: TopicName;
  /** A rebuild without stored state starts this far before now. */
  readonly rebuildWindowMs: number;
  /** Grows when the shape of `State` changes. */
  readonly stateVersion: number;
  /** How its states are written; left out: with the names of their fields. */
  readonly shape?: Shape<State>;
  /** Makes a row of an older release readable: two releases run side by side in a roll-out. */
  upgrade(state: unknown, fromVersion: number): State;
  /**
   * The row of the durable table that the record cannot be folded without, because the key's state does not have it; the
   * fold finds it as `at.stored`. The state may be older than the one that the record meets, or none (see `FEW_RECORDS`): a
   * row too many does no harm.
   */
  reads?(state: State | undefined, record: LogEvent, key: string): TableKey | null;
  /** Folds one keyed record into its key's state. */
  onRecord(state: State | undefined, record: LogEvent, at: At<Control>): Step<State>;
  /** The wake-up that the key's last step asked for. */
  onTimer(state: State, at: At<Control>): Step<State>;
  /** Folds a record about the whole partition (no key). */
  onControl(control: Control | undefined, record: LogEvent): Control | undefined;
};

/**
 * Of a key with more records in one batch, `reads` is not told the state: the first of them may make the fold drop what the
 * last need. So a fold that drops because it has too much asks for the rows of what it has, too, from so many below too much on.
 */
export const FEW_RECORDS = 32;

/** All that a fold may know beside its state and its record. */
export type At<Control> = {
  readonly key: string;
  /** Live time of the partition; for a timer, the time it was due. */
  readonly liveMs: LiveMs;
  /** Append time of the record at hand. */
  readonly appendedAtMs: EpochMs;
  /** Position of the record at hand. */
  readonly position: Position;
  readonly control: Control | undefined;
  /** The row that `reads` asked for; absent where the table has none. */
  readonly stored?: TableRow | undefined;
};

export type Step<State> = {
  /** The key's state from now on; undefined forgets the key. */
  readonly state: State | undefined;
  readonly effects: readonly Effect[];
  /** Live time from now until `onTimer` is called for this key, at least 1 ms; absent: never. */
  readonly wakeInMs?: number;
};

/** The closed union of what a fold can cause. A new kind is an architecture decision. */
export type Effect = Emit | Put | Erase;
/** `record` null: whoever keeps something by this key out of the topic forgets it. */
export type Emit = {
  readonly emit: TopicName;
  readonly key: string;
  readonly record: Output | null;
  /**
   * What tells it from others of its cause, for a fold that reads rows back: where they are ahead of a replay, it sends less than it
   * did. Left out: its number among them.
   */
  readonly name?: string;
};
/** A row for the durable table, where it stands before the state that forgot it is committed. */
export type Put = { readonly put: TableRow };
/** All rows of this key go from the table, those among them that have long left the state; what is put behind it stays. */
export type Erase = { readonly erase: TableName };

/** A row's state, made readable for this release. */
export const readState = <State, Control>(processor: Processor<State, Control>, row: Row): State =>
  // A row is what this fold committed under its own stateVersion: the store hands it back untouched.
  row.version === processor.stateVersion ? (row.state as State) : processor.upgrade(row.state, row.version);

/** The same of a row that may not be there. */
export const stateIn = <State, Control>(
  processor: Processor<State, Control>,
  row: Row | null | undefined,
): State | undefined => (row == null ? undefined : readState(processor, row));
