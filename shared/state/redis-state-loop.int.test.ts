import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeOutput, encodeEvent } from '../../schemas/codec.ts';
import { epochMs } from '../../schemas/time.ts';
import type { Batch, LogRecord } from '../log/log.ts';
import { foldBatch, nextOffset, openPartition, type Partition, type Parts } from '../runtime/partition.ts';
import { runSteps, type Steps } from '../runtime/steps.ts';
import { counting, forget, poke, policy, tick } from '../runtime/testing/counting.ts';
import { type OwnRedis, startOwnRedis } from '../../tools/stack/own-redis.ts';
import { createMapBacking } from './map-backing.ts';
import { createMemoryState } from './memory-state.ts';
import { openRedisState } from './redis-state.ts';
import type { StateStore } from './state.ts';

const RECORDS = 4_000;
const KEYS = Array.from({ length: 60 }, (_, i) => `key-${i}`);

/** The same numbers for the same seed. */
const seeded = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

const recordsOf = (seed: number): readonly LogRecord[] => {
  const pick = seeded(seed);
  let atMs = 1_800_000_000_000;
  return Array.from({ length: RECORDS }, (_, offset) => {
    atMs += pick(400);
    const dice = offset === RECORDS - 1 ? 50 : pick(100);
    const event =
      dice === 0
        ? policy(offset)
        : dice < 5
          ? tick(dice === 1)
          : dice < 8
            ? forget
            : poke([0, 700, 5_000, 30_000][pick(4)]);
    const key = dice < 5 ? null : KEYS[pick(KEYS.length)]!;
    return { key, value: encodeEvent(event), offset, appendedAtMs: epochMs(atMs) };
  });
};

type Outputs = Map<string, string>;
const partsOf = (store: Pick<StateStore, 'open' | 'load' | 'commit'>, outputs: Outputs): Parts<never, never> =>
  ({
    processor: counting,
    store,
    partitions: 1,
    onEvent: () => {},
    log: {
      bounds: () => ({ first: 0, end: RECORDS }),
      rebuildFrom: () => 0,
      commitGroup: () => {},
      send: (topic: string, partition: number, sent: readonly { readonly value: Uint8Array | null }[]) => {
        for (const { value } of sent) {
          const output = decodeOutput(value).value;
          const text = JSON.stringify({ topic, partition, output });
          // What is sent again after a crash must be what it repeats.
          expect(outputs.get(output.id) ?? text).toBe(text);
          outputs.set(output.id, text);
        }
      },
    },
  }) as unknown as Parts<never, never>;

const batchAt = (records: readonly LogRecord[], from: number, size: number): Batch => {
  const to = Math.min(records.length, from + size);
  return { topic: 'heartbeats.v1', partition: 0, from, to, records: records.slice(from, to), end: records.length };
};

class Crash extends Error {}

/** Ends before a step, or while it is on its way: what it asked for may still happen. */
const untilCrash = async <T>(
  steps: Steps<T>,
  { after, underWay }: { after: number; underWay: boolean },
): Promise<T> => {
  let next = steps.next();
  for (let n = 0; !next.done; n++) {
    if (n === after) {
      if (underWay) void Promise.resolve(next.value.run()).catch(() => {});
      throw new Crash();
    }
    next = steps.next(await next.value.run());
  }
  return next.value;
};

let redis: OwnRedis;
beforeAll(async () => {
  redis = await startOwnRedis({ mode: 'single' });
});
afterAll(() => redis?.stop());

describe('the loop on the Redis state store', () => {
  it(`comes to the same rows, clock and outputs of ${RECORDS} records, through crashes, zombies and a wipe`, async () => {
    const records = recordsOf(7);
    const memory = createMemoryState({ backingOf: createMapBacking().backingOf, nonce: () => 'one' });
    const expected: Outputs = new Map();
    const calm = partsOf(memory, expected);
    const whole = await runSteps(openPartition(calm, 0, null), () => true);
    for (let from = 0; from < RECORDS;)
      from = await runSteps(foldBatch(calm, whole, batchAt(records, from, 100)), () => true);

    const store = await openRedisState({
      server: { url: redis.first.url },
      onError: () => {},
      commandTimeoutMs: 1_000,
    });
    const outputs: Outputs = new Map();
    const parts = partsOf(store, outputs);
    const pick = seeded(11);
    const start = (): Promise<Partition> => runSteps(openPartition(parts, 0, null), () => true);
    let partition = await start();
    let crashes = 0;
    let fenced = 0;
    let wiped = false;
    while (nextOffset(partition) < RECORDS) {
      if (!wiped && nextOffset(partition) > RECORDS / 2) {
        wiped = true;
        await redis.first.admin.flushall();
      }
      const batch = batchAt(records, nextOffset(partition), 1 + pick(120));
      const plan = { after: pick(4) === 0 ? pick(4) : Infinity, underWay: pick(2) === 0 };
      try {
        await untilCrash(foldBatch(parts, partition, batch), plan);
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        crashes += 1;
        const zombie = partition;
        partition = await start();
        // The one before does not know, and goes on from where it was.
        const again = batchAt(records, nextOffset(zombie), 10);
        if (again.to > again.from) {
          await expect(runSteps(foldBatch(parts, zombie, again), () => true)).rejects.toThrow('has another owner');
          fenced += 1;
        }
      }
    }

    const calmView = memory.read(counting.name, 0, KEYS);
    const view = await store.read(counting.name, 0, KEYS);
    expect(view.rows).toEqual(calmView.rows);
    expect(view.checkpoint).toEqual(calmView.checkpoint);
    expect([...outputs].sort()).toEqual([...expected].sort());
    expect(expected.size).toBeGreaterThan(RECORDS / 2);
    expect(crashes).toBeGreaterThan(10);
    expect(fenced).toBeGreaterThan(5);
    await store.close();
  });
});
