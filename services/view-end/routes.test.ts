import { describe, expect, it } from '@jest/globals';
import type { View, ViewList } from '../../schemas/generated/http.ts';
import { HTTP_SCHEMAS } from '../../schemas/http-schemas.ts';
import { accountKey } from '../../schemas/ids.ts';
import { type Call, ProblemError } from '../../shared/http/call.ts';
import type { Checkpoint } from '../../shared/state/state.ts';
import { viewRoutes, type ViewsApi } from './routes.ts';
import { evening, KEY, type Evening } from './testing/evening.ts';
import { householdReader } from './view.ts';

const cursors: ViewsApi['cursors'] = {
  write: ({ key }, below) => `${key}/${below}`,
  read: (text, { key }) => (text.startsWith(`${key}/`) ? text.slice(key.length + 1) : null),
};

/** The calls of these routes, without a server: an answer, or the code of a problem. */
const caller = (home: Evening, more: Partial<ViewsApi> = {}) => {
  const api: ViewsApi = {
    read: householdReader({ read: (_processor, _partition, keys) => home.driver.view(keys) }),
    reached: async (_partition, offset) => (home.driver.view([]).checkpoint?.offset ?? 0) >= offset,
    table: home.driver.table,
    cursors,
    accountKey: (_tenant, accountId) => accountKey(accountId),
    partitionOf: () => 0,
    generation: 1,
    ...more,
  };
  const [one, list] = viewRoutes(api);
  const answer = async (route: typeof one, params: Record<string, string>, query: string): Promise<unknown> => {
    // What a handler of these routes reads of a call.
    const call = { params, query: new URLSearchParams(query), path: '', requestId: '' } as unknown as Call;
    try {
      return (await route?.handle(call))?.body;
    } catch (error) {
      if (error instanceof ProblemError) return error.code;
      throw error;
    }
  };
  return {
    one: (sessionId: string, query = `accountId=${KEY}`) => answer(one, { sessionId }, query) as Promise<View>,
    list: (query = '', accountId = KEY) => answer(list, { accountId }, query) as Promise<ViewList>,
  };
};
const ids = ({ items }: ViewList): readonly string[] => items.map((v) => v.sessionId);

describe('GET /v1/views/{sessionId}', () => {
  it('answers the view as it stands: open, provisional, final, and from the table when the state has forgotten it', async () => {
    const home = evening();
    const call = caller(home);
    home.start('tv');
    home.play('tv', 30);
    expect(await call.one('tv')).toMatchObject({ status: 'open', revision: 0, watchedMs: 20_000, endedAtMs: null });
    home.silence(35);
    expect(await call.one('tv')).toMatchObject({ status: 'provisional', reason: 'silent' });
    home.silence(600);
    const final = await call.one('tv');
    expect(final).toMatchObject({ status: 'final' });
    home.silence(600);
    expect([home.driver.state(KEY), await call.one('tv')]).toEqual([undefined, final]);
  });

  it('answers what a view has and nothing that the row keeps beside it, like the list', async () => {
    const home = evening();
    const call = caller(home);
    const fields = Object.keys(HTTP_SCHEMAS.view['properties'] as object).sort();
    home.start('tv');
    home.beat('tv', { state: 'ended' });
    for (const seconds of [0, 600]) {
      home.silence(seconds);
      const { items } = await call.list();
      expect([await call.one('tv'), ...items].map((view) => Object.keys(view).sort())).toEqual([fields, fields]);
    }
    expect([home.driver.state(KEY), Object.keys(home.row('tv')?.item ?? {})]).toEqual([
      undefined,
      ['format', 'view', 'kept'],
    ]);
  });

  it('answers 404 for a session that the account does not have, and for one of another account', async () => {
    const home = evening();
    home.start('tv');
    expect(await caller(home).one('phone')).toBe('VIEW_NOT_FOUND');
    expect(await caller(home).one('tv', 'accountId=other')).toBe('VIEW_NOT_FOUND');
  });

  it('answers the view of the state where a late beat has brought it back from the table, and lists it once', async () => {
    const home = evening();
    home.start('tv');
    home.play('tv', 100);
    home.hours(25);
    home.beat('tv', { sequence: 20, ageMs: 3_600_000 });
    expect([home.kept(), home.stored('tv')?.beatsReceived]).toEqual([['tv'], 11]);
    expect(await caller(home).one('tv')).toMatchObject({ status: 'final', partial: false, beatsReceived: 12 });
    expect((await caller(home).list()).items).toMatchObject([{ partial: false, beatsReceived: 12 }]);
  });

  it('refuses ids that are too long, and asks for the account', async () => {
    const call = caller(evening());
    expect(await call.one('x'.repeat(129))).toBe('VALIDATION_FAILED');
    expect(await call.one('tv', '')).toBe('VALIDATION_FAILED');
  });

  it('includes the position named in after, or says that it does not yet', async () => {
    const home = evening();
    home.start('tv');
    const call = caller(home);
    expect(await call.one('tv', `accountId=${KEY}&after=1.0.0`)).toMatchObject({ status: 'open' });
    expect(await call.one('tv', `accountId=${KEY}&after=1.0.7`)).toBe('NOT_YET');
    expect(await call.one('tv', `accountId=${KEY}&after=1.1.0`)).toBe('INVALID_POSITION');
  });

  it('says WARMING while its partition is being made again, and before it has folded anything', async () => {
    const home = evening();
    home.start('tv');
    const { checkpoint } = home.driver.view([KEY]);
    for (const now of [null, { ...(checkpoint as Checkpoint), rebuild: { from: 0, to: 9 } }]) {
      const call = caller(home, { read: () => ({ household: undefined, checkpoint: now }) });
      expect([await call.one('tv'), await call.list()]).toEqual(['WARMING', 'WARMING']);
    }
  });
});

