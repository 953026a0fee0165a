import { NestFactory } from '@nestjs/core';
import { AuthStoresModule } from '../../src/auth/auth-stores.module.js';
import { LoginGate } from '../../src/auth/throttle/login-gate.js';
import { RedisTestingModule } from '../../src/redis/index.js';
import { startRedisServer } from '../../test/support/redis-server.js';
import { quantile } from '../quantile.js';
import { pump } from '../rounds.js';
import { anyAddress } from './house.js';

const ROUNDS = 15;
/** Below the burst of the limit for everybody: none is denied, and a denial that is known costs no call. */
const OPERATIONS = 900;
const LOADS = [1, 32];
const TARGET_P99_MS = 5;

/** What a login spends before its password is looked at: address, network, account, both together, everybody. */
export async function loginGate(): Promise<void> {
  const server = await startRedisServer();
  const env = { AUTH_CACHE_REDIS_URL: server.url() };
  const house = await RedisTestingModule.forFeatures([AuthStoresModule.register()], { env });
  const app = await NestFactory.createApplicationContext(house, { logger: false });
  const gate = app.get(LoginGate, { strict: false });
  process.stdout.write(`\nlogin gate, one reservation in all dimensions, target p99 < ${TARGET_P99_MS} ms\n`);
  for (const concurrency of LOADS) {
    const delays: number[] = [];
    let denied = 0;
    for (let round = -1; round < ROUNDS; round += 1) {
      await server.admin().flushall('SYNC');
      await pump(OPERATIONS, concurrency, async (n) => {
        const startMs = performance.now();
        const { allowed } = await gate.reserve({ accountKey: `a${n}@example.org`, address: anyAddress() });
        // The first round warms up and is not counted.
        if (round >= 0) delays.push(performance.now() - startMs);
        if (!allowed) denied += 1;
      });
    }
    const [p50, p99] = [quantile(delays, 0.5), quantile(delays, 0.99)];
    process.stdout.write(
      `concurrency ${String(concurrency).padStart(2)}  p50 ${p50.toFixed(3)} ms  p99 ${p99.toFixed(3)} ms  ` +
        `of ${delays.length}, ${denied} denied\n`,
    );
  }
  await app.close();
  await server.stop();
}
