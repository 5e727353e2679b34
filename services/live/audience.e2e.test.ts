import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../../tools/stack/browser.ts';
import type { AudiencePoint, RankedContent } from './live.ts';
import { openLive } from '../testing/live-front.ts';
import { until } from '../testing/live-watcher.ts';

const row = (contentId: string, rank: number, previousRank: number | null): RankedContent => ({
  contentId,
  rank,
  previousRank,
  audience: 100 - rank,
  momentum: 0,
});

let totals: AudiencePoint = { atMs: 1_800_000_010_000, live: 12, vod: 34 };
let live: Awaited<ReturnType<typeof openLive>>;
let browser: Browser;
let page: Page;
beforeAll(async () => {
  browser = await openBrowser();
  live = await openLive({
    history: () => [{ atMs: 1_800_000_000_000, live: 5, vod: 6 }, totals],
    totals: () => totals,
    top: (contentType) =>
      contentType === 'live' ? [row('news', 1, 3), row('sport', 2, 1), row('quiz', 3, null), row('talk', 4, 4)] : [],
  });
  page = await browser.newPage();
  await page.goto(`${live.url}/`);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await live?.close();
});

describe('the audience on the live page', () => {
  it('is drawn over time, and its newest figures stand in words', async () => {
    await page.locator('#viewers-legend', { hasText: 'live 12' }).waitFor();
    expect(await page.locator('#viewers').getAttribute('aria-label')).toBe(
      'Concurrent viewers, now: live 12, on demand 34',
    );
    expect(await page.locator('#viewers-note').isVisible()).toBe(false);
    totals = { atMs: 1_800_000_020_000, live: 13, vod: 35 };
    live.turn(20);
    await page.locator('#viewers-legend', { hasText: 'live 13' }).waitFor();
  });

  it('is ranked: up by 2, down by 1, new, and the same', async () => {
    await until(async () => (await page.locator('#trending-live li').count()) === 4);
    const rows = await page.locator('#trending-live li').allInnerTexts();
    expect(rows.map((text) => text.replaceAll(/\s+/g, ' '))).toEqual([
      '1 news ▲ up 2 99 viewers',
      '2 sport ▼ down 1 98 viewers',
      '3 quiz new 97 viewers',
      '4 talk same 96 viewers',
    ]);
  });

  it('is nowhere to be seen where nobody counts it, and the page says so', async () => {
    const uncounted = await openLive(null);
    await page.goto(`${uncounted.url}/`);
    await page.locator('#viewers-note', { hasText: 'Not running here.' }).waitFor();
    await page.locator('#trending-note', { hasText: 'Not running here.' }).waitFor();
    for (const place of ['#viewers', '#viewers-legend', '#trending'])
      expect(await page.locator(place).isVisible()).toBe(false);
    await uncounted.close();
  });
});
