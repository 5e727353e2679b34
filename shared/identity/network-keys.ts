import { createHmac } from 'node:crypto';
import { isIPv4 } from 'node:net';

const CACHED = 50_000;

/**
 * A keyed hash of the coarse network that a call came from: /24 of IPv4, /48 of IPv6. Many viewers of one network key
 * look suspicious; no address is kept.
 */
export const networkKeys = (pepper: Uint8Array): ((address: string | undefined) => string | null) => {
  const known = new Map<string, string>();
  return (address) => {
    if (address === undefined) return null;
    const found = known.get(address);
    if (found !== undefined) return found;
    const key = createHmac('sha256', pepper)
      .update(`network\0${coarse(address)}`)
      .digest('base64url')
      .slice(0, 16);
    if (known.size >= CACHED) known.clear();
    known.set(address, key);
    return key;
  };
};

const coarse = (address: string): string => {
  const v4 = address.startsWith('::ffff:') ? address.slice(7) : address;
  if (isIPv4(v4)) return v4.split('.').slice(0, 3).join('.');
  // Written out, an IPv6 address has eight groups; `::` stands for as many as are missing.
  const [head = '', tail = ''] = address.split('::');
  const left = head.split(':').filter((g) => g !== '');
  const right = tail.split(':').filter((g) => g !== '');
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  return [...left, ...zeros, ...right].slice(0, 3).join(':');
};
