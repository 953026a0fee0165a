import { isIPv4, isIPv6 } from 'node:net';

const MAPPED = /^::ffff:(\d+(?:\.\d+){3})$/i;

/**
 * An address as its owner recognises it and nobody else finds him by it: `192.0.2.x`, `2001:db8:xxxx`.
 *
 * @returns undefined for what is not an address
 */
export function maskedAddress(address: string): string | undefined {
  const plain = address.replace(/%.*$/s, '');
  const v4 = MAPPED.exec(plain)?.[1] ?? plain;
  if (isIPv4(v4)) return `${v4.slice(0, v4.lastIndexOf('.'))}.x`;
  if (!isIPv6(plain)) return undefined;
  return `${firstGroups(plain).join(':')}:xxxx`;
}

/** The first two groups; what `::` stands for is zeros. */
function firstGroups(address: string): string[] {
  const [head = ''] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  return [...groups, '0', '0'].slice(0, 2).map((group) => parseInt(group, 16).toString(16));
}
