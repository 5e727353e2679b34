import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  compiledId,
  encode,
  encodeEvent,
  encodeOutput,
  RECORD_NAMES,
  recordSchemas,
  writeWithIds,
} from '../../schemas/codec.ts';
import type { LogEvent } from '../../schemas/events.ts';
import type { Heartbeat, StreamDecided } from '../../schemas/generated/records.ts';
import { TOPICS, type TopicName } from '../../schemas/topics.ts';
import { openKafkaLog } from '../../shared/log/kafka-log.ts';
import type { Log } from '../../shared/log/log.ts';
import { openSchemaRegistry } from '../../shared/registry/schema-registry.ts';
import { createMetrics } from '../../shared/telemetry/metrics.ts';
import { prepareKafka } from '../../tools/stack/kafka.ts';
import { startOwnKafka, type OwnKafka } from '../../tools/stack/own-kafka.ts';
import { startOwnRegistry, type OwnRegistry } from '../../tools/stack/own-registry.ts';
import { run as runToEnd } from '../../tools/stack/processes.ts';
import { cached, commandOf, needs } from '../../tools/stack/programs.ts';
import { fenceWith, readPage } from '../testing/fences.ts';

const run = promisify(execFile);
/** The first start fetches Kafka, the registry and the Avro library. */
const START_MS = 600_000;
const PATIENCE_MS = 120_000;

const page = await readPage('docs/how-to/read-the-topics.md');
const pipeline = fenceWith(page, 'sh', 'kafka-console-consumer.sh');
const shown = JSON.parse(fenceWith(page, 'json', '{')) as StreamDecided & {
  readonly record: string;
  readonly mark: string;
};

let kafka: OwnKafka;
let registry: OwnRegistry;
let log: Log;
let venv = '';
let bin = '';
beforeAll(async () => {
  [kafka, registry, venv] = await Promise.all([startOwnKafka(1), startOwnRegistry(), installAvro()]);
  bin = await mkdtemp(join(tmpdir(), 'playbeat-bin-'));
  const consumer = join(bin, 'kafka-console-consumer.sh');
  const java = `exec ${commandOf('java')} -Xmx128m -cp '${await prepareKafka()}/*'`;
  await writeFile(consumer, `#!/bin/sh\n${java} org.apache.kafka.tools.consumer.ConsoleConsumer "$@"\n`);
  await chmod(consumer, 0o755);
  log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'test', partitions: 1 });
}, START_MS);
afterAll(async () => {
  await log?.close();
  await Promise.all([kafka?.stop(), registry?.stop()]);
  await rm(bin, { recursive: true, force: true });
}, PATIENCE_MS);

/** As the page says, once for each version of Python. */
const installAvro = async (): Promise<string> => {
  await needs('python3');
  const version = (await runToEnd(commandOf('python3'), ['--version'], '/')).trim().replace(' ', '-');
  const install = fenceWith(page, 'sh', 'python3');
  const avro = /avro==\S+/.exec(install)?.[0].replace('==', '-');
  return cached(`${avro}-${version}`, async (folder) => {
    await runToEnd('bash', ['-ec', install], folder);
  });
};

/** The command of the page, here and for so many records. */
const readByThePage = (topic: TopicName, records: number) => {
  const command = pipeline
    .replace('localhost:9092', kafka.brokers.join(','))
    .replace('stream-decisions.v1', topic)
    .replace('--from-beginning', `--from-beginning --max-messages ${records} --timeout-ms 30000`)
    .replace('.venv/', `${venv}/.venv/`)
    .replace('http://localhost:8081', registry.url);
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };
  return run('bash', ['-c', command], { env, maxBuffer: 64 * 1024 * 1024 });
};
const recordsIn = (output: string): readonly object[] =>
  output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);

