import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ResumePosition, ResumePositionList } from '../../schemas/generated/http.ts';
import { accountKey } from '../../schemas/ids.ts';
import { MINUTE_MS } from '../../schemas/time.ts';
import { formatPosition, positionOf } from '../../shared/log/position.ts';
import { addPages } from '../pages.ts';
import { type Api, openApi } from '../testing/contract.ts';
import { openFront } from '../testing/front.ts';
import type { Request, Response } from '../testing/http.ts';
import { PUT_EVERY_MS } from './resume.ts';
import { resumeRoutes } from './routes.ts';
import { KEY, type Viewers, viewers } from './testing/viewers.ts';
import { householdReader } from './view.ts';

/** The routes over HTTP, and behind them the fold on a log in memory that is folded whenever somebody waits for it. */
let home: Viewers;
let isFolding = true;
let requests = 0;
const read = householdReader({ read: (_processor, _partition, keys) => home.driver.view(keys) });

const routes = resumeRoutes({
  read,
  table: {
    get: (keys) => home.driver.table.get(keys),
    list: (request) => home.driver.table.list(request),
  },
  waitFor: async (_partition, offset) => {
    if (isFolding) home.driver.fold();
    return (home.driver.view([]).checkpoint?.offset ?? 0) >= offset;
  },
  append: async (key, event) => ({ partition: 0, offset: home.driver.append(key, event) }),
  cursors: {
    write: (list, below) => Buffer.from(JSON.stringify({ ...list, below })).toString('base64url'),
    read: (text, { key, list }) => {
      if (!/^eyJ[\w-]+$/.test(text)) return null;
      const cursor = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, string>;
      return cursor['key'] === key && cursor['list'] === list ? (cursor['below'] ?? null) : null;
    },
  },
  accountKey: (_tenant, account) => accountKey(account === 'household' ? KEY : 'others'),
  partitionOf: () => 0,
  generation: 1,
  clock: () => home.driver.now(),
  nextRequestId: () => `r-${(requests += 1)}`,
});

const { url: at, close } = await openFront(routes, (app) => addPages(app, { routes }));
const url = (): string => at;
/** Each answer is held against the published document. */
const api: Api = await openApi({ url, adminUrl: url });

beforeEach(() => {
  home = viewers();
  isFolding = true;
  home.silence(1_000);
});
afterAll(close);

const LIST = '/v1/accounts/household/profiles/parent/resume-positions';
const call = (path: string, request: Partial<Request> = {}): Promise<Response> =>
  api.call({ path: `${LIST}${path}`, ...request });
const codeOf = ({ status, json }: Response): string => `${status} ${(json as { code?: string }).code}`;
const contentsOf = ({ json }: Response): readonly string[] =>
  (json as ResumePositionList).items.map(({ contentId }) => contentId);
const cursorOf = ({ json }: Response): string | null => (json as ResumePositionList).nextCursor;
const positionIn = ({ json }: Response): number => (json as ResumePosition).positionMs;

describe('GET of one content', () => {
  it('answers the position, from the state and, when that has let go of it, from the table', async () => {
    home.watch('tv', 0, 60);
    const first = await call('/film');
    expect([first.status, first.json]).toEqual([200, home.point()]);
    home.silence(PUT_EVERY_MS);
    home.driver.wipe();
    home.driver.trim(home.driver.log.length);
    home.silence(1_000);
    expect((await call('/film')).json).toEqual(first.json);
  });

  it('is 404 where there is none: never watched, too little, another profile, another account', async () => {
    home.watch('tv', 0, 60);
    home.watch('phone', 0, 10, { contentId: 'other' });
    for (const path of [
      `${LIST}/never`,
      `${LIST}/other`,
      '/v1/accounts/household/profiles/child/resume-positions/film',
      '/v1/accounts/neighbours/profiles/parent/resume-positions/film',
    ]) {
      expect(codeOf(await api.call({ path }))).toBe('404 NO_RESUME_POSITION');
    }
  });

  it('includes the position that `after` names, or says that it does not yet', async () => {
    home.watch('tv', 0, 60);
    const { driver } = home;
    const value = { ...callOf(), requestId: 'x' };
    const offset = driver.append(KEY, { type: 'ResumeHidden', value });
    const after = formatPosition(positionOf(0, offset));
    expect((await call('/film')).json).not.toHaveProperty('hidden');
    isFolding = false;
    expect(codeOf(await call(`/film?after=${after}`))).toBe('503 NOT_YET');
    isFolding = true;
    expect((await call(`/film?after=${after}`)).json).toHaveProperty('hidden', true);
    for (const wrong of ['x', '1.7.0', '9.0.0']) {
      expect(codeOf(await call(`/film?after=${wrong}`))).toBe('400 INVALID_POSITION');
    }
  });

  it('is 503 with the progress while state is made again', async () => {
    home.watch('tv', 0, 60);
    home.driver.wipe();
    home.driver.fold({ until: Math.floor(home.driver.log.length / 2) });
    const answer = await call('/film');
    expect(codeOf(answer)).toBe('503 WARMING');
    expect((answer.json as { progress: number }).progress).toBeCloseTo(0.5, 1);
    expect(codeOf(await call('/film/undo', { method: 'POST' }))).toBe('503 WARMING');
    expect(codeOf(await call(''))).toBe('503 WARMING');
  });

  it('refuses ids that are none', async () => {
    for (const id of ['x'.repeat(129), 'a%09b', '%00'])
      expect(codeOf(await call(`/${id}`))).toBe('400 VALIDATION_FAILED');
    expect((await call(`/${encodeURIComponent('📺/ä,b c')}`)).status).toBe(404);
  });
});

