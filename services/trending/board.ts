import type { AudienceCounted } from '../../schemas/generated/records.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../schemas/time.ts';
import { audienceOf, type Figures, figuresOf } from './figures.ts';
import { WINDOW_NAMES } from './minutes.ts';

/** The newest figures of every content: a pure function of the records of `audience-counts.v1`, in their order. */
export type Board = {
  /** Offset 0 says that nothing was said before it: the history begins with it. */
  take(counted: AudienceCounted, offset: number): void;
  /** Another number after each record that was not left out. */
  version(): number;
  /** The newest time that figures were said of; null before the first. */
  asOfMs(): number | null;
  /** The whole minute since 1970 that `asOfMs` lies in. */
  minute(): number;
  each(tenant: string, when: When, visit: (contentId: string, figures: Figures) => void): void;
  totals(tenant: string): Totals | null;
  /** Every 10 s of the last hour, oldest first, as far as it is known. */
  history(tenant: string): readonly Totals[];
};

/** `minute-began` does not change until the next minute begins. */
export type When = 'now' | 'minute-began';

/** Sums of the 1-minute audiences: an account that watches two contents is in them twice. */
export type Totals = { readonly atMs: number; readonly live: number; readonly vod: number };

/** Every figure that is not 0 is said again after this long at most. */
const SAID_EVERY_MS = 5 * MINUTE_MS;
/** For how long figures stand that nobody says again: twice as long, since who says them may start again in between. */
export const KEPT_MS = 2 * SAID_EVERY_MS;
const STEP_MS = 10 * SECOND_MS;
const STEPS = HOUR_MS / STEP_MS;

type Entry = {
  now: Figures | null;
  /** The board's minute in which `now` was said. */
  minute: number;
  /** What stood when that minute began. */
  before: Figures | null;
};
type Shelf = {
  readonly entries: Map<string, Entry>;
  readonly history: Totals[];
  live: number;
  vod: number;
};

export const board = (): Board => {
  const shelves = new Map<string, Shelf>();
  let version = 0;
  let asOfMs: number | null = null;
  let minute = 0;
  let knownFromMs = 0;

  const shelfOf = (tenant: string): Shelf => {
    let shelf = shelves.get(tenant);
    if (shelf === undefined) shelves.set(tenant, (shelf = { entries: new Map(), history: [], live: 0, vod: 0 }));
    return shelf;
  };
  const put = (shelf: Shelf, entry: Entry, figures: Figures | null): void => {
    if (entry.now !== null) shelf[entry.now.contentType] -= audienceOf(entry.now, '1m');
    if (figures !== null) shelf[figures.contentType] += audienceOf(figures, '1m');
    if (entry.minute < minute) entry.before = entry.now;
    entry.minute = minute;
    entry.now = figures;
  };
  /** What stood from the newest time to the next one. */
  const record = (fromMs: number, toMs: number): void => {
    // Between times that lie further apart some figures must have been said that were not.
    if (toMs - fromMs > SAID_EVERY_MS) return;
    for (let atMs = stepAfter(fromMs); atMs <= toMs; atMs += STEP_MS) {
      if (atMs < knownFromMs) continue;
      for (const { history, live, vod } of shelves.values()) {
        history.push({ atMs, live, vod });
        while (history[0]!.atMs <= atMs - STEPS * STEP_MS) history.shift();
      }
    }
  };
  const sweep = (nowMs: number): void => {
    for (const [tenant, shelf] of shelves) {
      for (const [contentId, entry] of shelf.entries) {
        if (entry.now !== null && nowMs - entry.now.atMs > KEPT_MS) put(shelf, entry, null);
        if (entry.now === null && entry.minute < minute) shelf.entries.delete(contentId);
      }
      if (shelf.entries.size === 0 && shelf.history.every(({ live, vod }) => live + vod === 0)) shelves.delete(tenant);
    }
  };
  const advance = (toMs: number): void => {
    const fromMs = asOfMs ?? toMs;
    record(fromMs, toMs);
    asOfMs = toMs;
    minute = Math.floor(toMs / MINUTE_MS);
    if (stepAfter(fromMs) <= toMs) sweep(toMs);
  };

  return {
    take: (counted, offset) => {
      const { tenant, contentId, atMs } = counted;
      if (asOfMs === null) knownFromMs = offset === 0 ? atMs : atMs + SAID_EVERY_MS;
      if (asOfMs === null || atMs > asOfMs) advance(atMs);
      const shelf = shelfOf(tenant);
      const entry = shelf.entries.get(contentId) ?? { now: null, minute, before: null };
      // A processor that makes its counts again says old ones: what stands is newer.
      if (atMs < (entry.now?.atMs ?? (asOfMs ?? atMs) - KEPT_MS)) return;
      const figures = figuresOf(counted);
      put(shelf, entry, isNobody(figures) ? null : figures);
      shelf.entries.set(contentId, entry);
      version += 1;
    },
    version: () => version,
    asOfMs: () => asOfMs,
    minute: () => minute,
    each: (tenant, when, visit) =>
      shelves.get(tenant)?.entries.forEach((entry, contentId) => {
        const figures = when === 'now' || entry.minute < minute ? entry.now : entry.before;
        if (figures !== null) visit(contentId, figures);
      }),
    totals: (tenant) => {
      const { live, vod } = shelves.get(tenant) ?? { live: 0, vod: 0 };
      return asOfMs === null ? null : { atMs: asOfMs, live, vod };
    },
    history: (tenant) => shelves.get(tenant)?.history ?? [],
  };
};

const stepAfter = (ms: number): number => (Math.floor(ms / STEP_MS) + 1) * STEP_MS;

const isNobody = (figures: Figures): boolean => WINDOW_NAMES.every((window) => audienceOf(figures, window) === 0);
