import { encode } from '../../schemas/codec.ts';
import { type EpochMs, SECOND_MS } from '../../schemas/time.ts';
import type { TopicName } from '../../schemas/topics.ts';
import type { NewRecord } from '../log/log.ts';
import { formatPosition, positionOf } from '../log/position.ts';
import type { Readable } from './fold.ts';
import type { Processor } from './processor.ts';

export type Relay = { readonly topic: TopicName; readonly record: NewRecord; readonly atMs: EpochMs };

/** How far time goes on before it is told again. */
const RELAY_EVERY_MS = SECOND_MS;

/**
 * What a fold over this one's outputs knows of time: a `TimeRelayed` in the partition of the same number, behind the
 * outputs that came before it. It is sent once a second of the input's time (in either direction: clocks are set back),
 * again after a crash, and never for what was folded and sent before.
 */
export const relayOf = (
  processor: Pick<Processor<never, never>, 'name' | 'input' | 'relays'>,
  partition: { readonly number: number; readonly groupOffset: number; readonly relayedAtMs: EpochMs | null },
  { records, until }: { readonly records: readonly Readable[]; readonly until: number },
): Relay | null => {
  const { relays: topic } = processor;
  const newest = records.at(-1);
  if (topic === undefined || newest === undefined || newest.offset < partition.groupOffset) return null;
  const { appendedAtMs: atMs } = newest;
  if (partition.relayedAtMs !== null && Math.abs(atMs - partition.relayedAtMs) < RELAY_EVERY_MS) return null;
  const position = formatPosition(positionOf(partition.number, until));
  const value = encode('TimeRelayed', { processor: processor.name, position, atMs });
  return { topic, atMs, record: { key: null, value } };
};
