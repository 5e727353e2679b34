import { ProblemError } from '../shared/http/call.ts';
import { LogUnavailable } from '../shared/log/log-errors.ts';
import { StateUnavailable } from '../shared/state/state-errors.ts';
import { TableUnavailable } from '../shared/table/table-errors.ts';
import type { Table } from '../shared/table/table.ts';

const RETRY_AFTER_MS = 1_000;

/** A call of the log, the state or the tables, of which one that is away is a 503 and no fault of ours. */
export const availably =
  <Args extends readonly unknown[], T>(call: (...args: Args) => T | Promise<T>) =>
  async (...args: Args): Promise<T> => {
    try {
      return await call(...args);
    } catch (error) {
      if (error instanceof LogUnavailable)
        throw new ProblemError('LOG_UNAVAILABLE', 'nothing was stored', { retryAfterMs: RETRY_AFTER_MS });
      if (error instanceof StateUnavailable || error instanceof TableUnavailable)
        throw new ProblemError('STORE_UNAVAILABLE', 'what is stored cannot be read now', {
          retryAfterMs: RETRY_AFTER_MS,
        });
      throw error;
    }
  };

export const readsOf = (table: Table): Pick<Table, 'get' | 'list'> => ({
  get: availably((keys) => table.get(keys)),
  list: availably((request) => table.list(request)),
});
