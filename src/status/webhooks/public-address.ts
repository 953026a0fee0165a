import { BlockList, isIP, isIPv4 } from 'node:net';

/** IANA special-purpose registry and multicast: nothing in it is another party's server on the Internet. */
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  // Answers virtual machines of one cloud from inside, though it looks public.
  '168.63.129.16/32',
];

/** Inside of 2000::/3, which holds every public address; all else is refused without a list. */
const SPECIAL_IPV6 = [
  // Protocol assignments, Teredo among them: an IPv4 address of somebody's choice is in it.
  '2001::/23',
  '2001:db8::/32',
  // 6to4 holds an IPv4 address as well.
  '2002::/16',
  '3fff::/20',
];

const special = new BlockList();
for (const range of SPECIAL_IPV4) addTo(special, range, 'ipv4');
for (const range of SPECIAL_IPV6) addTo(special, range, 'ipv6');
const assigned = new BlockList();
addTo(assigned, '2000::/3', 'ipv6');
const loopback = new BlockList();
addTo(loopback, '127.0.0.0/8', 'ipv4');
addTo(loopback, '::1/128', 'ipv6');

/** Whether an address is one of the public Internet. Addresses that wrap an IPv4 address are what they wrap. */
export function isPublicAddress(address: string): boolean {
  // An address of an interface of this machine, `fe80::1%eth0`.
  if (isIP(address) === 0 || address.includes('%')) return false;
  const wrapped = isIPv4(address) ? address : wrappedIpv4(address);
  if (wrapped !== undefined) return !special.check(wrapped, 'ipv4');
  return assigned.check(address, 'ipv6') && !special.check(address, 'ipv6');
}

/** Whether it is this machine, in plain spelling. */
export function isLoopback(address: string): boolean {
  if (isIP(address) === 0 || address.includes('%')) return false;
  return loopback.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

/** Of `::ffff:0:0/96` (mapped) and `64:ff9b::/96` (NAT64, what DNS64 makes of a public name). */
function wrappedIpv4(address: string): string | undefined {
  // The one spelling of RFC 5952: without dots, the longest run of zeros as `::`.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const tail = /^(?:::ffff|64:ff9b:):(?:([\da-f]{1,4}):)?([\da-f]{1,4})$/.exec(text);
  if (!tail) return undefined;
  const [high, low] = [Number.parseInt(tail[1] ?? '0', 16), Number.parseInt(tail[2] ?? '0', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function addTo(list: BlockList, range: string, family: 'ipv4' | 'ipv6'): void {
  const [net = '', bits = ''] = range.split('/');
  list.addSubnet(net, Number(bits), family);
}
