import type { FastifyListenOptions } from 'fastify';

/**
 * Connections that may wait to be accepted. When all clients of event streams come back in one second, Node's 511 are full
 * at once; who does not fit in is dropped by the kernel and tries again after 1, 3, 7 … seconds. Linux takes the smaller of
 * this and net.core.somaxconn, which is 4096.
 */
const BACKLOG = 4096;

/** Where the HTTP door listens: for `app.listen`. */
export function listenOptions(port: number, host: string): FastifyListenOptions {
  return { port, host, backlog: BACKLOG };
}
