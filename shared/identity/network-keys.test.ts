import { describe, expect, it } from '@jest/globals';
import { networkKeys } from './network-keys.ts';

const keyOf = networkKeys(Buffer.from('pepper'));
const same = (...addresses: readonly string[]): boolean => new Set(addresses.map(keyOf)).size === 1;

describe('a network key', () => {
  it('is one for the 256 addresses of an IPv4 /24, and another for the next /24', () => {
    expect(same(...Array.from({ length: 256 }, (_, n) => `203.0.113.${n}`))).toBe(true);
    expect(same('203.0.113.1', '203.0.114.1')).toBe(false);
  });

  it('is one for an IPv6 /48, shortened or written out, and another for the next /48', () => {
    expect(same('2001:db8:1::1', '2001:db8:1:ffff::2', '2001:db8:1:0:0:0:0:1')).toBe(true);
    expect(same('2001:db8:1::1', '2001:db8:2::1')).toBe(false);
    expect(same('2001:db8::1', '2001:db8:0:1::1')).toBe(true);
    expect(same('1::1', '1::2')).toBe(true);
  });

  it('is that of the IPv4 address where it comes in the form of IPv6', () => {
    expect(same('203.0.113.7', '::ffff:203.0.113.8')).toBe(true);
    expect(same('::ffff:203.0.113.8', '::ffff:203.0.114.8')).toBe(false);
  });

  it('shows no address, depends on the pepper, and is null without an address', () => {
    expect(keyOf('203.0.113.7')).toMatch(/^[\w-]{16}$/);
    expect(networkKeys(Buffer.from('another'))('203.0.113.7')).not.toBe(keyOf('203.0.113.7'));
    expect(keyOf(undefined)).toBeNull();
  });

  it('is null for addresses of this machine, and of private networks up to their last address', () => {
    const proxies = ['127.0.0.1', '10.0.0.1', '172.31.255.255', '192.168.1.1', '::1', '::ffff:10.1.2.3', 'fd00::1'];
    expect(proxies.map(keyOf)).toEqual(proxies.map(() => null));
    const outside = ['172.32.0.0', '11.0.0.0', '192.169.0.1', '126.255.255.255', '2001:db8::1'];
    expect(outside.map(keyOf)).not.toContain(null);
  });
});
