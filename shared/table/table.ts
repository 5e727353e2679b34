import type { TableName } from '../../schemas/tables.ts';
import type { EpochMs } from '../../schemas/time.ts';
import type { MaybePromise } from '../state/state.ts';

/**
 * The port of the durable table: rows that outlive the log and the state store. Every adapter passes `table.contract.ts`.
 * A put is conditional, so that puts may be repeated, come late and come in any order, and the newest stands all the same,
 * until it expires: an expired row counts as none, whether it has been deleted yet or not.
 */
export type Table = {
  /**
   * All puts, in parallel; of two for the same row in one call the one with the greater version stands. Resolves when each
   * is durable or has found a version that is not smaller; else rejects with `TableUnavailable`, and any part may be done.
   */
  put(rows: readonly TableRow[]): Promise<void>;
  /** In the order of the keys; null where there is no row, or it has expired. Includes every put that has resolved. */
  get(keys: readonly TableKey[]): Promise<readonly (TableRow | null)[]>;
  /** Rows of one list of an account by their places, greatest first. Includes every put that has resolved. */
  list(request: ListRequest): Promise<Listed>;
  close(): Promise<void>;
};

/** A table that may answer at once, as one in memory does. */
export type AnyTable = {
  put(rows: readonly TableRow[]): MaybePromise<void>;
  get(keys: readonly TableKey[]): MaybePromise<readonly (TableRow | null)[]>;
  list(request: ListRequest): MaybePromise<Listed>;
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
};

export type ListRequest = {
  readonly table: TableName;
  readonly key: string;
  readonly list: string;
  /** Only places smaller than this; null for the first page. */
  readonly below: string | null;
  /** 1 to 100. */
  readonly limit: number;
};

/** `next` is what to ask `below` for the next page; null where there is none. */
export type Listed = { readonly rows: readonly TableRow[]; readonly next: string | null };
