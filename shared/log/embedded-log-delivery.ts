import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Limits } from './embedded-log-batch.ts';
import { checkBounds, type Partition, type Reader } from './embedded-log-partition.ts';
import type { Batch, Consumer } from './log.ts';
import { atMost, revoke } from './revocation.ts';

/** The delivery of one partition to one member, from `assigned` until it is revoked or has failed. */
export type Delivery = {
  /**
   * Tells the consumer, and waits until it has let go and its handler has answered; not longer than `graceMs`, so that
   * one that hangs does not hold the others up. Whatever its handler answers after that is not heard.
   */
  stop(graceMs: number): Promise<void>;
};

export type DeliveryOf = {
  readonly consumer: Consumer;
  readonly partition: Partition;
  readonly groupOffset: number | null;
  readonly reader: Reader;
  readonly limits: Limits;
};

export const startDelivery = ({ consumer, partition: p, groupOffset, reader, limits }: DeliveryOf): Delivery => {
  let stopped = false;
  let failed = false;
  let wake = (): void => {};

  const fail = (error: unknown): void => {
    if (failed) return;
    failed = true;
    consumer.failed(p.partition, error);
  };

  const grown = (): Promise<void> =>
    new Promise((resolve) => {
      wake = () => {
        p.wakes.delete(wake);
        resolve();
      };
      p.wakes.add(wake);
    });

  const read = async (from: number): Promise<Batch> => {
    const before = p.shared.take(from);
    if (before !== null) return { ...before, end: p.end };
    const batch = await reader.read(from, limits);
    p.shared.give(batch);
    return batch;
  };

  const run = async (): Promise<void> => {
    // The caller of `consume` has its answer before its consumer is called.
    await nextTurn();
    if (stopped) return;
    let at = await consumer.assigned(p.partition, groupOffset);
    while (!stopped) {
      checkBounds(p, at);
      if (at === p.end) {
        await grown();
        continue;
      }
      const batch = await read(at);
      if (stopped) return;
      at = await consumer.batch(batch);
      // A long way to the end is gone in many steps: requests get their turn between them.
      if (at !== p.end) await nextTurn();
    }
  };

  p.shared.join();
  const done = run()
    .catch((error: unknown) => {
      if (!stopped) fail(error);
    })
    .finally(p.shared.leave);

  return {
    stop: async (graceMs) => {
      if (stopped) return;
      stopped = true;
      wake();
      // A consumer whose partition has failed has nothing to let go of.
      const letGo = failed ? Promise.resolve() : revoke(consumer, p.partition).catch(fail);
      await atMost(graceMs, Promise.all([letGo, done]));
    },
  };
};
