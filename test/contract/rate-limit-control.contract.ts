import { beforeEach, expect, it } from 'vitest';
import { RULINGS_LIFE_MS, RedisRulingStore } from '../../src/rate-limit/control/redis-ruling-store.js';
import { MOST_BLOCKS, MOST_OVERRIDES } from '../../src/rate-limit/control/ruling-store.js';
import { OPERATION } from '../../src/rate-limit/counting/outcome.js';
import {
  HOUR_MS,
  KEYS,
  RulingRig,
  block,
  member,
  override,
  rulingClient,
  unblock,
} from './rate-limit-control.rig.js';
import { PREFIX, askRedis, counterOf, limitOf, meterOf, scriptClient } from './rate-limit.rig.js';
import { withEngine } from './support/engine.js';

withEngine('Rulings of operators in Redis', (engine) => {
  let rig: RulingRig;
  let store: RedisRulingStore;

  beforeEach(() => {
    rig = new RulingRig(engine.redis);
    store = rig.store;
  });

  it('begin with nothing', async () => {
    expect(await store.load()).toMatchObject({ version: 0, blocks: new Map(), overrides: new Map() });
    expect(await store.version()).toBe(0);
    expect(rig.broken).toBe(0);
  });

  it('are read as they were set, with the time that is left by the clock of the server', async () => {
    await store.change(block('ada'));
    await store.change(override('api/api/~gold-*', '{"exempt":true}'));
    const { version, blocks, overrides } = await store.load();
    expect([...blocks.keys()]).toEqual([member('ada')]);
    expect(blocks.get(member('ada'))).toBeGreaterThan(HOUR_MS - 20_000);
    expect(blocks.get(member('ada'))).toBeLessThanOrEqual(HOUR_MS);
    expect(overrides).toEqual(new Map([['api/api/~gold-*', '{"exempt":true}']]));
    expect(await store.version()).toBe(version);
  });

  it('are changed and lifted, each change with a version of its own', async () => {
    const results = [];
    for (const change of [
      block('ada'),
      block('ada', 5 * HOUR_MS),
      unblock('ada'),
      override('f'),
      override('f'),
    ])
      results.push(await store.change(change));
    results.push(await store.change({ kind: 'lift', field: 'f' }));
    expect(results.map(({ outcome }) => outcome)).toEqual(Array(6).fill('changed'));
    for (const [at, { before, after }] of results.entries()) {
      expect(after).toBeGreaterThan(before);
      expect(before).toBe(results[at - 1]?.after ?? 0);
    }
    const last = results.at(-1)?.after;
    for (const nothing of [unblock('ada'), { kind: 'lift', field: 'f' } as const])
      expect(await store.change(nothing)).toMatchObject({ outcome: 'nothing', before: last, after: last });
    expect(await store.load()).toMatchObject({ version: last, blocks: new Map(), overrides: new Map() });
  });

  it('have another version after the server has lost the last one', async () => {
    const { after } = await store.change(block('ada'));
    await engine.redis.flushall();
    expect(await store.version()).toBe(0);
    expect((await store.change(block('ada'))).after).not.toBe(after);
  });

  it('leave no key without an end, and each change renews it', async () => {
    await store.change(override('f'));
    await store.change(block('ada'));
    await store.change(block('bob', 2 * HOUR_MS));
    await engine.redis.pexpire(KEYS.version, 1000);
    await engine.redis.pexpire(KEYS.overrides, 1000);
    await store.change(override('g'));
    for (const [key, life] of [
      [KEYS.version, RULINGS_LIFE_MS],
      [KEYS.overrides, RULINGS_LIFE_MS],
      [KEYS.blocked, 2 * HOUR_MS + 1000],
    ] as const) {
      const ttl = await engine.redis.pttl(key);
      expect([key, ttl > life - 20_000, ttl <= life]).toEqual([key, true, true]);
    }
  });

  it('of which there are too many are refused, and nothing is changed', async () => {
    await rig.seedBlocks(MOST_BLOCKS, (await rig.nowMs()) + HOUR_MS);
    const { version } = await store.load();
    expect(await store.change(block('one-more'))).toMatchObject({
      outcome: 'full',
      before: version,
      after: version,
    });
    expect((await store.change(block('s0'))).outcome).toBe('changed');
    expect((await store.load()).blocks.size).toBe(MOST_BLOCKS);
    expect((await store.change(unblock('s1'))).outcome).toBe('changed');
    expect((await store.change(block('one-more'))).outcome).toBe('changed');

    const fields = Array.from({ length: MOST_OVERRIDES }, (_, at) => [`f${at}`, '{}']);
    await engine.redis.hset(KEYS.overrides, ...fields.flat());
    expect((await store.change(override('one-more'))).outcome).toBe('full');
    expect((await store.change(override('f0', '1'))).outcome).toBe('changed');
    expect((await store.load()).overrides.size).toBe(MOST_OVERRIDES);
  });

  it('are read page by page, by the version of the first page, and none is missed when others end', async () => {
    const nowMs = await rig.nowMs();
    await rig.seedBlocks(1500, nowMs + HOUR_MS);
    const ended = Array.from({ length: 1000 }, (_, at) => [nowMs - 1, member(`ended-${at}`)]);
    await engine.redis.zadd(KEYS.blocked, ...ended.flat());
    await engine.redis.set(KEYS.version, '5');
    let pages = 0;
    const client = rulingClient(engine.redis);
    const between = {
      ...client,
      evalsha: async (...args: Parameters<typeof client.evalsha>) => {
        const page = await client.evalsha(...args);
        pages += 1;
        await engine.redis.zremrangebyscore(KEYS.blocked, '-inf', nowMs);
        await engine.redis.set(KEYS.version, String(5 + pages));
        return page;
      },
    };
    await store.load();
    const paged = new RedisRulingStore({ client: between, prefix: PREFIX, onBroken: () => undefined });
    const { version, blocks } = await paged.load();
    expect([version, blocks.size, pages]).toEqual([5, 1500, 2]);
  });

  it('that have ended make room and are not read', async () => {
    await rig.seedBlocks(MOST_BLOCKS, (await rig.nowMs()) - 1);
    expect((await store.load()).blocks.size).toBe(0);
    expect((await store.change(block('ada'))).outcome).toBe('changed');
    expect(await engine.redis.zcard(KEYS.blocked)).toBe(1);
  });

  it('set at once by two instances are all there, each with a version of its own', async () => {
    const other = new RulingRig(await engine.connect()).store;
    const names = Array.from({ length: 60 }, (_, at) => `client-${at}`);
    const changes = names.flatMap((name, at) => [block(name), override(`f${at % 7}`, String(at))]);
    const results = await Promise.all(
      changes.map((change, at) => (at % 4 < 2 ? store : other).change(change)),
    );
    expect(new Set(results.map(({ after }) => after)).size).toBe(changes.length);
    const lifted = await Promise.all(names.map((name, at) => (at % 2 ? store : other).change(unblock(name))));
    expect(lifted.every(({ outcome }) => outcome === 'changed')).toBe(true);
    const seen = await Promise.all([store.load(), other.load()]);
    expect(seen[0]).toEqual(seen[1]);
    expect([seen[0].blocks.size, seen[0].overrides.size]).toEqual([0, 7]);
  });

  it('lifted at once by two instances are lifted by one of them', async () => {
    const other = new RulingRig(await engine.connect()).store;
    await store.change(block('ada'));
    const outcomes = await Promise.all([store, other].map((one) => one.change(unblock('ada'))));
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['changed', 'nothing']);
  });

  it('go on after SCRIPT FLUSH', async () => {
    await store.change(block('ada'));
    await engine.redis.script('FLUSH');
    expect((await store.load()).blocks.size).toBe(1);
    await engine.redis.script('FLUSH');
    expect((await store.change(block('bob'))).outcome).toBe('changed');
  });

  it('have a new version after a reset, which ends by itself as well', async () => {
    const { after } = await store.change(block('ada'));
    const noticed = { broken: 0, version: 0 };
    const counter = counterOf(scriptClient(engine.redis), noticed);
    for (const name of ['rate-ten', 'window-ten']) {
      const before = noticed.version;
      await askRedis(counter, [
        { operation: OPERATION.reset, meters: [meterOf(limitOf(name), 'ada')], cost: 1 },
      ]);
      expect(noticed.version).toBeGreaterThan(Math.max(before, after));
      expect(noticed.version).toBe(await store.version());
    }
    expect(await engine.redis.pttl(KEYS.version)).toBeGreaterThan(RULINGS_LIFE_MS - 20_000);
    await askRedis(counter, [
      { operation: OPERATION.spend, meters: [meterOf(limitOf('rate-ten'), 'ada')], cost: 1 },
    ]);
    expect(noticed.version).toBe(await store.version());
  });
});
