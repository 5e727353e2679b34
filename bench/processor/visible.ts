import { setTimeout as sleep } from 'node:timers/promises';
import { concurrency } from '../../services/concurrency/concurrency.ts';
import type { Log } from '../../shared/log/log.ts';
import type { StateStore } from '../../shared/state/state.ts';
import { fail } from '../cluster-parts.ts';
import type { Program } from '../processes.ts';
import { quantile } from '../row.ts';
import { type Fed, startFeed } from './feed.ts';

export type Visible = {
  readonly records: number;
  readonly perSecond: number;
  /** From the call of `append` until another process reads the decision. */
  readonly fromCallMs: Quantiles;
  /** From when the log has said that it is stored. */
  readonly fromStoredMs: Quantiles;
  readonly ownerBusy: number;
  /** The longest from a call until its decision before it counts, when the sessions of the fill end all at once. */
  readonly mostWhileSettlingMs: number;
};
export type Quantiles = { readonly p50: number; readonly p99: number; readonly p999: number };

export type VisibleOptions = {
  readonly log: Log;
  readonly store: StateStore;
  readonly owner: Program;
  readonly perSecond: number;
  readonly accounts: number;
  /** What is appended before does not count: the feed has just begun, and the sessions of the fill end all at once. */
  readonly settleSeconds: number;
  readonly seconds: number;
};

const LONGEST_MS = 60_000;

/** How long after its append a record is folded and what follows from it can be read, at a steady rate. */
export const visible = async (options: VisibleOptions): Promise<Visible> => {
  const { log, store, owner, perSecond, accounts, settleSeconds, seconds } = options;
  const fromCall: number[] = [];
  const fromStored: number[] = [];
  const waiting = new Set<Promise<void>>();
  let counting = false;
  let mostWhileSettlingMs = 0;
  const see = async ({ partition, records, to, calledMs, storedMs }: Fed): Promise<void> => {
    const counts = counting;
    if (!(await store.waitFor(concurrency.name, partition, to, LONGEST_MS))) throw new Error('the fold hangs');
    const nowMs = performance.now();
    if (!counts) {
      mostWhileSettlingMs = Math.max(mostWhileSettlingMs, nowMs - calledMs);
      return;
    }
    for (let i = 0; i < records; i++) {
      fromCall.push(nowMs - calledMs);
      fromStored.push(Math.max(0, nowMs - storedMs));
    }
  };
  const onFed = (fed: Fed): void => {
    const seen: Promise<void> = see(fed)
      .catch(fail)
      .finally(() => waiting.delete(seen));
    waiting.add(seen);
  };
  const feed = startFeed({ log, perSecond, accounts, made: 0, onFed, onError: fail });
  await sleep(settleSeconds * 1_000);
  const before = owner.cpuSeconds();
  counting = true;
  await sleep(seconds * 1_000);
  counting = false;
  const ownerBusy = (owner.cpuSeconds() - before) / seconds;
  await feed.stop();
  await Promise.all(waiting);
  return {
    records: fromCall.length,
    perSecond: fromCall.length / seconds,
    fromCallMs: quantiles(fromCall),
    fromStoredMs: quantiles(fromStored),
    ownerBusy,
    mostWhileSettlingMs,
  };
};

const quantiles = (values: readonly number[]): Quantiles => ({
  p50: quantile(values, 0.5),
  p99: quantile(values, 0.99),
  p999: quantile(values, 0.999),
});
