import type { TableName } from '../../schemas/tables.ts';
import type { EpochMs } from '../../schemas/time.ts';
import type { MaybePromise } from '../state/state.ts';

/**
 * The port of the durable table: rows that outlive the log and the state store. Every adapter passes `table.contract.ts`.
 * A put is conditional, so that puts may be repeated, come late and come in any order, and the newest stands all the same,
 * until it expires: an expired row counts as none, whether it has been deleted yet or not.
 * What was erased is a tombstone for a while, a key and an id that no call shows: it refuses puts of before the erasure.
 */
export type Table = {
  /**
   * All puts, in parallel; of two for the same row in one call the one with the greater version stands. Resolves when each
   * is durable or has found a version that is not smaller; else rejects with `TableUnavailable`, and any part may be done.
   */
  put(rows: readonly TableRow[]): Promise<void>;
  /** In the order of the keys; null where there is no row, or it has expired. Includes every put that has resolved. */
  get(keys: readonly TableKey[]): Promise<readonly (TableRow | null)[]>;
  /** Rows of one list of an account by their places, or by their ids, greatest first. Includes every put that has resolved. */
  list(request: ListRequest): Promise<Listed>;
  /**
   * Each row of an account becomes a tombstone: nothing of it is left but key and id. Resolves when that is durable, else
   * rejects with `TableUnavailable`; repeating it is right. It takes rows of after the erasure, too: whoever repeats it puts those again.
   */
  erase(erasure: Erasure): Promise<void>;
  close(): Promise<void>;
};

/** A table that may answer at once, as one in memory does. */
export type AnyTable = {
  put(rows: readonly TableRow[]): MaybePromise<void>;
  get(keys: readonly TableKey[]): MaybePromise<readonly (TableRow | null)[]>;
  list(request: ListRequest): MaybePromise<Listed>;
  erase(erasure: Erasure): MaybePromise<void>;
};

export type TableKey = {
  readonly table: TableName;
  /** Account key, as in the log. */
  readonly key: string;
  /** Names the row within its account; at most 512 bytes. */
  readonly id: string;
};

/** The same text for the same row, and for no other. */
export const nameOf = ({ table, key, id }: TableKey): string => `${table}/${key.length}/${key}/${id}`;

export type TableRow = TableKey & {
  /** Compared as text, by UTF-8 bytes: a put whose version is not greater than the stored one changes nothing. */
  readonly version: string;
  /** Its place in each list of its table that it stands in, compared as text; unique within the account's list. */
  readonly places: Readonly<Partial<Record<string, string>>>;
  /** From then on the row is gone. */
  readonly expiresAtMs: EpochMs;
  /** JSON; at most 64 KiB of it. */
  readonly item: Readonly<Record<string, unknown>>;
  /** Where in the log its put was caused, see `orderOf`; a tombstone refuses what is no greater than its own. Absent: after all of them. No call hands it back. */
  readonly source?: number;
};

/** The list that every table has: its rows by their ids. No row pays for it. */
export const BY_ID = 'id';

export type ListRequest = {
  readonly table: TableName;
  readonly key: string;
  /** One of the table's, or `BY_ID`. */
  readonly list: string;
  /** Only places smaller than this; null for the first page. */
  readonly below: string | null;
  /** 1 to 100. */
  readonly limit: number;
};

const PAGE = 100;

/** All rows of an account by their ids, greatest first, from below one on; page by page, as they are asked for. */
export async function* rowsById(
  table: Pick<Table, 'list'>,
  { below, ...of }: TableRowsAsked,
): AsyncGenerator<TableRow> {
  for (let from = below; ;) {
    const { rows, next } = await table.list({ ...of, list: BY_ID, below: from, limit: PAGE });
    yield* rows;
    if (next === null) return;
    from = next;
  }
}
type TableRowsAsked = Pick<ListRequest, 'table' | 'key' | 'below'>;

export type Erasure = {
  readonly table: TableName;
  readonly key: string;
  /** Where it stands in the log: see `source` of a row. */
  readonly source: number;
  /** The tombstones are gone from then on. */
  readonly untilMs: EpochMs;
};

/** `next` is what to ask `below` for the next page; null where there is none. */
export type Listed = { readonly rows: readonly TableRow[]; readonly next: string | null };
