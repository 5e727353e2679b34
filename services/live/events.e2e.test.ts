import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { send } from '../testing/http.ts';
import { beat, newAccount, start } from '../testing/player.ts';
import { runToEnd, type Server, startServer } from '../testing/server.ts';
import { openLive } from '../testing/live-front.ts';
import { until, type Watcher, watchLive } from '../testing/live-watcher.ts';

const NOTHING = { history: () => [], totals: () => ({ atMs: 0, live: 0, vod: 0 }), top: () => [] };

describe('/live/events of a running Playbeat', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  it('begins with how long to wait, the sentences of all reasons, and the health of each partition', async () => {
    const watcher = await watchLive(server.url());
    await until(() => watcher.events('health').length > 0);
    expect(watcher.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
    });
    expect(watcher.text()).toMatch(/^retry: 1000\n\n/);
    expect(watcher.events('hello')).toEqual([expect.objectContaining({ countsAudience: true })]);
    const [{ processors }] = watcher.events('health') as [
      { processors: readonly { partitions: readonly unknown[] }[] },
    ];
    for (const { partitions } of processors) {
      expect(partitions).toHaveLength(4);
      for (const one of partitions)
        expect(one).toEqual({
          partition: expect.any(Number),
          state: expect.stringMatching(/running|warming/),
          progress: expect.any(Number),
          lag: expect.any(Number),
        });
    }
    watcher.close();
  });

  it('counts every decision of a crowd, and names at most 50 at a time', async () => {
    const watcher = await watchLive(server.url());
    await until(() => watcher.events('health').length > 1);
    const starts = Array.from({ length: 300 }, () => start({ accountId: newAccount() }));
    const answers = await Promise.all(starts.map((body) => send(server.url(), { path: '/v1/sessions', body })));
    const admitted = answers.filter(({ status }) => status === 201).length;
    expect(admitted).toBeGreaterThan(0);
    type News = { counts: { admitted?: number }; items: readonly unknown[] };
    const news = () => watcher.events('decisions') as readonly News[];
    const sum = () => news().reduce((all, { counts }) => all + (counts.admitted ?? 0), 0);
    await until(() => sum() >= admitted);
    expect(sum()).toBe(admitted);
    for (const { items } of news()) expect(items.length).toBeLessThanOrEqual(50);
    watcher.close();
  });

  it('has room for 100: the 101st gets 503 OVERLOADED, until one of them goes', async () => {
    const watchers: Watcher[] = [];
    for (let i = 0; i < 100; i++) watchers.push(await watchLive(server.url()));
    expect(new Set(watchers.map(({ response }) => response.statusCode))).toEqual(new Set([200]));
    const more = await send(server.url(), { path: '/live/events' });
    expect([more.status, more.json]).toEqual([503, expect.objectContaining({ code: 'OVERLOADED' })]);
    expect(more.headers['retry-after']).toBe('10');
    // Those who do not watch are served all the same.
    const answer = await send(server.url(), { path: '/v1/heartbeats', body: beat({ accountId: newAccount() }) });
    expect(answer.status).toBe(202);
    watchers.pop()?.close();
    await until(async () => {
      const next = await watchLive(server.url());
      watchers.push(next);
      return next.response.statusCode === 200;
    });
    watchers.forEach((watcher) => watcher.close());
  });

  it('ends at SIGTERM, and the process with 0, though somebody watches', async () => {
    const watcher = await watchLive(server.url());
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    await until(watcher.isOver);
    // Whole, and not cut: so its last chunk has come.
    expect(watcher.response.complete).toBe(true);
    await server.restart();
  });
});

describe('LIVE_PAGE', () => {
  it('off leaves neither page nor events', async () => {
    const server = await startServer({ LIVE_PAGE: 'off' });
    try {
      for (const path of ['/', '/live/events', '/live/page.js'])
        expect([path, (await send(server.url(), { path })).status]).toEqual([path, 404]);
      expect((await send(server.url(), { path: '/docs' })).status).toBe(200);
      expect(server.output()).not.toContain('"live"');
    } finally {
      await server.close();
    }
  });

  it('is on or off', async () => {
    const { code, stderr } = await runToEnd({ LIVE_PAGE: 'yes' });
    expect([code, stderr.trim()]).toEqual([1, 'LIVE_PAGE="yes" is not on, off']);
  });
});

