import { TOPICS, type TopicName } from '../../schemas/topics.ts';

/** A place in the log. Generations compare first; positions of two partitions are not comparable. */
export type Position = { readonly generation: number; readonly partition: number; readonly offset: number };

/** The form in which callers carry a position: opaque to them, 3 numbers to us. */
export const formatPosition = (p: Position): string => `${p.generation}.${p.partition}.${p.offset}`;

export const positionOf = (topic: TopicName, partition: number, offset: number): Position => ({
  generation: TOPICS[topic].generation,
  partition,
  offset,
});

const SHAPE = /^(\d{1,6})\.(\d{1,6})\.(\d{1,15})$/;

/** `null` for a text that is no position. */
export const parsePosition = (text: string): Position | null => {
  const match = SHAPE.exec(text);
  if (match === null) return null;
  const [, generation, partition, offset] = match;
  return { generation: Number(generation), partition: Number(partition), offset: Number(offset) };
};
