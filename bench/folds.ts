import type { Household as Titles } from '../services/resume-position/resume.ts';
import { concurrency } from '../services/concurrency/concurrency.ts';
import { resumePosition } from '../services/resume-position/resume.ts';
import { audience, type Audience } from '../services/trending/audience.ts';
import { trending } from '../services/trending/trending.ts';
import { seriesOf } from '../services/trending/view.ts';
import { viewEnd } from '../services/view-end/view-end.ts';
import { packed } from '../services/packed.ts';
import { MINUTE_MS } from '../schemas/time.ts';
import type { Processor } from '../shared/runtime/processor.ts';
import type { PackingFor } from '../shared/state/packing.ts';

/** Each round has processors with names of their own, which end with its number. */
export const packing: PackingFor = (processor) => packed(processor.replace(/-\d+$/, ''));

export type AnyProcessor = Processor<unknown, unknown>;

/** Each processor that the rows P3 and P4 measure, and all together; one more is one more line here and two rows. */
export const FOLDS = [
  { processor: concurrency, memory: 'P3', embedded: 'P4' },
  { processor: resumePosition, memory: 'P3r', embedded: 'P4r' },
  { processor: viewEnd, memory: 'P3v', embedded: 'P4v' },
  { processor: trending, memory: 'P3t', embedded: 'P4t' },
  { processor: audience, memory: 'P3a', embedded: 'P4a' },
] as const satisfies readonly FoldRow[];

type FoldRow = { readonly processor: AnyProcessor; readonly memory: string; readonly embedded: string };

/** What the runtime and a loop without timers agree on: a resume position that plays on is put by a timer, and figures are told by one. */
export const withoutTimers = ({ name }: AnyProcessor, state: unknown): unknown => {
  if (name === resumePosition.name) return (state as Titles | undefined)?.entries.map((entry) => entry.title);
  if (name !== audience.name) return state;
  const { seen, stood } = state as Audience;
  const newest = stood.buckets.at(-1)![0];
  return [seen, seriesOf({ stood, atMs: newest * MINUTE_MS }, '24h')];
};
