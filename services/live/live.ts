import type { ContentType } from '../../schemas/generated/records.ts';
import { REASONS } from '../../schemas/reasons.ts';
import type { Call, Reply } from '../../shared/http/call.ts';
import type { Route } from '../../shared/http/route.ts';
import type { PartitionStatus } from '../../shared/runtime/run.ts';
import { createCrowd, STREAM_HEADERS } from './crowd.ts';
import { createFeed, type FeedOptions } from './feed.ts';

/** Who watches what now, from whoever counts it. */
export type LiveAudience = {
  /** Every 10 s of the last hour, oldest first. */
  history(): readonly AudiencePoint[];
  /** Null before anything was counted. */
  totals(): AudiencePoint | null;
  /** The first ten of the last 5 minutes. */
  top(contentType: ContentType): readonly RankedContent[];
};
export type AudiencePoint = { readonly atMs: number; readonly live: number; readonly vod: number };
export type RankedContent = {
  readonly contentId: string;
  readonly rank: number;
  /** Null for what was not ranked before. */
  readonly previousRank: number | null;
  readonly audience: number;
  readonly momentum: number | null;
};

export type LiveOptions = FeedOptions & {
  readonly roles: readonly string[];
  readonly processors: () => readonly { readonly name: string; readonly partitions: readonly PartitionStatus[] }[];
  /** Null where this process does not count the audience. */
  readonly audience: LiveAudience | null;
};

export type Live = {
  /** Of the page and not of the interface: it is in no document, and may change with the page. */
  readonly route: Route;
  /** To be called every `LIVE_TURN_MS`. */
  turn(): void;
  /** Lets all watchers go; resolves when the log is read no more. */
  close(): Promise<void>;
};

export const LIVE_TURN_MS = 500;
const HEALTH_TURNS = 4;
const TRENDING_TURNS = 10;
/** A page draws once a second. */
const AUDIENCE_TURNS = 2;
/** A connection that says nothing for longer is closed by proxies. */
const ALIVE_TURNS = 30;
/** How long a page waits before it connects again. */
const RETRY_MS = 1_000;

/** What happens now, as server-sent events. The log is read only while somebody watches. */
export const createLive = (options: LiveOptions): Live => {
  const { audience } = options;
  const feed = createFeed(options);
  let stopped = Promise.resolve();
  const crowd = createCrowd({
    onFirst: feed.start,
    onLast: () => {
      stopped = feed.stop();
    },
  });
  let turns = 0;
  let toldTrending = '';

  const health = (): string => eventText('health', { processors: options.processors().map(healthOf) });
  const trending = (): string =>
    audience === null ? '' : eventText('trending', { live: audience.top('live'), vod: audience.top('vod') });
  const greeting = (): string =>
    [
      `retry: ${RETRY_MS}\n\n`,
      eventText('hello', { roles: options.roles, reasons: REASONS, countsAudience: audience !== null }),
      health(),
      audience === null ? '' : eventText('audience', { points: audience.history() }),
      trending(),
    ].join('');
  const news = (): string => {
    const { decisions, views } = feed.take();
    return [
      decisions.items.length === 0 ? '' : eventText('decisions', decisions),
      views.items.length === 0 ? '' : eventText('views', views),
    ].join('');
  };
  const newPoint = (): string => {
    const point = audience?.totals() ?? null;
    return point === null ? '' : eventText('audience', { points: [point] });
  };
  const newTrending = (): string => {
    const text = trending();
    if (text === toldTrending) return '';
    toldTrending = text;
    return text;
  };

  return {
    route: {
      method: 'GET',
      path: '/live/events',
      operationId: 'liveEvents',
      summary: 'What happens now, as server-sent events: for the live page.',
      port: 'public',
      // As those who may ask for the streams of every account.
      callers: ['service'],
      touches: 'nobody',
      responses: { 200: null },
      problems: ['OVERLOADED', 'SHUTTING_DOWN'],
      handle: ({ req, res }: Call): Reply | null => {
        if (req.method === 'HEAD') return { status: 200, body: undefined, headers: STREAM_HEADERS };
        crowd.join(res, greeting());
        return null;
      },
    },
    turn: () => {
      if (crowd.isEmpty()) return;
      turns += 1;
      const text = [
        news(),
        turns % HEALTH_TURNS === 0 ? health() : '',
        turns % TRENDING_TURNS === 0 ? newTrending() : '',
        turns % AUDIENCE_TURNS === 0 ? newPoint() : '',
        turns % ALIVE_TURNS === 0 ? ': alive\n\n' : '',
      ].join('');
      if (text !== '') crowd.tell(text);
    },
    close: async () => {
      crowd.close();
      await feed.stop();
      await stopped;
    },
  };
};

/** JSON has no line break in it, so that one line of data is enough. */
const eventText = (event: string, data: unknown): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

const healthOf = ({ name, partitions }: ReturnType<LiveOptions['processors']>[number]) => ({
  name,
  partitions: partitions.map(({ partition, state, progress, offset, end }) => ({
    partition,
    state,
    progress,
    lag: end - offset,
  })),
});
