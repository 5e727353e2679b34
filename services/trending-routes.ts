import type { Route } from '../shared/http/route.ts';
import type { StateStore } from '../shared/state/state.ts';
import { availably } from './availability.ts';
import { type LiveBoard, type LiveBoardOptions, openLiveBoard } from './trending/live-board.ts';
import { rankings } from './trending/ranking.ts';
import { type TrendingApi, trendingRoutes } from './trending/routes.ts';

export type TrendingOptions = LiveBoardOptions &
  Pick<TrendingApi, 'seriesOf' | 'partitionOf' | 'tenant'> & {
    readonly store: Pick<StateStore, 'read'>;
    readonly minAudience: number;
  };

/** The routes of trending, and the board that they answer from: whoever opens it closes it. */
export const openTrending = (
  options: TrendingOptions,
): { readonly routes: readonly Route[]; readonly live: LiveBoard } => {
  const { store, minAudience } = options;
  const live = openLiveBoard(options);
  const read = availably((partition: number, contentId: string) => store.read('audience', partition, [contentId]));
  return { live, routes: trendingRoutes({ ...options, live, ranking: rankings(live.board, minAudience), read }) };
};
