import { join } from 'node:path';
import type { TopicName } from '../../schemas/topics.ts';
import { openEmbeddedLog } from '../../shared/log/embedded-log.ts';
import type { Batch, Log } from '../../shared/log/log.ts';
import { openEmbeddedState } from '../../shared/state/embedded-state.ts';
import { openSqliteTable } from '../../shared/table/sqlite-table.ts';
import { appendAll, caughtUp, handClock, read, run, temporaryFolder } from '../embedded-parts.ts';
import { FOLDS } from '../folds.ts';
import { livesOf, PARTITIONS, recordsOf } from '../lives.ts';
import { memoryLoop } from '../memory-loop.ts';
import { alternate, type Bench, rateOf, rowOf } from '../row.ts';

const INPUT: TopicName = 'heartbeats.v1';
type EmbeddedRow = (typeof FOLDS)[number]['embedded'] | 'P4all';

/**
 * P4: a full log on disk is folded into a store and a table on disk, outputs going out; against the loops over records in
 * memory. Of all processors together a record counts once, when all of them have folded it.
 */
export const embeddedOf =
  (id: EmbeddedRow): Bench =>
  async ({ rounds, accounts }, say) => {
    const processors = FOLDS.filter(({ embedded }) => id === 'P4all' || embedded === id).map((fold) => fold.processor);
    const clock = handClock();
    const log = await openEmbeddedLog({ folder: temporaryFolder(), partitions: PARTITIONS, clock: read(clock) });
    const total = recordsOf(accounts);
    // What is remembered is put when it ends. P4 itself folds running sessions.
    await appendAll(log, livesOf(accounts, { end: id !== 'P4' }), { clock, ahead: 4 });
    const inMemory = await batchesIn(log);
    say(`${id} a log of ${total} records is written`);

    const ours = async (round: number): Promise<number> => {
      globalThis.gc?.();
      const folder = temporaryFolder();
      const store = await openEmbeddedState({ folder, onError: fail });
      const table = await openSqliteTable({ file: join(folder, 'table.sqlite'), clock: read(clock) });
      // Names of their own in each round: others would know that their outputs were sent before.
      const parts = processors.map((processor) => {
        return { processor: { ...processor, name: `${processor.name}-${round}` }, log, store, table, clock };
      });
      const started = performance.now();
      const running = await Promise.all(parts.map(run));
      await Promise.all(parts.map(caughtUp));
      const rate = (total * 1_000) / (performance.now() - started);
      await Promise.all(running.map((one) => one.close()));
      await store.close();
      await table.close();
      return rate;
    };
    const baseline = (): number => {
      globalThis.gc?.();
      const loops = processors.map((processor) => memoryLoop(PARTITIONS, processor));
      return rateOf(total, () => inMemory.forEach((batch) => loops.forEach((loop) => loop.fold(batch))));
    };
    await ours(-1);
    baseline();
    const measured = await alternate({ rounds, say, name: id, ours, baseline });
    await log.close();
    const what = processors.map(({ name }) => name).join(', ');
    return [
      rowOf(id, measured, [`${total} records of ${accounts} accounts, an output or a row for every 7 beats; ${what}`]),
    ];
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
      const batch = await log.read(INPUT, partition, next[partition]!, 1_000);
      if (batch.records.length === 0) continue;
      next[partition] = batch.to;
      batches.push(batch);
      more = true;
    }
  }
  return batches;
};
