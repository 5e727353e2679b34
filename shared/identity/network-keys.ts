import { createHmac, createSecretKey } from 'node:crypto';
import { BlockList, isIPv4, isIPv6 } from 'node:net';

const CACHED = 50_000;

/** Of a proxy, or of this machine: they say nothing about where a viewer is (RFC 1918, 3927, 4193, 4291, 6598). */
const inside = new BlockList();
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  inside.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  inside.addSubnet(net, bits, 'ipv6');

/**
 * A keyed hash of the coarse network that a call came from: /24 of IPv4, /48 of IPv6; null where that is no network of
 * the internet. Many viewers of one network key look suspicious; no address is kept.
 */
export const networkKeys = (pepper: Uint8Array): ((address: string | undefined) => string | null) => {
  const secret = createSecretKey(pepper);
  const known = new Map<string, string | null>();
  return (address) => {
    if (address === undefined) return null;
    const found = known.get(address);
    if (found !== undefined) return found;
    const key = isInside(address)
      ? null
      : createHmac('sha256', secret)
          .update(`network\0${coarse(address)}`)
          .digest('base64url')
          .slice(0, 16);
    if (known.size >= CACHED) known.clear();
    known.set(address, key);
    return key;
  };
};

/** Nodes that listen for both kinds write an IPv4 address so. */
const withoutMapping = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address);

const isInside = (address: string): boolean => {
  const plain = withoutMapping(address);
  if (isIPv4(plain)) return inside.check(plain, 'ipv4');
  return isIPv6(plain) && inside.check(plain, 'ipv6');
};

const coarse = (address: string): string => {
  const v4 = withoutMapping(address);
  return isIPv4(v4) ? v4.split('.').slice(0, 3).join('.') : firstGroups(address, 3);
};

/** What one line of a provider has: an IPv4 address, or /64 of IPv6. */
export const lineOf = (address: string): string => {
  const v4 = withoutMapping(address);
  return isIPv4(v4) ? v4 : firstGroups(address, 4);
};

const firstGroups = (address: string, count: number): string => {
  // Written out, an IPv6 address has eight groups; `::` stands for as many as are missing.
  const [head = '', tail = ''] = address.split('::');
  const left = head.split(':').filter((g) => g !== '');
  const right = tail.split(':').filter((g) => g !== '');
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  return [...left, ...zeros, ...right].slice(0, count).join(':');
};
