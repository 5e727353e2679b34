import type { View } from '../../schemas/generated/http.ts';
import { stateIn } from '../../shared/runtime/processor.ts';
import type { Checkpoint, MaybePromise, StateStore, StateView } from '../../shared/state/state.ts';
import { compareText } from '../../shared/table/table-rows.ts';
import type { AnyTable } from '../../shared/table/table.ts';
import type { Household } from './household.ts';
import { viewOf } from './revision.ts';
import { rowKey, TABLE, viewIn } from './row.ts';
import { viewEnd } from './view-end.ts';

/** One account as of one position of its partition. */
export type Seen = {
  readonly household: Household | undefined;
  /** Null while the partition has folded nothing. */
  readonly checkpoint: Checkpoint | null;
};

export type HouseholdReader = (partition: number, key: string) => MaybePromise<Seen>;

export const householdReader =
  (store: Pick<StateStore, 'read'>): HouseholdReader =>
  (partition, key) => {
    const view = store.read(viewEnd.name, partition, [key]);
    return view instanceof Promise ? view.then(toSeen) : toSeen(view);
  };

const toSeen = ({ rows: [row], checkpoint }: StateView): Seen => ({
  checkpoint,
  household: stateIn(viewEnd, row),
});

export type ViewTable = Pick<AnyTable, 'get' | 'list'>;

/** The view of a session: from the state as long as it is there. */
export const findView = async (
  { household }: Seen,
  table: ViewTable,
  { key, sessionId }: { readonly key: string; readonly sessionId: string },
): Promise<View | null> => {
  const viewing = household?.viewings.find((v) => v.sessionId === sessionId);
  if (viewing !== undefined) return viewOf(key, viewing).view;
  const [row] = await table.get([rowKey(key, { sessionId })]);
  return row == null ? null : viewIn(row);
};

export type Page = { readonly key: string; readonly below: string | null; readonly limit: number };
export type Paged = { readonly views: readonly View[]; readonly next: string | null };

/** Views by their places, greatest first: those of the state instead of their older rows, and the rows of all others. */
export const listViews = async ({ household }: Seen, table: ViewTable, { key, below, limit }: Page): Promise<Paged> => {
  const known = (household?.viewings ?? []).map((v) => viewOf(key, v));
  const ids = new Set(known.map(({ view }) => view.sessionId));
  const placed = known.filter(({ place }) => below === null || compareText(place, below) < 0);

  // One more than asked for tells whether there is another page.
  const wanted = limit + 1;
  const stored: typeof placed = [];
  for (let from = below, more = true; more && stored.length < wanted;) {
    const page = await table.list({ table: TABLE, key, list: 'views', below: from, limit: Math.min(100, wanted) });
    for (const row of page.rows)
      if (!ids.has(row.id)) stored.push({ view: viewIn(row), place: row.places['views'] ?? '' });
    more = page.next !== null;
    from = page.next;
  }
  const all = [...placed, ...stored].sort((a, b) => compareText(b.place, a.place));
  const page = all.slice(0, limit);
  return {
    views: page.map(({ view }) => view),
    next: all.length > limit ? (page.at(-1)?.place ?? null) : null,
  };
};
