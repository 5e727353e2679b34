import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import type { Browser } from 'playwright-core';
import { send } from '../../services/testing/http.ts';
import { start } from '../../services/testing/player.ts';
import { makeFolder, type Server, startServer } from '../../services/testing/server.ts';
import { openBrowser } from '../../tools/stack/browser.ts';
import { fenceWith, readPage } from '../testing/fences.ts';

const bash = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const page = await readPage('docs/how-to/watch.md');

let server: Server;
let browser: Browser;
let folder: string;
beforeAll(async () => {
  [server, browser, folder] = await Promise.all([startServer(), openBrowser(), makeFolder()]);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('how to watch it', () => {
  it('serves the page from elsewhere by lines and a header that work', async () => {
    const site = join(folder, 'site');
    const here = (text: string): string => text.replaceAll('https://playbeat.example', server.url());
    const lines = here(fenceWith(page, 'sh', 'cp')).replaceAll(/(?<![\w/])site\b/g, site);
    await bash('bash', ['-ec', lines], { cwd: ROOT });
    const [name = '', value = ''] = here(fenceWith(page, 'text', 'content-security-policy')).split(/: (.*)/);
    const app = express();
    app.use(express.static(site, { setHeaders: (res) => void res.set(name, value) }));
    const elsewhere = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => elsewhere.once('listening', resolve));

    const shown = await browser.newPage();
    const complaints: string[] = [];
    shown.on('console', (message) => complaints.push(message.text()));
    await shown.goto(`http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`);
    await shown.locator('#state[data-state=connected]').waitFor();
    const body = start({ accountId: 'a-1', contentId: 'seen-from-elsewhere' });
    expect((await send(server.url(), { path: '/v1/sessions', body })).status).toBe(201);
    await shown.locator('#decisions li', { hasText: 'seen-from-elsewhere' }).waitFor();
    await shown.getByLabel('Account id').fill('a-1');
    await shown.getByRole('button', { name: 'Look up' }).click();
    await shown.locator('#found', { hasText: 'Streams that hold a slot: 1 of 2' }).waitFor();
    expect(complaints).toEqual([]);
    elsewhere.close();
    elsewhere.closeAllConnections();
  });
});
