import { randomUUID } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { AccessCoreModule, AccessTokens, EPOCHS, Sessions } from '../src/access/index.js';
import { RedisTestingModule } from '../src/redis/index.js';
import { startRedisServer } from '../test/support/redis-server.js';
import { quantile } from './quantile.js';
import { pump } from './rounds.js';

const OPERATIONS = 20_000;
const ROUNDS = 7;
const LOADS = [1, 32];
/** Users whose sessions are asked for in turn. */
const USERS = 200;

interface Contestant {
  readonly name: string;
  readonly call: (n: number) => Promise<unknown>;
}

/** What it costs a request to say who it is: the check of its session against one bare MGET, and its token. */
export async function access(): Promise<void> {
  const server = await startRedisServer();
  const epochs = { epochOf: () => Promise.resolve(1), bumpEpoch: () => Promise.resolve(2) };
  const feature = AccessCoreModule.with({ imports: [], provider: { provide: EPOCHS, useValue: epochs } });
  const env = { AUTH_CACHE_REDIS_URL: server.url() };
  const house = await RedisTestingModule.forFeatures([feature], { env });
  const app = await NestFactory.createApplicationContext(house, { logger: false });
  const [sessions, tokens] = [app.get(Sessions, { strict: false }), app.get(AccessTokens, { strict: false })];
  const bare = new Redis({ host: '127.0.0.1', port: server.port });

  const logins = await Promise.all(Array.from({ length: USERS }, () => logIn(sessions, tokens)));
  const of = (n: number) => logins[n % USERS] as (typeof logins)[number];
  const contestants: Contestant[] = [
    { name: 'bare ioredis, MGET of two keys', call: (n) => bare.mget(...of(n).keys) },
    { name: 'Sessions.check', call: (n) => sessions.check(of(n).userId, of(n).sessionId, 1) },
    { name: 'a token that was seen before', call: (n) => tokens.verify(of(n).token) },
  ];
  for (const concurrency of LOADS) await compareDelays(concurrency, contestants);
  bare.disconnect();
  await app.close();
  await server.stop();
}

async function logIn(sessions: Sessions, tokens: AccessTokens) {
  const userId = randomUUID();
  const client = { address: '192.0.2.1', userAgent: 'bench' };
  const { sessionId } = await sessions.create({ userId, ...client, amr: ['pwd'], familyId: 'f', epoch: 1 });
  const grant = { tenantId: randomUUID(), role: 'owner' as const, scopes: [], sessionId, epoch: 1 };
  const { token } = await tokens.issue({ userId, ...grant });
  const keys = [`auth:{${userId}}:s:${sessionId}`, `auth:{${userId}}:ep`];
  return { userId, sessionId, token, keys };
}

/** In turn, round after round, so that what the machine does hits all of them. Medians over the rounds. */
async function compareDelays(concurrency: number, contestants: readonly Contestant[]): Promise<void> {
  const rounds = contestants.map(() => [] as { p50: number; p99: number }[]);
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [at, { call }] of contestants.entries()) {
      const delays: number[] = [];
      await pump(OPERATIONS, concurrency, async (n) => {
        const startMs = performance.now();
        await call(n);
        delays.push(performance.now() - startMs);
      });
      // The first round warms up and is not counted.
      if (round >= 0) rounds[at]?.push({ p50: quantile(delays, 0.5), p99: quantile(delays, 0.99) });
    }
  }
  process.stdout.write(`\nwho a request is from, concurrency ${concurrency}\n`);
  for (const [at, { name }] of contestants.entries()) {
    const own = rounds[at] ?? [];
    const [p50, p99] = [own.map((one) => one.p50), own.map((one) => one.p99)].map((all) =>
      quantile(all, 0.5),
    );
    process.stdout.write(`${name.padEnd(34)} p50 ${p50?.toFixed(3)} ms  p99 ${p99?.toFixed(3)} ms\n`);
  }
}
