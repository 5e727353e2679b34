export const QUARTER_MINUTES = 15;
export const HOUR_MINUTES = 60;
export const DAY_MINUTES = 1_440;

/** The windows that there are, in the order of `AudienceCounted`. */
export const WINDOWS = [
  { name: '1m', minutes: 1 },
  { name: '5m', minutes: 5 },
  { name: '1h', minutes: HOUR_MINUTES },
  { name: '24h', minutes: DAY_MINUTES },
] as const;
export type WindowName = (typeof WINDOWS)[number]['name'];
export const WINDOW_NAMES: readonly WindowName[] = WINDOWS.map(({ name }) => name);

export const quarterOf = (minute: number): number => minute - (minute % QUARTER_MINUTES);

/** The first minute of a window: whole minutes beside the one that runs; of a day, the quarter of an hour in which it begins. */
export const firstOf = (minutes: number, now: number): number =>
  minutes === DAY_MINUTES ? quarterOf(now - DAY_MINUTES) : now - minutes;
