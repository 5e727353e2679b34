import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startServer } from '../services/testing/server.ts';
import { startRun } from './players/run.ts';
import { openBrowser } from './stack/browser.ts';

/**
 * `node tools/screenshot.ts` makes the pictures of the live page in `docs/images`: a Playbeat of its own, players for three
 * minutes, and what a real Chromium then shows, wide and light, narrow and dark.
 */
const FOLDER = fileURLToPath(new URL('../docs/images', import.meta.url));
const PICTURES = [
  { file: 'live.png', viewport: { width: 1200, height: 1000 }, colorScheme: 'light' },
  { file: 'live-phone.png', viewport: { width: 360, height: 780 }, colorScheme: 'dark' },
] as const;
const SECONDS = 180;

const server = await startServer();
const browser = await openBrowser();
try {
  const pages = await Promise.all(
    PICTURES.map(async ({ file, ...look }) => {
      const page = await browser.newPage(look);
      await page.goto(`${server.url()}/`);
      return { file, page };
    }),
  );
  const run = startRun({
    url: server.url(),
    accounts: 120,
    minutes: (SECONDS + 30) / 60,
    limit: 2,
    rate: 2,
    seed: 1,
    speed: 1,
  });
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1_000));
  await mkdir(FOLDER, { recursive: true });
  for (const { file, page } of pages) await page.screenshot({ path: `${FOLDER}/${file}` });
  run.end();
  await run.finished;
} finally {
  await browser.close();
  await server.close();
}
