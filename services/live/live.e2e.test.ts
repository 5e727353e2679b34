import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../../tools/stack/browser.ts';
import { send } from '../testing/http.ts';
import { beat, start } from '../testing/player.ts';
import { type Server, startServer } from '../testing/server.ts';
import { contrasts, documentText } from '../testing/looks.ts';
import { until, type Watcher, watchLive } from '../testing/live-watcher.ts';

/** Whoever sees the page may not learn any of these; all of them have it in their names. */
const SECRET = 'nobody-may-see';
const accountId = `account-that-${SECRET}`;
const ids = (name: string) => ({
  accountId,
  sessionId: `session-that-${SECRET}-${name}`,
  profileId: `profile-that-${SECRET}-${name}`,
  deviceId: `device-that-${SECRET}-${name}`,
});
/** The longest that there may be, without a place to break it. */
const LONG = 'x'.repeat(128);

let server: Server;
let browser: Browser;
let page: Page;
let watcher: Watcher;
const complaints: string[] = [];
const asked: string[] = [];

const begin = async (name: string, fields: object): Promise<number> => {
  const answer = await send(server.url(), { path: '/v1/sessions', body: start({ ...ids(name), ...fields }) });
  return answer.status;
};

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), openBrowser()]);
  page = await browser.newPage({ viewport: { width: 360, height: 780 } });
  page.on('console', (message) => {
    if (message.type() !== 'log') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => asked.push(request.url()));
  watcher = await watchLive(server.url());
  await page.goto(`${server.url()}/`);
  await page.locator('#state[data-state=connected]').waitFor();
}, 60_000);
afterAll(async () => {
  watcher?.close();
  await browser?.close();
  await server?.close();
});

