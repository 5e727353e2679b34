import type { StreamDecided } from '../../schemas/generated/records.ts';
import type { LiveMs } from '../../schemas/time.ts';
import type { Account } from '../../services/concurrency/account.ts';
import type { Row } from '../../shared/state/state.ts';
import type { Judge } from './consumer-parts.ts';
import type { Engine } from './engine.ts';
import type { Oracle } from './oracle.ts';
import type { SimLog } from './sim-log.ts';
import { createUninterrupted, type FoldedOne } from './uninterrupted.ts';
import { sameJson } from './same.ts';
import { Violation } from './violation.ts';

/** The uninterrupted fold of the same records, from where the newest rebuild started, and what it was at each of them. */
export type Mirror = Judge & {
  /** Live time at the newest record. */
  live(): number;
  /** The account once all records before this offset are folded. */
  stateAt(offset: number): Account | undefined;
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
  const counts = { claims: 0, denials: 0, evictions: 0, displaced: 0 };
  let from = 0;
  let oracle = newOracle(0);
  let lives: LiveMs[] = [];
  let changes: { readonly offset: number; readonly row: Row | undefined }[] = [];
  let comparisons = 0;
  /** Rows are values: the same two again need no second look. */
  let compared: { readonly stored: Row | null; readonly wanted: Row | undefined } = { stored: null, wanted: undefined };

  const onFolded = ({ record, live, outputs, rows, changed }: FoldedOne): void => {
    const row = rows.get(key);
    lives.push(live);
    if (changed) changes.push({ offset: record.offset + 1, row });
    const values =
      outputs.length === 0
        ? NOTHING
        : outputs.flatMap((output) => (output.type === 'StreamDecided' ? [output.value] : []));
    for (const value of values) count(value);
    oracle.record(record, values, row === undefined ? undefined : (row.state as Account));
  };
  const fold = createUninterrupted({
    ...{ engine, processor: engine.concurrency, partition: 0 },
    ...{ log, table: undefined, onFolded },
  });

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
    ...fold,
    restart: (start) => {
      from = start;
      oracle = newOracle(start);
      lives = [];
      changes = [];
      fold.restart(start);
    },
    live: () => lives.at(-1) ?? 0,
    stateAt: (offset) => rowAt(offset)?.state as Account | undefined,
    compare: (checkpoint, [stored = null]) => {
      const { offset, clock: at } = checkpoint;
      const live = lives[offset - from - 1];
      if (live !== at.liveMs) throw new Violation('T5 state', `live time ${at.liveMs} at ${offset}, not ${live}`);
      const wanted = rowAt(offset);
      if (stored === compared.stored && wanted === compared.wanted) return;
      compared = { stored, wanted };
      comparisons += 1;
      const same =
        comparisons % WHOLE_EVERY === 0
          ? sameJson(JSON.stringify(stored), JSON.stringify(wanted ?? null))
          : essence(stored) === essence(wanted ?? null);
      if (!same) {
        throw new Violation('T5 state', `at ${offset}: ${JSON.stringify(stored)}\n  not ${JSON.stringify(wanted)}`);
      }
    },
    counts,
  };
};

const NOTHING: readonly StreamDecided[] = [];

const essence = (row: Row | null): string => {
  if (row === null) return '';
  let text = `${row.dueMs}`;
  for (const s of (row.state as Account).sessions)
    text += `|${s.sessionId} ${s.reason} ${s.sequence} ${s.lastBeatLiveMs}`;
  return text;
};
