import { afterAll, beforeAll, expect, it } from 'vitest';
import { OPERATION } from '../../src/rate-limit/counting/outcome.js';
import { keySlot } from '../../src/redis/key-slot.js';
import { PREFIX, VERSION_KEY, askRedis, counterOf, meterTable } from '../contract/rate-limit.rig.js';
import { storeOf } from '../contract/support/limit-states.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js';

describeReal('Rate limits on a cluster of three', () => {
  let cluster: RedisCluster;
  let core: Compartments;
  beforeAll(async () => {
    cluster = await startRedisCluster();
    const [first, ...others] = cluster.nodes;
    core = await openCompartments(['rateLimit'], {
      RATE_LIMIT_REDIS_URL: `redis://127.0.0.1:${first?.port}`,
      RATE_LIMIT_REDIS_TOPOLOGY: 'cluster',
      RATE_LIMIT_REDIS_NODES: others.map(({ port }) => `127.0.0.1:${port}`).join(','),
    });
  });
  afterAll(async () => {
    await core?.close();
    await cluster?.stop();
  });

  it('lie in one slot whatever they count, so any of them are spent together, and go along when it moves', async () => {
    const counter = counterOf(core.client('rateLimit'));
    const meters = meterTable();
    const limits = ['rate-hundred', 'window-ten:a', 'rate-three:b', 'rate-one:c'].map(meters);
    const spend = async (of: readonly number[]) => {
      const asked = of.map((at) => limits[at] ?? meters('rate-one'));
      const [answer] = await askRedis(counter, [{ operation: OPERATION.spend, meters: asked, cost: 1 }]);
      return [answer?.allowed, ...(answer?.outcomes.map(({ remaining }) => remaining) ?? [])];
    };

    expect(await spend([0, 1, 2, 3])).toEqual([true, 99, 9, 2, 0]);
    expect(await spend([0, 1, 2, 3])).toEqual([false, 99, 9, 2, 0]);

    const slot = keySlot(PREFIX);
    const owner = await cluster.masterOfSlot(slot);
    const keys = [...(await storeOf(owner.admin())).keys()];
    expect(keys.length).toBeGreaterThan(2);
    expect(new Set([...keys, VERSION_KEY].map(keySlot))).toEqual(new Set([slot]));
    const stored = await Promise.all(cluster.nodes.map((node) => node.admin().keys(`${PREFIX}:*`)));
    expect(stored.flat().sort()).toEqual([...keys].sort());

    const target = cluster.nodes.find((node) => node !== owner) ?? owner;
    await cluster.moveSlot(slot, target);
    expect(await spend([0, 1, 2])).toEqual([true, 98, 8, 1]);
    expect(await spend([3])).toEqual([false, 0]);
    for (const key of keys) expect(await target.admin().pttl(key)).toBeGreaterThan(0);
  });
});
