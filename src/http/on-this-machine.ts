import { BlockList, isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Whether a request comes from this machine and asks for it by a name of its own. The address is that of the connection,
 * which no header changes; the name keeps out pages of elsewhere whose name was made to lead here (DNS rebinding).
 */
export function isOnThisMachine({ raw, headers }: Pick<FastifyRequest, 'raw' | 'headers'>): boolean {
  // A proxy on this machine speaks for somebody whom nobody here knows.
  if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined) return false;
  return isLoopback(raw.socket.remoteAddress ?? '') && isOwnName(headers.host ?? '');
}

function isLoopback(address: string): boolean {
  const family = isIP(address);
  // IPv4 over an IPv6 socket, ::ffff:127.0.0.1, is judged as what it is.
  return family !== 0 && LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

function isOwnName(host: string): boolean {
  if (!URL.canParse(`http://${host}`)) return false;
  const name = new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, '');
  return name === 'localhost' || isLoopback(name);
}
