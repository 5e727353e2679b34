import { openAskedThread } from './embedded-thread.ts';
import type { Packing, PackingFor } from './packing.ts';
import type { Snapshot } from './partition-state.ts';
import { errorOf, type WriterAnswer, type WriterRequest, type WriterSettings } from './embedded-state-file.ts';

/** The main thread's side of the writing thread. */
export type SnapshotWriter = {
  /** Resolves when the file can be read. */
  open(): Promise<void>;
  /** Resolves when the snapshot is stored; rejects when none of it is. One at a time. */
  write(snapshot: Snapshot): Promise<void>;
  /** What was deleted is gone from all files then. */
  cut(): Promise<void>;
  close(): Promise<void>;
};

/** Rows made into JSON in one turn of the event loop: well under a millisecond of it. */
const SLICE_ROWS = 200;
/** Rows per message. One message is under way while the next is made: so memory holds two, however much is dirty. */
const MESSAGE_ROWS = 1_000;

export const createSnapshotWriter = (settings: WriterSettings, packing: PackingFor): SnapshotWriter => {
  const thread = openAskedThread<WriterRequest, WriterAnswer>({
    url: new URL('./embedded-state-worker.ts', import.meta.url),
    options: { workerData: settings },
    died: (why) => {
      const detail = typeof why === 'number' ? `its writer ended with code ${why}` : String(why);
      return errorOf(settings.file, { kind: 'unwritable', detail });
    },
  });
  const call = async (request: WriterRequest): Promise<void> => {
    const { failure } = await thread.ask(request);
    if (failure !== null) throw errorOf(settings.file, failure);
  };

  const sendRows = async ({ processor, rows }: Pick<Snapshot, 'processor' | 'rows'>): Promise<void> => {
    let underWay = Promise.resolve();
    for (let from = 0; from < rows.length; from += MESSAGE_ROWS) {
      const packed = await sliced(rows.slice(from, from + MESSAGE_ROWS), packing(processor));
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
        await sendRows({ processor, rows });
        await call({ kind: 'commit', checkpoint: checkpoint === null ? null : JSON.stringify(checkpoint) });
      } catch (error) {
        await call({ kind: 'rollback' }).catch(() => {});
        throw error;
      }
    },
    cut: () => call({ kind: 'cut' }),
    close: () => thread.end({ kind: 'close' }),
  };
};

/**
 * JSON is made here and not in the writing thread: cloning the states over to it takes the event loop as long, and
 * would leave that thread, which is the slower one, with the JSON too.
 */
const sliced = async (rows: Snapshot['rows'], { pack }: Packing): Promise<(string | number | null)[]> => {
  const packed: (string | number | null)[] = [];
  for (const [index, { key, row }] of rows.entries()) {
    if (index % SLICE_ROWS === 0) await new Promise((resolve) => setImmediate(resolve));
    if (row === null) packed.push(key, null, null, null);
    else packed.push(key, row.version, row.dueMs, JSON.stringify(pack(row.state)) ?? null);
  }
  return packed;
};
