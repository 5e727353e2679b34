import { Worker } from 'node:worker_threads';
import type { Snapshot } from './partition-state.ts';
import { errorOf, type WriterAnswer, type WriterRequest, type WriterSettings } from './embedded-state-file.ts';

/** The main thread's side of the writing thread. */
export type SnapshotWriter = {
  /** Resolves when the file can be read. */
  open(): Promise<void>;
  /** Resolves when the snapshot is stored; rejects when none of it is. One at a time. */
  write(snapshot: Snapshot): Promise<void>;
  close(): Promise<void>;
};

/** Rows made into JSON in one turn of the event loop: well under a millisecond of it. */
const SLICE_ROWS = 200;
/** Rows per message. One message is under way while the next is made: so memory holds two, however much is dirty. */
const MESSAGE_ROWS = 1_000;

type Call = { done(): void; failed(error: Error): void };

export const createSnapshotWriter = (settings: WriterSettings): SnapshotWriter => {
  let worker: Worker | null = null;
  const calls: Call[] = [];

  const start = (): Worker => {
    const started = new Worker(new URL('./embedded-state-worker.ts', import.meta.url), { workerData: settings });
    started.on('message', ({ failure }: WriterAnswer) => {
      const call = calls.shift();
      if (failure === null) call?.done();
      else call?.failed(errorOf(settings.file, failure));
    });
    const gone = (detail: string): void => {
      if (worker !== started) return;
      // The next call starts another: a writer that died, of memory say, costs one checkpoint and not all.
      worker = null;
      for (const call of calls.splice(0)) call.failed(errorOf(settings.file, { kind: 'unwritable', detail }));
    };
    started.on('error', (error) => gone(String(error)));
    started.on('exit', (code) => gone(`its writer ended with code ${code}`));
    return started;
  };

  const call = (request: WriterRequest): Promise<void> =>
    new Promise((done, failed) => {
      worker ??= start();
      calls.push({ done, failed });
      worker.postMessage(request);
    });

  const sendRows = async (rows: Snapshot['rows']): Promise<void> => {
    let underWay = Promise.resolve();
    for (let from = 0; from < rows.length; from += MESSAGE_ROWS) {
      const packed = await pack(rows.slice(from, from + MESSAGE_ROWS));
      await underWay;
      underWay = call({ kind: 'rows', rows: packed });
      // It is awaited a message later; until then its failure is not unheard.
      underWay.catch(() => {});
    }
    await underWay;
  };

  return {
    open: () => call({ kind: 'open' }),
    write: async ({ processor, partition, discard, checkpoint, rows }) => {
      await call({ kind: 'begin', processor, partition, discard });
      try {
        await sendRows(rows);
        await call({ kind: 'commit', checkpoint: checkpoint === null ? null : JSON.stringify(checkpoint) });
      } catch (error) {
        await call({ kind: 'rollback' }).catch(() => {});
        throw error;
      }
    },
    close: async () => {
      const closing = worker;
      if (closing === null) return;
      const exited = new Promise((resolve) => closing.once('exit', resolve));
      await call({ kind: 'close' });
      await exited;
    },
  };
};

/**
 * JSON is made here and not in the writing thread: cloning the states over to it takes the event loop as long, and
 * would leave that thread, which is the slower one, with the JSON too.
 */
const pack = async (rows: Snapshot['rows']): Promise<(string | number | null)[]> => {
  const packed: (string | number | null)[] = [];
  for (const [index, { key, row }] of rows.entries()) {
    if (index % SLICE_ROWS === 0) await new Promise((resolve) => setImmediate(resolve));
    if (row === null) packed.push(key, null, null, null);
    else packed.push(key, row.version, row.dueMs, JSON.stringify(row.state) ?? null);
  }
  return packed;
};
