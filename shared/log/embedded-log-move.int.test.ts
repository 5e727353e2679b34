import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { epochMs } from '../../schemas/time.ts';
import type { TopicName } from '../../schemas/topics.ts';
import { type EmbeddedLog, openEmbeddedLog } from './embedded-log.ts';
import { lookIntoLog, moveLog } from './embedded-log-move.ts';
import { ClockWasSetBack, NotFolded } from './move.ts';
import { partitionOf } from './partition.ts';
import { GENERATION } from './position.ts';

const PARTITIONS = 4;
const KEYS = Array.from({ length: 24 }, (_, i) => `key-${i}`);
/** Half of them move. */
const keyOf = (key: string): string => (Number(key.slice(4)) % 2 === 0 ? `new-${key.slice(4)}` : key);

let folder: string;
let nowMs: number;
const open = (generation = 1): Promise<EmbeddedLog> =>
  openEmbeddedLog({
    ...{ folder, generation, partitions: PARTITIONS, clock: () => epochMs(nowMs) },
    onTrouble: (error) => {
      throw error;
    },
  });
const file = (): string => join(folder, 'log.sqlite');
const move = (): number => moveLog({ file: file(), generation: 1, keyOf });

const append = async (log: EmbeddedLog, topic: TopicName, key: string | null, said: string, to = 0): Promise<void> => {
  const partition = key === null ? to : partitionOf(key, PARTITIONS);
  await log.append(topic, partition, [{ key, value: Buffer.from(said) }]);
};
const recordsOf = async (log: EmbeddedLog, topic: TopicName, partition: number) => {
  const { first, end } = await log.bounds(topic, partition);
  const records = [];
  for (let at = first; at < end;) {
    const batch = await log.read(topic, partition, at, 10_000);
    for (const { offset, key, value, appendedAtMs } of batch.records)
      records.push({ offset, key, said: Buffer.from(value ?? []).toString(), appendedAtMs });
    at = batch.to;
  }
  return records;
};
/** Where the group would begin in each partition. */
const groupOf = async (log: EmbeddedLog, group: string, commit: number | null = null) => {
  const found = new Map<number, number | null>();
  const consumption = await log.consume({
    group,
    topic: 'heartbeats.v1',
    assigned: async (partition, offset) => {
      found.set(partition, offset);
      return (await log.bounds('heartbeats.v1', partition)).end;
    },
    batch: async ({ to }) => to,
    revoked: async () => {},
    failed: () => {},
  });
  for (let left = 100; left > 0 && found.size < PARTITIONS; left -= 1) await new Promise(setImmediate);
  for (let partition = 0; commit !== null && partition < PARTITIONS; partition += 1) {
    const { end } = await log.bounds('heartbeats.v1', partition);
    await consumption.commit(partition, Math.max(0, end - commit));
  }
  await consumption.close();
  return found;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'playbeat-move-'));
  nowMs = 1_800_000_000_000;
  const log = await open();
  for (let round = 0; round < 5; round += 1) {
    for (const key of KEYS) {
      // Once, the clock is set back.
      nowMs += round === 3 && key === 'key-7' ? -500 : 10;
      await append(log, 'heartbeats.v1', key, `${key} ${round}`);
    }
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      await append(log, 'heartbeats.v1', null, `tick ${partition} ${round}`, partition);
    await append(log, 'policies.v1', null, `version ${round}`);
  }
  await groupOf(log, 'concurrency', 0);
  await log.close();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const allOf = async (log: EmbeddedLog, topic: TopicName, partitions: number) =>
  Promise.all(Array.from({ length: partitions }, (_, partition) => recordsOf(log, topic, partition)));

describe('a log that is moved into its next generation', () => {
  it('has each record once, under its new key and in the partition of it, with its append time', async () => {
    let log = await open();
    const before = (await allOf(log, 'heartbeats.v1', PARTITIONS)).flat();
    await log.close();
    expect(move()).toBe(before.length);
    log = await open(2);
    const after = await allOf(log, 'heartbeats.v1', PARTITIONS);
    const named = ({ key, said, appendedAtMs }: (typeof before)[number]) => `${key} ${said} ${appendedAtMs}`;
    const wanted = before.map((one) => named({ ...one, key: one.key && keyOf(one.key) }));
    expect(after.flat().map(named).sort()).toEqual(wanted.sort());
    for (const [partition, records] of after.entries()) {
      for (const { key, said } of records)
        expect(key === null ? Number(said.split(' ')[1]) : partitionOf(key, PARTITIONS)).toBe(partition);
      expect(records.map(({ offset }) => offset)).toEqual(records.map((_, i) => GENERATION + i));
    }
    await log.close();
  });

  it('is in the order of append times, and of each key in its own, even where the clock was set back', async () => {
    move();
    const log = await open(2);
    for (const records of await allOf(log, 'heartbeats.v1', PARTITIONS)) {
      const times = records.map(({ appendedAtMs }) => appendedAtMs);
      expect(Math.min(...times.map((at, i) => at - (times[i - 1] ?? at)))).toBeGreaterThanOrEqual(-500);
      for (const key of new Set(records.map((one) => one.key))) {
        const rounds = records.filter((one) => one.key === key).map(({ said }) => Number(said.split(' ').at(-1)));
        expect(rounds).toEqual([0, 1, 2, 3, 4]);
      }
    }
    await log.close();
  });

  it('has its groups at the end, and goes on behind it; what belongs to no account is as it was', async () => {
    move();
    const log = await open(2);
    const ends = await Promise.all([0, 1, 2, 3].map(async (p) => (await log.bounds('heartbeats.v1', p)).end));
    const offsets = await groupOf(log, 'concurrency');
    expect([0, 1, 2, 3].map((partition) => offsets.get(partition))).toEqual(ends);
    expect(await groupOf(log, 'others')).toEqual(new Map([0, 1, 2, 3].map((partition) => [partition, null])));
    const { baseOffset } = await log.append('heartbeats.v1', 0, [{ key: null, value: Buffer.from('more') }]);
    expect(baseOffset).toBe(ends[0]);
    expect((await recordsOf(log, 'policies.v1', 0)).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4]);
    await log.close();
    expect(lookIntoLog(file())).toMatchObject({ generation: 2, groups: new Set(['concurrency']) });
  });

  it('is opened as nothing else than it is', async () => {
    await expect(open(2)).rejects.toThrow('it is of generation 1: start with LOG_GENERATION=1, not 2');
    move();
    await expect(open(1)).rejects.toThrow('it is of generation 2: start with LOG_GENERATION=2, not 1');
  });

  it('is not moved, not in part either, where a group has a record before it', async () => {
    const log = await open();
    await groupOf(log, 'view-end', 3);
    const before = await allOf(log, 'heartbeats.v1', PARTITIONS);
    await log.close();
    expect(move).toThrow(NotFolded);
    const again = await open();
    expect(await allOf(again, 'heartbeats.v1', PARTITIONS)).toEqual(before);
    await again.close();
  });

  it('is not moved where its clock was set back by more than a second: nobody could say what came first', async () => {
    const log = await open();
    nowMs -= 2_000;
    for (const key of KEYS) await append(log, 'heartbeats.v1', key, `${key} 5`);
    await groupOf(log, 'concurrency', 0);
    await log.close();
    expect(move).toThrow(ClockWasSetBack);
    expect(lookIntoLog(file())?.generation).toBe(1);
  });
});
