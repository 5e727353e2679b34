import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ContentAudience, TrendingList } from '../../schemas/generated/http.ts';
import { epochMs, liveMs, MINUTE_MS } from '../../schemas/time.ts';
import type { Checkpoint, Row } from '../../shared/state/state.ts';
import { addPages } from '../pages.ts';
import { type Api, openApi } from '../testing/contract.ts';
import { openFront } from '../testing/front.ts';
import type { Response } from '../testing/http.ts';
import { type Audience, audience } from './audience.ts';
import { type Board, board } from './board.ts';
import { rankings } from './ranking.ts';
import { trendingRoutes } from './routes.ts';
import { nobodyAt, withPlace } from './stood.ts';
import { counted, NOON } from './testing/counted.ts';

/** The routes over HTTP, over a board that was told what a test says. */
let told: Board;
let isCaughtUp: boolean;
let checkpoint: Checkpoint | null;
let rows: Readonly<Record<string, Audience>>;
const FOLDED: Checkpoint = {
  offset: 1,
  clock: { liveMs: liveMs(0), appendedAtMs: epochMs(NOON + 1), heldUntilMs: epochMs(0) },
  control: { offset: 1, atMs: NOON + 1 },
  rebuild: null,
};
/** So many came at noon, and one an hour and a half before. */
const watchedBy = (viewers: number): Audience => {
  const at = (atMs: number) => ({
    minute: atMs / MINUTE_MS,
    counted: true,
    country: null,
    deviceType: 'tv',
    network: null,
  });
  let stood = withPlace(nobodyAt(NOON / MINUTE_MS), at(NOON - 90 * MINUTE_MS));
  for (let n = 0; n < viewers; n++) stood = withPlace(stood, at(NOON));
  const told = { saidLiveMs: null, changed: true, dueLiveMs: 0 };
  return { tenant: 'tenant', contentType: 'vod', stood, atMs: NOON, seen: [], ...told };
};

beforeEach(() => {
  [told, isCaughtUp, checkpoint, rows] = [board(), true, FOLDED, {}];
});

const routes = trendingRoutes({
  live: { isCaughtUp: () => isCaughtUp, board: { asOfMs: () => told.asOfMs() } },
  ranking: (asked) => rankings(told, 10)(asked),
  read: (partition, key) => {
    const state = partition === key.length ? rows[key] : undefined;
    const row: Row = { state, version: audience.stateVersion, dueMs: null };
    return { rows: [state === undefined ? null : row], checkpoint };
  },
  partitionOf: (key) => key.length,
});
const { url: at, close } = await openFront(routes, (app) => addPages(app, { routes }));
const url = (): string => at;
/** Each answer is held against the published document. */
const api: Api = await openApi({ url, adminUrl: url });
afterAll(close);

const get = (path: string): Promise<Response> => api.call({ path: `/v1/${path}` });
const listOf = async (query: string): Promise<TrendingList> => {
  const { status, json } = await get(`trending?${query}`);
  expect(status).toBe(200);
  return json as TrendingList;
};
const refused = async (path: string): Promise<unknown> => {
  const { status, json } = await get(path);
  const { errors } = json as { errors?: { path: string; code: string }[] };
  return [status, ...(errors ?? []).map((error) => `${error.path} ${error.code}`)];
};

