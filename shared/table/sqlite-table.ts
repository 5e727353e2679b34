import type { EpochMs } from '../../schemas/time.ts';
import { openTableReader } from './embedded-table-reader.ts';
import { createTableWriter } from './embedded-table-writer.ts';
import { TableClosed } from './table-errors.ts';
import { checkedList, checkErasure, checkKeys, pageOf, rowsToStore } from './table-rows.ts';
import type { Table } from './table.ts';

export type SqliteTableOptions = {
  /** Its folder is made if it is missing. Who opens it holds the folder (`shared/config/data-folder.ts`). */
  readonly file: string;
  /** Says what has expired. */
  readonly clock: () => EpochMs;
  /** The file's size limit in pages of 8 KiB. */
  readonly maxPages?: number;
};

export type SqliteTable = Table & {
  /**
   * Deletes what has expired, some rows at a time, so that puts get in between. Answers how many there were. Of what was erased
   * no byte is left in the files then; of what has expired within a day.
   */
  sweep(): Promise<number>;
};

/** A few milliseconds of the writing thread. */
export const SWEEP_ROWS = 500;

/**
 * The tables of one process in one SQLite file. Puts are synced by a thread of its own: a sync takes 0.3 ms on a good
 * disk and 10 on a bad one, the event loop must not wait for it, and what comes meanwhile shares the next one.
 * Reads see a put as soon as it has resolved: they begin on what the file holds by then.
 */
export const openSqliteTable = async ({ file, clock, maxPages }: SqliteTableOptions): Promise<SqliteTable> => {
  const writer = createTableWriter({ file, clock, maxPages: maxPages ?? null });
  try {
    await writer.open();
  } catch (error) {
    await writer.close().catch(() => {});
    throw error;
  }
  const reader = openTableReader(file);

  let closing: Promise<void> | null = null;
  const checkOpen = (): void => {
    if (closing !== null) throw new TableClosed(file);
  };
  const close = async (): Promise<void> => {
    reader.close();
    await writer.close();
  };

  return {
    put: async (rows) => {
      checkOpen();
      const stored = rowsToStore(rows);
      if (stored.length > 0) await writer.put(stored);
    },
    get: async (keys) => {
      checkOpen();
      checkKeys(keys);
      const now = clock();
      return keys.map((key) => reader.get(key, now));
    },
    list: async (request) => {
      checkOpen();
      const which = checkedList(request);
      return pageOf(request, reader.list({ ...request, limit: request.limit + 1 }, which, clock()));
    },
    erase: async (erasure) => {
      checkOpen();
      checkErasure(erasure);
      await writer.erase(erasure);
    },
    sweep: async () => {
      let swept = 0;
      for (;;) {
        checkOpen();
        const portion = await writer.sweep(SWEEP_ROWS);
        swept += portion;
        if (portion < SWEEP_ROWS) return swept;
      }
    },
    close: () => (closing ??= close()),
  };
};
