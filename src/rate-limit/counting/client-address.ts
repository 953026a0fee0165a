import { isIPv4, isIPv6 } from 'node:net';

/**
 * The one spelling of a client address that limits are counted by. IPv4 as it is. IPv6 by its /64, because a
 * subscriber gets at least that many addresses. IPv4 inside IPv6 (::ffff:0:0/96) is recognised by its range,
 * whatever its notation: taken for IPv6, all IPv4 clients would share one /64.
 *
 * What is not an address counts as one single client: it may come from a header, and a name of the client's
 * own choosing must not be a bucket of its own.
 */
export function canonicalAddress(text: string | undefined): string {
  const address = parse(text);
  return typeof address === 'string' ? address : prefix(address, 4);
}

/** The network that an address belongs to: IPv4 by /24, IPv6 by /48, which is what a site usually gets. */
export function canonicalNetwork(text: string | undefined): string {
  const address = parse(text);
  if (typeof address !== 'string') return prefix(address, 3);
  return isIPv4(address) ? `${address.slice(0, address.lastIndexOf('.'))}.0/24` : address;
}

/** IPv4 as text, IPv6 as its eight groups; `unknown` where it is neither. */
function parse(text: string | undefined): string | readonly number[] {
  const address = withoutPort(text?.trim() ?? '');
  if (isIPv4(address)) return address;
  const plain = address.replace(/%.*$/s, '');
  if (!isIPv6(plain)) return 'unknown';
  const groups = groupsOf(plain);
  return mappedIPv4(groups) ?? groups;
}

function prefix(groups: readonly number[], count: number): string {
  return `${groups.slice(0, count).map(hex).join(':')}::/${count * 16}`;
}

/** Some proxies forward `203.0.113.7:4711` or `[2001:db8::7]:4711`. */
function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text);
  if (bracketed) return bracketed[1] ?? '';
  return /^(\d+(?:\.\d+){3}):\d{1,5}$/.exec(text)?.[1] ?? text;
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = withoutDots(address).split('::');
  const numbers = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => parseInt(group, 16));
  const [front, back] = [numbers(head), numbers(tail ?? '')];
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => 0);
  return [...front, ...zeros, ...back];
}

/** The last four bytes may be written as IPv4: `::ffff:192.0.2.1`. */
function withoutDots(address: string): string {
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (!dotted) return address;
  const [a = 0, b = 0, c = 0, d = 0] = dotted.slice(1).map(Number);
  return address.slice(0, dotted.index) + `${hex(a * 256 + b)}:${hex(c * 256 + d)}`;
}

function mappedIPv4(groups: readonly number[]): string | undefined {
  const [high = 0, low = 0] = groups.slice(6);
  if (groups.slice(0, 5).some((group) => group !== 0) || groups[5] !== 0xffff) return undefined;
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function hex(value: number): string {
  return value.toString(16);
}
