import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { parsePolicy } from '../../schemas/policy.ts';
import { startServer, type Server } from '../../services/testing/server.ts';
import { exchangesOf, player } from '../testing/exchanges.ts';
import { fencesOf, fenceWith, readPage } from '../testing/fences.ts';

const run = promisify(execFile);
const page = await readPage('docs/how-to/change-a-policy.md');
const yaml = fenceWith(page, 'yaml', 'version');

let folder = '';
let file = '';
let server: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'playbeat-policy-'));
  file = join(folder, 'policy.yaml');
  await writeFile(file, 'version: 1\nrules:\n  - { id: one, limit: 1 }\n');
  server = await startServer({ POLICY_FILE: file });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

type Listed = { readonly active: { readonly version: number; readonly mode: string } };
const active = async (): Promise<Listed['active']> => {
  const reply = await fetch(`${server.adminUrl()}/admin/policies`);
  return ((await reply.json()) as Listed).active;
};
const until = async (wanted: () => Promise<boolean> | boolean): Promise<void> => {
  for (const endMs = Date.now() + 10_000; !(await wanted()); await sleep(20)) {
    if (Date.now() > endMs) throw new Error('it did not come to that within 10 s');
  }
};

describe('how to change the policy', () => {
  it('shows a policy with every field, which is valid', async () => {
    const parsed = parsePolicy(yaml, { metadataKeys: [] });
    expect(parsed).toMatchObject({ ok: true, policy: { version: 7 } });
    const schema = JSON.parse(await readFile('schemas/http/policy-document.schema.json', 'utf8')) as {
      readonly properties: object;
      readonly $defs: { readonly PolicyDocumentRule: { readonly properties: object } };
    };
    const document = parse(yaml) as { readonly rules: readonly object[] };
    expect(Object.keys(document).sort()).toEqual(Object.keys(schema.properties).sort());
    const used = new Set(document.rules.flatMap((rule) => Object.keys(rule)));
    expect([...used].sort()).toEqual(Object.keys(schema.$defs.PolicyDocumentRule.properties).sort());
  });

  it('keeps and activates it by the three calls', async () => {
    const [keep = '', activate = '', list = ''] = fenceWith(page, 'sh', 'curl').split('\n');
    await writeFile(join(folder, 'seven.yaml'), yaml);
    const call = async (line: string): Promise<unknown> => {
      const command = line.replace('http://localhost:9090', server.adminUrl()).replace('policy.yaml', 'seven.yaml');
      return JSON.parse((await run('bash', ['-c', command], { cwd: folder })).stdout);
    };
    expect(await call(keep)).toEqual({ version: 7 });
    expect(await active()).toMatchObject({ version: 1 });
    expect(await call(activate)).toMatchObject({ version: 7, mode: 'enforce' });
    expect(await call(list)).toMatchObject({ active: { version: 7 }, policies: [{ version: 1 }, { version: 7 }] });
  });

  it('answers a mistake and the switch of the mode as shown', async () => {
    const { play } = player({ url: server.url(), adminUrl: server.adminUrl() });
    const exchanges = exchangesOf(fencesOf(page));
    expect(exchanges).toHaveLength(3);
    for (const exchange of exchanges) await play(exchange);
    expect(await active()).toMatchObject({ version: 7, mode: 'enforce' });
  });

  it('takes a changed file with a higher version, and no other', async () => {
    await writeFile(file, 'version: 8\nrules:\n  - { id: three, limit: 3 }\n');
    await until(async () => (await active()).version === 8);
    await writeFile(file, 'version: 9\nrules:\n  - { id: three, limit: many streams }\n');
    await until(() => server.output().includes('the changed policy file is not used'));
    await writeFile(file, 'version: 8\nrules:\n  - { id: three, limit: 4 }\n');
    await until(() => server.output().includes('changed without a newer version'));
    expect(await active()).toMatchObject({ version: 8 });
  });

  it('keeps the mode over a restart', async () => {
    const { send } = player({ url: server.url(), adminUrl: server.adminUrl() });
    const [, observe] = exchangesOf(fencesOf(page));
    if (observe === undefined) throw new Error('the page does not show how to observe');
    await send(observe);
    await server.kill('SIGTERM');
    await server.restart();
    expect(await active()).toMatchObject({ version: 8, mode: 'observe' });
  });
});
