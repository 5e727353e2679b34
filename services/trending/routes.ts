import type { TrendingList } from '../../schemas/generated/http.ts';
import { refuseWarming } from '../../shared/http/after.ts';
import { type Call, type Reply, tenantOf } from '../../shared/http/call.ts';
import { LIMIT_QUERY, limitIn } from '../../shared/http/list.ts';
import { choiceIn, idOf, invalid } from '../../shared/http/query.ts';
import type { Route } from '../../shared/http/route.ts';
import type { MaybePromise, StateView } from '../../shared/state/state.ts';
import { contentKey } from './content-key.ts';
import type { Scope } from './figures.ts';
import type { LiveBoard } from './live-board.ts';
import { WINDOW_NAMES } from './minutes.ts';
import type { Asked, Measure, Ranking } from './ranking.ts';
import { audienceIn } from './view.ts';

export type TrendingApi = {
  readonly live: Pick<LiveBoard, 'isCaughtUp'> & { readonly board: Pick<LiveBoard['board'], 'asOfMs'> };
  readonly ranking: (asked: Asked) => Ranking;
  /** The row of a content in the state of `audience`. */
  readonly read: (partition: number, key: string) => MaybePromise<StateView>;
  readonly partitionOf: (key: string) => number;
};

const MEASURES: readonly Measure[] = ['audience', 'momentum'];

export const trendingRoutes = (api: TrendingApi): readonly Route[] => [
  {
    method: 'GET',
    path: '/v1/trending',
    operationId: 'listTrending',
    summary: 'What is watched most, or grows most, now.',
    port: 'public',
    callers: ['player', 'service'],
    touches: 'nobody',
    query: [
      { name: 'contentType', description: 'Channels or titles.', required: true, values: ['live', 'vod'] },
      { name: 'window', description: '`5m` when left out.', values: WINDOW_NAMES },
      {
        name: 'by',
        description: '`audience` (default), or `momentum`: against the content’s own 24 hours.',
        values: MEASURES,
      },
      { name: 'country', description: 'Only who watches there: ISO 3166-1 alpha-2, capital letters.' },
      { name: 'deviceType', description: 'Only who watches on it. Not with `country`.' },
      LIMIT_QUERY,
    ],
    responses: { 200: 'trending-list' },
    problems: ['VALIDATION_FAILED', 'WARMING'],
    handle: (call) => list(api, call),
  },
  {
    method: 'GET',
    path: '/v1/contents/{contentId}/audience',
    operationId: 'getAudience',
    summary: 'How many watch a content, and how many did, step by step.',
    port: 'public',
    callers: ['service'],
    touches: 'nobody',
    query: [{ name: 'window', description: '`1h` when left out.', values: WINDOW_NAMES }],
    responses: { 200: 'content-audience' },
    problems: ['VALIDATION_FAILED', 'WARMING', 'STORE_UNAVAILABLE'],
    handle: (call) => getAudience(api, call),
  },
];

const list = (api: TrendingApi, call: Call): Reply => {
  const asked = listAsked(call);
  const limit = limitIn(call);
  if (!api.live.isCaughtUp()) refuseWarming(null);
  const items = api.ranking(asked).slice(0, limit);
  // How many watch is the operator's to know; a home screen needs the order.
  const isService = call.caller?.rights.has('service') === true;
  const shown = isService
    ? items
    : items.map(({ contentId, rank, previousRank }) => ({ contentId, rank, previousRank }));
  const body: TrendingList = { items: shown, asOfMs: api.live.board.asOfMs() };
  return { status: 200, body };
};

const listAsked = (call: Call): Asked => {
  const contentType = choiceIn(call, 'contentType', ['live', 'vod']);
  if (contentType === null) throw invalid('/contentType', 'REQUIRED', 'is required');
  const window = choiceIn(call, 'window', WINDOW_NAMES) ?? '5m';
  const by = choiceIn(call, 'by', MEASURES) ?? 'audience';
  if (by === 'momentum' && window === '24h')
    throw invalid('/window', 'ENUM', 'must be 1m, 5m or 1h by momentum, which compares with the last 24 hours');
  return { tenant: tenantOf(call), contentType, window, by, scope: scopeIn(call) };
};

const scopeIn = ({ query }: Call): Scope | null => {
  const country = query.get('country');
  const deviceType = query.get('deviceType');
  if (country !== null && deviceType !== null)
    throw invalid('/deviceType', 'DUPLICATE', 'must be left out where country is given');
  if (country !== null && !/^[A-Z]{2}$/.test(country)) throw invalid('/country', 'FORMAT', 'must be 2 capital letters');
  if (country !== null) return { kind: 'country', name: country };
  return deviceType === null ? null : { kind: 'deviceType', name: idOf('deviceType', deviceType) };
};

const getAudience = async (api: TrendingApi, call: Call): Promise<Reply> => {
  const contentId = idOf('contentId', call.params['contentId'] ?? '');
  const window = choiceIn(call, 'window', WINDOW_NAMES) ?? '1h';
  const key = contentKey(tenantOf(call), contentId);
  const seen = await api.read(api.partitionOf(key), key);
  refuseWarming(seen.checkpoint);
  return { status: 200, body: audienceIn(seen, window) };
};
