import { isIPv4 } from 'node:net';

/** First and last address, as numbers; IPv4 addresses are the IPv6 ones that stand for them. */
interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

const ALL_OF_IPV4 = rangeOf('0.0.0.0', 0);
/** Every public IPv6 address that was given out so far or will be for long. */
const ALL_OF_PUBLIC_IPV6 = rangeOf('2000::', 3);

/** Whether every IPv4 address, or every public IPv6 address, lies in one of these addresses and CIDR ranges. */
export function coverEverybody(ranges: readonly string[]): boolean {
  const known = ranges.map((text) => {
    const [address = '', bits] = text.split('/');
    return rangeOf(address, bits === undefined ? undefined : Number(bits));
  });
  const sorted = known.sort((one, other) => (one.first < other.first ? -1 : 1));
  return [ALL_OF_IPV4, ALL_OF_PUBLIC_IPV6].some((whole) => covers(sorted, whole));
}

function covers(sorted: readonly Range[], { first, last }: Range): boolean {
  let next = first;
  for (const range of sorted) if (range.first <= next && range.last >= next) next = range.last + 1n;
  return next > last;
}

/** @param bits length of the prefix; unset: the address alone */
function rangeOf(address: string, bits?: number): Range {
  const isOld = isIPv4(address);
  const width = BigInt((isOld ? 32 : 128) - (bits ?? (isOld ? 32 : 128)));
  const first = ((isOld ? 0xffff_0000_0000n + ipv4(address) : ipv6(address)) >> width) << width;
  return { first, last: first + (1n << width) - 1n };
}

function ipv4(address: string): bigint {
  return address.split('.').reduce((sum, part) => (sum << 8n) + BigInt(part), 0n);
}

function ipv6(address: string): bigint {
  const [text = ''] = address.split('%');
  const dotted = /[^:]+\.[^:]+$/.exec(text)?.[0];
  const tail = dotted === undefined ? '' : (ipv4(dotted) + (1n << 32n)).toString(16).slice(1);
  const plain = dotted === undefined ? text : text.replace(dotted, `${tail.slice(0, 4)}:${tail.slice(4)}`);
  const [head = [], rest] = plain.split('::').map((half) => half.split(':').filter((part) => part !== ''));
  const zeros = rest === undefined ? 0 : 8 - head.length - rest.length;
  const groups = [...head, ...Array<string>(zeros).fill('0'), ...(rest ?? [])];
  return groups.reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n);
}
