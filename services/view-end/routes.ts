import type { ViewList } from '../../schemas/generated/http.ts';
import type { AccountKey } from '../../schemas/ids.ts';
import { AFTER_QUERY, readAfter, refuseWarming } from '../../shared/http/after.ts';
import { type Call, ProblemError, type Reply, tenantOf } from '../../shared/http/call.ts';
import { cursorIn, limitIn, PAGE_QUERY } from '../../shared/http/list.ts';
import type { Route } from '../../shared/http/route.ts';
import type { Cursors } from '../../shared/table/cursor.ts';
import { findView, type HouseholdReader, listViews, type Seen, type ViewTable } from './view.ts';

export type ViewsApi = {
  readonly read: HouseholdReader;
  /** Resolves true once the fold has reached the offset. */
  readonly reached: (partition: number, offset: number) => Promise<boolean>;
  readonly table: ViewTable;
  readonly cursors: Cursors;
  readonly accountKey: (tenant: string, accountId: string) => AccountKey;
  readonly partitionOf: (key: AccountKey) => number;
  /** Of the log. */
  readonly generation: number;
};

const PROBLEMS = ['VALIDATION_FAILED', 'INVALID_POSITION', 'NOT_YET', 'WARMING', 'STORE_UNAVAILABLE'] as const;

export const viewRoutes = (api: ViewsApi): readonly Route[] => [
  {
    method: 'GET',
    path: '/v1/views/{sessionId}',
    operationId: 'getView',
    summary: 'One viewing: how much was watched, and when and how it ended.',
    port: 'public',
    callers: ['player', 'service'],
    touches: 'account-in-query',
    query: [{ name: 'accountId', description: 'The household.', required: true }, AFTER_QUERY],
    responses: { 200: 'view' },
    problems: [...PROBLEMS, 'VIEW_NOT_FOUND'],
    handle: (call) => getView(api, call),
  },
  {
    method: 'GET',
    path: '/v1/accounts/{accountId}/views',
    operationId: 'listViews',
    summary: 'The viewings of an account, newest end first.',
    port: 'public',
    callers: ['player', 'service'],
    touches: 'account-in-path',
    query: [...PAGE_QUERY, AFTER_QUERY],
    responses: { 200: 'view-list' },
    problems: [...PROBLEMS, 'INVALID_CURSOR'],
    handle: (call) => list(api, call),
  },
];

const getView = async (api: ViewsApi, call: Call): Promise<Reply> => {
  const sessionId = checkedId('sessionId', call.params['sessionId']);
  const key = api.accountKey(tenantOf(call), checkedId('accountId', call.query.get('accountId')));
  const seen = await readAccount(api, call, key);
  const view = await findView(seen, api.table, { key, sessionId });
  if (view === null) throw new ProblemError('VIEW_NOT_FOUND', 'the account has no view of this session');
  return { status: 200, body: view };
};

const list = async (api: ViewsApi, call: Call): Promise<Reply> => {
  const key = api.accountKey(tenantOf(call), checkedId('accountId', call.params['accountId']));
  const limit = limitIn(call);
  const of = { table: 'views', key, list: 'views' } as const;
  const below = cursorIn(call, api.cursors, of);
  const seen = await readAccount(api, call, key);
  const { views, next } = await listViews(seen, api.table, { key, below, limit });
  const body: ViewList = { items: views, nextCursor: next === null ? null : api.cursors.write(of, next) };
  return { status: 200, body };
};

const readAccount = async (api: ViewsApi, call: Call, key: AccountKey): Promise<Seen> => {
  const partition = api.partitionOf(key);
  const { generation, reached } = api;
  const seen = await readAfter(call, { generation, partition, reached }, () => api.read(partition, key));
  refuseWarming(seen.checkpoint);
  return seen;
};

const MAX_ID = 128;

const checkedId = (name: string, id: string | null | undefined): string => {
  if (id != null && id !== '' && id.length <= MAX_ID) return id;
  const missing = id == null || id === '';
  const detail = missing ? 'is required' : `must have at most ${MAX_ID} characters`;
  throw new ProblemError('VALIDATION_FAILED', `${name} ${detail}`, {
    errors: [{ path: `/${name}`, code: missing ? 'REQUIRED' : 'RANGE', detail }],
  });
};
