import { isIP } from 'node:net';

/** Whose X-Forwarded-For is believed: nobody's, everybody's, that of so many hops, or of these addresses. */
export type TrustProxy = boolean | number | string[];

/**
 * The same for Fastify, which since 5.12 takes a plain number without a word as "trust nobody": all clients
 * would have the address of the load balancer. Counting hops is only safe where nobody can reach the process
 * past the proxies; addresses are safe everywhere.
 */
export function fastifyTrustProxy(
  trust: TrustProxy,
): boolean | string[] | ((address: string, hop: number) => boolean) {
  return typeof trust === 'number' ? (_address, hop) => hop < trust : trust;
}

const NAMED_RANGES = ['loopback', 'linklocal', 'uniquelocal'];

/** @throws Error whose message completes "must be …" */
export function parseTrustProxy(text: string): TrustProxy {
  const value = text.trim().toLowerCase();
  if (value === 'true' || value === 'false') return value === 'true';
  if (/^\d{1,2}$/.test(value)) return Number(value) === 0 ? false : Number(value);
  const ranges = value.split(',').map((range) => range.trim());
  if (ranges.every(isRange)) return ranges;
  throw new Error('must be a number of proxies, or addresses and CIDR ranges separated by commas');
}

function isRange(text: string): boolean {
  if (NAMED_RANGES.includes(text)) return true;
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
