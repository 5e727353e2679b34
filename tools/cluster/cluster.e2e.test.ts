import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Decision } from '../../schemas/generated/http.ts';
import { send } from '../../services/testing/http.ts';
import { startLoad } from '../../services/testing/load.ts';
import { beat, start } from '../../services/testing/player.ts';
import { runRaces } from '../../services/testing/races.ts';
import { PATIENT } from '../../services/testing/server.ts';
import { truthOn } from '../../services/testing/truth.ts';
import { type Cluster, roleFor, startCluster } from './cluster.ts';
import { type ClusterParts, startParts } from './parts.ts';

const START_MS = 120_000;
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

const children: ChildProcess[] = [];
let parts: ClusterParts;
let cluster: Cluster;
beforeAll(async () => {
  parts = await startParts({ brokers: 1, redis: 'single' });
  const env = { ...parts.env, ...PATIENT, PARTITIONS: '8' };
  cluster = await startCluster({ env, counts: { ingest: 2, concurrency: 2 }, port: 0, adminPort: 0 });
}, START_MS);
afterAll(async () => {
  for (const child of children) child.kill('SIGTERM');
  await cluster?.close();
  await parts?.stop();
}, START_MS);

const pidsOf = (role: string): readonly number[] =>
  cluster.processes.list().flatMap((one) => (one.role === role ? [one.pid] : []));

describe('the address before all processes', () => {
  it('leads each call to the role whose table has it', () => {
    expect(roleFor('/v1/block-check?accountId=a')).toBe('concurrency');
    expect(roleFor('/v1/accounts/a%2Fb/sessions')).toBe('concurrency');
    expect(roleFor('/v1/sessions/s/stop')).toBe('ingest');
    expect(roleFor('/nowhere')).toBe('ingest');
  });

  it('decides a start, takes its beat, and shows it to the other room', async () => {
    const { url } = cluster;
    const session = { accountId: 'house', sessionId: 'one' };
    expect(await send(url, { path: '/v1/sessions', body: start(session) })).toMatchObject({ status: 201 });
    expect(await send(url, { path: '/v1/heartbeats', body: beat(session) })).toMatchObject({ status: 202 });
    const check = await send(url, { path: '/v1/block-check?accountId=house&sessionId=one' });
    expect(check).toMatchObject({ status: 200, json: { decision: 'allow', degraded: false } });
    expect((check.json as Decision).active?.map(({ sessionId }) => sessionId)).toEqual(['one']);
  });

  it('answers as one what each owner knows a part of', async () => {
    const { processors } = (await send(cluster.admin, { path: '/admin/processors' })).json as {
      processors: { partitions: { partition: number; state: string }[] }[];
    };
    expect(processors[0]?.partitions).toMatchObject(
      Array.from({ length: 8 }, (_, partition) => ({ partition, state: 'running' })),
    );
  });
});

describe('the last slot of a household', () => {
  it('goes to exactly one of 64 clients on two ingest nodes, 30 times of 30, while an owner is killed', async () => {
    const before = pidsOf('concurrency');
    const report = await runRaces({
      urls: () => cluster.processes.ready('ingest').map(({ url }) => url),
      rounds: 30,
      clients: 64,
      onRound: (round) => {
        if (round === 10) process.kill(before[0]!, 'SIGKILL');
      },
    });
    expect(report.violations).toEqual([]);
    await cluster.settled();
    expect(pidsOf('concurrency')).not.toEqual(before);
  }, 120_000);
});

describe('under load', () => {
  it('processes come, go and are replaced: nothing lost, nothing doubled, every decision as the log says', async () => {
    const { processes } = cluster;
    const load = startLoad({ url: () => cluster.url, households: 12, seed: 5, thinkMs: 20 });
    await processes.scale('concurrency', 3);
    await processes.scale('ingest', 3);
    for (const { name } of processes.list().slice(0, 3)) await processes.replace(name);
    await processes.scale('concurrency', 2);
    await processes.scale('ingest', 2);
    process.kill(pidsOf('ingest')[0]!, 'SIGKILL');
    await sleep(500);
    await cluster.settled();
    await load.finish();
    const folded = await cluster.quiet();
    const { ledger } = load;
    const truth = await truthOn(cluster.env, ledger, { folded });
    expect(truth.violations).toEqual([]);
    expect(ledger.wrong).toEqual([]);
    expect(truth.decisionsChecked).toBeGreaterThan(100);
    expect(ledger.acknowledged.length).toBeGreaterThan(200);
    await processes.scale('ingest', 2);
  }, 120_000);
});

/** Last of those on this cluster: what is admitted while rules only observe is more than the limit. */
describe('a policy that one owner is told of', () => {
  it('is in force in every partition, whoever folds it', async () => {
    const modes = async (): Promise<Set<string>> => {
      const answers = await Promise.all(
        cluster.processes.ready('concurrency').map(({ adminUrl }) => send(adminUrl, { path: '/admin/policies' })),
      );
      return new Set(answers.map(({ json }) => (json as { active: { mode: string } }).active.mode));
    };
    expect(await send(cluster.admin, { path: '/admin/mode', body: { mode: 'observe' } })).toMatchObject({
      status: 200,
    });
    while ((await modes()).has('enforce')) await sleep(50);
    const admitted = async (accountId: string, sessions: number): Promise<readonly number[]> => {
      const statuses: number[] = [];
      for (let i = 0; i < sessions; i++) {
        const body = start({ accountId, sessionId: `${accountId}-${i}`, deviceId: `device-${i}` });
        statuses.push((await send(cluster.url, { path: '/v1/sessions', body })).status);
      }
      return statuses;
    };
    for (let i = 0; i < 20; i++) expect(await admitted(`observed-${i}`, 3)).toEqual([201, 201, 201]);
    await send(cluster.admin, { path: '/admin/mode', body: { mode: 'enforce' } });
    while ((await modes()).has('observe')) await sleep(50);
    for (let i = 0; i < 20; i++) expect(await admitted(`enforced-${i}`, 3)).toEqual([201, 201, 409]);
  }, 60_000);
});

describe('npm run cluster -- --json', () => {
  it('says in one line where it is and who takes part, and leaves nothing behind', async () => {
    const child = spawn(process.execPath, [MAIN, '--ingest', '1', '--owners', '1', '--json'], {
      env: { ...process.env, ...parts.env, KAFKA_PREFIX: 'other.', REDIS_PREFIX: 'other' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    while (!said.includes('\n') && child.exitCode === null) await sleep(50);
    const line = JSON.parse(said) as {
      url: string;
      admin: string;
      env: Record<string, string>;
      processes: { role: string; pid: number }[];
    };
    expect(line.processes.map(({ role }) => role)).toEqual(['concurrency', 'ingest']);
    expect(line.env).toMatchObject(parts.env);
    expect(await send(line.url, { path: '/v1/sessions', body: start({ accountId: 'other' }) })).toMatchObject({
      status: 201,
    });
    const more = await send(line.admin, { path: '/cluster', body: { owners: 2 } });
    expect((more.json as typeof line).processes).toHaveLength(3);
    expect(await send(line.admin, { path: '/cluster', body: { owners: -1 } })).toMatchObject({ status: 400 });
    const pids = ((await send(line.admin, { path: '/cluster' })).json as typeof line).processes.map(({ pid }) => pid);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  }, 120_000);
});
