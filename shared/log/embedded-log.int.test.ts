import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { DAY_MS, epochMs, HOUR_MS, MINUTE_MS } from '../../schemas/time.ts';
import type { TopicName } from '../../schemas/topics.ts';
import { openEmbeddedLog, type EmbeddedLog, type EmbeddedLogOptions } from './embedded-log.ts';
import { logContract } from './log.contract.ts';
import { LogDamaged, LogOutOfRange, LogUnavailable } from './log-errors.ts';
import type { Batch, Consumer } from './log.ts';

const TOPIC = 'heartbeats.v1';
const newFolder = (): string => mkdtempSync(join(tmpdir(), 'playbeat-log-'));

logContract({
  name: 'the embedded log',
  make: async () => {
    const folder = newFolder();
    const log = await openEmbeddedLog({ folder, partitions: 4, clock: () => epochMs(Date.now()) });
    return { log, dispose: async () => rmSync(folder, { recursive: true }) };
  },
});

// The same promises with next to nothing in memory: all is read from the disk, in small pieces.
logContract({
  name: 'the embedded log without a tail',
  make: async () => {
    const folder = newFolder();
    const clock = () => epochMs(Date.now());
    const log = await openEmbeddedLog({ folder, partitions: 4, clock, tailBytes: 0, maxBatchRecords: 7 });
    return { log, dispose: async () => rmSync(folder, { recursive: true }) };
  },
});

