import type { EpochMs } from '../../schemas/time.ts';
import { openAskedThread } from '../state/embedded-thread.ts';
import {
  packed,
  unavailable,
  type WriterAnswer,
  type WriterRequest,
  type WriterSettings,
} from './embedded-table-file.ts';
import type { StoredRow } from './table-rows.ts';
import type { Erasure } from './table.ts';

/**
 * The main thread's side of the writing thread, with group commit: one transaction is under way at a time, and what is put
 * meanwhile is the next one. When none is under way, puts wait for the end of the loop turn, so that those of one turn share it.
 */
export type TableWriter = {
  /** Resolves when the file can be read. */
  open(): Promise<void>;
  put(rows: readonly StoredRow[]): Promise<void>;
  /** After all that was put before. */
  erase(erasure: Erasure): Promise<void>;
  /** Deletes at most so many rows that have expired; answers how many there were. */
  sweep(limit: number): Promise<number>;
  /** Resolves when all that was put before has been stored or refused. */
  close(): Promise<void>;
};

export type TableWriterOptions = WriterSettings & { readonly clock: () => EpochMs };

type Waiting = { readonly rows: readonly StoredRow[]; done(): void; failed(error: unknown): void };

export const createTableWriter = ({ clock, ...settings }: TableWriterOptions): TableWriter => {
  const thread = openThread(settings);
  let waiting: Waiting[] = [];
  let underWay: Promise<void> | null = null;
  let turn: NodeJS.Immediate | null = null;

  const commit = async (): Promise<void> => {
    const flight = waiting;
    waiting = [];
    try {
      await thread.ask({ kind: 'put', rows: packed(flight.flatMap(({ rows }) => rows)), nowMs: clock() });
      for (const { done } of flight) done();
    } catch (error) {
      for (const { failed } of flight) failed(error);
    }
  };
  const start = (): void => {
    turn = null;
    if (underWay !== null || waiting.length === 0) return;
    underWay = commit().finally(() => {
      underWay = null;
      start();
    });
  };

  return {
    open: async () => void (await thread.ask({ kind: 'open' })),
    put: (rows) =>
      new Promise((done, failed) => {
        waiting.push({ rows, done, failed });
        if (underWay === null) turn ??= setImmediate(start);
      }),
    erase: async (erasure) => {
      // Puts wait for the end of the turn; those that were called for first are done first.
      start();
      while (waiting.length > 0 || underWay !== null) await underWay;
      await thread.ask({ kind: 'erase', ...erasure });
    },
    sweep: (limit) => thread.ask({ kind: 'sweep', nowMs: clock(), limit }),
    close: async () => {
      start();
      while (underWay !== null) await underWay;
      await thread.end();
    },
  };
};

const openThread = (settings: WriterSettings) => {
  const { file } = settings;
  const thread = openAskedThread<WriterRequest, WriterAnswer>({
    url: new URL('./embedded-table-worker.ts', import.meta.url),
    // Flags of the process are for its own program; the thread needs none.
    options: { name: 'embedded-table', execArgv: [], workerData: settings },
    died: (cause) => unavailable(file, { code: 0, detail: 'its writing thread ended' }, cause),
  });
  return {
    ask: async (request: WriterRequest): Promise<number> => {
      const answer = await thread.ask(request);
      if ('failure' in answer) throw unavailable(file, answer.failure, answer.failure.detail);
      return answer.changed;
    },
    end: () => thread.end({ kind: 'close' }),
  };
};
