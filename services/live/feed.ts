import type { StreamDecided } from '../../schemas/generated/records.ts';
import { type Following, follow, type FollowOptions } from '../../shared/log/follow.ts';
import { told, type ToldDecision, type ToldView } from './told.ts';

/** What was decided and what ended since it was last asked. `counts` are whole; of the items the newest are there. */
export type News = {
  readonly decisions: {
    readonly counts: Readonly<Partial<Record<StreamDecided['outcome'], number>>>;
    readonly items: readonly ToldDecision[];
  };
  readonly views: { readonly count: number; readonly items: readonly ToldView[] };
};

/** More than a person reads in half a second. */
const MAX_ITEMS = 50;

export type FeedOptions = Pick<FollowOptions, 'log' | 'partitions' | 'pause' | 'onTrouble'>;

/** Decisions and view ends as they are appended, gathered until they are taken. Reads the log between start and stop alone. */
export const createFeed = (options: FeedOptions) => {
  let followings: readonly Following[] = [];
  let counts: Partial<Record<StreamDecided['outcome'], number>> = {};
  let decisions: ToldDecision[] = [];
  let views: ToldView[] = [];
  let viewCount = 0;

  const onRecords: FollowOptions['onRecords'] = (records) => {
    const news = told(records);
    // What a rule would have done, had it been enforced, has happened to nobody.
    for (const { outcome, observed } of news.decisions) if (!observed) counts[outcome] = (counts[outcome] ?? 0) + 1;
    decisions = [...decisions, ...news.decisions].slice(-MAX_ITEMS);
    views = [...views, ...news.views].slice(-MAX_ITEMS);
    viewCount += news.views.length;
  };
  const take = (): News => {
    const news = { decisions: { counts, items: decisions }, views: { count: viewCount, items: views } };
    counts = {};
    decisions = [];
    views = [];
    viewCount = 0;
    return news;
  };
  return {
    start: (): void => {
      const common = { ...options, from: 'end', onRecords } as const;
      followings = [follow({ ...common, topic: 'stream-decisions.v1' }), follow({ ...common, topic: 'view-ends.v1' })];
    },
    /** Resolves when the log is read no more. */
    stop: async (): Promise<void> => {
      const ending = followings;
      followings = [];
      take();
      await Promise.all(ending.map((one) => one.close()));
    },
    take,
  };
};
