import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { liveMs } from '../schemas/time.ts';
import type { Account } from '../services/concurrency/account.ts';
import { concurrency } from '../services/concurrency/concurrency.ts';
import { packed } from '../services/packed.ts';
import { send } from '../services/testing/http.ts';
import { start } from '../services/testing/player.ts';
import { startServer } from '../services/testing/server.ts';
import { CONFIG_KEYS } from '../shared/config/config-keys.ts';
import { accountKeys } from '../shared/identity/account-keys.ts';
import { partitionOf } from '../shared/log/partition.ts';
import { readState } from '../shared/runtime/processor.ts';
import { openEmbeddedState } from '../shared/state/embedded-state.ts';
import type { Row, StateStore } from '../shared/state/state.ts';

/**
 * node tools/restart.ts [--rows 1000000] [--kills 5] [--within 2000]
 *
 * How long viewers wait after a kill -9 when that many streams are live: from the start of the process to the first right
 * answer of a block-check about one of them. Ends with 1 when the median is over `--within` milliseconds.
 */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '5' },
    within: { type: 'string', default: '2000' },
  },
});
const rows = Number(values.rows);
const PARTITIONS = CONFIG_KEYS.PARTITIONS.default;
const CHUNK = 20_000;

const keyOf = (folder: string): ((accountId: string) => string) => {
  const pepper = Buffer.from(readFileSync(join(folder, 'account-key-pepper'), 'utf8'), 'base64url');
  const toKey = accountKeys(pepper);
  return (accountId) => toKey(CONFIG_KEYS.TENANT.default, accountId);
};

/** Copies the one live account that the service made to as many others, beating within the last 10 s. */
const fill = async (store: StateStore, key: (accountId: string) => string): Promise<void> => {
  const home = key('home');
  const from = partitionOf(home, PARTITIONS);
  const { rows: found } = await store.read(concurrency.name, from, [home]);
  const account: Account = readState(concurrency, found[0]!);
  const byPartition = new Map<number, Map<string, Row>>();
  const opened = await Promise.all(
    Array.from({ length: PARTITIONS }, (_, partition) =>
      store.open({ processor: concurrency.name, partition, discard: false }),
    ),
  );
  const flush = async (partition: number): Promise<void> => {
    const { owner, checkpoint } = opened[partition]!;
    if (checkpoint === null) throw new Error('the service has folded nothing');
    const changed = byPartition.get(partition) ?? new Map<string, Row>();
    byPartition.delete(partition);
    await store.commit({ owner, from: checkpoint.offset, to: checkpoint, rows: changed });
  };
  for (let i = 0; i < rows; i++) {
    const own = key(`home-${i}`);
    const partition = partitionOf(own, PARTITIONS);
    const live = opened[partition]!.checkpoint!.clock.liveMs - (i % 10_000);
    const sessions = account.sessions.map((s) => ({ ...s, sessionId: `s-${i}`, lastBeatLiveMs: live }));
    const wanted = byPartition.get(partition) ?? new Map<string, Row>();
    byPartition.set(partition, wanted);
    const dueMs = liveMs(live + sessions[0]!.leaseMs);
    wanted.set(own, { state: { ...account, sessions }, version: concurrency.stateVersion, dueMs });
    if (wanted.size >= CHUNK) await flush(partition);
  }
  for (const partition of [...byPartition.keys()]) await flush(partition);
};

const server = await startServer();
let worst: number[] = [];
try {
  const started = await send(server.url(), {
    method: 'POST',
    path: '/v1/sessions',
    body: start({ accountId: 'home', sessionId: 'live' }),
  });
  if (started.status !== 201) throw new Error(`the start was answered ${started.status}`);
  await server.kill('SIGTERM');

  const filledAt = performance.now();
  const store = await openEmbeddedState({
    folder: server.folder,
    packing: packed,
    onError: (error) => console.error(error),
  });
  await fill(store, keyOf(server.folder));
  await store.close();
  console.log(`${rows} live rows written in ${((performance.now() - filledAt) / 1_000).toFixed(1)} s`);

  for (let kill = 0; kill < Number(values.kills); kill++) {
    const from = performance.now();
    await server.restart();
    const ready = performance.now() - from;
    const who = `accountId=home-${kill}&sessionId=s-${kill}`;
    const { json } = await send(server.url(), { method: 'GET', path: `/v1/block-check?${who}` });
    const took = performance.now() - from;
    const right = JSON.stringify(json).includes('"decision":"allow"') && JSON.stringify(json).includes(`"s-${kill}"`);
    console.log(`ready after ${ready.toFixed(0)} ms, ${right ? 'right' : 'WRONG'} answer after ${took.toFixed(0)} ms`);
    worst = [...worst, right ? took : Number.POSITIVE_INFINITY];
    await server.kill('SIGKILL');
  }
} finally {
  await server.close();
}
const median = worst.sort((a, b) => a - b)[Math.floor(worst.length / 2)] ?? Number.POSITIVE_INFINITY;
console.log(`median ${median.toFixed(0)} ms, wanted ${values.within} ms`);
process.exitCode = median <= Number(values.within) ? 0 : 1;
