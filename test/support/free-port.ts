import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';

/**
 * Ports are drawn from below the ephemeral range (Linux: 32768 and up) and not asked of the kernel with
 * `listen(0)`: a test stops a server and starts it again on the same port, and in the meantime any outgoing
 * connection of any process could be given that port as its source. Adding 10000 (the bus of Redis Cluster)
 * stays a valid port number.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 31_999;
const ATTEMPTS = 200;

/** Ports this process gave out: a port that is closed for a while (a refused proxy) still belongs to somebody. */
const handedOut = new Set<number>();

/** A TCP port of 127.0.0.1 on which nothing listens and that this process has not given out before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (await canListen(port)) return port;
  }
  throw new Error(`No free port between ${FIRST_PORT} and ${LAST_PORT} after ${ATTEMPTS} attempts`);
}

/** Several distinct free ports, for instance for the nodes of a cluster. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
