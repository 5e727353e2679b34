import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONFIG_KEYS } from '../../shared/config/config-keys.ts';
import { fencesOf, readPage } from '../testing/fences.ts';

const page = await readPage('docs/how-to/run-a-cluster.md');
const fences = fencesOf(page);
const line = fences.find(({ lang }) => lang === 'sh')!.text.trim();
const shown = fences.filter(({ lang }) => lang === 'text').map(({ text }) => text);
const PATIENCE_MS = 120_000;

type Told = { readonly url: string; readonly admin: string; readonly processes: readonly { readonly role: string }[] };
let cluster: ChildProcess;
let told: Told;
beforeAll(async () => {
  const [command = '', ...args] = line.split(' ');
  // Its own group: npm passes no signal on to what it runs.
  cluster = spawn(command, [...args, '--json'], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  let said = '';
  cluster.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text));
  while (!/^\{.*\}$/m.test(said) && cluster.exitCode === null) await sleep(50);
  told = JSON.parse(/^\{.*\}$/m.exec(said)?.[0] ?? '') as Told;
}, PATIENCE_MS);
afterAll(async () => {
  if (cluster.pid === undefined || cluster.exitCode !== null) return;
  const ended = once(cluster, 'exit');
  process.kill(-cluster.pid, 'SIGINT');
  await ended;
}, PATIENCE_MS);

const here = (text: string): string =>
  text.replaceAll('http://127.0.0.1:8080', told.url).replaceAll('http://127.0.0.1:9090', told.admin);
const runLine = (text: string): string =>
  execFileSync('bash', ['-c', here(text)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

describe('how to run a cluster', () => {
  it('starts as many processes as the line says', () => {
    expect(told.processes.map(({ role }) => role).sort()).toEqual([
      ...['concurrency', 'concurrency', 'concurrency'],
      ...['ingest', 'ingest'],
    ]);
  });

  it(
    'can be played on',
    () => {
      const players = shown.find((text) => text.includes('npm run players'))!;
      const short = players.replace('--accounts 500 --minutes 2', '--accounts 20 --minutes 0.2');
      expect(runLine(short)).toContain('Nothing to object to.');
    },
    PATIENCE_MS,
  );

  it(
    'says which processes there are, and takes more or fewer',
    () => {
      const [look = '', scale = ''] = shown
        .find((text) => text.includes('curl'))!
        .trim()
        .split('\n');
      expect((JSON.parse(runLine(look)) as Told).processes).toHaveLength(5);
      expect((JSON.parse(runLine(scale)) as Told).processes).toHaveLength(7);
    },
    PATIENCE_MS,
  );

  it('names settings that there are, and commands that there are', () => {
    const elsewhere = shown.find((text) => text.includes('export '))!;
    const names = [...elsewhere.matchAll(/\b([A-Z][A-Z_]+)=/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(8);
    for (const name of names) expect(Object.keys(CONFIG_KEYS)).toContain(name);
    for (const tool of ['main', 'outage', 'wipe', 'storm', 'rolling'])
      expect(existsSync(new URL(`../../tools/faults/${tool}.ts`, import.meta.url))).toBe(true);
  });
});
