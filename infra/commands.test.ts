import { describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { readPage } from '../docs/testing/fences.ts';

const runbook = readdirSync(new URL('../docs/runbook', import.meta.url)).map((file) => file.slice(0, -3));
const pages = [
  'docs/how-to/deploy.md',
  'docs/how-to/operate.md',
  ...runbook.filter((page) => page !== 'storage').map((page) => `docs/runbook/${page}.md`),
];
const MARKS = ['verified locally', 'synth only', 'needs an account'];
const COMMAND = /`((?:npx|npm|node|aws|curl|docker|kafka-|redis-|sqlite3)[^`]* [^`]*)`/g;

const all: { readonly page: string; readonly command: string; readonly mark: string }[] = [];
for (const page of pages)
  for (const line of (await readPage(page)).split('\n'))
    for (const [, command = ''] of line.matchAll(COMMAND)) {
      const mark = line.startsWith(`| \`${command}\``) ? (line.split('|').at(-2) ?? '').trim() : 'none';
      all.push({ page, command, mark });
    }

/** What was run by hand where this was written, or runs in the test that is named. */
const VERIFIED: Readonly<Record<string, string>> = {
  'npx cdk synth': 'infra/infra.int.test.ts makes the same templates',
  'npm test -- infra': 'itself',
  'npm run household': 'services/household.e2e.test.ts',
  'curl -s http://127.0.0.1:8080/readyz': 'services/api-operations.e2e.test.ts',
  'curl -s http://127.0.0.1:9090/metrics': 'services/api-operations.e2e.test.ts',
  'curl -s http://127.0.0.1:9090/admin/processors': 'services/api-operations.e2e.test.ts',
  'curl -s -X POST http://127.0.0.1:9090/admin/processors/concurrency/replay': 'services/replay.e2e.test.ts',
  'curl -s http://127.0.0.1:9090/admin/parked': 'services/api-operations.e2e.test.ts',
  'curl -s http://127.0.0.1:9090/admin/mode': 'services/api-policies.e2e.test.ts',
};

describe('the commands of operations', () => {
  it('each say how far they were tried: a command outside such a table is found', () => {
    expect(all.length).toBeGreaterThan(35);
    expect(all.filter(({ mark }) => !MARKS.includes(mark))).toEqual([]);
  });

  it('are verified locally only where something runs them', () => {
    const local = all.filter(({ mark }) => mark === 'verified locally').map(({ command }) => command);
    expect(local.filter((command) => !Object.keys(VERIFIED).some((known) => command.startsWith(known)))).toEqual([]);
    expect(Object.keys(VERIFIED).filter((known) => !local.some((command) => command.startsWith(known)))).toEqual([]);
  });

  it('need an account where they ask AWS', () => {
    const asks = all.filter(({ command }) => /^aws |cdk (diff|bootstrap)/.test(command));
    expect(asks.filter(({ mark }) => mark !== 'needs an account')).toEqual([]);
  });

  it('are nowhere in blocks, where no mark could stand', async () => {
    for (const page of pages) expect([page, /^```sh/m.test(await readPage(page))]).toEqual([page, false]);
  });
});
