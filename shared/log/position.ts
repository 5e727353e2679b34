import { TOPICS, type TopicName } from '../../schemas/topics.ts';

/** A place in the log, `offset` within its generation. Generations compare first; positions of two partitions are not comparable. */
export type Position = { readonly generation: number; readonly partition: number; readonly offset: number };

/** The form in which callers carry a position: opaque to them, 3 numbers to us. */
export const formatPosition = (p: Position): string => `${p.generation}.${p.partition}.${p.offset}`;

/** Room for the offsets of one generation. */
export const OFFSETS = 1e13;
/** Grows with each record of a partition, through all its generations. */
export const orderOf = ({ generation, offset }: Position): number => generation * OFFSETS + offset;

/**
 * Room for the log's own offsets of one generation: they count on from one to the next, so that what is of a later one is greater
 * for whoever compares offsets alone. A thousand records a second in one partition take 31 years.
 */
export const GENERATION = 1e12;
/** Keeps `orderOf`, and what is made of positions, within what numbers hold exactly. */
export const MAX_GENERATION = 9;

/** The log's own offset at which a topic begins. Those whose keys are no accounts never move. */
export const baseOf = (topic: TopicName, generation: number): number =>
  TOPICS[topic].account === 'key' ? (generation - 1) * GENERATION : 0;

export const positionOf = (partition: number, offset: number): Position => ({
  generation: 1 + Math.floor(offset / GENERATION),
  partition,
  offset: offset % GENERATION,
});

/** The log's own offset. */
export const offsetOf = ({ generation, offset }: Position): number => (generation - 1) * GENERATION + offset;

const SHAPE = /^(\d{1,6})\.(\d{1,6})\.(\d{1,15})$/;

/** `null` for a text that is no position. */
export const parsePosition = (text: string): Position | null => {
  const match = SHAPE.exec(text);
  if (match === null) return null;
  const [, generation, partition, offset] = match;
  return { generation: Number(generation), partition: Number(partition), offset: Number(offset) };
};