describe('GET /v1/accounts/{accountId}/views', () => {
  /** 12 views: 4 in the table alone, 6 in both, the newest final one open again, and one that has never ended. */
  const full = (): Evening => {
    const home = evening();
    for (let i = 0; i < 11; i++) {
      home.start(`s-${i}`);
      home.play(`s-${i}`, 20);
      home.beat(`s-${i}`, { state: 'ended' });
      if (i === 3) home.silence(600);
    }
    home.start('s-11');
    home.silence(10);
    home.beat('s-10');
    return home;
  };
  const newest = ['s-10', 's-11', 's-9', 's-8', 's-7', 's-6', 's-5', 's-4', 's-3', 's-2', 's-1', 's-0'];

  it('lists what is in the state and what is in the table, newest end first, each once', async () => {
    const home = full();
    expect(home.kept()).toHaveLength(8);
    const { items, nextCursor } = await caller(home).list();
    expect(items.map((v) => v.sessionId)).toEqual(newest);
    expect(items.slice(0, 3).map((v) => v.status)).toEqual(['open', 'open', 'final']);
    expect(nextCursor).toBeNull();
  });

  it.each([1, 2, 3, 5, 11, 12, 100])('gives all of it in pages of %p', async (limit) => {
    const call = caller(full());
    const pages: ViewList[] = [];
    for (let cursor: string | null = ''; cursor !== null; cursor = pages.at(-1)!.nextCursor)
      pages.push(await call.list(`limit=${limit}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`));
    expect(pages.flatMap(ids)).toEqual(newest);
    expect(pages).toHaveLength(Math.ceil(12 / limit));
  });

  it('orders views that ended together as the table does, by bytes', async () => {
    const home = evening();
    for (const id of ['\uFF5E', '\u{1F600}']) home.start(id);
    home.silence(10);
    for (const id of ['\uFF5E', '\u{1F600}']) home.beat(id, { state: 'ended' });
    expect(ids(await caller(home).list())).toEqual(['\u{1F600}', '\uFF5E']);
  });

  it('has nothing for an account that nobody knows', async () => {
    expect(await caller(full()).list('', 'nobody')).toEqual({ items: [], nextCursor: null });
  });

  it('refuses limits out of 1 to 100, and cursors of another list', async () => {
    const call = caller(full());
    for (const limit of ['0', '101', '-1', 'x', '1.5', ''])
      expect(await call.list(`limit=${limit}`)).toBe('VALIDATION_FAILED');
    expect(await call.list('cursor=other%2F1')).toBe('INVALID_CURSOR');
    expect(await call.list('', 'x'.repeat(129))).toBe('VALIDATION_FAILED');
  });
});
