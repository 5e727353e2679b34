import type { ResumePosition } from '../../schemas/generated/http.ts';
import { stateIn } from '../../shared/runtime/processor.ts';
import type { Checkpoint, MaybePromise, StateStore, StateView } from '../../shared/state/state.ts';
import { compareText } from '../../shared/table/table-rows.ts';
import type { AnyTable } from '../../shared/table/table.ts';
import { entryOf, type Household, resumePosition } from './resume.ts';
import { type ListName, placeOf, rowKey, shelfOf, TABLE, titleIn, versionOf } from './row.ts';
import type { Point, Title, TitleName } from './title.ts';
import { isFinished } from './watching.ts';

/** One account as of one position of its partition; what it does not have stands in the table. */
export type Seen = {
  readonly key: string;
  readonly household: Household | undefined;
  /** Null while the partition has folded nothing. */
  readonly checkpoint: Checkpoint | null;
};

export type HouseholdReader = (partition: number, key: string) => MaybePromise<Seen>;

export const householdReader = (store: Pick<StateStore, 'read'>): HouseholdReader => {
  const toSeen = (key: string, { rows: [row], checkpoint }: StateView): Seen => ({
    key,
    checkpoint,
    household: stateIn(resumePosition, row),
  });
  return (partition, key) => {
    const view = store.read(resumePosition.name, partition, [key]);
    return view instanceof Promise ? view.then((v) => toSeen(key, v)) : toSeen(key, view);
  };
};

/** What an answer says of a title; null where it has no resume position. */
export const resumePositionOf = (title: Title): ResumePosition | null =>
  title.now === null ? null : describe(title, title.now);

const describe = ({ contentId }: Title, point: Point): ResumePosition => ({
  contentId,
  seriesId: point.seriesId,
  positionMs: point.positionMs,
  durationMs: point.durationMs,
  status: isFinished(point) ? 'finished' : 'in-progress',
  asOfMs: point.asOfMs,
  source: point.source,
  sessionId: point.sessionId,
  deviceId: point.deviceId,
  ...(point.hiddenAtMs === null ? {} : { hidden: true }),
  position: point.position,
});

/** The titles as they stand, in the order of the names: from the state, all others in one read of the table. */
export const titlesOf = async (
  { key, household }: Seen,
  table: Pick<AnyTable, 'get'>,
  names: readonly TitleName[],
): Promise<readonly (Title | null)[]> => {
  const kept = names.map((name) => entryOf(household?.entries ?? [], name)?.title ?? null);
  const missing = names.filter((_, i) => kept[i] === null);
  const rows = missing.length === 0 ? [] : await table.get(missing.map((name) => rowKey(key, name)));
  const stored = rows.values();
  return kept.map((title) => {
    if (title !== null) return title;
    const row = stored.next().value ?? null;
    return row === null ? null : titleIn(row);
  });
};

export type ListAsked = {
  readonly profileId: string;
  readonly list: ListName;
  /** Of each series the newest alone. */
  readonly bySeries: boolean;
  /** The place that the page before ended at; null for the first. */
  readonly below: string | null;
  readonly limit: number;
};
export type Page = { readonly items: readonly ResumePosition[]; readonly next: string | null };

/** Rows that one call reads at most: a page that needs more is shorter; by series, the list ends there. */
export const MAX_ROWS_READ = 1_000;
const ROWS_AT_ONCE = 100;

/** A page of a profile's list: what the state has, which is newer, over what the table has. */
export const pageOf = async (seen: Seen, table: Pick<AnyTable, 'list'>, asked: ListAsked): Promise<Page> => {
  const { profileId, list, bySeries, below, limit } = asked;
  const shelf = shelfOf(profileId);
  const titles = new Map<string, Title>();
  for (const { title } of seen.household?.entries ?? []) {
    if (title.profileId === profileId) titles.set(title.contentId, title);
  }
  // Each title of the state may stand in the way of a row. Series that earlier pages have shown are in their rows.
  const atOnce = bySeries ? ROWS_AT_ONCE : Math.min(ROWS_AT_ONCE, limit + 1 + titles.size);
  const top = bySeries || below === null ? shelf.end : below;
  let rowsRead = 0;
  let end: string | null = top;
  while (end !== null) {
    const { rows, next } = await table.list({ table: TABLE, key: seen.key, list, below: end, limit: atOnce });
    for (const row of rows) {
      if (!(row.places[list] ?? '').startsWith(shelf.first)) continue;
      const title = titleIn(row);
      const known = titles.get(title.contentId);
      if (known === undefined || compareText(versionOf(known), row.version) < 0) titles.set(title.contentId, title);
    }
    rowsRead += rows.length;
    end = next !== null && next.startsWith(shelf.first) ? next : null;
    const found = shown([...titles.values()], asked, { top, end });
    if (found.length > limit) return { items: found.slice(0, limit).map(itemOf), next: found[limit - 1]!.place };
    if (end === null || rowsRead >= MAX_ROWS_READ) return { items: found.map(itemOf), next: bySeries ? null : end };
  }
  return { items: [], next: null };
};

type Placed = { readonly place: string; readonly title: Title; readonly point: Point };

const itemOf = ({ title, point }: Placed): ResumePosition => describe(title, point);

/** Titles that stand between `top` and `end`, greatest place first: further down the table may have more. */
const shown = (
  titles: readonly Title[],
  { list, bySeries, below }: ListAsked,
  { top, end }: { readonly top: string; readonly end: string | null },
): readonly Placed[] => {
  const placed = titles.flatMap((title): Placed[] => {
    const place = placeOf(title, list);
    if (place === null || title.now === null || compareText(place, top) >= 0) return [];
    return end !== null && compareText(place, end) < 0 ? [] : [{ place, title, point: title.now }];
  });
  placed.sort((a, b) => compareText(b.place, a.place));
  if (!bySeries) return placed;
  const series = new Set<string>();
  return placed.filter(({ place, point: { seriesId } }) => {
    const isFirst = seriesId === null || !series.has(seriesId);
    if (seriesId !== null) series.add(seriesId);
    return isFirst && (below === null || compareText(place, below) < 0);
  });
};