describe('GET /v1/trending', () => {
  it('answers the first 20 of 5 minutes by audience, and as many as asked for', async () => {
    for (let i = 0; i < 120; i++) told.take(counted({ contentId: `c-${i}`, audience: [1, 10 + i, 1, 1] }), i);
    const { items, asOfMs } = await listOf('contentType=live');
    expect([items.length, asOfMs]).toEqual([20, NOON]);
    expect(items[0]).toEqual({
      contentId: 'c-119',
      rank: 1,
      previousRank: null,
      audience: 129,
      momentum: 1,
      suspiciousShare: 0,
    });
    expect((await listOf('contentType=live&limit=3')).items).toEqual(items.slice(0, 3));
    expect((await listOf('contentType=live&limit=100')).items).toHaveLength(100);
    expect((await listOf('contentType=live&window=1m')).items).toEqual([]);
    expect((await listOf('contentType=vod')).items).toEqual([]);
  });

  it('answers by momentum, for a country, and for a device type', async () => {
    told.take(counted({ contentId: 'a', momentum: 2, byCountry: { DE: 10 }, byDeviceType: { 'smart tv': 10 } }), 0);
    told.take(counted({ contentId: 'b', momentum: 3, audience: 20, byCountry: { FR: 20 } }), 1);
    const ids = async (query: string) => (await listOf(`contentType=live&${query}`)).items.map((one) => one.contentId);
    expect(await ids('by=momentum')).toEqual(['b', 'a']);
    expect(await ids('country=DE')).toEqual(['a']);
    expect(await ids('country=DE&by=momentum&window=1h')).toEqual(['a']);
    expect(await ids('deviceType=smart%20tv')).toEqual(['a']);
    expect(await ids('country=AT')).toEqual([]);
  });

  it('has nothing of another tenant', async () => {
    told.take(counted({ tenant: 'other' }), 0);
    expect((await listOf('contentType=live')).items).toEqual([]);
  });

  it('answers an empty list without a time while nothing has been counted', async () => {
    expect(await listOf('contentType=live')).toEqual({ items: [], asOfMs: null });
  });

  it('says what is wrong with a question', async () => {
    expect(await refused('trending')).toEqual([400, '/contentType REQUIRED']);
    expect(await refused('trending?contentType=film')).toEqual([400, '/contentType ENUM']);
    const wrong: readonly (readonly [string, string])[] = [
      ['window=2m', '/window ENUM'],
      ['by=rank', '/by ENUM'],
      ['by=momentum&window=24h', '/window ENUM'],
      ['country=de', '/country FORMAT'],
      ['country=DEU', '/country FORMAT'],
      ['country=', '/country FORMAT'],
      ['deviceType=', '/deviceType FORMAT'],
      [`deviceType=${'x'.repeat(129)}`, '/deviceType FORMAT'],
      ['country=DE&deviceType=tv', '/deviceType DUPLICATE'],
      ['limit=0', '/limit RANGE'],
      ['limit=101', '/limit RANGE'],
      ['limit=1.5', '/limit RANGE'],
    ];
    for (const [query, error] of wrong)
      expect([query, await refused(`trending?contentType=live&${query}`)]).toEqual([query, [400, error]]);
  });

  it('says WARMING until the board has all that was said, and serves an old list with its age after that', async () => {
    told.take(counted(), 0);
    isCaughtUp = false;
    expect((await get('trending?contentType=live')).json).toMatchObject({ code: 'WARMING', retryAfterMs: 1_000 });
    isCaughtUp = true;
    checkpoint = null;
    expect(await listOf('contentType=live')).toMatchObject({ items: [{ contentId: 'content' }], asOfMs: NOON });
  });
});

describe('GET /v1/contents/{contentId}/audience', () => {
  it('answers viewers and series of an hour, or of the window asked for', async () => {
    rows = { 'tenant/film 1': watchedBy(7) };
    const hour = (await get('contents/film%201/audience')).json as ContentAudience;
    expect([hour.viewers, hour.series.length, hour.series.at(-1)]).toEqual([7, 61, { atMs: NOON, viewers: 7 }]);
    const day = (await get('contents/film%201/audience?window=24h')).json as ContentAudience;
    expect([day.viewers, day.series.length]).toEqual([8, 97]);
  });

  it('ends at the time that its partition has come to, also where nobody has moved since', async () => {
    rows = { 'tenant/film-1': watchedBy(7), 'another/film-2': { ...watchedBy(7), tenant: 'another' } };
    expect((await get('contents/film-1/audience?window=1m')).json).toMatchObject({ viewers: 7, asOfMs: NOON + 1 });
    checkpoint = { ...FOLDED, control: { offset: 9, atMs: NOON + 2 * MINUTE_MS } };
    const { json } = await get('contents/film-1/audience?window=1m');
    expect(json).toMatchObject({ viewers: 0, asOfMs: NOON + 2 * MINUTE_MS });
    expect((await get('contents/film-2/audience?window=24h')).json).toMatchObject({ viewers: 0, series: [] });
  });

  it('answers 0 and an empty series for a content that nobody watched', async () => {
    const { status, json } = await get('contents/film-2/audience');
    expect([status, json]).toEqual([200, { viewers: 0, series: [], asOfMs: NOON + 1 }]);
  });

  it('refuses ids and windows that there are not, and says WARMING while its partition is made again', async () => {
    expect(await refused(`contents/${'x'.repeat(129)}/audience`)).toEqual([400, '/contentId FORMAT']);
    expect(await refused('contents/film-1/audience?window=60m')).toEqual([400, '/window ENUM']);
    for (const now of [null, { ...FOLDED, rebuild: { from: 0, to: 4 } }]) {
      checkpoint = now;
      expect((await get('contents/film-1/audience')).json).toMatchObject({ status: 503, code: 'WARMING' });
    }
  });
});
