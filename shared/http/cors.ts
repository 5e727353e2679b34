/** The `access-control-allow-origin` of an answer to a page of this origin; null: no page of it may read the answer. */
export type AllowOrigin = (origin: string | undefined) => string | null;

const LOOPBACK = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;

/**
 * Of the origins that are named, or of any with `*`. Where none is named, pages of the same machine: a player that is being
 * written. Identity is in tokens and never in cookies, so `*` gives no page what its viewer's browser knows.
 */
export const allowedOrigins = (origins: readonly string[]): AllowOrigin => {
  if (origins.includes('*')) return () => '*';
  const named = new Set(origins);
  const allows = named.size === 0 ? (origin: string) => LOOPBACK.test(origin) : (origin: string) => named.has(origin);
  return (origin) => (origin !== undefined && allows(origin) ? origin : null);
};

const FOR_ALL = ['access-control-allow-origin', '*'] as const;

/** As a flat list of headers, which Node writes without looking names up. A caller that is no page is sent none. */
export const corsHeaders = (allowOrigin: string | null): readonly string[] => {
  if (allowOrigin === null) return [];
  return allowOrigin === '*' ? FOR_ALL : ['access-control-allow-origin', allowOrigin, 'vary', 'origin'];
};
