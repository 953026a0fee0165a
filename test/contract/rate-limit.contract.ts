import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/kernel/manual-clock.js';
import { type KeyedLimit, spend } from '../../src/rate-limit/gcra.js';
import { MemoryBackend } from '../../src/rate-limit/memory-backend.js';
import { RedisBackend } from '../../src/rate-limit/redis-backend.js';
import { PATIENCE_SECONDS, dice, randomLimits, runVectors, scriptClient } from './rate-limit.rig.js';
import { UNIT_SECONDS, limit } from './rate-limit.vectors.js';
import { withEngine } from './support/engine.js';

describe('Rate limits in memory', () => {
  runVectors(() => {
    const clock = new ManualClock();
    const backend = new MemoryBackend({ clock, maxKeys: 100, degraded: true });
    return {
      exact: true,
      spend: (limits) => backend.spend(limits),
      advance: (seconds) => clock.advance(seconds * 1000),
    };
  });
});

withEngine('Rate limits in Redis', (engine) => {
  const backend = (): RedisBackend => new RedisBackend(scriptClient(engine.redis));

  describe('answers as every backend does', () => {
    runVectors(() => ({
      exact: false,
      spend: (limits) => backend().spend(limits),
      advance: (seconds) => rewind(engine.redis, seconds),
    }));
  });

  it('admits exactly the burst of 1,000 simultaneous checks', async () => {
    const answers = await Promise.all(
      Array.from({ length: 1000 }, () => backend().spend([limit('hundred')])),
    );
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(100);
  });

  it('admits exactly the tightest of three bursts, and spends no more on the others', async () => {
    const limits = [limit('hundred'), limit('three'), limit('ten')];
    const answers = await Promise.all(Array.from({ length: 200 }, () => backend().spend(limits)));
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(3);
    expect((await backend().spend([limit('hundred', 97)])).allowed).toBe(true);
    expect((await backend().spend([limit('ten', 7)])).allowed).toBe(true);
  });

  it('leaves no key without a TTL', async () => {
    await backend().spend([limit('one:x'), limit('ten'), limit('hundred', 30)]);
    await backend().spend([limit('one:x'), limit('ten')]);
    for (const [key, units] of [
      ['one:x', 1],
      ['ten', 1],
      ['hundred', 30],
    ] as const) {
      const ttlMs = await engine.redis.pttl(`rl:g:${key}`);
      expect(ttlMs).toBeGreaterThan((units * UNIT_SECONDS - PATIENCE_SECONDS) * 1000);
      expect(ttlMs).toBeLessThanOrEqual(units * UNIT_SECONDS * 1000 + 100);
    }
  });

  it('writes nothing for a denied check', async () => {
    await backend().spend([limit('one')]);
    const before = await engine.redis.get('rl:g:one');
    await backend().spend([limit('ten'), limit('one')]);
    expect(await engine.redis.keys('*')).toEqual(['rl:g:one']);
    expect(await engine.redis.get('rl:g:one')).toBe(before);
  });

  it('stores microseconds as a whole number with every digit', async () => {
    await backend().spend([limit('ten')]);
    const stored = await engine.redis.get('rl:g:ten');
    expect(stored).toMatch(/^\d{16}$/);
    expect(Math.abs(Number(stored) / 1e6 - UNIT_SECONDS - Date.now() / 1000)).toBeLessThan(PATIENCE_SECONDS);
  });

  it('goes on counting after SCRIPT FLUSH', async () => {
    await backend().spend([limit('three')]);
    await engine.redis.script('FLUSH');
    expect((await backend().spend([limit('three')])).outcomes[0]?.remaining).toBe(1);
  });

  it.each([11, 12])('decides, answers and stores what its twin does (random history %i)', async (seed) => {
    const roll = dice(seed);
    let compared = 0;
    for (let step = 0; step < 300; step += 1) {
      const limits = randomLimits(roll);
      const before = await states(engine.redis, limits);
      const { allowed, outcomes } = await backend().spend(limits);
      const after = await states(engine.redis, limits);

      // The server does not tell its time; what it stored and answered does.
      const at = limits.findLastIndex((_, i) => (outcomes[i]?.resetUs ?? 0) > 0);
      const stored = (allowed ? after : before).get(limits[at]?.key ?? '');
      if (stored === undefined) continue;
      const nowUs = stored - (outcomes[at]?.resetUs ?? NaN);
      const repeated = new Set(limits.map(({ key }) => key)).size < limits.length;
      // The second charge of a denied call builds on the first, which was not stored.
      if (!allowed && repeated) continue;
      const twin = spend(nowUs, limits, (key) => before.get(key));
      expect({ allowed, outcomes }).toEqual({ allowed: twin.allowed, outcomes: twin.outcomes });
      compared += 1;
    }
    expect(compared).toBeGreaterThan(150);
  });
});

/** Time cannot be moved on a server; but only TAT minus now counts, so the states are moved instead. */
async function rewind(redis: Redis, seconds: number): Promise<void> {
  for (const key of await redis.keys('rl:g:*')) {
    const tat = Number(await redis.get(key)) - seconds * 1e6;
    await redis.set(key, tat.toFixed(0), 'KEEPTTL');
  }
}

async function states(redis: Redis, limits: readonly KeyedLimit[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const { key } of limits) {
    const text = await redis.get(key);
    if (text !== null) found.set(key, Number(text));
  }
  return found;
}
