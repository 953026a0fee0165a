import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { createTestCertificates } from '../test/support/certificates.js';
import { startRedisServer } from '../test/support/redis-server.js';
import { openCore } from './core.js';
import { compare, printTable, pump } from './rounds.js';

const ROUNDS = 11;
const LOADS = [
  { concurrency: 1, operations: 4000 },
  { concurrency: 100, operations: 60_000 },
  { concurrency: 500, operations: 60_000 },
];

/** The client that a feature gets, with guard, bounds and metrics on, against bare ioredis with its defaults. */
export async function purposeClient(): Promise<void> {
  const certificates = await createTestCertificates();
  await measure('plain');
  await measure('TLS', { ...certificates.server, ca: certificates.ca });
}

async function measure(wire: string, tls?: { cert: string; key: string; ca: string }): Promise<void> {
  const server = await startRedisServer(tls ? { tls } : {});
  const { client, close } = await openCore(server.url(), tls?.ca);
  const bare = new Redis({
    host: '127.0.0.1',
    port: server.port,
    ...(tls ? { tls: { ca: readFileSync(tls.ca), servername: 'localhost' } } : {}),
  });
  await client.set('rl:bench', 'value');
  for (const load of LOADS) {
    const figures = await compare(
      [
        { name: 'bare ioredis, GET', run: (n, c) => pump(n, c, () => bare.get('rl:bench')) },
        { name: 'purpose client, GET', run: (n, c) => pump(n, c, () => client.get('rl:bench')) },
      ],
      { ...load, rounds: ROUNDS },
    );
    printTable(`GET, ${wire}, concurrency ${load.concurrency}`, figures);
    if (load.concurrency === 1) {
      const [before = 0, after = 0] = figures.map(({ perSecond }) => 1e6 / perSecond);
      process.stdout.write(`added per call at concurrency 1: ${(after - before).toFixed(1)} us\n`);
    }
  }
  bare.disconnect();
  await close();
  await server.stop();
}