const beat = (sequence: number): Heartbeat => ({
  tenant: 'default',
  sessionId: 's-1',
  sequence,
  profileId: 'p-1',
  deviceId: 'tv-1',
  deviceType: 'tv',
  deviceName: 'Fernseher im Büro \\ 居間',
  contentId: 'film-1',
  contentType: 'vod',
  state: 'playing',
  positionMs: 10_000 * sequence,
  durationMs: null,
  playbackRate: 1.25,
  country: 'DE',
  cdn: null,
  appVersion: null,
  player: null,
  seriesId: null,
  tracking: 'full',
  metadata: { genre: 'drama', line: 'one\ntwo' },
  quality: {
    bitrateKbps: 5_000.5,
    bufferMs: null,
    stallCount: 0,
    stallMs: null,
    droppedFrames: null,
    startupMs: null,
    throughputKbps: null,
    errorCode: null,
  },
  ad: null,
  sentAtMs: -1,
  receivedAtMs: 2 ** 53 - 1,
  occurredAtMs: 0,
  clockSkewMs: -5,
  source: 'player',
  networkKey: null,
  lastDecision: 'OK',
  claims: { plan: 'family', streams: 4.5 },
});
const stop = {
  requestId: 'r-2',
  tenant: 'default',
  sessionId: 's-1',
  by: 'player',
  receivedAtMs: 3,
  source: 'api',
} as const;
const start = { requestId: 'r-1', origin: 'player', leaseMs: null, continuesSessionId: null } as const;
const terminate = [{ sessionId: 's-0', admittedAt: '1.0.4' }];

const resumeCall = {
  requestId: 'r-4',
  tenant: 'default',
  profileId: 'p-1',
  contentId: 'film-1',
  receivedAtMs: 5,
  occurredAtMs: 5,
  source: 'api',
} as const;

/** One of each kind that may lie in it, and many beats. */
const EVENTS: readonly LogEvent[] = [
  { type: 'SessionStarted', value: { ...start, terminate, beat: beat(0) } },
  ...Array.from({ length: 300 }, (_, i) => ({ type: 'Heartbeat', value: beat(i + 1) }) as const),
  { type: 'SessionStopRequested', value: stop },
  { type: 'AccountErased', value: { requestId: 'r-3', tenant: 'default', receivedAtMs: 4 } },
  { type: 'ResumeHidden', value: resumeCall },
  { type: 'ResumeUndone', value: resumeCall },
  { type: 'PolicyActivated', value: { version: 1, mode: 'enforce', policy: '{}', activatedAtMs: 5, by: 'test' } },
  { type: 'Tick', value: { source: 'n1', shedding: true, receivedAtMs: 6 } },
];
const NUMBERS = new Map(RECORD_NAMES.map((name) => [name, compiledId(name) % 1_000]));
const found = ({ type, value }: LogEvent): object => {
  const mark = (name: typeof type) => `PB${String(NUMBERS.get(name)).padStart(3, '0')}`;
  const nested = type === 'SessionStarted' ? { beat: { trace: null, ...value.beat, mark: mark('Heartbeat') } } : {};
  const untraced = type === 'Heartbeat' || type === 'SessionStopRequested' ? { trace: null } : {};
  return { record: `playbeat.${type}`, mark: mark(type), ...untraced, ...value, ...nested };
};

