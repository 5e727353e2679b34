import type { TopicName } from '../../schemas/topics.ts';
import type { Bounds, Log, LogRecord } from './log.ts';

/** A read is some milliseconds of work. */
const RECORDS = 1_000;

/** What a partition holds between two offsets, piece by piece. `LogOutOfRange` where retention is faster. */
export async function* recordsBetween(
  log: Pick<Log, 'read'>,
  { topic, partition }: { readonly topic: TopicName; readonly partition: number },
  { first, end }: Bounds,
): AsyncGenerator<readonly LogRecord[]> {
  for (let at = first; at < end;) {
    const { records, to } = await log.read(topic, partition, at, Math.min(RECORDS, end - at));
    yield records.filter(({ offset }) => offset < end);
    at = to;
  }
}
