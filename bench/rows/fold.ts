import { epochMs, MINUTE_MS } from '../../schemas/time.ts';
import { audience } from '../../services/trending/audience.ts';
import { contentKey } from '../../services/trending/content-key.ts';
import { trending } from '../../services/trending/trending.ts';
import type { Batch, LogRecord, NewRecord } from '../../shared/log/log.ts';
import { handFold } from '../baselines/hand-fold.ts';
import type { RowId } from '../catalogue.ts';
import { type AnyProcessor, FOLDS, withoutTimers } from '../folds.ts';
import { batchesOf, countOf, memoryLoop } from '../memory-loop.ts';
import { movesFeed } from '../moves.ts';
import { accountKeyOf, BEAT_EVERY_MS, beatOf, beatRecord, nthAccount, policyRecord, startRecord } from '../records.ts';
import type { BenchOptions } from '../options.ts';
import { alternate, type Bench, rateOf, type Row, rowOf } from '../row.ts';

const START_MS = 1_800_000_000_000;

/** P3: the runtime with its state in memory, against the same fold in a loop written by hand. Beats of started sessions. */
export const foldingOf = (id: (typeof FOLDS)[number]['memory']): Bench => {
  const [fold = FOLDS[0]] = FOLDS.filter(({ memory }) => memory === id);
  return (options, say) => folding({ id, processor: fold.processor }, options, say);
};

/** How often each account beats in a round. It moves once a minute: rounds of whole minutes have as many moves. */
const cyclesOf = ({ name }: AnyProcessor, seconds: number): number =>
  name === trending.name || name === audience.name
    ? (MINUTE_MS / BEAT_EVERY_MS) * Math.max(1, Math.round(seconds / 4))
    : Math.max(1, Math.round(seconds));

type Folding = { readonly id: RowId; readonly processor: AnyProcessor };

const folding = async (
  { id, processor }: Folding,
  { rounds, seconds, accounts }: BenchOptions,
  say: (line: string) => void,
): Promise<readonly Row[]> => {
  const gapMs = BEAT_EVERY_MS / accounts;
  const isOfMoves = processor.name === audience.name;
  const cycles = cyclesOf(processor, seconds);
  let offset = 0;
  const placed = ({ key, value }: NewRecord): LogRecord => {
    const appendedAtMs = epochMs(Math.round(START_MS + offset * gapMs));
    return { key, value, offset: offset++, appendedAtMs };
  };
  const nowMs = (): number => Math.round(START_MS + offset * gapMs);

  const loop = memoryLoop(1, processor);
  const hand = handFold(processor);
  const moves = movesFeed(1);
  /** What it folds of these beats: they themselves, or where trending moves their accounts. */
  const inputOf = (beats: readonly Batch[]): readonly Batch[] =>
    isOfMoves ? batchesOf(0, beats.flatMap(moves).flat(), processor.input) : beats;
  const run = (records: readonly LogRecord[]) => {
    const batches = inputOf(batchesOf(0, records));
    const count = countOf(batches);
    return {
      count,
      ours: () => rateOf(count, () => batches.forEach(loop.fold)),
      baseline: () => rateOf(count, () => batches.forEach((batch) => hand.fold(0, batch.records))),
    };
  };
  const starts = [placed(policyRecord(START_MS))];
  for (let i = 0; i < accounts; i++) starts.push(placed(startRecord(nthAccount(i, accounts), nowMs())));
  const first = run(starts);
  first.ours();
  first.baseline();

  let sequence = 0;
  /** Each round folds new beats: those of another round would be repeats, which change nothing. */
  const beats = (): readonly LogRecord[] => {
    const records: LogRecord[] = [];
    for (let cycle = 0; cycle < cycles; cycle++) {
      sequence += 1;
      for (let i = 0; i < accounts; i++) {
        records.push(placed(beatRecord(nthAccount(i, accounts), sequence, nowMs())));
      }
    }
    return records;
  };
  const warm = run(beats());
  warm.ours();
  warm.baseline();

  let measured = run([]);
  const done = await alternate({
    rounds,
    say,
    name: id,
    ours: () => {
      measured = run(beats());
      globalThis.gc?.();
      return measured.ours();
    },
    baseline: () => {
      globalThis.gc?.();
      return measured.baseline();
    },
  });
  const keys = Array.from({ length: Math.min(100, accounts) }, (_, i) =>
    isOfMoves ? contentKey('default', beatOf(i, 0, 0).contentId) : accountKeyOf(i),
  );
  const states = loop.memory.read(processor.name, 0, keys).rows.map((row) => withoutTimers(processor, row?.state));
  if (JSON.stringify(states) !== JSON.stringify(keys.map((key) => withoutTimers(processor, hand.states.get(key)))))
    throw new Error('the two folds do not agree');
  const feed = isOfMoves ? `, ${measured.count} moves and times of them` : '';
  const note = `${accounts} accounts, ${cycles * accounts} beats a round${feed}, both ended in the same state`;
  return [rowOf(id, done, [note])];
};
