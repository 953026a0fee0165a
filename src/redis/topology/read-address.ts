import type { Address } from '../dialer.js';

/** RFC 1035: no name is longer. What a server calls a host goes into logs, reports and the resolver. */
const HOST = /^[A-Za-z0-9._:-]{1,255}$/;

/**
 * Reads an address as a server sent it.
 * @returns undefined for what is no address
 */
export function readAddress(host: unknown, port: unknown): Address | undefined {
  if (typeof host !== 'string' || !HOST.test(host)) return undefined;
  if (!/^\d{1,5}$/.test(String(port))) return undefined;
  const number = Number(port);
  return number > 0 && number < 65_536 ? { host, port: number } : undefined;
}
