import type { TrendingList } from '../../schemas/generated/http.ts';
import type { ContentType } from '../../schemas/generated/records.ts';
import { MAX_LIMIT } from '../../shared/http/list.ts';
import { compareText } from '../../shared/table/table-rows.ts';
import type { Board, When } from './board.ts';
import { audienceOf, type Figures, momentumOf, type Scope, suspiciousOf } from './figures.ts';
import type { WindowName } from './minutes.ts';

export type Measure = 'audience' | 'momentum';

/** Which list is asked for. */
export type Asked = {
  readonly tenant: string;
  readonly contentType: ContentType;
  readonly window: WindowName;
  readonly by: Measure;
  /** Null: over all. */
  readonly scope: Scope | null;
};

export type Ranking = readonly Required<TrendingList['items'][number]>[];

/** How many lists are remembered: names of countries and device types may be anything. */
const MAX_LISTS = 256;

/**
 * The first 100 of a list, each ranked once however often it is asked for: until the board changes, and for
 * `previousRank` until the next minute begins. Equals stand in the byte order of their ids.
 */
export const rankings = (board: Board, minAudience: number): ((asked: Asked) => Ranking) => {
  const ranked = remembered<Ranking>(board.version);
  const previous = remembered<ReadonlyMap<string, number>>(board.minute);
  return (asked) => {
    const { tenant, contentType, window, by, scope } = asked;
    const key = JSON.stringify([tenant, contentType, window, by, scope?.kind, scope?.name]);
    return ranked(key, () => {
      const before = previous(key, () => {
        const places = first(board, asked, { when: 'minute-began', minAudience });
        return new Map(places.map(({ contentId }, i) => [contentId, i + 1]));
      });
      return first(board, asked, { when: 'now', minAudience }).map(({ contentId, figures }, i) => {
        const momentum = momentumOf(figures, window);
        return {
          contentId,
          rank: i + 1,
          previousRank: before.get(contentId) ?? null,
          audience: audienceOf(figures, window, scope),
          momentum: Number.isNaN(momentum) ? null : momentum,
          suspiciousShare: suspiciousShare(figures, window),
        };
      });
    });
  };
};

/** To each account of the audience, at most 1. Those without progress are not in the audience. */
const suspiciousShare = (figures: Figures, window: WindowName): number => {
  const share = suspiciousOf(figures, window) / audienceOf(figures, window);
  return Math.round(1_000 * Math.min(1, share)) / 1_000;
};

type Placed = { readonly contentId: string; readonly figures: Figures; readonly value: number };

const isBefore = (a: Placed, b: Placed): boolean =>
  a.value === b.value ? compareText(a.contentId, b.contentId) < 0 : a.value > b.value;

/** Looks at every content, and sorts only what is among the first so far. */
const first = (
  board: Board,
  { tenant, contentType, window, by, scope }: Asked,
  { when, minAudience }: { readonly when: When; readonly minAudience: number },
): readonly Placed[] => {
  const top: Placed[] = [];
  board.each(tenant, when, (contentId, figures) => {
    if (figures.contentType !== contentType) return;
    const audience = audienceOf(figures, window, scope);
    if (audience < minAudience) return;
    const value = by === 'audience' ? audience : momentumOf(figures, window);
    const last = top.length < MAX_LIMIT ? undefined : top[MAX_LIMIT - 1];
    if (Number.isNaN(value) || (last !== undefined && value < last.value)) return;
    const placed = { contentId, figures, value };
    if (last !== undefined && !isBefore(placed, last)) return;
    top.splice(placeIn(top, placed), 0, placed);
    if (top.length > MAX_LIMIT) top.pop();
  });
  return top;
};

const placeIn = (top: readonly Placed[], placed: Placed): number => {
  let [from, to] = [0, top.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (isBefore(placed, top[middle]!)) to = middle;
    else from = middle + 1;
  }
  return from;
};

/** What was made for a key, until the version is another. */
const remembered = <T>(version: () => number): ((key: string, make: () => T) => T) => {
  const made = new Map<string, T>();
  let of = version();
  return (key, make) => {
    if (version() !== of) made.clear();
    of = version();
    const known = made.get(key);
    if (known !== undefined) return known;
    if (made.size >= MAX_LISTS) made.clear();
    const value = make();
    made.set(key, value);
    return value;
  };
};
