import { execFile } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SessionList } from '../../schemas/generated/http.ts';
import { admit } from '../../services/testing/player.ts';
import { send } from '../../services/testing/http.ts';
import { runToEnd, startServer, type Server } from '../../services/testing/server.ts';
import { CONFIG_KEYS } from '../../shared/config/config-keys.ts';
import { fencesOf, fenceWith, readPage } from '../testing/fences.ts';

const bash = promisify(execFile);
const page = await readPage('docs/how-to/run.md');

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const api = { call: (request: Parameters<typeof send>[1]) => send(server.url(), request) } as Parameters<
  typeof admit
>[0];
const running = async (): Promise<readonly string[]> => {
  const { json } = await send(server.url(), { path: '/v1/accounts/home/sessions' });
  return (json as SessionList).sessions.map(({ sessionId }) => sessionId);
};

describe('how to run', () => {
  it('names only configuration that there is', () => {
    const shell = fencesOf(page)
      .filter(({ lang }) => lang === 'sh')
      .map(({ text }) => text)
      .join('\n');
    const set = [...shell.matchAll(/\b([A-Z_]+)=/g)].map(([, name]) => name);
    expect(set.length).toBeGreaterThan(4);
    expect(Object.keys(CONFIG_KEYS)).toEqual(expect.arrayContaining(set));
  });

  it('asks whether it is well by lines that work', async () => {
    for (const line of fenceWith(page, 'sh', 'curl').split('\n')) {
      const { stdout } = await bash('bash', ['-c', line.replace('http://localhost:9090', server.adminUrl())]);
      expect(stdout).toMatch(/"status":"ok"|"processors":\[/);
    }
  });

  it('names the files of the data folder', async () => {
    const listed = [...page.matchAll(/^\| `([\w.-]+)` /gm)].map(([, name]) => name);
    const files = (await readdir(server.folder)).filter((name) => !/-(wal|shm|journal)$/.test(name));
    expect(files.sort()).toEqual(listed.sort());
  });

  it('refuses a second process on the folder, and a port for everybody without AUTH=off', async () => {
    const second = await runToEnd({ DATA_DIR: server.folder });
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('is in use by another process');
    const open = await runToEnd({ DATA_DIR: join(server.folder, 'other'), HOST: '0.0.0.0' });
    expect(open.code).toBe(1);
    expect(open.stderr).toContain('AUTH=off');
  });

  it('ends with code 0, makes state.sqlite again from the log, and asks for new session tokens where their key is lost', async () => {
    const { sessionToken } = await admit(api, { accountId: 'home', sessionId: 's-1' });
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(server.output()).toContain('draining');
    for (const name of await readdir(server.folder)) {
      if (name.startsWith('state.sqlite') || name === 'session-token-key') await rm(join(server.folder, name));
    }
    await server.restart();
    expect(await running()).toEqual(['s-1']);
    const body = { sessionToken, sequence: 1, state: 'playing', positionMs: 0, sentAtMs: 0 };
    expect((await send(server.url(), { path: '/v1/heartbeats', body })).status).toBe(401);
  });
});
