import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LOG_KEY, SEQUENCES_KEY, eventKey, objectKey, tenantKey } from '../../src/billing/log/keys.js';
import type { BillingEvent } from '../../src/billing/log/log-entry.js';
import { type Settler, settled } from '../../src/kernel/settler.js';
import { RedisUnavailableError } from '../../src/redis/index.js';
import { type RequestRecord, requestContext } from '../../src/telemetry/index.js';
import { LogRig, eventOf, plant, tenant } from './billing-log.rig.js';
import { withEngine } from './support/engine.js';
import { FOREIGN_KEYS } from './support/foreign-values.js';

const MOST_EVENTS = 32;

const unavailable = (end: PromiseSettledResult<unknown>): boolean =>
  end.status === 'rejected' && end.reason instanceof RedisUnavailableError;

withEngine('Appends of one turn', (engine) => {
  let rig: LogRig;
  beforeAll(async () => {
    rig = await LogRig.open(`redis://${engine.host}:${engine.port}`);
  });
  afterAll(() => rig?.close());

  const append = (n: number, more: Partial<BillingEvent> = {}) => rig.log.append(eventOf(`evt_${n}`, more));
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
  const kept = async (): Promise<string[]> =>
    (await rig.log.page({ count: 1000 })).map(({ eventId }) => eventId);
  /** Calls that go out while `work` is under way. */
  async function callsOf(work: () => Promise<unknown>): Promise<number> {
    const client = rig.house.client('billingEvents');
    let calls = 0;
    const spied = client.evalsha.bind(client) as (...args: unknown[]) => Promise<unknown>;
    Object.defineProperty(client, 'evalsha', {
      configurable: true,
      value: (...args: unknown[]) => {
        calls += 1;
        return spied(...args);
      },
    });
    try {
      await work();
    } finally {
      Reflect.deleteProperty(client, 'evalsha');
    }
    return calls;
  }

  it('go out in calls of 32 at most, in the order in which they were made', async () => {
    const count = 2 * MOST_EVENTS + 5;
    await append(-1);
    expect(await callsOf(() => Promise.all(numbers(count).map((n) => append(n))))).toBe(3);
    expect(await kept()).toEqual(['evt_-1', ...numbers(count).map((n) => `evt_${n}`)]);
    expect(await callsOf(() => append(count))).toBe(1);
  });

  it('go out in smaller calls where they are large: Redis is not held up', async () => {
    const raw = JSON.stringify({ pad: 'x'.repeat(100 * 1024) });
    const large = JSON.stringify({ pad: 'x'.repeat(600 * 1024) });
    const work = () =>
      Promise.all([...numbers(4).map((n) => append(n, { raw })), append(4, { raw: large }), append(5)]);
    expect(await callsOf(work)).toBe(4);
    expect(await kept()).toHaveLength(6);
  });

  it('are each told what became of it: new, late, of another tenant, known before, known by the same call', async () => {
    await append(1, { objectId: 'in_1', createdS: 100 });
    const outcomes = await Promise.all([
      append(1),
      append(2, { objectId: 'in_1', createdS: 99 }),
      append(3, { tenantId: tenant(2) }),
      append(4, { replayed: true, replayId: 'r1', objectId: 'in_1', createdS: 101 }),
      append(4, { replayed: true, replayId: 'r1' }),
      append(4),
      append(5, { objectId: '', replayed: true }),
    ]);
    const told = outcomes.map(({ tenantSequence, duplicate, stale }) => [tenantSequence, duplicate, stale]);
    expect(told).toEqual([
      [1, true, false],
      [2, false, true],
      [1, false, false],
      [3, false, false],
      [3, true, false],
      [3, true, false],
      [4, false, false],
    ]);
    expect(await kept()).toEqual(['evt_1', 'evt_2', 'evt_3', 'evt_4', 'evt_5']);
  });

  it.each(Object.entries(FOREIGN_KEYS).filter(([what]) => what !== 'a stream'))(
    'are kept though %s stands in the place of one tenant’s stream, which alone is refused',
    async (_, put) => {
      await put(engine.redis, tenantKey(tenant(2)));
      const tenants = [1, 2, 3, 2, 1];
      const ends = await Promise.allSettled(
        tenants.map((of, n) => append(n, { tenantId: tenant(of), objectId: `in_${n}` })),
      );
      expect(ends.map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'fulfilled',
        'rejected',
        'fulfilled',
      ]);
      expect(ends.filter(unavailable)).toHaveLength(2);
      expect(await kept()).toEqual(['evt_0', 'evt_2', 'evt_4']);
      for (const key of [eventKey('evt_1'), objectKey('in_1')])
        expect([key, await engine.redis.exists(key)]).toEqual([key, 0]);
      await engine.redis.del(tenantKey(tenant(2)));
      expect(await append(1, { tenantId: tenant(2) })).toMatchObject({ tenantSequence: 1, duplicate: false });
    },
  );

  it('are kept though a tenant’s stream takes no further id', async () => {
    const most = 2n ** 64n - 1n;
    await plant(engine.redis, tenantKey(tenant(2)), `${most}-${most}`, 1);
    const ends = await Promise.allSettled([append(1), append(2, { tenantId: tenant(2) }), append(3)]);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await kept()).toEqual(['evt_1', 'evt_3']);
  });

  it.each(['9007199254740991', '9007199254740992', '99999999999999999999', '-1', 'x'])(
    'go on behind what is kept of a tenant whose count is %s, which nobody could read on from',
    async (planted) => {
      await Promise.all([append(1, { tenantId: tenant(2) }), append(2, { tenantId: tenant(2) })]);
      await engine.redis.hset(SEQUENCES_KEY, tenant(2), planted);
      expect(await rig.log.tenantPosition(tenant(2))).toMatchObject({ sequence: 2 });
      const outcomes = await Promise.all([append(3), append(4, { tenantId: tenant(2) }), append(5)]);
      expect(outcomes.map(({ tenantSequence }) => tenantSequence)).toEqual([1, 3, 2]);
      expect(await append(4, { tenantId: tenant(2) })).toMatchObject({ tenantSequence: 3, duplicate: true });
      expect(await kept()).toEqual(['evt_1', 'evt_2', 'evt_3', 'evt_4', 'evt_5']);
    },
  );

  it('reach the last number that can be read, and begin anew behind it', async () => {
    await engine.redis.hset(SEQUENCES_KEY, tenant(1), '9007199254740990');
    const outcomes = await Promise.all([append(1), append(2), append(3)]);
    expect(outcomes.map(({ tenantSequence }) => tenantSequence)).toEqual([Number.MAX_SAFE_INTEGER, 1, 2]);
    expect(await kept()).toEqual(['evt_1', 'evt_2', 'evt_3']);
  });

  it.each(['1-1.9007199254740992.0', '18446744073709551616-0.1.0', '1-01.1.0'])(
    'are taken anew where the mark is %s, which nobody can read',
    async (mark) => {
      await engine.redis.set(eventKey('evt_2'), mark);
      expect(await rig.log.known(['evt_2'])).toEqual(new Set());
      const outcomes = await Promise.all([append(1), append(2), append(3)]);
      expect(outcomes.map(({ duplicate }) => duplicate)).toEqual([false, false, false]);
      expect(await rig.log.known(['evt_2'])).toEqual(new Set(['evt_2']));
    },
  );

  it('are kept though one of them breaks a rule, and that one is not sent', async () => {
    const ends = await Promise.allSettled([append(1), append(2, { type: 'a b' }), append(3)]);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await kept()).toEqual(['evt_1', 'evt_3']);
  });

  it('are all told where the log itself is foreign, and nothing is left behind', async () => {
    await engine.redis.set(LOG_KEY, 'foreign');
    const ends = await Promise.allSettled(numbers(3).map((n) => append(n)));
    expect(ends.filter(unavailable)).toHaveLength(3);
    expect(await engine.redis.dbsize()).toBe(1);
  });

  it('are refused where the log takes no further id, and the log line says where the way out stands', async () => {
    const most = 2n ** 64n - 1n;
    await engine.redis.xadd(LOG_KEY, `${most}-${most}`, 'a', 'b');
    const lines: unknown[] = [];
    Logger.overrideLogger({ log: () => undefined, warn: () => undefined, error: (one) => lines.push(one) });
    const ends = await Promise.allSettled([append(1), append(2, { tenantId: tenant(2) })]);
    Logger.overrideLogger(['log', 'error', 'warn']);
    expect(ends.filter(unavailable)).toHaveLength(2);
    expect(lines).toEqual([expect.stringContaining('docs/billing.md')]);
  });

  it('are one use of Redis of each request that they were made for', async () => {
    const records = numbers(3).map((n): RequestRecord => ({ requestId: `r${n}`, redis: {} }));
    await Promise.all(records.map((record, n) => requestContext.run(record, () => append(n))));
    for (const { redis } of records)
      expect(redis).toEqual({ billingEvents: { calls: 1, ms: expect.any(Number) } });
  });

  describe('of which one waits that throws when it is told', () => {
    const thrown = new Error('of who waits');
    let logged: unknown[];
    let told: string[];
    beforeEach(() => {
      logged = [];
      told = [];
      Logger.overrideLogger({
        log: () => undefined,
        warn: () => undefined,
        error: (one) => logged.push(one),
      });
    });
    afterEach(() => Logger.overrideLogger(['log', 'error', 'warn']));

    const waiting = (n: number, then: () => void): Settler<unknown> => ({
      resolve: () => {
        told.push(`${n} kept`);
        then();
      },
      reject: () => {
        told.push(`${n} failed`);
        then();
      },
    });
    const keepThree = (): Promise<void> =>
      settled((end) => {
        const then = [
          () => undefined,
          () => {
            throw thrown;
          },
          () => end.resolve(),
        ];
        for (const [n, one] of then.entries()) rig.log.keep(eventOf(`evt_${n}`), waiting(n, one));
      });

    it('are told once each that they were kept', async () => {
      await keepThree();
      expect(told).toEqual(['0 kept', '1 kept', '2 kept']);
      expect(logged).toEqual([thrown]);
    });

    it('are told once each that they failed', async () => {
      await engine.redis.set(LOG_KEY, 'foreign');
      await keepThree();
      expect(told).toEqual(['0 failed', '1 failed', '2 failed']);
      expect(logged).toEqual([thrown]);
    });
  });

  describe('known', () => {
    it('are those that were kept, whatever else is asked for', async () => {
      await Promise.all([append(1), append(2, { tenantId: tenant(2) }), append(3)]);
      for (const [n, put] of Object.values(FOREIGN_KEYS).entries())
        await put(engine.redis, eventKey(`foreign_${n}`));
      const asked = [
        'evt_3',
        'evt_9',
        'evt_1',
        'null',
        ...Object.keys(FOREIGN_KEYS).map((_, n) => `foreign_${n}`),
      ];
      expect(await rig.log.known(asked)).toEqual(new Set(['evt_1', 'evt_3']));
      expect(await rig.log.known([])).toEqual(new Set());
    });

    it('are a thousand at most', async () => {
      await expect(rig.log.known(numbers(1001).map((n) => `evt_${n}`))).rejects.toThrow(RangeError);
    });
  });
});
