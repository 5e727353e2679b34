import { MINUTE_MS } from '../schemas/time.ts';

/** From when until when as many tasks stand ready as may be, said by `-c event=<from>/<until>`, both as 2026-12-05T18:00Z. */
export type Event = { readonly from: Date; readonly until: Date };

/** Tasks start and partitions move before the first viewer comes. */
const AHEAD_MS = 30 * MINUTE_MS;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/;

export const eventOf = (text: unknown): Event | null => {
  if (text === undefined) return null;
  const [from = '', until = ''] = String(text).split('/');
  const times = [from, until].map((one) => (TIME.test(one) ? Date.parse(one) : Number.NaN));
  const [fromMs = Number.NaN, untilMs = Number.NaN] = times;
  if (!(fromMs < untilMs))
    throw new RangeError(`There is no event ${JSON.stringify(text)}: say -c event=2026-12-05T18:00Z/2026-12-05T23:00Z`);
  return { from: new Date(fromMs - AHEAD_MS), until: new Date(untilMs) };
};
