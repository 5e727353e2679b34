import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { traceIn } from './trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const GOOD = `00-${TRACE}-${PARENT}-01`;
const traceparentIn = (traceparent: string): string | undefined => traceIn({ traceparent })?.traceparent;

describe('the trace context of a call', () => {
  it('is taken as it came, and of a later version what this one knows', () => {
    expect(traceparentIn(GOOD)).toBe(GOOD);
    expect(traceparentIn(`cc-${TRACE}-${PARENT}-01-what-the-future-brings`)).toBe(GOOD);
    expect(traceparentIn(`00-${TRACE}-${PARENT}-03`)).toBe(GOOD);
  });

  it.each([
    ['none', ''],
    ['of version ff', `ff-${TRACE}-${PARENT}-01`],
    ['of version 00 with more behind it', `${GOOD}-more`],
    ['without a trace', `00-${'0'.repeat(32)}-${PARENT}-01`],
    ['without a parent', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['in capital letters', GOOD.toUpperCase()],
    ['too short', GOOD.slice(0, -1)],
    ['sent twice', `${GOOD}, ${GOOD}`],
    ['with spaces', ` ${GOOD}`],
    ['not sampled', `00-${TRACE}-${PARENT}-00`],
    ['not sampled, with other flags', `00-${TRACE}-${PARENT}-02`],
  ])('%s, is as if it had not come', (_, text) => {
    expect(traceparentIn(text)).toBeUndefined();
  });

  it('of any text is of the one form, or none', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)),
        (text) => {
          expect(traceparentIn(text) ?? GOOD).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
        },
      ),
    );
  });

  it('carries a tracestate of up to 32 members and 512 characters, and without it where it is malformed', () => {
    const stateIn = (tracestate: string): string | null | undefined =>
      traceIn({ traceparent: GOOD, tracestate })?.tracestate;
    expect(stateIn('vendor=a1, other@vendor=b ,')).toBe('vendor=a1,other@vendor=b');
    const members = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}=v`).join(',');
    expect(stateIn(members(32))).toBe(members(32));
    for (const bad of [members(33), `a=${'v'.repeat(511)}`, 'Vendor=a', 'vendor', 'a=b=c', 'a=\u00e9', ' , '])
      expect([bad, stateIn(bad)]).toEqual([bad, null]);
  });
});