describe('the embedded log', () => {
  let folder: string;
  let file: string;
  let nowMs: number;
  let logs: EmbeddedLog[];
  beforeEach(() => {
    folder = newFolder();
    file = join(folder, 'log.sqlite');
    nowMs = 1_700_000_000_000;
    logs = [];
  });
  afterEach(async () => {
    await Promise.all(logs.map((log) => log.close()));
    chmodSync(folder, 0o700);
    rmSync(folder, { recursive: true });
  });

  const open = async (options: Partial<EmbeddedLogOptions> = {}): Promise<EmbeddedLog> => {
    const log = await openEmbeddedLog({ folder, partitions: 2, clock: () => epochMs(nowMs), ...options });
    logs.push(log);
    return log;
  };
  const append = (log: EmbeddedLog, text: string, topic: TopicName = TOPIC) =>
    log.append(topic, 0, [{ key: 'key', value: Buffer.from(text) }]);

  /** Consumes until `end` records have come or a partition has failed. */
  const consume = (log: EmbeddedLog, from: number, end: number) =>
    new Promise<{ batches: Batch[]; failures: [number, unknown][] }>((resolve) => {
      const batches: Batch[] = [];
      const failures: [number, unknown][] = [];
      const consumer: Consumer = {
        group: 'group',
        topic: TOPIC,
        assigned: async (partition) => (partition === 0 ? from : 0),
        batch: async (batch) => {
          batches.push(batch);
          if (batch.to >= end) resolve({ batches, failures });
          return batch.to;
        },
        revoked: async () => {},
        failed: (partition, error) => {
          failures.push([partition, error]);
          resolve({ batches, failures });
        },
      };
      void log.consume(consumer);
    });

  it('stores what is appended in one turn as one batch, and delivers at most 1,000 records at once', async () => {
    const log = await open();
    await Promise.all(Array.from({ length: 2_500 }, (_, i) => append(log, `r${i}`)));
    const { batches } = await consume(log, 0, 2_500);
    expect(batches.map((b) => b.records.length)).toEqual([1_000, 1_000, 500]);
    expect(batches.map((b) => b.end - b.to)).toEqual([1_500, 500, 0]);
    await log.close();
    const db = new DatabaseSync(file);
    expect(db.prepare('select count from batches').all()).toEqual([{ count: 2_500 }]);
    db.close();
  });

  it('joins small stored batches into one delivery of about 1 MiB', async () => {
    const first = await open();
    for (let i = 0; i < 24; i++) await append(first, 'x'.repeat(100_000));
    await first.close();
    const { batches } = await consume(await open(), 0, 24);
    expect(batches.map((b) => b.records.length)).toEqual([10, 10, 4]);
  });

  it('has records, append times and group offsets after it was closed and opened', async () => {
    const first = await open();
    await append(first, 'a');
    const batch = Promise.withResolvers<Batch>();
    const consumption = await first.consume({
      group: 'group',
      topic: TOPIC,
      assigned: async () => 0,
      batch: async (b) => {
        batch.resolve(b);
        return b.to;
      },
      revoked: async () => {},
      failed: (_, error) => batch.reject(error),
    });
    await consumption.commit((await batch.promise).partition, 1);
    await first.close();

    nowMs += 5;
    const second = await open();
    const { records } = await second.read(TOPIC, 0, 0, 10);
    expect(records[0]).toMatchObject({ offset: 0, appendedAtMs: nowMs - 5, key: 'key' });
    const told = await new Promise((resolve) => {
      void second.consume({
        group: 'group',
        topic: TOPIC,
        assigned: async (partition, groupOffset) => {
          if (partition === 0) resolve(groupOffset);
          return 0;
        },
        batch: async (batch) => batch.to,
        revoked: async () => {},
        failed: () => {},
      });
    });
    expect(told).toBe(1);
    expect((await append(second, 'b')).baseOffset).toBe(1);
  });

  it('finds a time although the clock was set back in between', async () => {
    const log = await open();
    for (const ms of [100, 200, 300, 150, 160, 310, 400]) {
      nowMs = ms;
      await append(log, String(ms));
    }
    const found = await Promise.all([0, 101, 155, 300, 301, 311, 401].map((ms) => log.offsetAt(TOPIC, 0, epochMs(ms))));
    expect(found).toEqual([0, 1, 1, 2, 5, 6, 7]);
  });

  it('removes what its topic keeps no longer, tells a reader that is too late, and keeps policies for ever', async () => {
    const log = await open();
    await append(log, 'policy', 'policies.v1');
    for (let i = 0; i < 600; i++) {
      if (i === 550) nowMs += 23 * HOUR_MS;
      await append(log, `r${i}`);
    }
    nowMs += 2 * HOUR_MS;
    await log.retainNow();
    expect(await log.bounds(TOPIC, 0)).toEqual({ first: 550, end: 600 });
    expect(await log.bounds('policies.v1', 0)).toEqual({ first: 0, end: 1 });
    await expect(log.read(TOPIC, 0, 549, 10)).rejects.toBeInstanceOf(LogOutOfRange);
    const { failures } = await consume(log, 549, 600);
    expect(failures).toEqual([[0, expect.any(LogOutOfRange)]]);

    nowMs += 2 * DAY_MS;
    await log.retainNow();
    await log.close();
    const again = await open();
    expect(await again.bounds(TOPIC, 0)).toEqual({ first: 600, end: 600 });
    expect((await append(again, 'next')).baseOffset).toBe(600);
  });

  it('leaves no byte of what it removed, in its file or beside it, an hour later at most', async () => {
    const log = await open();
    const standing = (): boolean => [file, `${file}-wal`].some((one) => readFileSync(one).includes('who-is-gone'));
    for (let i = 0; i < 60; i++) await append(log, `who-is-gone ${i} ${'x'.repeat(200 * i)}`);
    nowMs += 2 * HOUR_MS;
    await append(log, 'who stays');
    await log.retainNow();
    expect(standing()).toBe(true);
    nowMs += 23 * HOUR_MS;
    await log.retainNow();
    expect(standing()).toBe(false);
    expect(readFileSync(file).includes('who stays')).toBe(true);
  });

  it('leaves no byte of what is older than its retention and one part in 24 of that, wherever SQLite had moved it', async () => {
    const log = await open();
    const MINUTES = 36 * 60;
    const named = (minute: number, partition: number, i: number) => `at-${minute}-in-${partition}-${i}-end`;
    /** As uneven as accounts are: one partition is full, and the other now and then. */
    const inMinute = (minute: number): [number, number][] => [
      ...Array.from({ length: (minute * 7) % 5 }, (_, i): [number, number] => [0, i]),
      ...(minute % 11 === 0 ? ([[1, 0]] as [number, number][]) : []),
    ];
    for (let minute = 0; minute < MINUTES; minute += 1) {
      nowMs += MINUTE_MS;
      for (const [partition, i] of inMinute(minute)) {
        const value = Buffer.from(`${named(minute, partition, i)}${'x'.repeat((minute * 131 + i * 977) % 1500)}`);
        await log.append(TOPIC, partition, [{ key: null, value }]);
      }
      if (minute % 10 === 9) await log.retainNow();
    }
    nowMs += HOUR_MS;
    await log.retainNow();
    const bytes = readFileSync(file, 'latin1');
    const standing = Array.from({ length: MINUTES - 24 * 60 }, (_, minute) =>
      inMinute(minute).filter(([partition, i]) => bytes.includes(named(minute, partition, i))),
    );
    expect(standing.flat()).toEqual([]);
    expect(bytes).toContain(named(MINUTES - 1, 0, 0));
    expect(await log.read(TOPIC, 0, (await log.bounds(TOPIC, 0)).first, 1)).toMatchObject({ records: [{}] });
  });

  it('takes over the file of an earlier release, which had all batches in one table', async () => {
    const log = await open();
    for (let i = 0; i < 100; i++) {
      nowMs += HOUR_MS / 4;
      await append(log, `r${i}`);
      if (i % 20 === 0) await append(log, `p${i}`, 'policies.v1');
    }
    await log.close();
    const db = new DatabaseSync(file);
    const tables = db.prepare("select name from sqlite_master where name like 'batches!_%' escape '!'").all();
    expect(tables).toHaveLength(1 + 25 + 1);
    db.exec('create table before (id integer primary key, appended_at, newest_at, count, crc, body)');
    db.exec('insert into before select * from batches; drop view batches; drop table segments');
    for (const { name } of tables) db.exec(`drop table ${String(name)}`);
    db.exec('alter table before rename to batches; pragma user_version = 1');
    db.close();

    const again = await open();
    const { records } = await again.read(TOPIC, 0, 0, 1_000);
    expect(records.map(({ value }) => Buffer.from(value!).toString())).toEqual(
      Array.from({ length: 100 }, (_, i) => `r${i}`),
    );
    expect((await again.read('policies.v1', 0, 0, 1_000)).records).toHaveLength(5);
    nowMs += DAY_MS;
    await again.retainNow();
    expect(await again.bounds(TOPIC, 0)).toEqual({ first: 99, end: 100 });
    expect((await append(again, 'next')).baseOffset).toBe(100);
  });

  it('refuses appends while the disk is full, loses none it took, and goes on when there is space', async () => {
    const log = await open({ maxPages: 64 });
    let stored = 0;
    const error: unknown = await (async () => {
      for (;;) {
        await append(log, 'x'.repeat(20_000));
        stored += 1;
      }
    })().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LogUnavailable);
    expect(String(error)).toContain(file);
    expect(String(error)).toContain('no space left');
    expect(stored).toBeGreaterThan(10);
    await expect(append(log, 'x'.repeat(20_000))).rejects.toBeInstanceOf(LogUnavailable);
    expect(await log.bounds(TOPIC, 0)).toEqual({ first: 0, end: stored });

    nowMs += 2 * DAY_MS;
    await log.retainNow();
    const next = await append(log, 'x'.repeat(20_000));
    expect(next.baseOffset).toBe(stored);
  });

  it('names the file when the folder cannot be written', async () => {
    chmodSync(folder, 0o500);
    // Nothing is read-only to root but what the kernel itself serves.
    const readOnly = process.getuid?.() === 0 ? '/proc/self/fdinfo' : folder;
    const error: unknown = await open({ folder: readOnly }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LogUnavailable);
    expect(String(error)).toContain(join(readOnly, 'log.sqlite'));
  });

  it('names the file when that is no database', async () => {
    writeFileSync(file, 'something else, and long enough to be taken for a header '.repeat(200));
    const error: unknown = await open().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LogDamaged);
    expect(String(error)).toContain(file);
  });

  it('is open once: a second opening is refused', async () => {
    await open();
    await expect(open()).rejects.toThrow('another process has it open');
  });

  it('refuses another number of partitions than it was made with', async () => {
    await (await open()).close();
    await expect(open({ partitions: 3 })).rejects.toThrow('made with 2 partitions');
  });

  /** Ten batches in partition 0, one in partition 1, then `harm`, then opened again. */
  const harmed = async (harm: () => void, options: Partial<EmbeddedLogOptions> = {}): Promise<EmbeddedLog> => {
    const log = await open();
    for (let i = 0; i < 10; i++) await append(log, `marker-${i}`);
    await log.append(TOPIC, 1, [{ key: 'other', value: Buffer.from('fine') }]);
    await log.close();
    harm();
    return open(options);
  };
  const flip = (marker = 'marker-6'): void => {
    const bytes = readFileSync(file);
    const at = bytes.indexOf(marker);
    bytes[at] = bytes[at]! ^ 1;
    writeFileSync(file, bytes);
  };
  const cutOut = (): void => {
    const db = new DatabaseSync(file);
    db.exec('delete from batches_1 where id in (select id from batches order by id limit 1 offset 6)');
    db.close();
  };

  it.each([
    ['a flipped bit', () => flip(), {}],
    ['a missing batch', cutOut, {}],
    ['a flipped bit that is met while reading ahead', () => flip(), { maxBatchRecords: 1 }],
    ['a missing batch that is met so', cutOut, { maxBatchRecords: 1 }],
  ])('delivers up to the damage of %s, then fails that partition alone, with file and offset', async (...how) => {
    const [, harm, options] = how;
    const log = await harmed(harm, options);
    const { batches, failures } = await consume(log, 0, Infinity);
    const [[partition, error]] = failures as [[number, LogDamaged]];
    expect(partition).toBe(0);
    expect(error).toBeInstanceOf(LogDamaged);
    expect(error.at).toEqual({ topic: TOPIC, partition: 0, offset: 6 });
    expect(error.message).toContain(file);
    const seen = batches.filter((b) => b.partition === 0).flatMap((b) => b.records.map((r) => r.offset));
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
    await expect(log.read(TOPIC, 0, 6, 1)).rejects.toBeInstanceOf(LogDamaged);
    expect((await log.read(TOPIC, 0, 7, 10)).records).toHaveLength(3);
    expect((await log.read(TOPIC, 1, 0, 10)).records).toHaveLength(1);
  });

  it.each([
    ['in the middle', 6, 7],
    ['at the end', 9, 10],
  ])('goes on behind damage %s after the repair that the runbook gives', async (_, damaged, first) => {
    const log = await harmed(() => {
      flip(`marker-${damaged}`);
      const runbook = readFileSync(new URL('../../docs/runbook/storage.md', import.meta.url), 'utf8');
      const repair = /sqlite3 log\.sqlite "(\s*update partitions [^"]*)"/.exec(runbook)![1]!;
      const db = new DatabaseSync(file);
      db.exec(repair.replaceAll('TOPIC', TOPIC).replaceAll('PARTITION', '0').replaceAll('OFFSET', String(damaged)));
      db.close();
    });
    expect(await log.bounds(TOPIC, 0)).toEqual({ first, end: 10 });
    expect((await log.read(TOPIC, 0, first, 10)).records).toHaveLength(10 - first);
    expect(await log.bounds(TOPIC, 1)).toEqual({ first: 0, end: 1 });
    expect((await append(log, 'next')).baseOffset).toBe(10);
  });

  it('has every record that it said was stored after its process was killed with -9', async () => {
    const program = `
      import { openEmbeddedLog } from ${JSON.stringify(new URL('./embedded-log.ts', import.meta.url).href)};
      const log = await openEmbeddedLog({ folder: process.argv[1], partitions: 2, clock: () => Date.now() });
      for (let n = 0; ; n++) {
        const appends = [0, 1, 2, 3].map((i) =>
          log.append('heartbeats.v1', i % 2, [{ key: null, value: Buffer.from(n + '.' + i) }]).then((a) =>
            process.stdout.write([a.partition, a.baseOffset, n + '.' + i].join(' ') + '\\n')));
        await Promise.all(appends);
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const gone = once(child, 'exit');
    const acknowledged: string[] = [];
    for await (const line of createInterface({ input: child.stdout! })) {
      acknowledged.push(line);
      if (acknowledged.length === 400) child.kill('SIGKILL');
    }
    await gone;
    const log = await open();
    const held = new Set<string>();
    for (const partition of [0, 1]) {
      const { end } = await log.bounds(TOPIC, partition);
      for (let at = 0; at < end;) {
        const batch = await log.read(TOPIC, partition, at, 1_000);
        for (const r of batch.records) held.add(`${partition} ${r.offset} ${Buffer.from(r.value!).toString()}`);
        at = batch.to;
      }
    }
    // The last line may have been cut by the kill.
    expect(acknowledged.slice(0, -1).filter((line) => !held.has(line))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThanOrEqual(400);
  });
});