describe('the live page of a Playbeat in which nothing has happened yet', () => {
  /** Of fewer viewers than this nothing is ranked. */
  const HOUSEHOLDS = 10;
  const IN_TIME = { timeout: 10_000 };
  const CHANNEL = 'channel-of-ten';
  const acknowledged = async (sequence: number): Promise<void> => {
    const names = Array.from({ length: HOUSEHOLDS }, (_, n) => `of-ten-${n}`);
    const beats = names.map((id) =>
      beat({ accountId: id, sessionId: id, sequence, contentId: CHANNEL, contentType: 'live' }),
    );
    const answers = await Promise.all(beats.map((body) => send(server.url(), { path: '/v1/heartbeats', body })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  };

  it('waits for the first figures, decisions and view ends', async () => {
    for (const part of ['viewers', 'trending', 'decisions', 'views'])
      expect(await page.locator(`#${part}-note`).isVisible()).toBe(true);
  });

  it('shows 10 decisions within 10 s of the first beats of 10 households', async () => {
    await acknowledged(1);
    await page
      .locator('#decisions li', { hasText: CHANNEL })
      .nth(HOUSEHOLDS - 1)
      .waitFor(IN_TIME);
    expect(await page.locator('#decisions li', { hasText: 'admitted' }).count()).toBe(HOUSEHOLDS);
  });

  it('shows viewers within 10 s of the beats that say that it plays on, and within 15 s that all 10 watch the channel', async () => {
    await acknowledged(2);
    const [ranked] = await Promise.all([
      page.locator('#trending-live li', { hasText: CHANNEL }).innerText({ timeout: 15_000 }),
      page.locator('#viewers-legend', { hasText: /live [1-9]/ }).waitFor(IN_TIME),
      page.locator('#viewers[aria-label^="Concurrent viewers, now: live "]').waitFor(IN_TIME),
    ]);
    // It is new until the next minute begins.
    expect(ranked.replaceAll(/\s+/g, ' ')).toMatch(/^1 channel-of-ten (new|same) 10 viewers$/);
    expect(await page.locator('#viewers-note').isVisible()).toBe(false);
  });
});

describe('the live page in Chromium', () => {
  beforeAll(async () => {
    expect(await begin('1', { contentId: LONG, deviceType: 'tv' })).toBe(201);
    expect(await begin('2', { contentId: '<img src=x onerror=alert(1)>', contentType: 'live' })).toBe(201);
    expect(await begin('3', { contentId: 'film-3', deviceType: 'phone' })).toBe(409);
    const path = `/v1/sessions/${ids('1').sessionId}/stop`;
    expect((await send(server.url(), { path, body: { accountId } })).status).toBe(202);
  });

  it('shows each decision with its reason: two in, the third refused and why', async () => {
    const refused = page.locator('#decisions li', { hasText: 'refused' });
    await refused.waitFor();
    expect(await refused.innerText()).toMatch(
      /film-3, vod, phone[^]*household [\w-]{6}…[^]*LIMIT_REACHED: Too many streams are running on this account\./,
    );
    for (const contentId of [LONG, '<img'])
      await page.locator('#decisions li', { hasText: 'admitted' }).filter({ hasText: contentId }).waitFor();
    await page.locator('#decisions li', { hasText: 'stopped' }).waitFor();
  });

  it('shows what is in a name as text', async () => {
    await page.locator('#decisions li', { hasText: '<img src=x onerror=alert(1)>, live' }).waitFor();
    expect(await page.locator('main img').count()).toBe(0);
  });

  it('draws the decisions of each second, and says their number in words', async () => {
    expect(await page.locator('#rate canvas').count()).toBe(1);
    await until(async () => /^Decisions per second, now: admitted/.test((await label('#rate')) ?? ''));
  });

  it('shows a view end with its reason', async () => {
    await page.locator('#views li', { hasText: 'over: stopped' }).waitFor();
  });

  it('shows each processor with its four partitions', async () => {
    await page.locator('#health li').nth(5).waitFor();
    for (const name of ['concurrency', 'resume-position', 'view-end', 'trending', 'audience', 'decision-ledger']) {
      const text = await page.locator('#health li', { has: page.getByText(name, { exact: true }) }).innerText();
      expect(text).toMatch(/running[^]*lag \d+[^]*p0: \d+\s*p1: \d+\s*p2: \d+\s*p3: \d+/);
    }
  });

  it('looks an account up: its stream, and why another one was refused', async () => {
    await page.getByLabel('Account id').fill(accountId);
    await page.getByRole('button', { name: 'Look up' }).click();
    const found = page.locator('#found');
    await found.getByText('Streams that hold a slot: 1 of 2').waitFor();
    const refused = found.locator('li', { hasText: 'refused' });
    expect(await refused.innerText()).toMatch(/film-3, phone[^]*LIMIT_REACHED: Too many streams/);
    const over = found.locator('li', { hasText: LONG });
    expect(await over.innerText()).toMatch(/over[^]*STOPPED: This stream has ended\./);
    expect(await documentText(page)).not.toContain(SECRET);
  });

  it('says what is wrong where an account cannot be looked up', async () => {
    await page.getByLabel('Account id').fill('/');
    await page.route('**/v1/accounts/**', (route) => route.abort());
    await page.getByRole('button', { name: 'Look up' }).click();
    await page.locator('#found', { hasText: 'Failed to fetch' }).waitFor();
    await page.unroute('**/v1/accounts/**');
    complaints.length = 0;
  });

  it('has no id of an account, profile, device or session in it, and neither has what it is made from', async () => {
    await until(() => /LIMIT_REACHED/.test(watcher.text()) && /"stopped"/.test(watcher.text()));
    expect(watcher.text()).not.toContain(SECRET);
    expect(await documentText(page)).not.toContain(SECRET);
  });

  it.each(['light', 'dark'] as const)(
    'stands out from its ground by 4.5 or more when it is %s',
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      const all = await contrasts(page);
      expect(all.length).toBeGreaterThan(30);
      expect(all.filter(({ ratio }) => ratio < 4.5)).toEqual([]);
    },
  );

  it('stands still while it is held, and then shows what came', async () => {
    const hold = page.getByRole('button', { name: 'Hold' });
    await hold.click();
    expect(await begin('4', { contentId: 'while-held' })).toBe(201);
    await until(() => watcher.text().includes('while-held'));
    await page.waitForTimeout(1_500);
    expect(await page.locator('#decisions li', { hasText: 'while-held' }).count()).toBe(0);
    await hold.click();
    await page.locator('#decisions li', { hasText: 'while-held' }).waitFor();
  });

  it('asks nobody else for anything, and nothing of it breaks its own rules', () => {
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((url) => !url.startsWith(`${server.url()}/`))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('goes on by itself when the server was away', async () => {
    const { port } = new URL(server.url());
    await server.kill('SIGTERM');
    await page.locator('#state[data-state=lost]').waitFor();
    await server.restart({ PORT: port });
    await page.locator('#state[data-state=connected]').waitFor();
    expect(await begin('5', { contentId: 'after-the-restart' })).toBe(409);
    await page.locator('#decisions li', { hasText: 'after-the-restart' }).waitFor();
  });
});

const label = (place: string): Promise<string | null> => page.locator(place).getAttribute('aria-label');
