import type { IncomingHttpHeaders } from 'node:http';
import type { Trace } from '../../schemas/generated/records.ts';

/** Version, trace, parent, flags; version ff and ids of nothing but 0 are none. What a later version adds stands behind. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;
/** Members of a `tracestate` that the W3C has carried at least; longer ones are left out whole. */
const MAX_STATE_LENGTH = 512;
const MAX_MEMBERS = 32;
const MEMBER = /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/**
 * The W3C trace context of a call, where somebody watches its trace: one that is not sampled costs nothing behind this, and is
 * carried no further. Undefined for that, for none, and for a malformed one, which is ignored as if it had not come.
 */
export const traceIn = ({ traceparent, tracestate }: IncomingHttpHeaders): Trace | undefined => {
  if (typeof traceparent !== 'string') return undefined;
  const [, version, traceId, parentId, flags, more] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || parentId === undefined || (version === '00' && more !== undefined)) return undefined;
  if ((Number.parseInt(flags ?? '0', 16) & SAMPLED) === 0) return undefined;
  return { traceparent: traceparentOf(traceId, parentId), tracestate: stateIn(tracestate) };
};

/** Of a trace that is watched. */
export const traceparentOf = (traceId: string, parentId: string): string => `00-${traceId}-${parentId}-01`;

const stateIn = (given: string | readonly string[] | undefined): string | null => {
  if (given === undefined) return null;
  const text = String(given);
  if (text.length > MAX_STATE_LENGTH) return null;
  const members = text.split(',').flatMap((one) => one.trim() || []);
  return members.length > 0 && members.length <= MAX_MEMBERS && members.every((one) => MEMBER.test(one))
    ? members.join(',')
    : null;
};
