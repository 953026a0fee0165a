import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { RedisCommandError, RedisUnavailableError } from '../../redis/index.js';
import { compileQuotas, type CompiledQuota } from './compiled-quota.js';
import type { Lease, Seat } from './lease.js';
import type { Acquired, LeaseStore } from './lease-store.js';
import { Leases, type LeasesOptions } from './leases.js';
import type { StreamQuotaRow } from './stream-quota.js';

const quotaOf = (row: Partial<StreamQuotaRow> = {}): CompiledQuota =>
  compileQuotas({ chat: { concurrent: [{ per: 'user', streams: 6 }], ...row } }, () => true).get(
    'chat',
  ) as CompiledQuota;
const seatsOf = (quota: CompiledQuota, subject: string): Seat[] =>
  quota.limits.map((limit) => ({ limit, key: `${limit.name}:${subject}` }));

const unavailable = (maybeExecuted: boolean) =>
  new RedisUnavailableError({ purpose: 'rateLimit', reason: 'timeout', retryAfterMs: 1000, maybeExecuted });

const ADMITTED: Acquired = { admitted: true, counts: [{ open: 2, waitMs: 0 }] };
const turn = async () => {
  for (let n = 0; n < 3; n += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('Leases', () => {
  let clock: ManualClock;
  let asked: Lease[];
  let renewed: string[][];
  let released: string[][];
  let answer: () => Promise<Acquired>;
  let lost: string | undefined;
  let substitutes: string[];
  let open: number;

  beforeEach(() => {
    [clock, asked, renewed, released, substitutes, open] = [new ManualClock(), [], [], [], [], 0];
    lost = undefined;
    answer = () => Promise.resolve(ADMITTED);
  });

  function leases(options: Partial<LeasesOptions> = {}): Leases {
    const ids = (some: readonly Lease[]) => some.map(({ id }) => id);
    const store: Pick<LeaseStore, 'acquire' | 'renew' | 'release'> = {
      acquire: (lease) => {
        asked.push(lease);
        return answer();
      },
      renew: (some) => Promise.resolve(void renewed.push(ids(some))),
      release: (some) => Promise.resolve(void released.push(ids(some))),
    };
    return new Leases({
      store: store as LeaseStore,
      clock,
      lost: () => lost,
      closed: () => false,
      instances: () => 1,
      chosenIsDegraded: false,
      onSubstitute: (reason) => substitutes.push(reason),
      onRenewalFailed: () => undefined,
      onChange: (_quota, by) => (open += by),
      renewEveryMs: 15_000,
      ...options,
    });
  }

  /** Opens until it is denied. @returns how many were opened */
  async function fill(some: Leases, quota: CompiledQuota, subject = 'ann'): Promise<number> {
    for (let count = 0; ; count += 1) {
      if (!(await some.acquire(quota, seatsOf(quota, subject), true)).lease) return count;
    }
  }

  it('go by what Redis says while it answers', async () => {
    const [some, quota] = [leases(), quotaOf()];
    const admission = await some.acquire(quota, seatsOf(quota, 'ann'), true);
    expect(admission).toMatchObject({ backend: 'redis', degraded: false, outcomes: [{ remaining: 3 }] });
    expect([some.size, open]).toEqual([1, 1]);

    answer = () => Promise.resolve({ admitted: false, counts: [{ open: 6, waitMs: 700 }] });
    expect(await some.acquire(quota, seatsOf(quota, 'ann'), true)).toEqual({
      lease: undefined,
      backend: 'redis',
      degraded: false,
      outcomes: [{ state: 'throttle', remaining: 0, waitMs: 700 }],
    });
    expect(some.size).toBe(1);
  });

  it('are freed once, however often they are closed', async () => {
    const [some, quota] = [leases(), quotaOf()];
    const { lease } = await some.acquire(quota, seatsOf(quota, 'ann'), true);
    some.close(lease as Lease);
    some.close(lease as Lease);
    await turn();
    some.close(lease as Lease);
    await turn();
    expect(released).toEqual([[lease?.id]]);
    expect([some.size, open]).toEqual([0, 0]);
  });

  it('have ids that no other process gives', async () => {
    const quota = quotaOf();
    for (const some of [leases(), leases()]) await some.acquire(quota, seatsOf(quota, 'ann'), true);
    expect(new Set(asked.map(({ id }) => id)).size).toBe(2);
  });

  describe('while Redis is lost', () => {
    beforeEach(() => (lost = 'refused'));

    it('are given by the share of this instance, those that were open before included', async () => {
      const [some, quota] = [leases({ instances: () => 2 }), quotaOf()];
      lost = undefined;
      await some.acquire(quota, seatsOf(quota, 'ann'), true);
      lost = 'refused';
      expect(await fill(some, quota)).toBe(2);
      expect(await fill(some, quota, 'bob')).toBe(3);
      expect(await some.acquire(quota, seatsOf(quota, 'ann'), true)).toMatchObject({
        backend: 'memory',
        degraded: true,
        outcomes: [{ state: 'throttle', remaining: 0 }],
      });
      expect(substitutes.length).toBeGreaterThan(5);
      expect(asked).toHaveLength(1);
    });

    it('are at least one per instance, and again one when it is closed', async () => {
      const [some, quota] = [leases({ instances: () => 50 }), quotaOf()];
      const { lease } = await some.acquire(quota, seatsOf(quota, 'ann'), true);
      expect(await fill(some, quota)).toBe(0);
      some.close(lease as Lease);
      expect(await fill(some, quota)).toBe(1);
    });

    it('are taken under every limit, or under none', async () => {
      const quota = quotaOf({
        concurrent: [
          { per: 'tenant', streams: 3 },
          { per: 'user', streams: 1 },
        ],
      });
      const some = leases();
      expect(await fill(some, quota)).toBe(1);
      const other = quota.limits.map((limit) => ({ limit, key: `${limit.name}:${limit.per}` }));
      const seats = [seatsOf(quota, 'ann')[0] as Seat, other[1] as Seat];
      expect((await some.acquire(quota, seats, true)).outcomes[0]?.remaining).toBe(1);
    });

    it('are refused by a quota that lets nobody pass uncounted', async () => {
      const quota = quotaOf({ outage: 'deny' });
      expect(await leases().acquire(quota, seatsOf(quota, 'ann'), true)).toEqual({
        lease: undefined,
        backend: 'memory',
        degraded: true,
        outcomes: [{ state: 'unavailable', remaining: 0, waitMs: 1000 }],
      });
    });

    it('are given to everybody by a quota that says so, and counted when Redis is back', async () => {
      const [some, quota] = [leases(), quotaOf({ outage: 'allow' })];
      for (let n = 0; n < 20; n += 1) {
        expect((await some.acquire(quota, seatsOf(quota, 'ann'), true)).lease).toBeDefined();
      }
      lost = undefined;
      some.returned();
      await turn();
      expect(renewed.map(({ length }) => length)).toEqual([20]);
    });

    it('stay open, and Redis is told of those that are still open when it is back', async () => {
      const [some, quota] = [leases(), quotaOf()];
      lost = undefined;
      const before = (await some.acquire(quota, seatsOf(quota, 'ann'), true)).lease as Lease;
      const ended = (await some.acquire(quota, seatsOf(quota, 'ann'), true)).lease as Lease;
      lost = 'refused';
      const during = (await some.acquire(quota, seatsOf(quota, 'ann'), true)).lease as Lease;
      some.close(ended);
      await turn();
      expect([renewed, released]).toEqual([[], []]);
      lost = undefined;
      some.returned();
      await turn();
      expect(renewed).toEqual([[before.id, during.id]]);
      expect(released).toEqual([[ended.id]]);
    });

    it('are an error where the purpose is closed', async () => {
      answer = () => Promise.reject(unavailable(false));
      const [some, quota] = [leases({ closed: () => true }), quotaOf()];
      await expect(some.acquire(quota, seatsOf(quota, 'ann'), true)).rejects.toBeInstanceOf(
        RedisUnavailableError,
      );
      expect([some.size, substitutes]).toEqual([0, []]);
    });
  });

  describe('when Redis does not answer', () => {
    it('are decided here, under the id that Redis may have taken', async () => {
      answer = () => Promise.reject(unavailable(true));
      const [some, quota] = [leases(), quotaOf()];
      const { lease, backend } = await some.acquire(quota, seatsOf(quota, 'ann'), true);
      expect([lease?.id, backend]).toEqual([asked[0]?.id, 'memory']);
      some.close(lease as Lease);
      await turn();
      expect(released).toEqual([[asked[0]?.id]]);
    });

    it('are freed when the share of this instance is spent: Redis may have given what nobody holds', async () => {
      answer = () => Promise.reject(unavailable(true));
      const [some, quota] = [leases(), quotaOf({ concurrent: [{ per: 'user', streams: 1 }] })];
      expect(await fill(some, quota)).toBe(1);
      await turn();
      expect(released).toEqual([[asked[1]?.id]]);
    });

    it('are not freed when nothing was sent', async () => {
      answer = () => Promise.reject(unavailable(false));
      const [some, quota] = [leases(), quotaOf({ outage: 'deny' })];
      await some.acquire(quota, seatsOf(quota, 'ann'), true);
      await turn();
      expect(released).toEqual([]);
    });

    it('are decided here when the server refused the call, and freed where the purpose is closed', async () => {
      answer = () => Promise.reject(new RedisCommandError('rateLimit', 'evalsha', 'ERR', 'no'));
      const quota = quotaOf();
      expect(await leases().acquire(quota, seatsOf(quota, 'ann'), true)).toMatchObject({ backend: 'memory' });
      const closed = leases({ closed: () => true });
      await expect(closed.acquire(quota, seatsOf(quota, 'ann'), true)).rejects.toBeInstanceOf(
        RedisCommandError,
      );
      await turn();
      expect(released).toEqual([[asked[1]?.id]]);
    });

    it('throw what is no failure of Redis', async () => {
      answer = () => Promise.reject(new TypeError('a mistake of ours'));
      const [some, quota] = [leases(), quotaOf()];
      await expect(some.acquire(quota, seatsOf(quota, 'ann'), true)).rejects.toBeInstanceOf(TypeError);
      await turn();
      expect(some.size).toBe(0);
    });
  });

  describe('that are counted here by choice', () => {
    it('are limited by the share of this instance, and Redis never hears of them', async () => {
      const [some, quota] = [leases({ store: undefined, chosenIsDegraded: true }), quotaOf()];
      expect(await some.acquire(quota, seatsOf(quota, 'ann'), true)).toMatchObject({
        backend: 'memory',
        degraded: true,
        outcomes: [{ remaining: 5 }],
      });
      expect(await fill(some, quota)).toBe(5);
      expect(substitutes).toEqual([]);
    });

    it('are not renewed beside those that Redis counts', async () => {
      const [some, quota] = [leases(), quotaOf()];
      const { lease } = await some.acquire(quota, seatsOf(quota, 'ann'), false);
      some.returned();
      some.close(lease as Lease);
      await turn();
      expect([asked, renewed, released]).toEqual([[], [], []]);
    });
  });

  it('are all given back at the end, within half a second', async () => {
    const [some, quota] = [leases(), quotaOf()];
    const ids = [];
    for (let n = 0; n < 3; n += 1)
      ids.push((await some.acquire(quota, seatsOf(quota, 'ann'), true)).lease?.id);
    await some.onApplicationShutdown();
    expect(released).toEqual([ids]);
    expect(some.size).toBe(0);
  });

  it('hold up nobody at the end when Redis does not answer', async () => {
    const never = () => new Promise<void>(() => undefined);
    const store = { acquire: () => answer(), renew: never, release: never };
    const [some, quota] = [leases({ store: store as unknown as LeaseStore }), quotaOf()];
    await some.acquire(quota, seatsOf(quota, 'ann'), true);
    const ended = some.onApplicationShutdown();
    await turn();
    clock.advance(500);
    await ended;
    expect(some.size).toBe(0);
  });
});
