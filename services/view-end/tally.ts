import type { Heartbeat } from '../../schemas/generated/records.ts';
import { isOver } from '../../shared/sessions/lifecycle.ts';
import { AS_IS, type Shape } from '../../shared/state/packing.ts';
import { added, between, MARK, type Mark, markOf, NO_SUMS, SUMS, type Sums } from './pairs.ts';
import { type Ranges, withRange } from './ranges.ts';

/**
 * What is kept of the beats of one session. They may come in any order: beats whose numbers follow each other are a run,
 * of which the two ends and the sums are kept, and what lies between two runs is added when somebody asks. So the same
 * beats make the same tally in whatever order they came, as long as there are no more runs and ranges than are kept.
 */
export type Tally = {
  readonly runs: readonly Run[];
  /** Over the neighbours within runs. */
  readonly sums: Sums;
  readonly ranges: Ranges;
  readonly beats: number;
  /** As told by beats; null where none did. */
  readonly stallCount: number | null;
  readonly stallMs: number | null;
  readonly furthestMs: number | null;
  /** Of the lowest beat that told it. */
  readonly startup: Told | null;
  /** Of the highest. */
  readonly duration: Told | null;
  /** A picture was shown. */
  readonly began: boolean;
};

export type Run = {
  readonly first: Mark;
  readonly last: Mark;
  /** The beat that began the pause in which the run ends; null where it does not end in one. */
  readonly paused: Pick<Mark, 'sequence' | 'atMs'> | null;
};

type Told = { readonly sequence: number; readonly ms: number };

const TOLD: Shape<Told> = { sequence: AS_IS, ms: AS_IS };
const RUN: Shape<Run> = { first: MARK, last: MARK, paused: { sequence: AS_IS, atMs: AS_IS } };
export const TALLY: Shape<Tally> = {
  runs: [RUN],
  sums: SUMS,
  ranges: AS_IS,
  beats: AS_IS,
  stallCount: AS_IS,
  stallMs: AS_IS,
  furthestMs: AS_IS,
  startup: TOLD,
  duration: TOLD,
  began: AS_IS,
};

/**
 * So many runs of one session are told apart: an hour of beats that come back wholly shuffled makes about 90, and any queue
 * that is flushed in order, or in batches beside each other, makes a few. One more closes the narrowest gap: the beats
 * that are missing there are taken for lost, and change nothing when they come after all.
 */
export const MAX_RUNS = 128;

export const NO_BEATS: Tally = {
  runs: [],
  sums: NO_SUMS,
  ranges: [],
  beats: 0,
  stallCount: null,
  stallMs: null,
  furthestMs: null,
  startup: null,
  duration: null,
  began: false,
};

export const firstOf = ({ runs }: Tally): Mark | undefined => runs[0]?.first;
export const lastOf = ({ runs }: Tally): Mark | undefined => runs.at(-1)?.last;

/** The very same tally where the beat is a repeat. */
export const withBeat = (tally: Tally, beat: Heartbeat): Tally => {
  const { runs } = tally;
  let at = runs.length;
  while (at > 0 && runs[at - 1]!.first.sequence > beat.sequence) at -= 1;
  const left = runs[at - 1];
  const right = runs[at];
  if (left !== undefined && beat.sequence <= left.last.sequence) return tally;

  const mark = markOf(beat);
  const afterLeft = left?.last.sequence === beat.sequence - 1;
  const beforeRight = right?.first.sequence === beat.sequence + 1;
  let next = withWhatItTells(tally, beat);
  let run: Run = {
    first: mark,
    last: mark,
    paused: beat.state === 'paused' ? { sequence: mark.sequence, atMs: mark.atMs } : null,
  };
  if (afterLeft) {
    next = withPair(next, left.last, mark);
    run = joined(left, run);
  }
  if (beforeRight) {
    next = withPair(next, mark, right.first);
    run = joined(run, right);
  }
  const all = [...runs.slice(0, afterLeft ? at - 1 : at), run, ...runs.slice(beforeRight ? at + 1 : at)];
  next = { ...next, runs: all };
  return all.length <= MAX_RUNS ? next : withoutNarrowestGap(next);
};

const withWhatItTells = (tally: Tally, beat: Heartbeat): Tally => {
  const { sequence, state, contentType, quality, durationMs } = beat;
  const startupMs = quality?.startupMs ?? null;
  const placeMs = contentType === 'vod' && state !== 'seeking' ? beat.positionMs : null;
  const { startup, duration } = tally;
  return {
    ...tally,
    beats: tally.beats + 1,
    stallCount: plus(tally.stallCount, quality?.stallCount ?? null),
    stallMs: plus(tally.stallMs, quality?.stallMs == null ? null : Math.round(quality.stallMs)),
    furthestMs: placeMs === null ? tally.furthestMs : Math.max(tally.furthestMs ?? 0, placeMs),
    startup:
      startupMs !== null && (startup === null || sequence < startup.sequence)
        ? { sequence, ms: Math.round(startupMs) }
        : startup,
    duration:
      durationMs !== null && (duration === null || sequence > duration.sequence)
        ? { sequence, ms: durationMs }
        : duration,
    began: tally.began || state === 'ended' || (state !== 'starting' && !isOver({ state })),
  };
};

const plus = (sum: number | null, more: number | null): number | null => (more === null ? sum : (sum ?? 0) + more);

const withPair = (tally: Tally, a: Mark, b: Mark): Tally => {
  const { sums, range } = between(a, b);
  return {
    ...tally,
    sums: added(tally.sums, sums),
    ranges: range === null ? tally.ranges : withRange(tally.ranges, range),
  };
};

const joined = (left: Run, right: Run): Run => {
  const wholly = right.paused !== null && right.paused.sequence === right.first.sequence;
  return { first: left.first, last: right.last, paused: wholly ? (left.paused ?? right.paused) : right.paused };
};

const withoutNarrowestGap = (tally: Tally): Tally => {
  const { runs } = tally;
  const gapBefore = (i: number): number => runs[i]!.first.sequence - runs[i - 1]!.last.sequence;
  let at = 1;
  for (let i = 2; i < runs.length; i++) if (gapBefore(i) < gapBefore(at)) at = i;
  const left = runs[at - 1]!;
  const right = runs[at]!;
  return {
    ...withPair(tally, left.last, right.first),
    runs: [...runs.slice(0, at - 1), joined(left, right), ...runs.slice(at + 1)],
  };
};

/** The tally as if what is missing never came: one run, with what lies between the runs in its sums. */
export const closed = (tally: Tally): Tally => {
  const [first, ...others] = tally.runs;
  if (first === undefined) return tally;
  let all: Tally = { ...tally, sums: added(tally.sums, between(null, first.first).sums) };
  let run = first;
  for (const next of others) {
    all = withPair(all, run.last, next.first);
    run = joined(run, next);
  }
  return { ...all, runs: [run] };
};
