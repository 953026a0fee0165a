import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NEWEST, ORIGIN } from '../../src/billing/log/entry-id.js';
import { LOG_KEY, eventKey, tenantKey } from '../../src/billing/log/keys.js';
import type { LogEntry } from '../../src/billing/log/log-entry.js';
import { LogRig, eventOf, plant, tenant } from './billing-log.rig.js';
import { withEngine } from './support/engine.js';
import { FOREIGN_KEYS } from './support/foreign-values.js';

withEngine('Reading the billing log', (engine) => {
  let rig: LogRig;
  beforeAll(async () => {
    rig = await LogRig.open(`redis://${engine.host}:${engine.port}`);
  });
  afterAll(() => rig?.close());

  const stream = tenantKey(tenant(1));
  const idsOf = (entries: readonly LogEntry[]): string[] => entries.map(({ id }) => id);
  /** Five entries of the first tenant, `1-0` to `5-0`, in both streams. */
  const plantFive = async (): Promise<void> => {
    for (const key of [LOG_KEY, stream])
      for (let n = 1; n <= 5; n += 1) await plant(engine.redis, key, `${n}-0`, n);
  };

  it('has nothing of what was never written', async () => {
    expect(await rig.log.page({ count: 10 })).toEqual([]);
    expect(await rig.log.tenantPage(tenant(1), { count: 10 })).toEqual([]);
    expect(await rig.log.tenantPosition(tenant(1))).toEqual({ sequence: 0 });
    expect(await rig.log.tail()).toBe('0-0');
    expect(await rig.log.find('evt_1')).toBeUndefined();
    expect(await rig.log.raw('1-1')).toBeUndefined();
  });

  it('ends where it ended when all of it was trimmed', async () => {
    await plantFive();
    await engine.redis.xtrim(LOG_KEY, 'MAXLEN', 0);
    expect(await rig.log.tail()).toBe('5-0');
    await engine.redis.del(LOG_KEY);
    expect(await rig.log.tail()).toBe('0-0');
  });

  describe('in pages', () => {
    it('goes both ways, and leaves out the bounds', async () => {
      await plantFive();
      const page = async (options: object) =>
        idsOf(await rig.log.tenantPage(tenant(1), { count: 10, ...options }));
      expect(await page({ count: 2 })).toEqual(['1-0', '2-0']);
      expect(await page({ count: 2, after: '2-0' })).toEqual(['3-0', '4-0']);
      expect(await page({ after: '5-0' })).toEqual([]);
      expect(await page({ after: '1-0', before: '4-0' })).toEqual(['2-0', '3-0']);
      expect(await page({ newestFirst: true, count: 2 })).toEqual(['5-0', '4-0']);
      expect(await page({ newestFirst: true, before: '4-0', after: '1-0' })).toEqual(['3-0', '2-0']);
      expect(await page({ after: '4-0', before: '2-0' })).toEqual([]);
      expect(idsOf(await rig.log.page({ count: 3, newestFirst: true }))).toEqual(['5-0', '4-0', '3-0']);
    });

    it('has an answer for the first and the last id that there can be', async () => {
      await plantFive();
      const of = async (options: object) => idsOf(await rig.log.page({ count: 10, ...options }));
      for (const newestFirst of [false, true]) {
        expect(await of({ after: NEWEST, newestFirst })).toEqual([]);
        expect(await of({ before: ORIGIN, newestFirst })).toEqual([]);
        expect(await of({ after: ORIGIN, before: NEWEST, newestFirst })).toHaveLength(5);
      }
    });

    it.each(['', '-', '+', '$', '*', '-1', '1', '1-', '1-1-1', '01-1', '9'.repeat(30), '1-1\r\nDEL x'])(
      'sends nothing to Redis for the bound %j',
      async (bound) => {
        const id = bound as `${string}-${string}`;
        await expect(rig.log.page({ count: 10, after: id })).rejects.toThrow(RangeError);
        await expect(rig.log.page({ count: 10, before: id })).rejects.toThrow(RangeError);
        expect(await rig.log.raw(bound)).toBeUndefined();
      },
    );

    it.each([0, -1, 1.5, 1001, Number.NaN])('has 1 to 1000 entries, not %d', async (count) => {
      await expect(rig.log.page({ count })).rejects.toThrow(RangeError);
    });

    it('of somebody who is no tenant is empty', async () => {
      for (const id of ['', '*', 'acme', `${tenant(1)}*`]) {
        expect(await rig.log.tenantPage(id, { count: 1 })).toEqual([]);
        expect(await rig.log.tenantPosition(id)).toEqual({ sequence: 0 });
      }
    });
  });

  describe('with foreign entries', () => {
    const fields = { t: tenant(1), y: 'a.b', e: 'evt_1', c: '1', o: '', s: '1', f: '', d: '{}' };
    const without = (name: string) => Object.entries(fields).filter(([field]) => field !== name);
    type Foreign = readonly [title: string, fields: readonly (readonly [string, string])[]];
    const foreign: readonly Foreign[] = [
      ['other fields', [['hello', 'world']]],
      ...Object.keys(fields).map((name) => [`without ${name}`, without(name)] as const),
      ...Object.entries({
        t: 'acme',
        y: 'a\r\nb',
        e: 'evt 1',
        c: '-1',
        s: '0',
        f: 'x',
        d: '{}\n\nid: 9-9',
      }).map(
        ([name, value]) =>
          [`${name} of ${JSON.stringify(value)}`, [...without(name), [name, value]]] as const,
      ),
      ...['1e3', '9'.repeat(20), '01', ''].map((s) => [`s of ${s}`, [...without('s'), ['s', s]]] as const),
      ['a field twice', [...Object.entries(fields), ['t', tenant(2)] as const]],
      ['a field twice in place of another', [...without('o'), ['t', tenant(2)] as const]],
    ];

    it.each(foreign)('passes over and counts: %s', async (_, own) => {
      await plantFive();
      for (const key of [LOG_KEY, stream]) await engine.redis.xadd(key, '6-0', ...own.flat());
      for (const key of [LOG_KEY, stream]) await plant(engine.redis, key, '7-0', 7);
      const before = await rig.counted('billingForeignEntries');
      expect(idsOf(await rig.log.page({ after: '4-0', count: 2 }))).toEqual(['5-0', '7-0']);
      expect(await rig.counted('billingForeignEntries')).toBe(before + 1);
      expect(idsOf(await rig.log.tenantPage(tenant(1), { newestFirst: true, count: 2 }))).toEqual([
        '7-0',
        '5-0',
      ]);
    });

    it('fills its pages all the same: a short one means the end', async () => {
      for (let n = 1; n <= 50; n += 1) await engine.redis.xadd(LOG_KEY, `${n}-0`, 'hello', 'world');
      await plant(engine.redis, LOG_KEY, '51-0', 1);
      for (const newestFirst of [false, true])
        expect(idsOf(await rig.log.page({ count: 3, newestFirst }))).toEqual(['51-0']);
    });

    it('has no raw event where none, or something else, was put', async () => {
      await plant(engine.redis, LOG_KEY, '1-0', 1);
      await engine.redis.xadd(LOG_KEY, '2-0', 'z', 'not deflated');
      expect(await rig.log.raw('1-0')).toBeUndefined();
      expect(await rig.log.raw('2-0')).toBeUndefined();
    });

    it('does not take the mark of one event for another', async () => {
      const { entryId } = await rig.log.append(eventOf('evt_1'));
      await engine.redis.set(eventKey('evt_2'), `${entryId}.1.0`);
      expect(await rig.log.find('evt_2')).toBeUndefined();
      for (const mark of ['', 'x', '1-1', `${entryId}`.replace('-', ' ')]) {
        await engine.redis.set(eventKey('evt_3'), mark);
        expect(await rig.log.find('evt_3')).toBeUndefined();
      }
    });

    it.each(Object.entries(FOREIGN_KEYS))('finds nothing behind %s', async (_, put) => {
      await put(engine.redis, eventKey('evt_1'));
      expect(await rig.log.find('evt_1')).toBeUndefined();
    });
  });

  describe('says what is kept of a tenant', () => {
    it('after a trim of some, and of all', async () => {
      await plantFive();
      await engine.redis.hset('billing:{b}:seq', tenant(1), 5);
      const newest = { entryId: '5-0', sequence: 5 };
      const position = () => rig.log.tenantPosition(tenant(1));
      expect(await position()).toEqual({ oldest: { entryId: '1-0', sequence: 1 }, newest, sequence: 5 });
      await engine.redis.xtrim(stream, 'MINID', '3');
      expect(await position()).toEqual({ oldest: { entryId: '3-0', sequence: 3 }, newest, sequence: 5 });
      await engine.redis.xtrim(stream, 'MAXLEN', 0);
      expect(await position()).toEqual({ sequence: 5 });
    });

    it('past foreign entries at either end', async () => {
      await engine.redis.xadd(stream, '1-0', 'hello', 'world');
      await plant(engine.redis, stream, '2-0', 1);
      await plant(engine.redis, stream, '3-0', 2);
      await engine.redis.xadd(stream, '99999999999999-0', 's', 'nonsense');
      expect(await rig.log.tenantPosition(tenant(1))).toEqual({
        oldest: { entryId: '2-0', sequence: 1 },
        newest: { entryId: '3-0', sequence: 2 },
        sequence: 0,
      });
    });
  });
});
