import type { StreamDecided } from '../../schemas/generated/records.ts';
import { type LiveMs } from '../../schemas/time.ts';
import type { Account, Control } from '../../services/concurrency/account.ts';
import { formatPosition, positionOf } from '../../shared/log/position.ts';
import type { Checkpoint, Row } from '../../shared/state/state.ts';
import type { Engine } from './engine.ts';
import type { Oracle } from './oracle.ts';
import type { SimLog } from './sim-log.ts';
import { Violation } from './violation.ts';

/** The uninterrupted fold of the same records, one at a time, from where the newest rebuild started. */
export type Mirror = {
  /** All state was lost: the history starts again at this offset. */
  restart(from: number): void;
  advance(): void;
  /** Live time at the newest record. */
  live(): number;
  /** The account once all records before this offset are folded. */
  stateAt(offset: number): Account | undefined;
  output(id: string): Buffer | undefined;
  /** Ids of outputs caused in `[from, to)`. */
  outputsBetween(from: number, to: number): readonly string[];
  /** Throws where the store's row or clock is not what it has to be at its checkpoint. */
  compare(checkpoint: Checkpoint, row: Row | null): void;
  readonly counts: { claims: number; denials: number; evictions: number; displaced: number };
};

export type MirrorParts = {
  readonly engine: Engine;
  readonly log: SimLog;
  readonly key: string;
  readonly newOracle: (from: number) => Oracle;
};

/** Comparing whole rows costs as much as folding them: each time the essence, now and then all. */
const WHOLE_EVERY = 32;

export const createMirror = ({ engine, log, key, newOracle }: MirrorParts): Mirror => {
  const { concurrency } = engine;
  const counts = { claims: 0, denials: 0, evictions: 0, displaced: 0 };
  let from = 0;
  let next = 0;
  let clock = engine.liveClock(null);
  let control: Control | undefined;
  let row: Row | undefined;
  let oracle = newOracle(0);
  let lives: LiveMs[] = [];
  let changes: { readonly offset: number; readonly row: Row | undefined }[] = [];
  let caused: { readonly offset: number; readonly id: string }[] = [];
  let outputs = new Map<string, Buffer>();
  let comparisons = 0;
  /** Rows are values: the same two again need no second look. */
  let compared: { readonly stored: Row | null; readonly wanted: Row | undefined } = { stored: null, wanted: undefined };

  const foldOne = (): void => {
    const record = log.records[next]!;
    const { event, offset, appendedAtMs } = record;
    const live = clock.step(appendedAtMs, event.type === 'Tick' && event.value.shedding);
    lives.push(live);
    next += 1;
    const dueMs = row?.dueMs ?? null;
    const isDue = dueMs !== null && dueMs <= live;
    const values: StreamDecided[] = [];
    if (event.type !== 'Tick' || isDue) {
      const rows = new Map<string, Row>();
      if (row !== undefined) rows.set(key, row);
      const folded = engine.foldRecords({
        processor: concurrency,
        partition: 0,
        records: [{ key: record.key, offset, appendedAtMs, event }],
        lives: [live],
        loaded: { rows, due: isDue ? [{ key, dueMs }] : [] },
        kept: new Map(),
        control,
      });
      control = folded.control;
      const changed = folded.rows.get(key);
      if (changed !== undefined) {
        row = changed ?? undefined;
        changes.push({ offset: next, row });
      }
      const cause = formatPosition(positionOf(concurrency.input, 0, offset));
      for (const { effect, index } of folded.effects) {
        const id = `${concurrency.name}:${cause}:${index}`;
        outputs.set(id, engine.encodeOutput(effect.record, { id, cause }));
        caused.push({ offset, id });
        if (effect.record.type !== 'StreamDecided') continue;
        const value = { ...effect.record.value, id, cause };
        values.push(value);
        count(value);
      }
    }
    oracle.record(record, values, row === undefined ? undefined : (row.state as Account));
  };

  const count = ({ outcome, observed }: StreamDecided): void => {
    if (observed) return;
    if (outcome === 'admitted' || outcome === 'denied') counts.claims += 1;
    if (outcome === 'denied') counts.denials += 1;
    if (outcome === 'evicted') counts.evictions += 1;
    if (outcome === 'displaced') counts.displaced += 1;
  };

  const rowAt = (offset: number): Row | undefined => {
    let at = changes.length - 1;
    while (at >= 0 && changes[at]!.offset > offset) at -= 1;
    return changes[at]?.row;
  };

  return {
    restart: (start) => {
      from = start;
      next = start;
      clock = engine.liveClock(null);
      control = undefined;
      row = undefined;
      oracle = newOracle(start);
      lives = [];
      changes = [];
      caused = [];
      outputs = new Map();
    },
    advance: () => {
      while (next < log.end()) foldOne();
    },
    live: () => lives.at(-1) ?? 0,
    stateAt: (offset) => rowAt(offset)?.state as Account | undefined,
    output: (id) => outputs.get(id),
    outputsBetween: (start, end) => {
      const ids: string[] = [];
      for (let at = caused.length - 1; at >= 0 && caused[at]!.offset >= start; at -= 1) {
        if (caused[at]!.offset < end) ids.push(caused[at]!.id);
      }
      return ids;
    },
    compare: (checkpoint, stored) => {
      const { offset, clock: at } = checkpoint;
      const live = lives[offset - from - 1];
      if (live !== at.liveMs) throw new Violation('T5 state', `live time ${at.liveMs} at ${offset}, not ${live}`);
      const wanted = rowAt(offset);
      if (stored === compared.stored && wanted === compared.wanted) return;
      compared = { stored, wanted };
      comparisons += 1;
      const same =
        comparisons % WHOLE_EVERY === 0
          ? JSON.stringify(stored) === JSON.stringify(wanted ?? null)
          : essence(stored) === essence(wanted ?? null);
      if (!same) {
        throw new Violation('T5 state', `at ${offset}: ${JSON.stringify(stored)}\n  not ${JSON.stringify(wanted)}`);
      }
    },
    counts,
  };
};

const essence = (row: Row | null): string => {
  if (row === null) return '';
  let text = `${row.dueMs}`;
  for (const s of (row.state as Account).sessions)
    text += `|${s.sessionId} ${s.reason} ${s.sequence} ${s.lastBeatLiveMs}`;
  return text;
};
