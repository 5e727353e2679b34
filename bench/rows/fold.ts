import { epochMs } from '../../schemas/time.ts';
import type { LogRecord, NewRecord } from '../../shared/log/log.ts';
import { handFold } from '../baselines/hand-fold.ts';
import type { RowId } from '../catalogue.ts';
import { type AnyProcessor, FOLDS, withoutTimers } from '../folds.ts';
import { batchesOf, memoryLoop } from '../memory-loop.ts';
import { accountKeyOf, BEAT_EVERY_MS, beatRecord, nthAccount, policyRecord, startRecord } from '../records.ts';
import type { BenchOptions } from '../options.ts';
import { alternate, type Bench, rateOf, type Row, rowOf } from '../row.ts';

const START_MS = 1_800_000_000_000;

/** P3: the runtime with its state in memory, against the same fold in a loop written by hand. Beats of started sessions. */
export const foldingOf = (id: (typeof FOLDS)[number]['memory']): Bench => {
  const [fold = FOLDS[0]] = FOLDS.filter(({ memory }) => memory === id);
  return (options, say) => folding({ id, processor: fold.processor }, options, say);
};

type Folding = { readonly id: RowId; readonly processor: AnyProcessor };

const folding = async (
  { id, processor }: Folding,
  { rounds, seconds, accounts }: BenchOptions,
  say: (line: string) => void,
): Promise<readonly Row[]> => {
  const gapMs = BEAT_EVERY_MS / accounts;
  const cycles = Math.max(1, Math.round(seconds));
  let offset = 0;
  const placed = ({ key, value }: NewRecord): LogRecord => {
    const appendedAtMs = epochMs(Math.round(START_MS + offset * gapMs));
    return { key, value, offset: offset++, appendedAtMs };
  };
  const nowMs = (): number => Math.round(START_MS + offset * gapMs);

  const loop = memoryLoop(1, processor);
  const hand = handFold(processor);
  const run = (records: readonly LogRecord[]) => ({
    ours: () => rateOf(records.length, () => batchesOf(0, records).forEach(loop.fold)),
    baseline: () => rateOf(records.length, () => batchesOf(0, records).forEach((b) => hand.fold(0, b.records))),
  });
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
  const keys = Array.from({ length: Math.min(100, accounts) }, (_, i) => accountKeyOf(i));
  const states = loop.memory.read(processor.name, 0, keys).rows.map((row) => withoutTimers(processor, row?.state));
  if (JSON.stringify(states) !== JSON.stringify(keys.map((key) => withoutTimers(processor, hand.states.get(key)))))
    throw new Error('the two folds do not agree');
  return [rowOf(id, done, [`${accounts} accounts, ${cycles * accounts} beats a round, both ended in the same state`])];
};
