import type { Cursors, CursorList } from '../table/cursor.ts';
import { type Call, ProblemError } from './call.ts';
import { invalid } from './query.ts';

/** What every list over HTTP takes: `limit`, and `cursor` for the page after. */
const DEFAULT_LIMIT = 20;
export const MAX_LIMIT = 100;

export const LIMIT_QUERY = {
  name: 'limit',
  description: `1 to ${MAX_LIMIT}; ${DEFAULT_LIMIT} when left out.`,
  range: [1, MAX_LIMIT],
} as const;

export const PAGE_QUERY = [LIMIT_QUERY, { name: 'cursor', description: '`nextCursor` of the page before.' }] as const;

export const limitIn = ({ query }: Call): number => {
  const text = query.get('limit') ?? String(DEFAULT_LIMIT);
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw invalid('/limit', 'RANGE', `must be a whole number from 1 to ${MAX_LIMIT}`);
};

/** The place that the page before ended at, null for the first page; `within` says whether it is one of this list's. */
export const cursorIn = (
  { query }: Call,
  cursors: Pick<Cursors, 'read'>,
  list: CursorList,
  within: (place: string) => boolean = () => true,
): string | null => {
  const text = query.get('cursor');
  if (text === null) return null;
  const below = cursors.read(text, list);
  if (below !== null && within(below)) return below;
  throw new ProblemError('INVALID_CURSOR', 'this cursor was not made for this list, or it is older than 24 hours');
};
