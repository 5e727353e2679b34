import { concurrency } from '../../services/concurrency/concurrency.ts';
import { openEmbeddedLog } from '../../shared/log/embedded-log.ts';
import type { Batch, Log } from '../../shared/log/log.ts';
import { openEmbeddedState } from '../../shared/state/embedded-state.ts';
import { appendAll, caughtUp, handClock, read, run, temporaryFolder } from '../embedded-parts.ts';
import { livesOf, PARTITIONS, recordsOf } from '../lives.ts';
import { memoryLoop } from '../memory-loop.ts';
import { alternate, type Bench, rateOf, rowOf } from '../row.ts';

/** P4: a full log on disk is folded into a store on disk, decisions going out; against the loop over records in memory. */
export const embedded: Bench = async ({ rounds, accounts }, say) => {
  const clock = handClock();
  const log = await openEmbeddedLog({ folder: temporaryFolder(), partitions: PARTITIONS, clock: read(clock) });
  const total = recordsOf(accounts);
  await appendAll(log, livesOf(accounts), { clock, ahead: 4 });
  const inMemory = await batchesIn(log);
  say(`P4 a log of ${total} records is written`);

  const ours = async (round: number): Promise<number> => {
    globalThis.gc?.();
    const store = await openEmbeddedState({ folder: temporaryFolder(), onError: fail });
    // A name of its own in each round: another would know that its outputs were sent before.
    const parts = { processor: { ...concurrency, name: `concurrency-${round}` }, log, store, clock };
    const started = performance.now();
    const running = await run(parts);
    await caughtUp(parts);
    const rate = (total * 1_000) / (performance.now() - started);
    await running.close();
    await store.close();
    return rate;
  };
  const baseline = (): number => {
    globalThis.gc?.();
    const loop = memoryLoop(PARTITIONS);
    return rateOf(total, () => inMemory.forEach(loop.fold));
  };
  await ours(-1);
  baseline();
  const measured = await alternate({ rounds, say, name: 'P4', ours, baseline });
  await log.close();
  return [rowOf('P4', measured, [`${total} records of ${accounts} accounts, a decision sent for every 7 beats`])];
};

const fail = (error: unknown): never => {
  throw error;
};

/** As the log delivers them, the partitions in turn. */
const batchesIn = async (log: Log): Promise<readonly Batch[]> => {
  const batches: Batch[] = [];
  const next = Array.from({ length: PARTITIONS }, () => 0);
  for (let more = true; more;) {
    more = false;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const batch = await log.read(concurrency.input, partition, next[partition]!, 1_000);
      if (batch.records.length === 0) continue;
      next[partition] = batch.to;
      batches.push(batch);
      more = true;
    }
  }
  return batches;
};
