import { concurrency } from '../../services/concurrency/concurrency.ts';
import { epochMs } from '../../schemas/time.ts';
import type { LogRecord, NewRecord } from '../../shared/log/log.ts';
import { openEmbeddedState } from '../../shared/state/embedded-state.ts';
import { handFold } from '../baselines/hand-fold.ts';
import { temporaryFolder } from '../embedded-parts.ts';
import { packing } from '../folds.ts';
import { batchesOf, foldInto } from '../memory-loop.ts';
import { accountKeyOf, policyRecord, startRecord } from '../records.ts';
import { type Bench, rowOf } from '../row.ts';

const START_MS = 1_800_000_000_000;

/** Bytes of live accounts in the embedded state: with one session each, and then with one more. Baseline: a Map of the same. */
export const remembering: Bench = async ({ accounts }, say) => {
  const rows = 2 * accounts;
  const store = await openEmbeddedState({
    folder: temporaryFolder(),
    packing,
    onError: (error) => {
      throw error;
    },
  });
  const fold = foldInto({ processor: concurrency, store }, 1);
  const hand = handFold(concurrency);
  let offset = 0;
  // A key that nothing else holds, as a log delivers it.
  const placed = ({ key, value }: NewRecord): LogRecord => ({
    key: key === null ? null : Buffer.from(key).toString(),
    value,
    offset: offset++,
    appendedAtMs: epochMs(START_MS),
  });
  /** Record by record made, folded and forgotten, so that what stays is the state. */
  const startAll = (device: number, into: (records: readonly LogRecord[]) => void): void => {
    for (let from = 0; from < rows; from += 1_000) {
      const records: LogRecord[] = [];
      for (let i = from; i < Math.min(rows, from + 1_000); i++) records.push(placed(startRecord(i, START_MS, device)));
      into(records);
    }
  };
  // Their keys are remembered where records are made: that is no part of the state.
  for (let i = 0; i < rows; i++) accountKeyOf(i);
  const intoStore = (records: readonly LogRecord[]): void => batchesOf(0, records).forEach(fold);

  intoStore([placed(policyRecord(START_MS))]);
  const empty = await used();
  startAll(0, intoStore);
  const one = await used();
  startAll(1, intoStore);
  const two = await used();
  await store.close();

  const seen = await used();
  hand.fold(0, [placed(policyRecord(START_MS))]);
  startAll(0, (records) => hand.fold(0, records));
  const map = await used();
  if (hand.states.size !== rows) throw new Error('accounts are missing');

  const per = (later: Used, earlier: Used, what: keyof Used): number => (later[what] - earlier[what]) / rows;
  const lines = [
    `heap: ${per(one, empty, 'heap').toFixed(0)} bytes per account with one live session, ` +
      `${per(two, one, 'heap').toFixed(0)} per further session`,
    `RSS: ${per(one, empty, 'rss').toFixed(0)} and ${per(two, one, 'rss').toFixed(0)} bytes, checkpoint included`,
    `${rows} accounts of ${concurrency.name}; the baseline is a Map of the same states`,
  ];
  say(`memory: ${lines[0]}`);
  return [rowOf('memory', [{ ours: per(one, empty, 'heap'), baseline: per(map, seen, 'heap') }], lines)];
};

type Used = { readonly heap: number; readonly rss: number };

/** After the garbage is gone, and a checkpoint has let go of what it wrote. */
const used = async (): Promise<Used> => {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
};

/** Longer than the embedded store waits between two checkpoints. */
const SETTLE_MS = 2_500;
