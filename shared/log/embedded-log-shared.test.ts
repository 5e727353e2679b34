import { describe, expect, it } from '@jest/globals';
import { openSharedReads } from './embedded-log-shared.ts';
import type { Batch } from './log.ts';

const batchFrom = (from: number): Batch => ({
  ...{ topic: 'heartbeats.v1', partition: 0, from, to: from + 1 },
  ...{ records: [], end: 1_000 },
});

describe('reads that are shared', () => {
  it('are given to each of the others once, and let go of then', () => {
    const shared = openSharedReads();
    for (let reader = 0; reader < 3; reader++) shared.join();
    const batch = batchFrom(7);
    shared.give(batch);
    expect([shared.take(8), shared.take(7), shared.take(7), shared.take(7)]).toEqual([null, batch, batch, null]);
  });

  it('are not kept for one who reads alone, nor when all others have left', () => {
    const shared = openSharedReads();
    shared.join();
    shared.give(batchFrom(0));
    expect(shared.take(0)).toBeNull();
    shared.join();
    shared.give(batchFrom(0));
    shared.leave();
    expect(shared.take(0)).toBeNull();
  });

  it('are the newest 32 where one is far behind, or stands still', () => {
    const shared = openSharedReads();
    shared.join();
    shared.join();
    for (let from = 0; from < 33; from++) shared.give(batchFrom(from));
    expect([shared.take(0), shared.take(1), shared.take(32)]).toEqual([null, batchFrom(1), batchFrom(32)]);
  });
});
