import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { epochMs } from '../../schemas/time.ts';
import { follow } from './follow.ts';
import type { Log, NewRecord } from './log.ts';
import { LogOutOfRange, LogUnavailable } from './log-errors.ts';
import { memberOf, readAll, record, textOf, TOPIC } from './testing/member.ts';

export type LogContract = {
  readonly name: string;
  /** A log with nothing in it and at least 2 partitions of `heartbeats.v1`; `dispose` is called after `log.close()`. */
  make(): Promise<{ readonly log: Log; dispose(): Promise<void> }>;
};

/** How long another member may take to let go, and a group to come to rest. */
const PATIENCE_MS = 60_000;

/** What every adapter of the log's port does. It waits for what it was told, never for a time. */
export const logContract = ({ name, make }: LogContract): void => {
  describe(`${name}, as a log`, () => {
    let log: Log;
    let dispose: () => Promise<void>;
    beforeEach(async () => ({ log, dispose } = await make()), PATIENCE_MS);
    afterEach(async () => {
      await log.close();
      await dispose();
    }, PATIENCE_MS);

    it('gives records back as they were: keys, bytes, nulls, and one append time for each', async () => {
      const records: NewRecord[] = [
        { key: 'clé-🎬', value: Uint8Array.of(0, 255, 1) },
        { key: null, value: new Uint8Array(0) },
        { key: 'gone', value: null },
        { key: 'large', value: new Uint8Array(300_000).fill(7) },
      ];
      const appended = await log.append(TOPIC, 1, records);
      const read = await readAll(log, 1);
      expect(read.map(plain)).toEqual(records.map(plain));
      expect(appended.partition).toBe(1);
      expect(read[0]!.offset).toBe(appended.baseOffset);
      expect(read[0]!.appendedAtMs).toBe(appended.appendedAtMs);
    });

    it('keeps 2,000 appends to a partition in the order of their calls, with offsets that grow', async () => {
      const appends = texts(2_000).map((text) => log.append(TOPIC, 0, [record(text)]));
      const bases = (await Promise.all(appends)).map((a) => a.baseOffset);
      const read = await readAll(log, 0);
      expect(read.map(textOf)).toEqual(texts(2_000));
      expect(read.map((r) => r.offset)).toEqual(bases);
      expect(bases.every((base, i) => i === 0 || base > bases[i - 1]!)).toBe(true);
    });

    it('keeps the records of one append next to each other while others append', async () => {
      await Promise.all(
        texts(50).map((text) =>
          log.append(
            TOPIC,
            0,
            [1, 2, 3, 4, 5].map((n) => record(`${text}.${n}`)),
          ),
        ),
      );
      const read = (await readAll(log, 0)).map(textOf);
      for (let i = 0; i < read.length; i += 5) {
        const [append] = read[i]!.split('.');
        expect(read.slice(i, i + 5)).toEqual([1, 2, 3, 4, 5].map((n) => `${append}.${n}`));
      }
    });

    it('keeps partitions apart', async () => {
      await Promise.all([log.append(TOPIC, 0, [record('zero')]), log.append(TOPIC, 1, [record('one')])]);
      expect((await readAll(log, 0)).map(textOf)).toEqual(['zero']);
      expect((await readAll(log, 1)).map(textOf)).toEqual(['one']);
    });

    it('reads from any offset within its bounds, nothing at the end, and refuses the rest', async () => {
      await log.append(TOPIC, 0, texts(10).map(record));
      const { first, end } = await log.bounds(TOPIC, 0);
      const all = await readAll(log, 0);
      for (const [i, { offset }] of all.entries()) {
        const batch = await log.read(TOPIC, 0, offset, 3);
        expect(batch.records.length).toBeLessThanOrEqual(3);
        expect(batch.records[0]).toEqual(all[i]);
        expect(batch.from).toBe(offset);
        expect(batch.to).toBeGreaterThan(batch.records.at(-1)!.offset);
      }
      expect(await log.read(TOPIC, 0, end, 10)).toMatchObject({ records: [], from: end, to: end, end });
      await expect(log.read(TOPIC, 0, end + 1_000_000, 10)).rejects.toBeInstanceOf(LogOutOfRange);
      await expect(log.read(TOPIC, 0, first - 1, 10)).rejects.toBeInstanceOf(LogOutOfRange);
    });

    it('finds the first offset of a time: the first for a long time ago, the end for the future', async () => {
      const appended = await log.append(TOPIC, 0, [record('a')]);
      const { first, end } = await log.bounds(TOPIC, 0);
      expect(await log.offsetAt(TOPIC, 0, epochMs(0))).toBe(first);
      expect(await log.offsetAt(TOPIC, 0, appended.appendedAtMs)).toBe(appended.baseOffset);
      expect(await log.offsetAt(TOPIC, 0, epochMs(appended.appendedAtMs + 1))).toBe(end);
    });

    it('delivers each partition in order from where its member starts, and what is appended later', async () => {
      await log.append(TOPIC, 0, texts(100).map(record));
      const start = (await log.read(TOPIC, 0, (await log.bounds(TOPIC, 0)).first, 100)).records[40]!.offset;
      const member = memberOf({ start: (partition) => (partition === 0 ? start : null), log });
      const consumption = await log.consume(member.consumer);
      await member.has(60);
      await log.append(TOPIC, 0, [record('later')]);
      await member.has(61);
      expect(member.texts(0)).toEqual([...texts(100).slice(40), 'later']);
      await consumption.close();
    });

    it('delivers 20,000 records while they are appended: each once, in the order of its partition', async () => {
      const member = memberOf({ log });
      const consumption = await log.consume(member.consumer);
      for (let i = 0; i < 200; i++) {
        const part = texts(100).map((text) => record(`${i}.${text}`));
        await log.append(TOPIC, i % 2, part);
      }
      await member.has(20_000);
      for (const partition of [0, 1])
        expect(member.texts(partition)).toEqual((await readAll(log, partition)).map(textOf));
      await consumption.close();
    });

    it('makes one call at a time for a partition, and waits for its answer', async () => {
      let running = 0;
      let most = 0;
      const member = memberOf({
        log,
        onBatch: async (batch) => {
          if (batch.partition === 0) most = Math.max(most, ++running);
          await Promise.all([log.bounds(TOPIC, 0), log.offsetAt(TOPIC, 0, epochMs(0))]);
          if (batch.partition === 0) running -= 1;
          return batch.to;
        },
      });
      const consumption = await log.consume(member.consumer);
      for (const text of texts(50)) await log.append(TOPIC, 0, [record(text)]);
      await member.has(50);
      expect(most).toBe(1);
      await consumption.close();
    });

    it('goes back when the handler answers an earlier offset', async () => {
      let back = true;
      const member = memberOf({
        log,
        onBatch: async (batch) => {
          if (!back || batch.partition !== 0) return batch.to;
          back = false;
          return batch.from;
        },
      });
      await log.append(TOPIC, 0, texts(3).map(record));
      const consumption = await log.consume(member.consumer);
      await member.has(6);
      expect(member.texts(0)).toEqual([...texts(3), ...texts(3)]);
      await consumption.close();
    });

    it('ends a partition whose handler rejects, says so once, and goes on with the others', async () => {
      const member = memberOf({
        log,
        onBatch: async (batch) => {
          if (batch.partition === 0) throw new Error('poison');
          return batch.to;
        },
      });
      const consumption = await log.consume(member.consumer);
      await log.append(TOPIC, 0, [record('poison')]);
      await member.when(() => member.failures.length > 0);
      await log.append(TOPIC, 0, [record('unseen')]);
      await log.append(TOPIC, 1, [record('fine')]);
      await member.when(() => member.texts(1).length === 1);
      expect(member.failures).toEqual([[0, expect.objectContaining({ message: 'poison' })]]);
      expect(member.texts(0)).toEqual(['poison']);
      await consumption.close();
    });

    it('ends a partition whose member asks for an offset that is not held', async () => {
      const member = memberOf({ log, start: (partition) => (partition === 0 ? 1_000_000 : null) });
      const consumption = await log.consume(member.consumer);
      await member.when(() => member.failures.length > 0);
      expect(member.failures).toEqual([[0, expect.any(LogOutOfRange)]]);
      await consumption.close();
    });

    it('tells a later member how far its group was, and a member of another group nothing', async () => {
      await log.append(TOPIC, 0, texts(5).map(record));
      const one = memberOf({ log });
      const first = await log.consume(one.consumer);
      await one.has(5);
      const { end } = await log.bounds(TOPIC, 0);
      await first.commit(0, end);
      await first.close();

      const again = memberOf({ log });
      const second = await log.consume(again.consumer);
      const other = memberOf({ log, group: 'other' });
      const third = await log.consume(other.consumer);
      await again.when(() => again.assigned.has(0));
      await other.when(() => other.assigned.has(0));
      expect(again.assigned.get(0)).toBe(end);
      expect(other.assigned.get(0)).toBeNull();
      await Promise.all([second.close(), third.close()]);
    });

    it('is followed from a time on by whoever asks, past and future, each record once and in order', async () => {
      await log.append(TOPIC, 0, texts(1_500).map(record));
      const told: string[][] = [[], []];
      const following = follow({
        log,
        topic: TOPIC,
        partitions: 2,
        from: epochMs(0),
        onRecords: (records, partition) => told[partition]?.push(...records.map(textOf)),
        pause: () => sleep(5),
        onTrouble: (error) => told.push([String(error)]),
      });
      await following.caughtUp;
      expect(told.map(({ length }) => length)).toEqual([1_500, 0]);
      await log.append(TOPIC, 1, [record('later')]);
      while (told[1]?.length === 0) await sleep(5);
      await following.close();
      expect(told).toEqual([texts(1_500), ['later']]);
    });

    it('shares partitions between two members, each revoked before it is assigned anew, and gives them back', async () => {
      const held = new Map<number, string>();
      const overlaps: string[] = [];
      const track = (me: string) => ({
        onAssigned: (partition: number) => {
          if (held.has(partition)) overlaps.push(`${me} got ${partition} of ${held.get(partition)}`);
          held.set(partition, me);
        },
        onRevoked: (partition: number) => void held.delete(partition),
      });
      const one = memberOf({ log, ...track('one') });
      const first = await log.consume(one.consumer);
      await one.when(() => one.assigned.has(0) && one.assigned.has(1));
      const two = memberOf({ log, ...track('two') });
      const second = await log.consume(two.consumer);
      await two.when(() => two.mine.size > 0);
      await one.when(() => one.mine.size > 0);
      expect(overlaps).toEqual([]);
      await second.close();
      await one.when(() => one.mine.has(0) && one.mine.has(1));
      await log.append(TOPIC, 0, [record('zero')]);
      await log.append(TOPIC, 1, [record('one')]);
      await one.when(() => one.texts(0).includes('zero') && one.texts(1).includes('one'));
      expect(overlaps).toEqual([]);
      await first.close();
    });

    it('calls no handler after close, lets handlers at work finish, and may be closed again', async () => {
      let finished = false;
      let answer = (): void => {};
      const gate = new Promise<void>((resolve) => (answer = resolve));
      const member = memberOf({
        log,
        onBatch: async (batch) => {
          await gate;
          await log.append(TOPIC, 1, [record('output')]);
          finished = true;
          return batch.to;
        },
      });
      await log.consume(member.consumer);
      await log.append(TOPIC, 0, [record('input')]);
      await member.has(1);
      const closing = log.close();
      answer();
      await closing;
      expect(finished).toBe(true);
      expect(member.count()).toBe(1);
      await log.close();
      await expect(log.append(TOPIC, 0, [record('late')])).rejects.toBeInstanceOf(LogUnavailable);
    });
  });
};

const texts = (count: number): string[] => Array.from({ length: count }, (_, i) => `r${i}`);
const plain = ({ key, value }: NewRecord) => ({ key, value: value === null ? null : [...value] });
