import { isIP } from 'node:net';
import { coverEverybody } from './address-ranges.js';

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
  const empty = ranges.find((range) => /\/0+$/.test(range) && isIP(range.replace(/\/0+$/, '')) > 0);
  if (empty !== undefined)
    throw new Error(`must be ranges with a prefix of 1 bit at least; ${empty} is every address`);
  throw new Error('must be a number of proxies, or addresses and CIDR ranges separated by commas');
}

/** Whether any client may choose the address that is seen of it. */
export function trustsEverybody(trust: TrustProxy): boolean {
  if (typeof trust !== 'object') return trust === true;
  return coverEverybody(trust.filter((range) => !NAMED_RANGES.includes(range)));
}

function isRange(text: string): boolean {
  if (NAMED_RANGES.includes(text)) return true;
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