const callOf = () => ({
  tenant: 'tenant',
  profileId: 'parent',
  contentId: 'film',
  receivedAtMs: home.driver.now(),
  occurredAtMs: home.driver.now(),
  source: 'test',
});

describe('GET of the list', () => {
  const five = (): void => {
    for (let i = 0; i < 5; i++)
      home.watch(`s-${i}`, 0, 30, { contentId: `film-${i}`, seriesId: i < 2 ? 'series' : null });
    home.watch('end', 99 * MINUTE_MS, 30, { contentId: 'seen' });
  };

  it('is what to go on with, newest first, or all that was watched', async () => {
    five();
    expect(contentsOf(await call(''))).toEqual(['film-4', 'film-3', 'film-2', 'film-1', 'film-0']);
    expect(contentsOf(await call('?status=history'))).toEqual([
      'seen',
      'film-4',
      'film-3',
      'film-2',
      'film-1',
      'film-0',
    ]);
    expect(contentsOf(await call('?groupBy=series'))).toEqual(['film-4', 'film-3', 'film-2', 'film-1']);
  });

  it('comes in pages; a cursor is for its own list, profile and account', async () => {
    five();
    const first = await call('?limit=2');
    const cursor = cursorOf(first) ?? '';
    const second = await call(`?limit=2&cursor=${cursor}`);
    const third = await call(`?limit=2&cursor=${cursorOf(second)}`);
    expect([first, second, third].map(contentsOf)).toEqual([['film-4', 'film-3'], ['film-2', 'film-1'], ['film-0']]);
    expect(cursorOf(third)).toBeNull();
    for (const path of [
      `${LIST}?status=history&cursor=${cursor}`,
      `${LIST}?groupBy=series&cursor=${cursor}`,
      `${LIST}?cursor=made-up`,
      `/v1/accounts/household/profiles/child/resume-positions?cursor=${cursor}`,
      `/v1/accounts/neighbours/profiles/parent/resume-positions?cursor=${cursor}`,
    ]) {
      expect(codeOf(await api.call({ path }))).toBe('400 INVALID_CURSOR');
    }
  });

  it('answers up to 100 contents by name, in their order', async () => {
    five();
    expect(contentsOf(await call('?contentIds=film-0,never,seen&contentIds=film-3,film-0'))).toEqual([
      'film-0',
      'seen',
      'film-3',
    ]);
    const ids = (n: number): string => Array.from({ length: n }, (_, i) => `film-${i}`).join();
    expect(contentsOf(await call(`?contentIds=${ids(100)}`)).length).toBe(5);
    expect(codeOf(await call(`?contentIds=${ids(101)}`))).toBe('400 VALIDATION_FAILED');
  });

  it('refuses what is no choice of its own', async () => {
    for (const query of [
      'limit=0',
      'limit=101',
      'limit=1.5',
      'limit=',
      'status=finished',
      'groupBy=genre',
      'contentIds=',
      'contentIds=a,,b',
    ]) {
      expect([query, codeOf(await call(`?${query}`))]).toEqual([query, '400 VALIDATION_FAILED']);
    }
  });
});

describe('DELETE', () => {
  it('takes the content off the list at once, until it is played again', async () => {
    home.watch('tv', 0, 60);
    expect((await call('/film', { method: 'DELETE' })).status).toBe(204);
    expect(contentsOf(await call(''))).toEqual([]);
    expect((await call('/film')).json).toMatchObject({ hidden: true, positionMs: 60_000 });
    home.silence(1_000);
    home.watch('tv', 60_000, 10);
    expect(contentsOf(await call(''))).toEqual(['film']);
  });

  it('is 204 again, for a content that was never watched, and when it is stored and not folded yet', async () => {
    isFolding = false;
    for (const content of ['film', 'film', 'never']) {
      expect((await call(`/${content}`, { method: 'DELETE' })).status).toBe(204);
    }
  });
});

describe('POST undo', () => {
  const undo = (key?: string): Promise<Response> =>
    call('/film/undo', { method: 'POST', ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }) });

  it('answers the position before the last session, and the same again to the same request', async () => {
    home.watch('tv', 50 * MINUTE_MS, 60);
    home.watch('child', 0, 60);
    const answers = [await undo('k-1'), await undo('k-1')];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.map(positionIn)).toEqual([51 * MINUTE_MS, 51 * MINUTE_MS]);
    expect(codeOf(await undo('k-2'))).toBe('409 NOTHING_TO_UNDO');
    expect(codeOf(await undo())).toBe('409 NOTHING_TO_UNDO');
  });

  it('is 204 where there was none before, and 404 where there is none at all', async () => {
    expect(codeOf(await undo())).toBe('404 NO_RESUME_POSITION');
    home.watch('autoplay', 0, 60);
    expect((await undo()).status).toBe(204);
    expect(codeOf(await call('/film'))).toBe('404 NO_RESUME_POSITION');
  });

  it('is 503 while it is stored and not done; asked again with its key it is done once', async () => {
    home.watch('tv', 50 * MINUTE_MS, 60);
    home.watch('child', 0, 60);
    isFolding = false;
    expect(codeOf(await undo('k-1'))).toBe('503 NOT_YET');
    isFolding = true;
    const answer = await undo('k-1');
    expect([answer.status, positionIn(answer)]).toEqual([200, 51 * MINUTE_MS]);
  });

  it('refuses a key that is too long', async () => {
    expect(codeOf(await undo('k'.repeat(129)))).toBe('400 VALIDATION_FAILED');
  });
});
