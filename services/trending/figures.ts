import type { AudienceCounted, AudienceWindow, ContentType } from '../../schemas/generated/records.ts';
import { WINDOW_NAMES, type WindowName } from './minutes.ts';

/** What a list may be narrowed to. */
export type Scope = { readonly kind: 'country' | 'deviceType'; readonly name: string };

/** What the board keeps of an `AudienceCounted`: the same in half to two thirds of the memory (`bench/trending-memory.ts`). */
export type Figures = {
  readonly contentType: ContentType;
  readonly atMs: number;
  /** Audience, suspicious accounts and momentum (NaN where there is none) of each window. */
  readonly windows: readonly number[];
  /** A name, then its audience in each window, then the next name. */
  readonly countries: readonly (string | number)[];
  readonly deviceTypes: readonly (string | number)[];
};

const OF_WINDOW = 3;
const OF_NAME = 1 + WINDOW_NAMES.length;

export const figuresOf = ({ contentType, atMs, windows }: AudienceCounted): Figures => ({
  contentType,
  atMs,
  windows: joined(windows.map(({ audience, suspicious, momentum }) => [audience, suspicious, momentum ?? NaN])),
  countries: flatten(windows, 'byCountry'),
  deviceTypes: flatten(windows, 'byDeviceType'),
});

const flatten = (
  windows: readonly AudienceWindow[],
  by: 'byCountry' | 'byDeviceType',
): readonly (string | number)[] => {
  const names = new Set(windows.flatMap((window) => Object.keys(window[by])));
  return joined([...names].map((name) => [name, ...windows.map((window) => of(window[by], name))]));
};

/** `flat` leaves room behind the last one; a slice has none. */
const joined = <T>(parts: readonly (readonly T[])[]): readonly T[] => parts.flat().slice();

/** A name may be that of what every object has. */
const of = (counts: Readonly<Record<string, number>>, name: string): number =>
  Object.hasOwn(counts, name) ? counts[name]! : 0;

/** Accounts within the window: all, or those of one country or device type. */
export const audienceOf = (figures: Figures, window: WindowName, scope: Scope | null = null): number => {
  const at = WINDOW_NAMES.indexOf(window);
  if (scope === null) return figures.windows[at * OF_WINDOW] ?? 0;
  const names = scope.kind === 'country' ? figures.countries : figures.deviceTypes;
  for (let i = 0; i < names.length; i += OF_NAME) if (names[i] === scope.name) return Number(names[i + 1 + at]);
  return 0;
};

/** Accounts that have no progress, or come from one large network; not all of them are in the audience. */
export const suspiciousOf = ({ windows }: Figures, window: WindowName): number =>
  windows[WINDOW_NAMES.indexOf(window) * OF_WINDOW + 1] ?? 0;

/** Against the content's own 24 hours; NaN where there is none. */
export const momentumOf = ({ windows }: Figures, window: WindowName): number =>
  windows[WINDOW_NAMES.indexOf(window) * OF_WINDOW + 2] ?? NaN;
