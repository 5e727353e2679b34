import { encodeOutput } from '../../schemas/codec.ts';
import type { DecisionOutput } from '../../schemas/events.ts';
import type { Trace } from '../../schemas/generated/records.ts';
import { partitionsOf, type TopicName } from '../../schemas/topics.ts';
import type { NewRecord } from '../log/log.ts';
import { partitionOf } from '../log/partition.ts';
import { formatPosition, positionOf } from '../log/position.ts';
import type { Folded } from './fold.ts';
import type { Processor } from './processor.ts';
import type { Parked } from './reading.ts';

type Sending = {
  readonly processor: Pick<Processor<never, never>, 'name' | 'input'>;
  /** How many partitions keyed topics have. */
  readonly partitions: number;
};
/** Outputs caused below `groupOffset` have been sent before. */
type Sent = { readonly number: number; readonly groupOffset: number };

type Outgoing = { readonly topic: TopicName; readonly to: number; readonly records: readonly NewRecord[] };

/** Outputs by topic and partition, with ids that follow from their cause; without those that were sent before. */
export const outgoingRecords = (
  { processor, partitions }: Sending,
  partition: Sent,
  { effects }: Pick<Folded<unknown>, 'effects'>,
  parked: readonly Parked[],
): readonly Outgoing[] => {
  const byTarget = new Map<string, { topic: TopicName; to: number; records: NewRecord[] }>();
  const add = (topic: TopicName, key: string, value: Uint8Array | null): void => {
    const to = partitionOf(key, partitionsOf(topic, partitions));
    const target = `${topic}/${to}`;
    const existing = byTarget.get(target);
    if (existing === undefined) byTarget.set(target, { topic, to, records: [{ key, value }] });
    else existing.records.push({ key, value });
  };
  for (const { effect, offset, index } of effects) {
    if (offset < partition.groupOffset) continue;
    const cause = formatPosition(positionOf(partition.number, offset));
    const { emit, key, record, name = index } = effect;
    add(emit, key, record && encodeOutput(record, { id: `${processor.name}:${cause}:${name}`, cause }));
  }
  for (const { record, reason } of parked) {
    if (record.offset < partition.groupOffset) continue;
    const cause = formatPosition(positionOf(partition.number, record.offset));
    const bytes = Buffer.from(record.value ?? new Uint8Array());
    const value = { topic: processor.input, processor: processor.name, reason, bytes };
    add(PARKED, cause, encodeOutput({ type: 'RecordParked', value }, { id: `${processor.name}:${cause}`, cause }));
  }
  return [...byTarget.values()];
};

const PARKED: TopicName = 'heartbeats.v1.parked';

export type TracedDecision = {
  readonly offset: number;
  readonly value: DecisionOutput['value'];
  readonly trace: Trace;
};

/** Decisions of calls that somebody watches, without those that were sent before. */
export const tracedIn = (
  { groupOffset }: Sent,
  { effects }: Pick<Folded<unknown>, 'effects'>,
): readonly TracedDecision[] => {
  let traced: TracedDecision[] | null = null;
  for (const { effect, offset } of effects) {
    if (effect.record?.type !== 'StreamDecided' || offset < groupOffset) continue;
    const { value } = effect.record;
    if (value.trace !== undefined) (traced ??= []).push({ offset, value, trace: value.trace });
  }
  return traced ?? NONE_TRACED;
};

const NONE_TRACED: readonly TracedDecision[] = [];
