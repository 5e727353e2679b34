import type { EpochMs } from '../../schemas/time.ts';
import { partitionsOf, type TopicName } from '../../schemas/topics.ts';
import type { Log, LogRecord } from './log.ts';
import { LogOutOfRange } from './log-errors.ts';

export type FollowOptions = {
  readonly log: Pick<Log, 'read' | 'bounds' | 'offsetAt'>;
  readonly topic: TopicName;
  /** How many partitions keyed topics have. */
  readonly partitions: number;
  /** From what was appended at this time on, or only what is still to come. */
  readonly from: EpochMs | 'end';
  /** In the order of each partition; never called twice with one record. */
  readonly onRecords: (records: readonly LogRecord[], partition: number) => void;
  /** Waits until the log is asked again. */
  readonly pause: () => Promise<unknown>;
  /** The log is away, or cannot be read: it is asked again after a pause. */
  readonly onTrouble: (error: unknown) => void;
};

export type Following = {
  /** Resolves when all has been told that the topic held at the beginning; also when it is closed before that. */
  readonly caughtUp: Promise<void>;
  /** Resolves when nothing more will be told. */
  close(): Promise<void>;
};

const MAX_RECORDS = 1_000;

type Place = { readonly partition: number; next: number; goal: number };

/** Reads a topic whole, in every process that wants it: with no group and no commits, by asking again and again. */
export const follow = (options: FollowOptions): Following => {
  const { log, topic, from, onRecords, pause, onTrouble } = options;
  let tellCaughtUp = (): void => {};
  const caughtUp = new Promise<void>((resolve) => (tellCaughtUp = resolve));
  let closed = false;

  const placeOf = async (partition: number): Promise<Place> => {
    const { end } = await log.bounds(topic, partition);
    return { partition, next: from === 'end' ? end : await log.offsetAt(topic, partition, from), goal: end };
  };
  /** Whether there may be more at once. */
  const tellNext = async (place: Place): Promise<boolean> => {
    const { partition } = place;
    try {
      const { records, to, end } = await log.read(topic, partition, place.next, MAX_RECORDS);
      if (closed) return false;
      if (records.length > 0) onRecords(records, partition);
      place.next = to;
      return to < end;
    } catch (error) {
      if (!(error instanceof LogOutOfRange)) throw error;
      // What was next has been deleted, or the log has lost its end.
      place.next = Math.min(Math.max(place.next, error.first), error.end);
      place.goal = Math.min(place.goal, error.end);
      return true;
    }
  };
  const troubled = (error: unknown): null => {
    if (!closed) onTrouble(error);
    return null;
  };

  const run = async (): Promise<void> => {
    let places: readonly Place[] | null = null;
    while (!closed) {
      places ??= await Promise.all(
        Array.from({ length: partitionsOf(topic, options.partitions) }, (_, partition) => placeOf(partition)),
      ).catch(troubled);
      const more = await Promise.all((places ?? []).map((place) => tellNext(place).catch(troubled)));
      if (places?.every(({ next, goal }) => next >= goal)) tellCaughtUp();
      if (!closed && !more.includes(true)) await pause();
    }
    tellCaughtUp();
  };
  const running = run();
  return {
    caughtUp,
    close: async () => {
      closed = true;
      await running;
    },
  };
};
