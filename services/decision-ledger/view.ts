import { BY_ID, rowsById, type Table } from '../../shared/table/table.ts';
import { type Counted, countedIn, dayKey, dayOf, type Kept, keptIn, LEDGER, BY_DAY, SHARDS, timeText } from './row.ts';

export type Rows = Pick<Table, 'list'>;

/** A decision and its place among those of its account: greater is newer. */
export type Placed = { readonly place: string; readonly kept: Kept };

const PAGE = 100;

/** The decisions of an account, newest first, from below a place on. */
export async function* newestFirst(table: Rows, key: string, below: string | null): AsyncGenerator<Placed> {
  for await (const row of rowsById(table, { table: LEDGER, key, below })) yield { place: row.id, kept: keptIn(row) };
}

export type PageAsked = {
  readonly key: string;
  /** Null: of all sessions. */
  readonly sessionId: string | null;
  readonly below: string | null;
  readonly limit: number;
};
export type Page = { readonly decisions: readonly Placed[]; readonly next: string | null };

/** An account has some ten decisions a day. Of one that has more than these a page may have fewer than were asked for. */
const LOOKED_AT = 5_000;

export const pageOf = async (table: Rows, { key, sessionId, below, limit }: PageAsked): Promise<Page> => {
  const decisions: Placed[] = [];
  let looked = 0;
  let last = below;
  for await (const one of newestFirst(table, key, below)) {
    const isWanted = sessionId === null || one.kept.sessionId === sessionId;
    if ((isWanted && decisions.length === limit) || looked === LOOKED_AT) return { decisions, next: last };
    if (isWanted) decisions.push(one);
    looked += 1;
    last = one.place;
  }
  return { decisions, next: null };
};

export type Span = { readonly fromMs: number; readonly toMs: number };

/** What was decided from one moment to before another, in no order; the shards of a day are read side by side. */
export const countEach = async (
  table: Rows,
  { fromMs, toMs }: Span,
  { count, breathe }: { readonly count: (one: Counted) => void; readonly breathe: () => Promise<void> },
): Promise<void> => {
  const first = timeText(fromMs);
  const readShard = async (key: string): Promise<void> => {
    for (let below: string | null = timeText(toMs); below !== null;) {
      const page = await table.list({ table: BY_DAY, key, list: BY_ID, below, limit: PAGE });
      for (const row of page.rows) {
        if (row.id < first) return;
        count(countedIn(row));
      }
      below = page.next;
      // A table that answers at once would let nobody else in.
      await breathe();
    }
  };
  const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
  for (let day = dayOf(fromMs); day <= dayOf(toMs - 1); day += 1)
    await Promise.all(shards.map((shard) => readShard(dayKey(day, shard))));
};
