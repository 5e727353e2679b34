import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { send } from './testing/http.ts';
import { admit, newAccount } from './testing/player.ts';
import { openApi } from './testing/contract.ts';
import { makeFolder, runToEnd, startServer } from './testing/server.ts';

let folder: string;
beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The start fails with 1, and what it says on stderr is a sentence, not a stack. */
const refusal = async (env: Readonly<Record<string, string>>): Promise<string> => {
  const { code, stderr } = await runToEnd({ DATA_DIR: join(folder, 'data'), ...env });
  expect([code, stderr]).toEqual([1, expect.not.stringMatching(/^\s+at /m)]);
  return stderr.trim();
};
const damaged = Buffer.from('this is no database, whatever its name says. '.repeat(200));

describe('a start that cannot be', () => {
  it('names every setting that is wrong, all at once, and shows no secret', async () => {
    const wrong = { PORT: 'http', CHECKPOINT_MS: '1', HOST: '0.0.0.0', SESSION_TOKEN_KEY: 'short', DATADIR: '/srv' };
    expect((await refusal({ ...wrong, LOG_LEVEL: 'loud' })).split('\n').sort()).toEqual([
      'CHECKPOINT_MS="1" is not a whole number from 100 to 60000 (ms)',
      'DATADIR is not known; did you mean DATA_DIR?',
      expect.stringMatching(/^HOST="0\.0\.0\.0" can be reached from other machines.*AUTH=off$/),
      'LOG_LEVEL="loud" is not debug, info, warn, error, silent',
      'PORT="http" is not a whole number from 0 to 65535 (TCP port)',
      'SESSION_TOKEN_KEY is not base64url of at least 32 bytes (its value is not shown)',
    ]);
  });

  it.each([
    [{ POLICY_FILE: '/nowhere/policy.yaml' }, /^POLICY_FILE=\/nowhere\/policy\.yaml cannot be read \(ENOENT/],
    [{ HOST: '192.0.2.1', AUTH: 'off' }, /^HOST=192\.0\.2\.1 PORT=0 cannot be listened on \(.*EADDRNOTAVAIL/],
  ] as const)('with %j names what is wrong', async (env, message) => {
    expect(await refusal(env)).toMatch(message);
  });

  it('with an unknown role ends with 1 and names those that there are', async () => {
    const { code, stderr } = await runToEnd({}, ['local', 'trends']);
    expect([code, stderr.trim()]).toEqual([
      1,
      'no such role: trends. There are: ingest, concurrency, resume-position, view-end, trending, decision-ledger, archive; ' +
        'none, or local, for all but archive.',
    ]);
  });

  it('with a policy that is none ends with 1 and names path and line of each error', async () => {
    const file = join(folder, 'policy.yaml');
    await writeFile(file, 'version: 1\nrules:\n  - id: a\n    limit: 2\n    onExeed: ask\n');
    expect(await refusal({ POLICY_FILE: file })).toMatch(/policy\.yaml is no policy: \/rules\/0\/onExeed \(line 5\) /);
  });

  it('in a folder that cannot be made or written ends with 1 and says which', async () => {
    await writeFile(join(folder, 'file'), '');
    const below = join(folder, 'file', 'data');
    expect(await refusal({ DATA_DIR: below })).toMatch(
      /file\/data cannot be made or written .*Give this user write access/,
    );
    // A folder in which a file cannot be opened for writing: this holds for root too, as no mode does.
    for (const [name, message] of [
      ['lock.sqlite', /cannot be made or written/],
      ['log.sqlite', /log\.sqlite.*cannot be opened or written/],
      ['state.sqlite', /state\.sqlite/],
    ] as const) {
      const data = join(folder, `no-${name}`);
      await mkdir(join(data, name), { recursive: true });
      expect(await refusal({ DATA_DIR: data })).toMatch(message);
    }
  });

  it('with a damaged log ends with 1, names the file and the page that says how to go on', async () => {
    const data = join(folder, 'damaged-log');
    await mkdir(data);
    await writeFile(join(data, 'log.sqlite'), damaged);
    expect(await refusal({ DATA_DIR: data })).toMatch(
      /log\.sqlite: file is not a database.*docs\/runbook\/storage\.md/,
    );
  });
});

describe('a start', () => {
  it('warns of nothing, in a new folder and in one of before', async () => {
    const server = await startServer();
    try {
      await server.kill('SIGTERM');
      await server.restart();
      expect(server.output()).not.toMatch(/"level":"(warn|error|fatal)"/);
    } finally {
      await server.close();
    }
  });
});

describe('one folder', () => {
  it('takes one process: the second ends with 1 and says why, and the first goes on', async () => {
    const server = await startServer();
    try {
      const api = await openApi(server);
      await admit(api, { accountId: newAccount() });
      expect(await refusal({ DATA_DIR: server.folder })).toMatch(
        /is in use by another process\. Stop that process, or give this one a folder of its own\.$/,
      );
      expect(await admit(api, { accountId: newAccount() })).toMatchObject({ decision: 'allow', degraded: false });
      const { port } = new URL(server.url());
      expect(await refusal({ PORT: port })).toMatch(
        new RegExp(`^HOST=127\\.0\\.0\\.1 PORT=${port} cannot be listened on \\(.*EADDRINUSE`),
      );
    } finally {
      await server.close();
    }
  });

  it('whose state is damaged says what to delete, and then knows all streams again from the log', async () => {
    const server = await startServer();
    try {
      const [accountId, sessionId] = [newAccount(), 's-1'];
      await admit(await openApi(server), { accountId, sessionId });
      await server.kill('SIGTERM');
      await writeFile(join(server.folder, 'state.sqlite'), damaged);
      const said = await refusal({ DATA_DIR: server.folder });
      expect(said).toMatch(/state\.sqlite is damaged .*delete .*: the log rebuilds the state/);
      for (const file of ['state.sqlite', 'state.sqlite-wal', 'state.sqlite-shm']) {
        await rm(join(server.folder, file), { force: true });
      }
      await server.restart();
      const { json } = await send(server.url(), { path: `/v1/accounts/${accountId}/sessions` });
      expect(json).toMatchObject({ sessions: [{ sessionId }] });
    } finally {
      await server.close();
    }
  });

  it('keeps the number of partitions that it was made with', async () => {
    const server = await startServer({ PARTITIONS: '2' });
    try {
      await server.kill('SIGTERM');
      expect(await refusal({ DATA_DIR: server.folder, PARTITIONS: '3' })).toMatch(
        /made with 2 partitions and cannot have 3/,
      );
    } finally {
      await server.close();
    }
  });
});
