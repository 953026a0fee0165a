import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { OPERATION } from '../../src/rate-limit/counting/outcome.js';
import { type CompiledLimit, compileLimit } from '../../src/rate-limit/policies/compiled-limit.js';
import type { LimitRow } from '../../src/rate-limit/policies/policy.js';
import { askRedis, counterOf, meterOf, scriptClient } from '../contract/rate-limit.rig.js';
import { clientOptions } from '../contract/support/engine.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { seededRandom } from '../support/seeded-random.js';
import { waitFor } from '../support/wait-for.js';

const CRASHES = 8;
const SUBJECTS = 50;

const compiled = (row: LimitRow): CompiledLimit => compileLimit('p', { limits: [row] }, row);
const LIMITS = [
  compiled({ per: 'user', quota: 10, windowMs: 10_000, burst: 10 }),
  compiled({ per: 'user', quota: 10, windowMs: 300_000, burst: 10 }),
  compiled({ kind: 'window', per: 'user', quota: 10, windowMs: 3_600_000 }),
  // Generations of a few milliseconds: hashes are created all the time.
  ...[2, 3, 5, 8].map((ms) => ({
    ...compiled({ per: 'user', quota: 10, windowMs: ms, burst: 10 }),
    generationUs: ms * 1000,
  })),
];

describeReal('A server that is killed while limits are counted', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer({ appendonly: true });
  });
  afterAll(() => server?.stop());

  it('has no key without an end when it is back, wherever it was interrupted', async () => {
    const random = seededRandom(20_261_121);
    let [kept, answered] = [0, 0];
    for (let crash = 0; crash < CRASHES; crash += 1) {
      const redis = new Redis(clientOptions(server.host, server.port));
      redis.on('error', () => undefined);
      await redis.connect();
      const calls = { answered: 0 };
      const writing = write(redis, random, calls);
      // Counted in calls, not in time: a slow machine is interrupted in as much work as a fast one.
      const enough = 11 + random() * 100;
      await waitFor(() => calls.answered >= enough, { what: 'some calls', intervalMs: 1 });
      await server.kill9();
      await writing;
      answered += calls.answered;
      redis.disconnect();

      await server.start();
      const admin = server.admin();
      const keys = await admin.keys('*');
      for (const key of keys) {
        const ttlMs = await admin.pttl(key);
        // Gone in the meantime, which is an end as well.
        expect([key, ttlMs === -1]).toEqual([expect.stringMatching(/^rl:\{g\}:(?:s:|version$)/), false]);
      }
      kept += keys.length;
    }
    expect(answered).toBeGreaterThan(CRASHES * 10);
    expect(kept).toBeGreaterThan(CRASHES * 3);
  });

  /** Counts until the server is gone. */
  async function write(redis: Redis, random: () => number, calls: { answered: number }): Promise<void> {
    const counter = counterOf(scriptClient(redis));
    for (;;) {
      const questions = Array.from({ length: 8 }, () => ({
        operation: random() < 0.1 ? OPERATION.reset : OPERATION.charge,
        meters: LIMITS.map((limit) => meterOf(limit, String(Math.floor(random() * SUBJECTS)))),
        cost: 1,
      }));
      try {
        await askRedis(counter, questions);
        calls.answered += 1;
      } catch {
        return;
      }
    }
  }
});
