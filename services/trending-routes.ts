import type { Route } from '../shared/http/route.ts';
import type { StateStore } from '../shared/state/state.ts';
import { availably } from './availability.ts';
import type { LiveAudience } from './live/live.ts';
import { audience } from './trending/audience.ts';
import { type LiveBoardOptions, openLiveBoard } from './trending/live-board.ts';
import { rankings } from './trending/ranking.ts';
import { type TrendingApi, trendingRoutes } from './trending/routes.ts';

export type TrendingOptions = LiveBoardOptions &
  Pick<TrendingApi, 'partitionOf'> & {
    /** Whose audience the live page shows. */
    readonly tenant: string;
    readonly store: Pick<StateStore, 'read'>;
    readonly minAudience: number;
  };

export type Trending = {
  readonly routes: readonly Route[];
  /** For the live page. */
  readonly audience: LiveAudience;
  /** Resolves when the lists are as they were said last. */
  readonly caughtUp: Promise<void>;
  close(): Promise<void>;
};

/** The routes of trending, and the board that they answer from. */
export const openTrending = (options: TrendingOptions): Trending => {
  const { store, minAudience, tenant } = options;
  const live = openLiveBoard(options);
  const ranking = rankings(live.board, minAudience);
  const routes = trendingRoutes({
    ...options,
    live,
    ranking,
    read: availably((partition: number, key: string) => store.read(audience.name, partition, [key])),
  });
  return {
    routes,
    audience: {
      history: () => live.board.history(tenant),
      totals: () => live.board.totals(tenant),
      top: (contentType) =>
        ranking({ tenant, contentType, window: '5m', by: 'audience', scope: null }).slice(0, SHOWN_ON_PAGE),
    },
    caughtUp: live.caughtUp,
    close: live.close,
  };
};

const SHOWN_ON_PAGE = 10;
