import type { AudienceCounted, AudienceMoved } from '../../schemas/generated/records.ts';
import { createOracleClock } from './oracle-clock.ts';
import { agree, briefly, recounted } from './recount.ts';
import type { Trace } from './trace.ts';
import type { FoldedOne } from './uninterrupted.ts';
import { type Invariant, Violation } from './violation.ts';
import type { Watched } from './watched.ts';

/** Holds all that is told of audiences to the beats themselves, counted again. */
export type ToldOracle = {
  watched(one: Watched): void;
  /** A record of the moves, and the figures that came of it. */
  judged(folded: FoldedOne): void;
  /** All has been told by now: what stands is what a recount of the whole log says. */
  compare(nowMs: number): void;
  recounts(): number;
};

type Content = {
  readonly watched: Watched[];
  /** Those of them that have been sent, and how many had been before the record at hand. */
  readonly moved: Watched[];
  movedBefore: number;
  figures: AudienceCounted | null;
  /** Live time at which they were told. */
  toldMs: number;
  /** That of the oldest move that they are without. */
  untoldMs: number | null;
  /** The latest time that it was counted at, and the latest minute that anybody moved to. */
  countedAtMs: number;
  newestMinute: number;
};

const MINUTE_MS = 60_000;
const TOLD_WITHIN_MS = 5_000;
const TOLD_AT_LEAST_MS = 300_000;
/** A time that was relayed is followed no further behind the moves than this. */
const BEHIND_MINUTES = 60;

export const createToldOracle = (parts: { readonly trace: Trace; readonly wentBack: () => boolean }): ToldOracle => {
  const clock = createOracleClock();
  const contents = new Map<string, Content>();
  /** By partition: what no move has been sent for, nor one that comes later. */
  const unsent = new Map<number, Watched[]>();
  /** By partition: the offset of the newest beat that moved somebody. */
  const newest = new Map<number, number>();
  let relayedMs: number | null = null;
  let [live, offset, recounts] = [0, 0, 0];

  const fail = (invariant: Invariant, detail: string): never => {
    throw new Violation(invariant, `offset ${offset}, live ${live}: ${detail}`);
  };
  const contentOf = (id: string): Content => {
    const known = contents.get(id);
    if (known !== undefined) return known;
    const nothing = {
      watched: [],
      moved: [],
      movedBefore: 0,
      figures: null,
      toldMs: 0,
      untoldMs: null,
      countedAtMs: 0,
      newestMinute: 0,
    };
    contents.set(id, nothing);
    return nothing;
  };
  /** What was sent before says nothing new. */
  const sent = ({ cause, contentId, to }: AudienceMoved): void => {
    const [, partition = 0, at = 0] = cause.split('.').map(Number);
    const content = contentOf(contentId);
    content.newestMinute = Math.max(content.newestMinute, to.minute);
    if (at <= (newest.get(partition) ?? -1)) return;
    newest.set(partition, at);
    const waiting = unsent.get(partition) ?? [];
    const behind = waiting.findIndex((one) => one.offset > at);
    for (const one of waiting.splice(0, behind === -1 ? waiting.length : behind))
      contentOf(one.content).moved.push(one);
    content.untoldMs ??= live;
  };

  const checkTime = ({ contentId, atMs }: AudienceCounted, { newestMinute }: Content): void => {
    if (relayedMs === null) return;
    const latestMs = Math.max(relayedMs, (newestMinute - BEHIND_MINUTES) * MINUTE_MS);
    if (atMs > latestMs || (atMs < relayedMs && !parts.wentBack()))
      fail('T3 audience', `${contentId} is told of ${atMs}, and time has come to ${relayedMs}`);
  };

  /** A timer tells what stands before the record that let it fire, the record what stands behind it. */
  const told = (figures: AudienceCounted): void => {
    const { contentId, atMs, windows } = figures;
    const content = contentOf(contentId);
    checkTime(figures, content);
    const now = Math.floor(atMs / MINUTE_MS);
    content.countedAtMs = Math.max(content.countedAtMs, atMs, relayedMs ?? 0);
    // Behind a clock that was set back, minutes that the long windows end in may be one with others by now.
    const what = now >= Math.floor(content.countedAtMs / MINUTE_MS) ? 'all' : 'short';
    const wanted = recounted(content.moved, now);
    const isWhole = agree(windows, wanted, what);
    recounts += 1;
    parts.trace.add('told', contentId, atMs, briefly(windows));
    if (!isWhole && !agree(windows, recounted(content.moved.slice(0, content.movedBefore), now), what))
      fail('T3 audience', `${contentId} at ${atMs}: ${briefly(windows)}\n  not ${briefly(wanted)}`);
    content.figures = figures;
    content.toldMs = live;
    content.untoldMs = isWhole ? null : live;
  };

  const checkLate = (): void => {
    for (const [id, { figures, toldMs, untoldMs }] of contents) {
      if (untoldMs !== null && live - untoldMs >= TOLD_WITHIN_MS)
        fail('T3 told', `${id} changed ${live - untoldMs} ms ago, and nothing was told`);
      const isAnybody = figures?.windows.some(({ audience, suspicious }) => audience + suspicious > 0) ?? false;
      if (isAnybody && live - toldMs >= TOLD_AT_LEAST_MS)
        fail('T3 told', `${id} was told last ${live - toldMs} ms ago`);
    }
  };

  return {
    watched: (one) => {
      contentOf(one.content).watched.push(one);
      const waiting = unsent.get(one.partition);
      if (waiting === undefined) unsent.set(one.partition, [one]);
      else waiting.push(one);
    },
    judged: ({ record, outputs }) => {
      const { event } = record;
      offset = record.offset;
      live = clock.step(record.appendedAtMs, record.event);
      for (const content of contents.values()) content.movedBefore = content.moved.length;
      if (event.type === 'AudienceMoved') sent(event.value);
      for (const output of outputs) if (output.type === 'AudienceCounted') told(output.value);
      if (event.type === 'TimeRelayed') relayedMs = Math.max(relayedMs ?? 0, event.value.atMs);
      checkLate();
    },
    compare: (nowMs) => {
      for (const [id, { watched, figures }] of contents) {
        const wanted = recounted(watched, Math.floor(nowMs / MINUTE_MS));
        recounts += 1;
        const is = figures?.windows ?? recounted([], 0);
        if (!agree(is, wanted, 'who'))
          fail('T3 audience', `${id} at ${nowMs}, when all is told: ${briefly(is)}\n  not ${briefly(wanted)}`);
      }
    },
    recounts: () => recounts,
  };
};
