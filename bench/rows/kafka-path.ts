import { concurrency } from '../../services/concurrency/concurrency.ts';
import type { Log } from '../../shared/log/log.ts';
import { kafkajsLoop } from '../baselines/kafkajs-loop.ts';
import { fail, startParts } from '../cluster-parts.ts';
import { AHEAD, appendAll, caughtUp, run } from '../embedded-parts.ts';
import { livesOf, PARTITIONS, recordsOf } from '../lives.ts';
import { ALL_CORES, canPin, CORES, keepTo } from '../proc.ts';
import { alternate, type Bench, median, rowOf } from '../row.ts';

/**
 * P6: a full topic is consumed through a group, decoded, folded and committed to Redis, its decisions produced; against the
 * same kafkajs with decode and fold alone. Both from their first batch on.
 */
export const kafkaPath: Bench = async ({ rounds, accounts, pin }, say) => {
  const pinned = pin && canPin();
  if (pinned) keepTo(CORES.others);
  const parts = await startParts();
  if (pinned) keepTo(ALL_CORES);
  const filling = await parts.openLog();
  const total = recordsOf(accounts);
  await appendAll(filling, livesOf(accounts, { startMs: Date.now() }), { ahead: AHEAD });
  await filling.close();
  if (pinned) keepTo(CORES.measured);
  say(`P6 a topic of ${total} records is written`);

  const cpu = { ours: [] as number[], baseline: [] as number[] };
  const busy: number[] = [];
  const meter = (perMillion: number[]) => {
    let startedMs = 0;
    let before = process.cpuUsage();
    let perSecond = Number.NaN;
    return {
      begun: (): void => {
        startedMs = performance.now();
        before = process.cpuUsage();
      },
      ended: (): void => {
        const tookMs = performance.now() - startedMs;
        const { user, system } = process.cpuUsage(before);
        // Microseconds a record are seconds a million.
        perMillion.push((user + system) / total);
        if (perMillion === cpu.ours) busy.push((user + system) / 1_000 / tookMs);
        perSecond = (total * 1_000) / tookMs;
      },
      perSecond: (): number => perSecond,
    };
  };
  const ours = async (round: number): Promise<number> => {
    globalThis.gc?.();
    const watch = meter(cpu.ours);
    const log = await parts.openLog({ onTrouble: fail });
    const store = await parts.openStore();
    // A name of its own in each round: another would know that its outputs were sent before.
    const processor = { ...concurrency, name: `concurrency-${round}` };
    const here = { processor, log: toldOfFirst(log, watch.begun), store, clock: { nowMs: Date.now() } };
    const running = await run(here);
    await caughtUp(here);
    watch.ended();
    await running.close();
    for (let partition = 0; partition < PARTITIONS; partition++)
      await store.open({ processor: processor.name, partition, discard: true });
    await store.close();
    await log.close();
    return watch.perSecond();
  };
  const baseline = async (round: number): Promise<number> => {
    globalThis.gc?.();
    const watch = meter(cpu.baseline);
    const { KAFKA_BROKERS: brokers = '', KAFKA_PREFIX: prefix } = parts.env;
    const place = { brokers: brokers.split(','), topic: `${prefix}${concurrency.input}`, records: total };
    const folded = await kafkajsLoop({ ...place, groupId: `${prefix}loop-${round}` }, watch);
    if (folded !== accounts) throw new Error(`the loop has ${folded} accounts, and there are ${accounts}`);
    return watch.perSecond();
  };
  await ours(-1);
  await baseline(-1);
  for (const values of [cpu.ours, cpu.baseline, busy]) values.length = 0;
  const measured = await alternate({ rounds, say, name: 'P6', ours, baseline });
  await parts.stop();
  const where = pinned ? 'the processor on a core of its own, Kafka and Redis on the rest' : 'not pinned to cores';
  return [
    rowOf('P6', measured, [
      `${total} records of ${accounts} accounts, a decision sent for every 7 beats; ${where}`,
      `CPU of the processor: ${median(cpu.ours).toFixed(1)} s per million records, the loop ${median(cpu.baseline).toFixed(1)} s; ` +
        `the processor was busy ${Math.round(100 * median(busy))} % of the time`,
    ]),
  ];
};

/** The same log, that says when it delivers for the first time. */
const toldOfFirst = (log: Log, first: () => void): Log => {
  let begun = false;
  return {
    ...log,
    consume: (consumer) =>
      log.consume({
        ...consumer,
        batch: (batch) => {
          if (!begun) first();
          begun = true;
          return consumer.batch(batch);
        },
      }),
  };
};
