import { describe, expect, it } from '@jest/globals';
import { allThrough, openGate } from './dynamo-gate.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a gate', () => {
  it('lets 3 of 10 in at a time, in their order, and all in the end', async () => {
    const gate = openGate(3);
    const begun: number[] = [];
    let inside = 0;
    let most = 0;
    const numbers = Array.from({ length: 10 }, (_, i) => i);
    const results = await allThrough(gate, numbers, async (n) => {
      begun.push(n);
      inside += 1;
      most = Math.max(most, inside);
      await turn();
      inside -= 1;
      return n * n;
    });
    expect(begun).toEqual(numbers);
    expect(most).toBe(3);
    expect(results).toEqual(numbers.map((n) => n * n));
  });

  it('after a failure begins nothing more of that call, ends when what had begun has ended, and is free again', async () => {
    const gate = openGate(3);
    const [begun, ended]: [number[], number[]] = [[], []];
    const failing = allThrough(gate, [0, 1, 2, 3, 4, 5], async (n) => {
      begun.push(n);
      if (n === 1) throw new Error('the second');
      await turn();
      ended.push(n);
    });
    await expect(failing).rejects.toThrow('the second');
    expect([begun, ended]).toEqual([
      [0, 1, 2],
      [0, 2],
    ]);
    expect(await allThrough(gate, [7, 8, 9, 10], async (n) => n)).toEqual([7, 8, 9, 10]);
  });
});
