import { describe, expect, it } from '@jest/globals';
import { callerAddress } from './address.ts';

const from = (proxies: number, forwarded?: string): string | undefined => {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return callerAddress(proxies)({ socket: { remoteAddress: '10.0.0.9' }, headers });
};

describe('the address of a caller', () => {
  it('is that of the connection where no proxy is trusted, whatever it says', () => {
    expect(from(0)).toBe('10.0.0.9');
    expect(from(0, '203.0.113.7')).toBe('10.0.0.9');
  });

  it('is what the outermost of our proxies saw, and nothing that stood there before', () => {
    expect(from(1, '203.0.113.7')).toBe('203.0.113.7');
    expect(from(1, '198.51.100.1, 203.0.113.7')).toBe('203.0.113.7');
    expect(from(2, '198.51.100.1, 203.0.113.7, 10.0.0.1')).toBe('203.0.113.7');
    expect(from(1, '198.51.100.1,2001:db8::7')).toBe('2001:db8::7');
  });

  it('is that of the connection where a call came past the proxies', () => {
    expect(from(1)).toBe('10.0.0.9');
    expect(from(2, '203.0.113.7')).toBe('10.0.0.9');
  });

  it.each(['unknown', '', '203.0.113.7:4711', '_hidden', '<script>'])('is not known where it says %j', (text) => {
    expect(from(1, text)).toBeUndefined();
  });
});