describe('the files of the page', () => {
  it('come with a policy that lets nothing in from elsewhere, and nothing beside them comes', async () => {
    const { url, close } = await openLive(NOTHING);
    for (const path of ['/', '/live/page.js', '/live/uplot/uPlot.esm.js']) {
      const { status, headers } = await send(url, { path });
      expect([path, status]).toEqual([path, 200]);
      expect(headers['content-security-policy']).toMatch(/^default-src 'self';/);
    }
    for (const path of [
      '/live/../index.html',
      '/live/%2e%2e/index.html',
      '/live/..%2findex.html',
      '/live/uplot/../package.json',
    ])
      expect((await send(url, { path })).status).toBeGreaterThanOrEqual(400);
    await close();
  });
});

describe('a watcher', () => {
  it('that does not read is let go, and the others are not', async () => {
    let told = 0;
    // Each time others, and about 100 KB of them: the system takes some megabytes before anything is left unread.
    const top = () =>
      Array.from({ length: 250 }, () => ({ ...ROW, contentId: 'c'.repeat(128), audience: (told += 1) }));
    const { turn, url, connections, close } = await openLive({ ...NOTHING, top });
    const reader = await watchLive(url);
    const { hostname, port } = new URL(url);
    const sleeper = connect({ host: hostname, port: Number(port) });
    sleeper.on('error', () => {});
    sleeper.pause();
    sleeper.write('GET /live/events HTTP/1.1\r\nhost: a\r\n\r\n');
    await until(async () => (await connections()) === 2);
    // Beyond what any system takes, it would be kept for ever.
    for (let rounds = 0; rounds < 300 && (await connections()) === 2; rounds++) {
      const read = reader.text().length;
      turn(10);
      await until(() => reader.text().length > read + 50_000);
    }
    expect(await connections()).toBe(1);
    expect(reader.isOver()).toBe(false);
    sleeper.destroy();
    reader.close();
    await close();
  });

  it('takes one place, however often it asks over its connection', async () => {
    const { url, close } = await openLive(NOTHING);
    const { hostname, port } = new URL(url);
    const greedy = connect({ host: hostname, port: Number(port) });
    greedy.on('error', () => {});
    greedy.resume();
    greedy.write('GET /live/events HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(100));
    const watchers: Watcher[] = [];
    for (let i = 0; i < 99; i++) watchers.push(await watchLive(url));
    expect(watchers.map(({ response }) => response.statusCode)).toEqual(watchers.map(() => 200));
    expect((await send(url, { path: '/live/events' })).status).toBe(503);
    greedy.destroy();
    watchers.forEach((watcher) => watcher.close());
    await close();
  });

  it('of an audience is told the hour before, then each second, and ranks when they change', async () => {
    let ranked = [ROW];
    const point = { atMs: 20_000, live: 3, vod: 4 };
    const { turn, url, close } = await openLive({
      history: () => [{ ...point, atMs: 10_000 }],
      totals: () => point,
      top: (contentType) => (contentType === 'live' ? ranked : []),
    });
    const watcher = await watchLive(url);
    await until(() => watcher.events('trending').length === 1);
    turn(40);
    await until(() => watcher.text().includes(': alive'));
    const [hour, ...seconds] = watcher.events('audience');
    expect(hour).toEqual({ points: [{ atMs: 10_000, live: 3, vod: 4 }] });
    expect(seconds).toEqual(Array(20).fill({ points: [point] }));
    expect(watcher.events('health')).toHaveLength(1 + 10);
    const before = watcher.events('trending').length;
    ranked = [{ ...ROW, rank: 2, previousRank: 1 }];
    turn(20);
    await until(() => watcher.events('audience').length === 31);
    expect(watcher.events('trending').slice(before)).toEqual([{ live: ranked, vod: [] }]);
    await close();
  });
});

const ROW = { contentId: 'news', rank: 1, previousRank: null as number | null, audience: 3, momentum: 0 };
