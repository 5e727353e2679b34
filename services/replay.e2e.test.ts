import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout } from 'node:timers/promises';
import { decodeOutput } from '../schemas/codec.ts';
import { epochMs } from '../schemas/time.ts';
import { openEmbeddedLog } from '../shared/log/embedded-log.ts';
import { readAll } from '../shared/log/testing/member.ts';
import type { PartitionStatus } from '../shared/runtime/run.ts';
import { type Api, openApi } from './testing/contract.ts';
import { type Evening, remembered, watchFilm } from './testing/evening.ts';
import { startLoad } from './testing/load.ts';
import { admit, beat, newAccount, start } from './testing/player.ts';
import { type Server, startServer } from './testing/server.ts';
import { truthIn } from './testing/truth.ts';

const PARTITIONS = 4;
const PATIENCE_MS = 120_000;

let server: Server;
let api: Api;
beforeAll(async () => {
  server = await startServer({ PARTITIONS: String(PARTITIONS), LOG_LEVEL: 'info' });
  api = await openApi(server);
}, PATIENCE_MS);
afterAll(() => server.close());

type Listed = { readonly processors: readonly { readonly name: string; readonly partitions: PartitionStatus[] }[] };
const processors = async (): Promise<Listed['processors']> =>
  ((await api.admin({ path: '/admin/processors' })).json as Listed).processors;
const replay = (name: string, query = '') =>
  api.admin({ path: `/admin/processors/${name}/replay${query}`, method: 'POST' });
/** How often the log of a processor was folded from its beginning; at the start of the process that is once for each partition. */
const rebuilds = async (name: string): Promise<number> => {
  const { text } = await api.admin({ path: '/metrics' });
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith(`playbeat_processor_rebuilds_total{processor="${name}"`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};
const until = async (is: () => Promise<boolean>): Promise<void> => {
  while (!(await is())) await setTimeout(20);
};

const FOLDS = ['concurrency', 'resume-position', 'view-end'];

describe('a replay of every processor of heartbeats, while households play', () => {
  it(
    'leaves leases, where to go on and views as they were, answers decided as the log says, and nothing told twice',
    async () => {
      const evenings: readonly Evening[] = await Promise.all(
        Array.from({ length: 8 }, () => watchFilm(server.url(), newAccount())),
      );
      const known = () => Promise.all(evenings.map((evening) => remembered(server.url(), evening)));
      await until(async () => (await known()).every(({ resume, view }) => resume !== null && view?.status === 'final'));
      const before = await known();
      const accountId = newAccount();
      const devices = ['tv', 'phone'].map((deviceId) => ({
        accountId,
        deviceId,
        sessionId: `${accountId}-${deviceId}`,
      }));
      for (const device of devices) await admit(api, device);

      const load = startLoad({ url: server.url, households: 12, seed: 5, thinkMs: 5 });
      await until(async () => load.ledger.acknowledged.length > 300);
      for (const name of FOLDS) {
        const folded = await rebuilds(name);
        expect(await replay(name)).toMatchObject({
          status: 202,
          json: { processor: name, partitions: [0, 1, 2, 3].map((partition) => ({ partition, replay: 'begins' })) },
        });
        await until(async () => (await rebuilds(name)) === folded + PARTITIONS);
      }
      const loaded = load.ledger.acknowledged.length;
      await until(async () => load.ledger.acknowledged.length > loaded + 300);
      await until(async () =>
        (await processors()).every(({ partitions }) => partitions.every(({ state }) => state === 'running')),
      );
      await load.finish();

      expect(await known()).toEqual(before);
      for (const device of devices) {
        const answer = await api.call({ path: '/v1/heartbeats?decision=wait', body: beat(device) });
        expect(answer.json).toMatchObject({ results: [{ decision: { decision: 'allow', degraded: false } }] });
      }
      const third = { accountId, deviceId: 'tablet', sessionId: `${accountId}-tablet` };
      expect(await api.call({ path: '/v1/sessions', body: start(third) })).toMatchObject({ status: 409 });

      expect((await server.kill('SIGTERM')).code).toBe(0);
      const { violations, decisionsChecked } = await truthIn(server.folder, load.ledger, { partitions: PARTITIONS });
      expect([violations, load.ledger.wrong]).toEqual([[], []]);
      expect(decisionsChecked).toBeGreaterThan(100);
      expect(await toldTwice()).toEqual([]);
      await server.restart();
    },
    PATIENCE_MS,
  );
});

/** Ids of outputs that lie in a topic more than once. */
const toldTwice = async (): Promise<readonly string[]> => {
  const log = await openEmbeddedLog({
    folder: server.folder,
    partitions: PARTITIONS,
    clock: () => epochMs(Date.now()),
  });
  try {
    const ids: string[] = [];
    for (const topic of ['stream-decisions.v1', 'view-ends.v1'] as const)
      for (let partition = 0; partition < PARTITIONS; partition++)
        for (const { value } of await readAll(log, partition, topic))
          if (value !== null) ids.push(`${topic} ${decodeOutput(value).value.id}`);
    expect(ids.length).toBeGreaterThan(100);
    return ids.filter((id, at) => ids.indexOf(id) !== at);
  } finally {
    await log.close();
  }
};

describe('POST /admin/processors/{name}/replay', () => {
  it('is of one partition where one is named', async () => {
    expect((await replay('trending', '?partition=2')).json).toMatchObject({ partitions: [{ partition: 2 }] });
  });

  it('refuses a partition that there is not, and a processor that does not run here', async () => {
    for (const partition of ['4', '-1', 'all'])
      expect((await replay('concurrency', `?partition=${partition}`)).json).toMatchObject({
        code: 'VALIDATION_FAILED',
      });
    expect(await replay('archive')).toMatchObject({ status: 404, json: { code: 'PROCESSOR_NOT_FOUND' } });
  });
});
