import { beforeEach, expect, it } from 'vitest';
import type { RedisRulingStore } from '../../src/rate-limit/control/redis-ruling-store.js';
import { LONGEST_BLOCK_MS, LONGEST_TEXT, MOST_OVERRIDES } from '../../src/rate-limit/control/ruling-store.js';
import { OPERATION } from '../../src/rate-limit/counting/outcome.js';
import { HOUR_MS, KEYS, RulingRig, block, member, override, unblock } from './rate-limit-control.rig.js';
import { askRedis, counterOf, limitOf, meterOf, scriptClient } from './rate-limit.rig.js';
import { FOREIGN_KEYS, FOREIGN_VERSIONS } from './support/foreign-values.js';
import { withEngine } from './support/engine.js';

withEngine('Rulings beside what others wrote under their keys', (engine) => {
  let rig: RulingRig;
  let store: RedisRulingStore;

  beforeEach(() => {
    rig = new RulingRig(engine.redis);
    store = rig.store;
  });

  it.each(Object.entries(FOREIGN_KEYS))('read nothing from %s, and count it', async (_what, write) => {
    for (const key of [KEYS.version, KEYS.blocked, KEYS.overrides]) await write(engine.redis, key);
    expect(await store.load()).toMatchObject({ version: 0 });
    expect(rig.broken).toBeGreaterThanOrEqual(2);
    expect(await store.version()).toBe(0);
  });

  it.each(Object.entries(FOREIGN_KEYS))('take the place of %s', async (_what, write) => {
    for (const key of [KEYS.version, KEYS.blocked, KEYS.overrides]) await write(engine.redis, key);
    await store.change(block('ada'));
    await store.change(override('f', '{"exempt":true}'));
    const { version, blocks, overrides } = await store.load();
    expect(version).toBe(await store.version());
    expect(version).toBeGreaterThan(0);
    expect(blocks.has(member('ada'))).toBe(true);
    expect(overrides.get('f')).toBe('{"exempt":true}');
    for (const key of [KEYS.version, KEYS.blocked, KEYS.overrides])
      expect([key, (await engine.redis.pttl(key)) > 0]).toEqual([key, true]);
  });

  it.each(Object.keys(FOREIGN_KEYS))('have nothing to lift from %s', async (what) => {
    for (const key of [KEYS.blocked, KEYS.overrides]) await FOREIGN_KEYS[what]?.(engine.redis, key);
    expect((await store.change(unblock('ada'))).outcome).toBe('nothing');
    expect((await store.change({ kind: 'lift', field: 'f' })).outcome).toBe('nothing');
  });

  it.each(FOREIGN_VERSIONS)('take the version %j for none, and make one', async (text) => {
    await engine.redis.set(KEYS.version, text);
    const noticed = { broken: 0, version: -1 };
    const counter = counterOf(scriptClient(engine.redis), noticed);
    const meters = [meterOf(limitOf('rate-ten'), 'ada')];
    await askRedis(counter, [{ operation: OPERATION.spend, meters, cost: 1 }]);
    expect([(await store.load()).version, await store.version(), noticed.version]).toEqual([0, 0, 0]);
    expect(rig.broken).toBe(1);
    const { before, after } = await store.change(block('ada'));
    expect(before).toBe(0);
    expect(after).toBeGreaterThan(0);
    expect(await store.version()).toBe(after);
  });

  it('count on from no version that is far ahead of the clock', async () => {
    const far = Math.round((await rig.nowMs()) * 1000) + 3 * 86_400_000_000;
    await engine.redis.set(KEYS.version, String(far));
    expect((await store.change(block('ada'))).after).toBeLessThan(far);
    await engine.redis.set(KEYS.version, String(far));
    const noticed = { broken: 0, version: 0 };
    const counter = counterOf(scriptClient(engine.redis), noticed);
    await askRedis(counter, [
      { operation: OPERATION.reset, meters: [meterOf(limitOf('rate-ten'), 'ada')], cost: 1 },
    ]);
    expect(noticed.version).toBeLessThan(far);
  });

  it('leave out entries that this application cannot have written', async () => {
    const nowMs = await rig.nowMs();
    await store.change(block('ada'));
    await store.change(override('f'));
    await engine.redis.zadd(
      KEYS.blocked,
      'inf',
      member('for-ever'),
      nowMs + 2 * LONGEST_BLOCK_MS,
      member('too-long'),
    );
    await engine.redis.zadd(KEYS.blocked, nowMs + HOUR_MS, 'm'.repeat(LONGEST_TEXT + 1));
    await engine.redis.hset(
      KEYS.overrides,
      'f'.repeat(LONGEST_TEXT + 1),
      '{}',
      'g',
      'v'.repeat(LONGEST_TEXT + 1),
    );
    const { blocks, overrides } = await store.load();
    expect([...blocks.keys()]).toEqual([member('ada')]);
    expect([...overrides.keys()]).toEqual(['f']);
    expect(rig.broken).toBe(5);
  });

  it.each([
    ['further ahead than any block', 2 * LONGEST_BLOCK_MS, 'junk'],
    ['that end later', LONGEST_BLOCK_MS - HOUR_MS, 'junk'],
    ['that end sooner', HOUR_MS / 2, 'junk'],
    ['that look like blocks and end later', LONGEST_BLOCK_MS - HOUR_MS, 'user:'],
  ])('hold beside 11,000 entries %s', async (_what, aheadMs, name) => {
    await store.change(block('ada'));
    const endMs = (await rig.nowMs()) + aheadMs;
    const junk = Array.from({ length: 11_000 }, (_, at) => {
      const text = `${name}${String(at).padStart(16, '0')}`;
      return [endMs, name === 'user:' ? `${text}:***` : text];
    });
    await engine.redis.zadd(KEYS.blocked, ...junk.flat());
    expect((await store.load()).blocks.has(member('ada'))).toBe(true);
    expect(rig.broken).toBeGreaterThan(0);
    expect(await engine.redis.zcard(KEYS.blocked)).toBe(aheadMs > LONGEST_BLOCK_MS ? 1 : 11_001);
  });

  it('hold beside more fields than there may be of theirs', async () => {
    await store.change(override('api/api/~gold-*', '{"exempt":true}'));
    const fields = Array.from({ length: MOST_OVERRIDES + 1 }, (_, at) => [`f${at}`, '{}']);
    await engine.redis.hset(KEYS.overrides, ...fields.flat());
    expect((await store.load()).overrides.get('api/api/~gold-*')).toBe('{"exempt":true}');
  });

  it('read nothing of a hash that holds ten times as much as they ever may', async () => {
    const fields = Array.from({ length: 10 * MOST_OVERRIDES + 1 }, (_, at) => [`f${at}`, '{}']);
    await engine.redis.hset(KEYS.overrides, ...fields.flat());
    expect((await store.load()).overrides.size).toBe(0);
    expect(rig.broken).toBe(1);
  });
});
