import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HTTP_SCHEMAS } from '../../schemas/http-schemas.ts';
import { TABLES } from '../../schemas/tables.ts';
import { DAY_MS } from '../../schemas/time.ts';
import { send } from '../../services/testing/http.ts';
import { start } from '../../services/testing/player.ts';
import { type Server, startServer } from '../../services/testing/server.ts';
import { CONFIG_KEYS } from '../../shared/config/config-keys.ts';
import { exchangesOf, player } from '../testing/exchanges.ts';
import { fencesOf, fenceWith, readPage } from '../testing/fences.ts';

const bash = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const page = await readPage('docs/how-to/explain-a-decision.md');
const reference = await readPage('docs/reference/decisions.md');
type Properties = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
const propertiesOf = (schema: { readonly [keyword: string]: unknown }): Properties =>
  schema['properties'] as Properties;

let server: Server;
beforeAll(async () => {
  server = await startServer();
  const household = [
    ['s-1', 'tv', 'Living room', 'film-1'],
    ['s-2', 'tablet', 'Kitchen', 'film-2'],
    ['s-3', 'phone', 'Phone', 'film-3'],
  ] as const;
  for (const [sessionId, deviceType, deviceName, contentId] of household) {
    const device = { deviceId: `${deviceType}-1`, deviceType, deviceName };
    await send(server.url(), {
      path: '/v1/sessions',
      body: start({ accountId: 'house-7', sessionId, contentId, ...device }),
    });
  }
}, 60_000);
afterAll(() => server?.close());

describe('how to explain a decision', () => {
  it('shows the answer that support gets', async () => {
    const [exchange, ...others] = exchangesOf(fencesOf(page));
    if (exchange === undefined) throw new Error('the page shows no call');
    expect(others).toEqual([]);
    // The ledger is a moment behind the answer.
    const ask = async () => (await send(server.url(), { path: exchange.path })).json as { readonly items: unknown[] };
    while ((await ask()).items.length === 0);
    await player({ url: server.url(), adminUrl: server.adminUrl() }).play(exchange);
  });

  it('shows the table of a report, made by the line above it', async () => {
    const today = new Date().toISOString().slice(0, 10);
    const tomorrow = new Date(Date.parse(today) + DAY_MS).toISOString().slice(0, 10);
    const line = fenceWith(page, 'sh', 'npm run report').replace('npm run report', 'npm run --silent report');
    const here = line.replace('2026-11-23', tomorrow).replace('2026-11-22', today);
    const { stdout } = await bash('bash', ['-ec', `${here} --url ${server.adminUrl()}`], { cwd: ROOT });
    const shown = fenceWith(page, 'text', 'Decisions from');
    expect(stdout.trim().split('\n').slice(1)).toEqual(shown.split('\n').slice(1));
  });

  it('says what each outcome of a replay means', () => {
    const { properties } = propertiesOf(HTTP_SCHEMAS['kept-decision'])['explanation'] as { properties: Properties };
    for (const outcome of properties['replay']!['enum'] as readonly string[])
      expect(page).toContain(`| \`${outcome}\``);
  });
});

describe('docs/reference/decisions.md', () => {
  it('names each field of a decision and each figure of a report', () => {
    for (const name of Object.keys(propertiesOf(HTTP_SCHEMAS['kept-decision'])))
      expect(reference).toMatch(new RegExp(`^\\|.*\`${name}\`.*\\|`, 'm'));
    for (const name of Object.keys(propertiesOf(HTTP_SCHEMAS['decision-counts'])))
      expect(reference).toContain(`| \`${name}\``);
  });

  it('says for how long decisions are kept', () => {
    const { default: days, min, max } = CONFIG_KEYS.DECISION_LEDGER_DAYS;
    expect(reference).toContain(`\`DECISION_LEDGER_DAYS\` (${days}; ${min} to ${max})`);
    expect([TABLES.decisions.retentionMs, TABLES['decisions-by-day'].retentionMs]).toEqual([
      days * DAY_MS,
      days * DAY_MS,
    ]);
  });
});