describe('the topics', () => {
  it('are the ones on the page, with the records that there are', () => {
    const [, table = ''] = /\n(\| Topic[^]*?)\n\n/.exec(page) ?? [];
    const topics = [...table.matchAll(/^\| `([\w.-]+)`/gm)].map(([, name]) => name);
    expect(topics.sort()).toEqual(Object.keys(TOPICS).sort());
    const records = [...table.matchAll(/`([A-Z]\w+)`/g)].map(([, name]) => name);
    expect([...new Set(records)].sort()).toEqual([...RECORD_NAMES].sort());
    expect(page).toContain(`${compiledId('SessionStarted') - 1} and the digits of the mark`);
  });

  it(
    'are read by Kafka’s console consumer and the Avro library of Python, compressed records and single ones',
    async () => {
      const one = await openSchemaRegistry({
        url: registry.url,
        auth: null,
        timeoutMs: 30_000,
        schemas: recordSchemas(),
        after: (ms, work) => {
          const timer = setTimeout(work, ms);
          return () => clearTimeout(timer);
        },
        writeWithIds,
        metrics: createMetrics({ process: false }),
        logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      });
      expect(one.status()).toMatchObject({ state: 'up' });
      one.close();

      const values = EVENTS.map(encodeEvent);
      const records = values.map((value) => ({ key: 'household', value }));
      await log.append('heartbeats.v1', 0, records.slice(0, -1));
      const folder = ['--describe', '--topic-list', 'heartbeats.v1'];
      const sizes = await kafka.tool('org.apache.kafka.tools.LogDirsCommand', folder);
      const bytes = values.slice(0, -1).reduce((sum, value) => sum + value.length, 0);
      expect(Number(/"partition":"heartbeats.v1-0","size":(\d+)/.exec(sizes)?.[1])).toBeLessThan(bytes / 4);
      await log.append('heartbeats.v1', 0, records.slice(-1));

      const { stdout, stderr } = await readByThePage('heartbeats.v1', EVENTS.length);
      expect(recordsIn(stdout)).toEqual(EVENTS.map(found));
      expect(stderr).not.toMatch(/wire format|no schema/);
    },
    PATIENCE_MS,
  );

  it(
    'have decisions that look as the page shows them, and parked bytes',
    async () => {
      const { record, mark: _mark, id, cause, ...decided } = shown;
      expect(record).toBe('playbeat.StreamDecided');
      const decision = encodeOutput({ type: 'StreamDecided', value: decided }, { id, cause });
      await log.append('stream-decisions.v1', 0, [{ key: 'household', value: decision }]);
      const decisions = await readByThePage('stream-decisions.v1', 1);
      expect(recordsIn(decisions.stdout)).toEqual([shown]);

      const parked = {
        topic: 'heartbeats.v1',
        processor: 'concurrency',
        reason: 'no bytes',
        bytes: Buffer.from('\xff\0', 'latin1'),
      };
      const value = encodeOutput({ type: 'RecordParked', value: parked }, { id: 'i', cause: 'c' });
      await log.append('heartbeats.v1.parked', 0, [{ key: 'c', value }]);
      const { stdout } = await readByThePage('heartbeats.v1.parked', 1);
      expect(recordsIn(stdout)).toMatchObject([{ record: 'playbeat.RecordParked', mark: 'PB008', bytes: '\xff\0' }]);
    },
    PATIENCE_MS,
  );

  it(
    'may hold what was written while the registry was away: the reader says so and goes on',
    async () => {
      const tick = { source: 'n1', shedding: false, receivedAtMs: 1 };
      const [given, records] = [encode('Tick', tick), [] as Buffer[]];
      writeWithIds(new Map());
      records.push(encode('Tick', tick), Buffer.from('{"somebody": "else"}'), given);
      await log.append(
        'policies.v1',
        0,
        records.map((value, i) => ({ key: String(i), value })),
      );
      const ended: unknown = await readByThePage('policies.v1', records.length).catch((error: unknown) => error);
      expect(ended).toMatchObject({ code: 1, stdout: expect.any(String) });
      const { stdout, stderr } = ended as { readonly stdout: string; readonly stderr: string };
      expect(recordsIn(stdout)).toEqual([{ record: 'playbeat.Tick', mark: 'PB004', ...tick }]);
      expect(stderr).toContain(`no schema ${compiledId('Tick')} in the registry`);
      expect(stderr).toContain('not in the wire format');
    },
    PATIENCE_MS,
  );

  it('have schemas that the registry shows by the name of their record', async () => {
    const line = fenceWith(page, 'sh', 'curl').replace('http://localhost:8081', registry.url);
    const { stdout } = await run('bash', ['-c', line]);
    const { subject, schema } = JSON.parse(stdout) as { readonly subject: string; readonly schema: string };
    expect(subject).toBe('playbeat.StreamDecided');
    expect(JSON.parse(schema)).toMatchObject({ name: 'playbeat.StreamDecided', type: 'record' });
  });
});
