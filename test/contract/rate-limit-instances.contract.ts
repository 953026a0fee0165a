import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/kernel/manual-clock.js';
import { type Beat, InstanceCount } from '../../src/rate-limit/control/instance-count.js';
import { RULINGS_LIFE_MS } from '../../src/rate-limit/control/redis-ruling-store.js';
import { waitFor } from '../support/wait-for.js';
import { PREFIX, scriptClient } from './rate-limit.rig.js';
import { FOREIGN_KEYS } from './support/foreign-values.js';
import { withEngine } from './support/engine.js';

const INSTANCES = `${PREFIX}:instances`;
const [VERSION, BLOCKED, OVERRIDES] = [`${PREFIX}:version`, `${PREFIX}:blocked`, `${PREFIX}:overrides`];
const LIFE_MS = 15_000;
const BEAT_MS = 5_000;

withEngine('Instances that share the limits', (engine) => {
  const running: InstanceCount[] = [];
  let clock: ManualClock;
  let beats: Beat[];
  let failures: unknown[];

  beforeEach(() => {
    clock = new ManualClock();
    beats = [];
    failures = [];
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.beforeApplicationShutdown()));
  });

  function instance(redis: Redis = engine.redis, reachable = () => true): InstanceCount {
    const count = new InstanceCount({
      client: { ...scriptClient(redis), zrem: (key, member) => redis.zrem(key, member) },
      prefix: PREFIX,
      clock,
      reachable,
      beaten: (beat) => beats.push(beat),
      failed: (error) => failures.push(error),
    });
    running.push(count);
    return count;
  }
  const serverMs = async () => Number((await engine.redis.time())[0]) * 1000;

  it('are counted by their heartbeats, which end by themselves', async () => {
    const [one, two, three] = [instance(), instance(), instance()];
    expect(one.last).toBeUndefined();
    for (const each of [one, two, three]) await each.onApplicationBootstrap();
    expect([one.last, two.last, three.last]).toEqual([1, 2, 3]);
    clock.advance(BEAT_MS);
    await waitFor(() => one.last === 3, { what: 'the next beat' });
    const ttl = await engine.redis.pttl(INSTANCES);
    expect(ttl).toBeGreaterThan(0);
    expect(ttl).toBeLessThanOrEqual(LIFE_MS);
    expect(await engine.redis.zcount(INSTANCES, (await serverMs()) + 1000 + LIFE_MS, '+inf')).toBe(0);
    expect(failures).toEqual([]);
  });

  it('count one less some beats after one has said goodbye, and the same where one could not', async () => {
    const [one, two] = [instance(), instance()];
    await one.onApplicationBootstrap();
    await two.onApplicationBootstrap();
    await one.beat();
    expect(one.last).toBe(2);
    await two.beforeApplicationShutdown();
    // What kill -9 leaves behind, fifteen seconds later.
    await engine.redis.zadd(INSTANCES, (await serverMs()) - 1, 'killed-instance');
    // Not at once: after a restart of the server whoever comes first seems to be alone.
    await one.beat();
    expect(one.last).toBe(2);
    for (let at = 0; at < 3; at += 1) await one.beat();
    expect([one.last, await engine.redis.zcard(INSTANCES)]).toEqual([1, 1]);
  });

  it('beat no more after their end', async () => {
    const one = instance();
    await one.onApplicationBootstrap();
    await one.beforeApplicationShutdown();
    const { length } = beats;
    clock.advance(10 * BEAT_MS);
    await one.beat();
    expect([beats.length, await engine.redis.exists(INSTANCES)]).toEqual([length, 0]);
  });

  it('keep the last number while Redis is away, and never wait for it', async () => {
    let reachable = true;
    const redis = await engine.connect();
    const one = instance(redis, () => reachable);
    await instance().onApplicationBootstrap();
    await one.onApplicationBootstrap();
    redis.disconnect();
    await one.beat();
    expect([one.last, failures.length]).toEqual([2, 1]);
    reachable = false;
    await one.beat();
    expect([one.last, failures.length]).toEqual([2, 1]);
  });

  it('keep what operators have set alive, and say how much of it there is', async () => {
    await engine.redis.set(VERSION, '5', 'PX', 1000);
    await engine.redis.hset(OVERRIDES, 'f', '{}');
    await engine.redis.zadd(BLOCKED, (await serverMs()) + 60_000, 'held', (await serverMs()) - 1000, 'ended');
    await instance().beat();
    expect(beats).toEqual([{ instances: 1, broken: 0, blocks: 1, overrides: 1 }]);
    for (const key of [VERSION, OVERRIDES])
      expect(await engine.redis.pttl(key)).toBeGreaterThan(RULINGS_LIFE_MS - 20_000);
  });

  describe('beside what others wrote under their key', () => {
    it.each(Object.entries(FOREIGN_KEYS))('count themselves instead of %s', async (_what, write) => {
      for (const key of [INSTANCES, VERSION, BLOCKED, OVERRIDES]) await write(engine.redis, key);
      const one = instance();
      await one.beat();
      expect([one.last, failures]).toEqual([1, []]);
      expect(beats[0]).toEqual({ instances: 1, broken: 3, blocks: 0, overrides: 0 });
      expect(await engine.redis.pttl(INSTANCES)).toBeGreaterThan(0);
    });

    it('do not believe an instance that lives longer than one can', async () => {
      const farMs = (await serverMs()) + 10 * LIFE_MS;
      await engine.redis.zadd(INSTANCES, farMs, 'foreign', 'inf', 'for-ever', '-inf', 'never');
      const one = instance();
      await one.beat();
      expect(one.last).toBe(1);
    });

    it('are ten thousand at most', async () => {
      const soonMs = (await serverMs()) + 10_000;
      for (let at = 0; at < 11; at += 1) {
        const members = Array.from({ length: 1000 }, (_, n) => [soonMs, `foreign-${at}-${n}`]);
        await engine.redis.zadd(INSTANCES, ...members.flat());
      }
      const one = instance();
      await one.beat();
      expect(one.last).toBe(10_000);
    });
  });
});
