import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOG_KEY, PROJECTOR_GROUP, TENANTS_KEY, tenantKey } from '../../src/billing/log/keys.js';
import { UNASSIGNED } from '../../src/billing/log/log-entry.js';
import { LogRig, eventOf, plant, tenant } from './billing-log.rig.js';
import { withEngine } from './support/engine.js';

const DAY_MS = 86_400_000;
/** More than a node of a stream holds, so that `~` has whole nodes to remove. */
const MANY = 450;

withEngine('The retention of billing events', (engine) => {
  let rig: LogRig;
  beforeAll(async () => {
    rig = await LogRig.open(`redis://${engine.host}:${engine.port}`);
  });
  afterAll(() => rig?.close());

  const stream = tenantKey(tenant(1));
  const length = (key: string): Promise<number> => engine.redis.xlen(key);
  const idOf = (daysAgo: number, n = 0): string => `${Date.now() - daysAgo * DAY_MS}-${n}`;

  /** Old entries, one at a time, in one stream. @returns the id of the last */
  async function plantOld(key: string, daysAgo: number, count = MANY): Promise<string> {
    const ms = Date.now() - daysAgo * DAY_MS;
    const planting = Array.from({ length: count }, (_, n) => plant(engine.redis, key, `${ms}-${n}`, n + 1));
    return (await Promise.all(planting)).at(-1) as string;
  }

  const group = (from = '0') => engine.redis.xgroup('CREATE', LOG_KEY, PROJECTOR_GROUP, from, 'MKSTREAM');
  /** The projector has had `count` entries, and acknowledged all but the first `pending` of them. */
  async function project(count: number, pending = 0): Promise<string[]> {
    const reply = (await engine.redis.xreadgroup(
      ...(['GROUP', PROJECTOR_GROUP, 'one', 'COUNT', count, 'STREAMS', LOG_KEY, '>'] as const),
    )) as [string, [string, string[]][]][];
    const ids = reply[0]?.[1].map(([id]) => id) ?? [];
    const done = ids.slice(pending);
    if (done.length > 0) await engine.redis.xack(LOG_KEY, PROJECTOR_GROUP, ...done);
    return ids;
  }

  describe('removes from the log', () => {
    it('what is past its time and acknowledged, and nothing that is younger', async () => {
      await group();
      await plantOld(LOG_KEY, 36);
      const young = await Promise.all(['evt_1', 'evt_2'].map((id) => rig.log.append(eventOf(id))));
      await project(MANY + 2);
      await rig.retention().turn();
      // The node that holds the first young entry stays as it is.
      expect(await length(LOG_KEY)).toBeLessThan(102);
      const kept = await rig.log.page({ count: 2, newestFirst: true });
      expect(kept.map(({ id }) => id)).toEqual(young.map(({ entryId }) => entryId).reverse());
      expect(await rig.counted('billingTrimHeld')).toBe(0);
    });

    it('nothing that the projector has not been given', async () => {
      await group();
      await plantOld(LOG_KEY, 36);
      await rig.retention({ mostEntries: 10 }).turn();
      expect(await length(LOG_KEY)).toBe(MANY);
      expect(await rig.counted('billingTrimHeld')).toBe(1);
    });

    it('nothing from the first entry on that the projector has not acknowledged', async () => {
      await group();
      await plantOld(LOG_KEY, 36);
      await project(200);
      const [pending] = await project(MANY, 1);
      await rig.retention({ mostEntries: 10 }).turn();
      const [oldest] = await rig.log.page({ count: 1 });
      expect(oldest?.id).toBe(pending);
      expect(await length(LOG_KEY)).toBe(MANY - 200);
      expect(await rig.counted('billingTrimHeld')).toBe(1);
      await engine.redis.xack(LOG_KEY, PROJECTOR_GROUP, pending as string);
      await rig.retention({ mostEntries: 10 }).turn();
      expect(await length(LOG_KEY)).toBeLessThanOrEqual(10);
      expect(await rig.counted('billingTrimHeld')).toBe(0);
    });

    it('nothing where there is no projector', async () => {
      await plantOld(LOG_KEY, 36);
      await engine.redis.xgroup('CREATE', LOG_KEY, 'somebody', '$');
      await rig.retention({ mostEntries: 10 }).turn();
      expect(await length(LOG_KEY)).toBe(MANY);
    });

    it('what is beyond the ceiling, exactly, though it is young', async () => {
      await group();
      const nowMs = Date.now();
      await Promise.all(
        Array.from({ length: 650 }, (_, n) => plant(engine.redis, LOG_KEY, `${nowMs}-${n}`, n + 1)),
      );
      await project(650);
      await rig.retention({ mostEntries: 100 }).turn();
      expect(await length(LOG_KEY)).toBe(100);
    });

    it('what is beyond the ceiling behind an id from the future, which no age removes', async () => {
      await group();
      await plant(engine.redis, LOG_KEY, '99999999999999-0', 1);
      for (let n = 0; n < 30; n += 1) await rig.log.append(eventOf(`evt_${n}`));
      await project(31);
      await rig.retention({ mostEntries: 20 }).turn();
      expect(await length(LOG_KEY)).toBe(20);
      expect((await rig.log.append(eventOf('evt_next'))).entryId).toBe('99999999999999-31');
    });
  });

  describe('removes from the stream of a tenant', () => {
    const enlist = (...tenants: string[]) =>
      engine.redis.zadd(TENANTS_KEY, ...tenants.flatMap((id) => [0, id]));

    it('what is past its time, and tells what is missing', async () => {
      await plantOld(stream, 8);
      await plant(engine.redis, stream, idOf(6), MANY + 1);
      await enlist(tenant(1));
      await rig.retention().turn();
      const position = await rig.log.tenantPosition(tenant(1));
      expect(position.oldest).toEqual(position.newest);
      expect(position.oldest?.sequence).toBe(MANY + 1);
    });

    it('to the last entry, and goes on with its numbers', async () => {
      await rig.log.append(eventOf('evt_1'));
      expect(await engine.redis.zscore(TENANTS_KEY, tenant(1))).toBe('0');
      await engine.redis.xtrim(stream, 'MAXLEN', 0);
      await rig.retention().turn();
      expect(await engine.redis.zscore(TENANTS_KEY, tenant(1))).toBeNull();
      expect(await rig.log.tenantPosition(tenant(1))).toEqual({ sequence: 1 });
      expect(await rig.log.append(eventOf('evt_2'))).toMatchObject({ tenantSequence: 2 });
      expect(await engine.redis.zscore(TENANTS_KEY, tenant(1))).toBe('0');
    });

    it('and comes back to it within the hour', async () => {
      await rig.log.append(eventOf('evt_1'));
      await rig.retention().turn();
      const dueMs = Number(await engine.redis.zscore(TENANTS_KEY, tenant(1))) - Date.now();
      expect(dueMs).toBeGreaterThan(3_500_000);
      expect(dueMs).toBeLessThan(3_700_000);
    });

    it('of nobody only what the log has forgotten as well', async () => {
      await plantOld(tenantKey(UNASSIGNED), 34, 5);
      await plantOld(stream, 34, 5);
      await enlist(UNASSIGNED, tenant(1));
      await rig.retention().turn();
      expect(await length(tenantKey(UNASSIGNED))).toBe(5);
      expect(await length(stream)).toBe(0);
    });

    it('of every tenant in one turn, past what is foreign', async () => {
      const tenants = Array.from({ length: 250 }, (_, n) => tenant(n));
      for (const id of tenants) await plant(engine.redis, tenantKey(id), idOf(8), 1);
      await engine.redis.set(tenantKey(tenant(251)), 'foreign');
      await enlist('*', 'billing:{b}:log', tenant(251), ...tenants);
      const before = await rig.counted('billingForeignEntries');
      await rig.retention().turn();
      for (const id of tenants) expect(await length(tenantKey(id))).toBe(0);
      expect(await engine.redis.zrange(TENANTS_KEY, '0', '-1')).toEqual([tenant(251)]);
      expect(await engine.redis.get(tenantKey(tenant(251)))).toBe('foreign');
      expect(await rig.counted('billingForeignEntries')).toBe(before + 3);
    });
  });

  it('has nothing to do where nothing is', async () => {
    await rig.retention().turn();
    expect(await engine.redis.keys('billing:{b}:*')).toEqual([]);
  });
});
