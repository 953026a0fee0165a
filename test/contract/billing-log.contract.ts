import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppendOutcome } from '../../src/billing/log/event-log.js';
import { type EntryId, compareEntryIds } from '../../src/billing/log/entry-id.js';
import {
  LOG_KEY,
  SEQUENCES_KEY,
  TENANTS_KEY,
  eventKey,
  objectKey,
  tenantKey,
} from '../../src/billing/log/keys.js';
import { type BillingEvent, UNASSIGNED } from '../../src/billing/log/log-entry.js';
import { RedisUnavailableError } from '../../src/redis/index.js';
import { LogRig, eventOf, plant, tenant } from './billing-log.rig.js';
import { engineName, withEngine } from './support/engine.js';
import { FOREIGN_KEYS } from './support/foreign-values.js';

const DAY_S = 86_400;
const FAR_MS = '99999999999999';
/** All of them answered within the budget of one call; the engine that is embedded runs a few hundred scripts a second. */
const AT_ONCE = engineName === 'real' ? 2000 : 200;

withEngine('The billing log', (engine) => {
  let rig: LogRig;
  beforeAll(async () => {
    rig = await LogRig.open(`redis://${engine.host}:${engine.port}`);
  });
  afterAll(() => rig?.close());

  const append = (eventId: string, more: Partial<BillingEvent> = {}): Promise<AppendOutcome> =>
    rig.log.append(eventOf(eventId, more));
  const sequencesOf = async (of: string): Promise<number[]> =>
    (await rig.log.tenantPage(of, { count: 1000 })).map(({ tenantSequence }) => tenantSequence);
  const upTo = (most: number): number[] => Array.from({ length: most }, (_, at) => at + 1);

  describe('keeps an event', () => {
    it('in the log and in the stream of its tenant under one id, and what Stripe sent in the log only', async () => {
      const event = eventOf('evt_1', { objectId: 'in_1' });
      const outcome = await rig.log.append(event);
      expect(outcome).toEqual({
        entryId: expect.stringMatching(/^\d{13}-\d+$/),
        tenantSequence: 1,
        duplicate: false,
        stale: false,
      });
      const { raw, ...kept } = event;
      const entry = { ...kept, id: outcome.entryId, tenantSequence: 1, stale: false, replayed: false };
      expect(await rig.log.page({ count: 10 })).toEqual([entry]);
      expect(await rig.log.tenantPage(tenant(1), { count: 10 })).toEqual([entry]);
      expect(await rig.log.find('evt_1')).toEqual(entry);
      expect(await rig.log.raw(outcome.entryId)).toBe(raw);
      expect(await rig.log.tail()).toBe(outcome.entryId);
      const [[, fields] = ['', []]] = await engine.redis.xrange(tenantKey(tenant(1)), '-', '+');
      expect(fields).not.toContain('z');
    });

    it('deflated, and of half a megabyte as well', async () => {
      const raw = JSON.stringify({ text: 'é💧'.repeat(60_000) });
      const { entryId } = await append('evt_1', { raw });
      expect(await rig.log.raw(entryId)).toBe(raw);
      const [[, fields] = ['', []]] = await engine.redis.xrangeBuffer(LOG_KEY, '-', '+');
      expect(fields.at(-1)?.length).toBeLessThan(raw.length / 10);
    });

    it('of nobody as well', async () => {
      await append('evt_1', { tenantId: UNASSIGNED });
      expect(await sequencesOf(UNASSIGNED)).toEqual([1]);
    });

    it('once: of fifty at the same time one is kept, and all are told of it', async () => {
      for (let round = 0; round < 20; round += 1) {
        const outcomes = await Promise.all(upTo(50).map(() => append(`evt_${round}`)));
        expect(outcomes.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
        expect(new Set(outcomes.map(({ entryId }) => entryId)).size).toBe(1);
        expect(new Set(outcomes.map(({ tenantSequence }) => tenantSequence))).toEqual(new Set([round + 1]));
      }
      expect(await engine.redis.xlen(LOG_KEY)).toBe(20);
      expect(await sequencesOf(tenant(1))).toEqual(upTo(20));
    });

    it('once, though another tenant is given and other content the second time', async () => {
      const first = await append('evt_1');
      const second = await append('evt_1', { tenantId: tenant(2), data: '{"other":1}' });
      expect(second).toEqual({ ...first, duplicate: true });
      expect(await sequencesOf(tenant(2))).toEqual([]);
    });

    it('for 35 days', async () => {
      await append('evt_1', { objectId: 'in_1' });
      for (const key of [eventKey('evt_1'), objectKey('in_1')])
        expect([key, Math.round((await engine.redis.ttl(key)) / DAY_S)]).toEqual([key, 35]);
      for (const key of [LOG_KEY, tenantKey(tenant(1)), SEQUENCES_KEY])
        expect([key, await engine.redis.ttl(key)]).toEqual([key, -1]);
    });

    it('again where it is told once more, and finds the newest', async () => {
      await append('evt_1', { tenantId: UNASSIGNED });
      const again = await append('evt_1', { replayed: true });
      expect(again).toMatchObject({ duplicate: false, tenantSequence: 1 });
      expect(await rig.log.find('evt_1')).toMatchObject({ tenantId: tenant(1), replayed: true });
      expect(await append('evt_1')).toEqual({ ...again, duplicate: true });
    });
  });

  it('numbers each of twenty tenants without a hole under appends at once', async () => {
    const outcomes = await Promise.all(
      upTo(AT_ONCE).map((n) => append(`evt_${n}`, { tenantId: tenant(n % 20), objectId: `in_${n % 7}` })),
    );
    expect(new Set(outcomes.map(({ entryId }) => entryId)).size).toBe(AT_ONCE);
    for (let n = 0; n < 20; n += 1) {
      expect(await sequencesOf(tenant(n))).toEqual(upTo(AT_ONCE / 20));
      expect(await rig.log.tenantPosition(tenant(n))).toMatchObject({ sequence: AT_ONCE / 20 });
    }
  });

  describe('marks as stale', () => {
    const object = { objectId: 'sub_1' };
    const staleOf = async (eventId: string, createdS: number, more: Partial<BillingEvent> = {}) =>
      (await append(eventId, { ...object, createdS, ...more })).stale;

    it('what is older than what stood there of its object, and nothing of the same second', async () => {
      expect(await staleOf('evt_1', 100)).toBe(false);
      expect(await staleOf('evt_2', 100)).toBe(false);
      expect(await staleOf('evt_3', 99)).toBe(true);
      expect(await staleOf('evt_4', 101)).toBe(false);
      expect(await staleOf('evt_5', 100)).toBe(true);
      expect(await staleOf('evt_3', 99)).toBe(true);
      expect((await rig.log.page({ count: 10 })).map(({ stale }) => stale)).toEqual([
        false,
        false,
        true,
        false,
        true,
      ]);
    });

    it('nothing of another object, and nothing that has none', async () => {
      await staleOf('evt_1', 100);
      expect(await staleOf('evt_2', 50, { objectId: 'sub_2' })).toBe(false);
      expect(await staleOf('evt_3', 50, { objectId: '' })).toBe(false);
      expect(await staleOf('evt_4', 40, { objectId: '' })).toBe(false);
    });

    it('by ids that merchants make up, too', async () => {
      for (const objectId of ['25% OFF {b}:*', 'plan.a b\r\n', '💧', 'x'.repeat(500)]) {
        expect(await staleOf(`evt_a${objectId.length}`, 100, { objectId })).toBe(false);
        expect(await staleOf(`evt_b${objectId.length}`, 99, { objectId })).toBe(true);
      }
    });

    it('nothing for an event that says it comes from the future', async () => {
      const nowS = Math.floor(Date.now() / 1000);
      expect(await staleOf('evt_1', nowS + 30 * DAY_S)).toBe(false);
      expect(await staleOf('evt_2', nowS)).toBe(false);
    });
  });

  describe('goes on', () => {
    it('behind an id far in the future, and every reader with it', async () => {
      await plant(engine.redis, LOG_KEY, `${FAR_MS}-7`, 1);
      const outcomes = [await append('evt_1'), await append('evt_2')];
      expect(outcomes.map(({ entryId }) => entryId)).toEqual([`${FAR_MS}-8`, `${FAR_MS}-9`]);
      const page = await rig.log.page({ after: `${FAR_MS}-7`, count: 10 });
      expect(page.map(({ eventId }) => eventId)).toEqual(['evt_1', 'evt_2']);
      expect(await rig.log.tail()).toBe(`${FAR_MS}-9`);
      expect(await sequencesOf(tenant(1))).toEqual([1, 2]);
    });

    it('behind the stream of a tenant that is ahead of a log that was lost', async () => {
      await plant(engine.redis, tenantKey(tenant(1)), `${FAR_MS}-7`, 4);
      const first = await append('evt_1');
      expect(first.tenantSequence).toBe(5);
      expect(compareEntryIds(first.entryId, `${FAR_MS}-7`)).toBeGreaterThan(0);
      const second = await append('evt_2', { tenantId: tenant(2) });
      expect(compareEntryIds(second.entryId, first.entryId)).toBeGreaterThan(0);
      expect((await rig.log.page({ count: 10 })).map(({ id }) => id)).toEqual([
        first.entryId,
        second.entryId,
      ]);
      expect(await append('evt_1')).toEqual({ ...first, duplicate: true });
    });

    it('with the numbers of the stream where the counts were lost', async () => {
      for (const eventId of ['evt_1', 'evt_2', 'evt_3']) await append(eventId);
      for (const lost of [null, 'nonsense', '-4', '9'.repeat(40)]) {
        const before = await sequencesOf(tenant(1));
        if (lost === null) await engine.redis.del(SEQUENCES_KEY);
        else await engine.redis.hset(SEQUENCES_KEY, tenant(1), lost);
        expect(await append(`evt_after_${lost}`)).toMatchObject({ tenantSequence: before.length + 1 });
      }
      expect(await sequencesOf(tenant(1))).toEqual(upTo(7));
    });

    it.each(Object.entries(FOREIGN_KEYS))('with %s in the place of a mark', async (_, put) => {
      for (const key of [eventKey('evt_1'), objectKey('in_1')]) await put(engine.redis, key);
      const first = await append('evt_1', { objectId: 'in_1' });
      expect(first).toMatchObject({ duplicate: false, stale: false });
      expect(await append('evt_1', { objectId: 'in_1' })).toEqual({ ...first, duplicate: true });
    });
  });

  describe('refuses, and leaves nothing behind', () => {
    const entries = async (): Promise<EntryId[]> => (await rig.log.page({ count: 10 })).map(({ id }) => id);

    it.each([
      ['log', LOG_KEY],
      ['stream of the tenant', tenantKey(tenant(1))],
      ['counts', SEQUENCES_KEY],
    ])('with something foreign in the place of the %s', async (_, key) => {
      await engine.redis.set(key, 'foreign');
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const refusal = append('evt_1');
        await expect(refusal).rejects.toBeInstanceOf(RedisUnavailableError);
        await expect(refusal).rejects.toMatchObject({ status: 503, reason: 'other' });
      }
      await engine.redis.del(key);
      expect(await entries()).toEqual([]);
      expect(await append('evt_1')).toMatchObject({ tenantSequence: 1, duplicate: false });
      expect(await entries()).toHaveLength(1);
    });

    it('a stream of the tenant that becomes foreign later on', async () => {
      await append('evt_1');
      await engine.redis.set(tenantKey(tenant(1)), 'foreign');
      for (let attempt = 0; attempt < 3; attempt += 1)
        await expect(append('evt_2')).rejects.toBeInstanceOf(RedisUnavailableError);
      expect(await entries()).toHaveLength(1);
      await engine.redis.del(tenantKey(tenant(1)));
      expect(await append('evt_2')).toMatchObject({ tenantSequence: 2, duplicate: false });
    });

    it('the very last id: there is none behind it', async () => {
      const most = 2n ** 64n - 1n;
      await plant(engine.redis, tenantKey(tenant(1)), `${most}-${most}`, 1);
      await expect(append('evt_1')).rejects.toBeInstanceOf(RedisUnavailableError);
      expect(await entries()).toEqual([]);
      expect(await append('evt_2', { tenantId: tenant(2) })).toMatchObject({ tenantSequence: 1 });
    });

    it('not for the list of tenants: they are not trimmed, and keep their events', async () => {
      await engine.redis.set(TENANTS_KEY, 'foreign');
      expect(await append('evt_1')).toMatchObject({ tenantSequence: 1 });
    });

    const long = (length: number) => 'x'.repeat(length);
    const bad: Partial<Record<keyof BillingEvent, readonly unknown[]>> = {
      eventId: ['', 'a b', 'evt_\n', 'é', '../x', long(256)],
      tenantId: ['', 'acme', 'AAAAAAAA-0000-4000-8000-000000000001', `${tenant(1)} `, '*'],
      type: ['', 'a b', 'x\r\nid: 1', '.', long(256)],
      createdS: [-1, 1.5, Number.NaN, 2 ** 53],
      objectId: [long(501)],
      data: ['', '[]', 'null', '{}\n{}', `{"a":"${long(600_000)}"}`],
      raw: ['', long(1_100_000)],
    };
    const cases = Object.entries(bad).flatMap(([field, values]) =>
      values.map((value) => ({ field, value, shown: JSON.stringify(value).slice(0, 40) })),
    );

    it.each(cases)('an event whose $field is $shown', async ({ field, value }) => {
      await expect(append('evt_1', { [field]: value })).rejects.toMatchObject({ status: 422, field });
      expect(await entries()).toEqual([]);
    });
  });
});
