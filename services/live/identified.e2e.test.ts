import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../../tools/stack/browser.ts';
import { send } from '../testing/http.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { start } from '../testing/player.ts';
import { type Server, startServer } from '../testing/server.ts';

let issuer: Issuer;
let server: Server;
let browser: Browser;
let page: Page;
const asked: string[] = [];
beforeAll(async () => {
  issuer = await startIssuer();
  [server, browser] = await Promise.all([startServer(issuer.env), openBrowser()]);
  page = await browser.newPage({ viewport: { width: 360, height: 780 } });
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(`${server.url()}/`);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await server?.close();
  issuer?.close();
});

const give = async (token: string): Promise<void> => {
  await page.locator('#token').fill(token);
  await page.locator('#identify button').click();
};

describe('the live page, where callers are asked who they are', () => {
  it('asks for a token before it shows anything', async () => {
    await page.locator('#state[data-state=unidentified]').waitFor();
    expect(await page.locator('#identify').isVisible()).toBe(true);
    expect(await page.locator('#decisions li').count()).toBe(0);
  });

  it.each([
    ['that is none', () => Promise.resolve('not.a.token'), 'The call needs a token.'],
    ['of a player', () => issuer.sign({ account_id: 'house' }), 'The token is not enough for this call.'],
  ])('says what is wrong with a token %s, and asks again', async (_what, make, sentence) => {
    await give(await make());
    await page.locator('#identify-note', { hasText: sentence }).waitFor();
    expect(await page.locator('#identify').isVisible()).toBe(true);
  });

  it('moves with a service’s token, and looks accounts up with it', async () => {
    const token = await issuer.sign({ scope: 'playbeat:service' });
    await give(token);
    await page.locator('#state[data-state=connected]').waitFor();
    expect(await page.locator('#identify').isVisible()).toBe(false);
    const body = start({ accountId: 'house', sessionId: 'evening', contentId: 'the-film' });
    const headers = { authorization: `Bearer ${token}` };
    expect((await send(server.url(), { path: '/v1/sessions', body, headers })).status).toBe(201);
    await page.locator('#decisions li', { hasText: 'the-film' }).waitFor();
    await page.locator('#account').fill('house');
    await page.locator('#lookup button').click();
    await page.locator('#found li', { hasText: 'the-film' }).waitFor();
  });

  it('has the token in no address and in no part of the page', async () => {
    expect(await page.locator('#token').inputValue()).toBe('');
    expect(await page.evaluate('JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])')).toBe(
      '["",{},{}]',
    );
    for (const url of asked) expect(url).not.toMatch(/eyJ/);
  });

  it('goes on by itself when its connection was lost', async () => {
    await server.kill('SIGKILL');
    await page.locator('#state[data-state=lost]').waitFor();
    const { port } = new URL(server.url());
    await server.restart({ PORT: port });
    await page.locator('#state[data-state=connected]').waitFor();
  });
});
