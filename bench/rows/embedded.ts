import { join } from 'node:path';
import type { TopicName } from '../../schemas/topics.ts';
import { openEmbeddedLog } from '../../shared/log/embedded-log.ts';
import type { Batch, Log } from '../../shared/log/log.ts';
import { openEmbeddedState } from '../../shared/state/embedded-state.ts';
import { openSqliteTable } from '../../shared/table/sqlite-table.ts';
import { appendAll, caughtUp, handClock, read, run, temporaryFolder } from '../embedded-parts.ts';
import { type AnyProcessor, FOLDS, packing } from '../folds.ts';
import { livesOf, PARTITIONS, recordsOf, START_MS } from '../lives.ts';
import { BATCH_RECORDS, countOf, memoryLoop } from '../memory-loop.ts';
import { memoryFolds, movesFeed, withoutMoves } from '../moves.ts';
import { canPin, CORES, keepTo } from '../proc.ts';
import { BEAT_EVERY_MS } from '../records.ts';
import { alternate, type Bench, figure, median, rateOf, rowOf } from '../row.ts';

const BEATS: TopicName = 'heartbeats.v1';
type EmbeddedRow = (typeof FOLDS)[number]['embedded'] | 'P4all';

/**
 * P4: a full log on disk is folded into a store and a table on disk, outputs going out; against the loops over records in
 * memory. Of all processors together a record counts once, when all of them have folded it, and they have one core.
 */
export const embeddedOf =
  (id: EmbeddedRow): Bench =>
  async ({ rounds, accounts: all, pin }, say) => {
    const folds: readonly { readonly embedded: string; readonly processor: AnyProcessor }[] = FOLDS;
    const isAll = id === 'P4all';
    // Each record is folded five times.
    const accounts = isAll ? Math.ceil(all / 4) : all;
    const processors = folds.filter(({ embedded }) => isAll || embedded === id).map(({ processor }) => processor);
    const pinned = isAll && pin && canPin();
    if (pinned) keepTo(CORES.measured);
    const clock = handClock();
    const log = await openEmbeddedLog({ folder: temporaryFolder(), partitions: PARTITIONS, clock: read(clock) });
    // What is remembered is put when it ends. P4 itself folds running sessions.
    await appendAll(log, livesOf(accounts, { end: id !== 'P4' }), { clock, ahead: 4 });
    let inMemory = await batchesIn(log, BEATS);
    if (countOf(inMemory) !== recordsOf(accounts)) throw new Error('the log has not all that was appended');
    if (id === 'P4a') inMemory = await withMoves(log, inMemory, clock);
    const total = countOf(inMemory);
    say(`${id} a log of ${total} records is written`);

    const ours = async (round: number): Promise<number> => {
      globalThis.gc?.();
      const folder = temporaryFolder();
      const store = await openEmbeddedState({ folder, packing, onError: fail });
      const table = await openSqliteTable({ file: join(folder, 'table.sqlite'), clock: read(clock) });
      if (isAll) clock.nowMs = START_MS;
      const seen = isAll ? await withoutMoves(log, clock) : log;
      // Names of their own in each round: others would know that their outputs were sent before.
      const parts = processors.map((processor) => {
        return { processor: { ...processor, name: `${processor.name}-${round}` }, log: seen, store, table, clock };
      });
      const started = performance.now();
      const running = await Promise.all(parts.map(run));
      // One after the other: what the last one folds ends when the one before it has come to the end.
      for (const part of parts) await caughtUp(part);
      const rate = (total * 1_000) / (performance.now() - started);
      await Promise.all(running.map((one) => one.close()));
      await store.close();
      await table.close();
      return rate;
    };
    const baseline = (): number => {
      globalThis.gc?.();
      const { fold, end } = isAll ? memoryFolds(processors) : alone(processors);
      return rateOf(total, () => {
        inMemory.forEach((batch) => fold(notYetDecoded(batch)));
        end();
      });
    };
    await ours(-1);
    baseline();
    const measured = await alternate({ rounds, say, name: id, ours, baseline });
    await log.close();
    const what = `${total} records of ${accounts} accounts; ${processors.map(({ name }) => name).join(', ')}`;
    const viewers = figure((median(measured.map((one) => one.ours)) * BEAT_EVERY_MS) / 1_000);
    const where = pinned ? 'on one core' : 'not pinned to a core';
    return [rowOf(id, measured, isAll ? [what, `that is ${viewers} viewers who beat every 10 s, ${where}`] : [what])];
  };

/** The runtime remembers of a batch's records what it has decoded: those of the round before would be spared that. */
const notYetDecoded = (batch: Batch): Batch => ({ ...batch, records: [...batch.records] });

const alone = ([processor]: readonly AnyProcessor[]) => ({ ...memoryLoop(PARTITIONS, processor!), end: () => {} });

/** Appends what trending makes of the beats, as of the time of each, and answers it. */
const withMoves = async (log: Log, beats: readonly Batch[], clock: { nowMs: number }): Promise<readonly Batch[]> => {
  const moves = movesFeed(PARTITIONS);
  const chunks = beats.map((batch) => {
    const records = moves(batch);
    return { records, atMs: records.flat()[0]?.appendedAtMs ?? clock.nowMs };
  });
  await appendAll(log, chunks, { clock, ahead: 4, topic: 'audience-moves.v1' });
  return batchesIn(log, 'audience-moves.v1');
};

const fail = (error: unknown): never => {
  throw error;
};

/** As the log delivers them, the partitions in turn. */
const batchesIn = async (log: Log, topic: TopicName): Promise<readonly Batch[]> => {
  const batches: Batch[] = [];
  const next = Array.from({ length: PARTITIONS }, () => 0);
  for (let more = true; more;) {
    more = false;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const batch = await log.read(topic, partition, next[partition]!, BATCH_RECORDS);
      if (batch.records.length === 0) continue;
      next[partition] = batch.to;
      batches.push(batch);
      more = true;
    }
  }
  return batches;
};
