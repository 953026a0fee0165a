import { Redis } from 'ioredis';
import { Secret } from '../src/kernel/redact.js';
import { systemClock } from '../src/kernel/time.js';
import { RateLimiter, RedisBackend, SubjectKeys } from '../src/rate-limit/index.js';
import { startRedisServer } from '../test/support/redis-server.js';
import { openCore } from './core.js';
import { type Contestant, compare, printTable, pump } from './rounds.js';

const ROUNDS = 11;
const SUBJECTS = 10_000;
const NO_OP = 'return 1';

const POLICIES = {
  ip: { per: 'ip', quota: 60_000_000, windowSeconds: 60, burst: 1_000_000 },
  user: { per: 'user', quota: 60_000_000, windowSeconds: 60, burst: 1_000_000 },
  global: { per: 'global', quota: 60_000_000, windowSeconds: 60, burst: 1_000_000 },
} as const;

/** `RateLimiter.check` with one and three limits against a script that does nothing, on bare ioredis. */
export async function rateLimiter(): Promise<void> {
  const server = await startRedisServer();
  const { client, metrics, close } = await openCore(server.url());
  const bare = new Redis({ host: '127.0.0.1', port: server.port });
  const piped = new Redis({ host: '127.0.0.1', port: server.port, enableAutoPipelining: true });
  const sha = String(await bare.script('LOAD', NO_OP));
  const limiter = new RateLimiter({
    policies: POLICIES,
    backend: new RedisBackend(client),
    keys: new SubjectKeys('rl', new Secret('benchmark-secret-of-32-characters')),
    metrics,
    clock: systemClock,
  });
  const ip = (n: number) => `10.0.${(n >> 8) & 255}.${n & 255}`;
  const contestants: Contestant[] = [
    {
      name: 'bare EVALSHA no-op, auto-pipelining',
      run: (n, c) => pump(n, c, () => piped.evalsha(sha, 1, 'rl:x')),
    },
    { name: 'bare EVALSHA no-op', run: (n, c) => pump(n, c, () => bare.evalsha(sha, 1, 'rl:x')) },
    {
      name: 'RateLimiter.check, 1 limit',
      run: (n, c) => pump(n, c, (i) => limiter.check([{ policy: 'ip', key: ip(i % SUBJECTS) }])),
    },
    {
      name: 'RateLimiter.check, 3 limits, all or nothing',
      run: (n, c) =>
        pump(n, c, (i) =>
          limiter.check([
            { policy: 'ip', key: ip(i % SUBJECTS) },
            { policy: 'user', key: `user-${i % SUBJECTS}` },
            { policy: 'global', key: 'all' },
          ]),
        ),
    },
  ];
  for (const concurrency of [1, 64, 512]) {
    const figures = await compare(contestants, {
      concurrency,
      operations: concurrency === 1 ? 2000 : 20_000,
      rounds: ROUNDS,
    });
    printTable(`Rate-limit decisions, concurrency ${concurrency}, ${SUBJECTS} subjects`, figures);
  }
  bare.disconnect();
  piped.disconnect();
  await close();
  await server.stop();
}
