import { isDeepStrictEqual } from 'node:util';

/** The same as JSON, in whatever order fields stand. */
export const sameJson = (one: string | undefined, other: string | undefined): boolean =>
  one === other || (one !== undefined && other !== undefined && isDeepStrictEqual(JSON.parse(one), JSON.parse(other)));
