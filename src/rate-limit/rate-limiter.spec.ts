import { describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { Secret } from '../kernel/redact.js';
import { RedisUnavailableError, type ScriptClient } from '../redis/index.js';
import { Metrics } from '../telemetry/index.js';
import { createRateLimiter } from './create-rate-limiter.js';
import { openEngine } from './engine.rig.js';
import { PolicyError } from './policies/policy-rules.js';
import type { PolicyTable } from './policies/policy.js';
import { RateLimiter } from './rate-limiter.js';

const POLICIES = {
  address: { limits: [{ per: 'ip', quota: 10, windowMs: 10_000, burst: 10 }] },
  hourly: { limits: [{ kind: 'window', per: 'user', quota: 20, windowMs: 3_600_000 }] },
  signup: {
    limits: [
      { per: 'ip', quota: 5, windowMs: 5000, burst: 5 },
      { per: 'network', quota: 8, windowMs: 8000, burst: 8 },
      { per: 'global', quota: 9, windowMs: 9000, burst: 9 },
    ],
  },
} as const satisfies PolicyTable;

const ALICE = { ip: '192.0.2.1', user: 'alice' };

describe('The rate limiter', () => {
  const start = () => {
    const { limiter } = openEngine(POLICIES);
    const left = async (names: 'address' | 'hourly' = 'address') =>
      (await limiter.peek(names, ALICE)).limits[0]?.remaining;
    return { limiter, left };
  };

  it('spends several policies together, all or none', async () => {
    const { limiter, left } = start();
    await limiter.check(['address', 'hourly'], ALICE, { cost: 4 });
    expect([await left(), await left('hourly')]).toEqual([6, 16]);
    expect(await limiter.check(['hourly', 'address'], ALICE, { cost: 7 })).toMatchObject({ allowed: false });
    expect([await left(), await left('hourly')]).toEqual([6, 16]);
  });

  it('peeks, gives back, charges, and makes full again', async () => {
    const { limiter, left } = start();
    expect(await limiter.peek('address', ALICE, { cost: 10 })).toMatchObject({ allowed: true });
    await limiter.check('address', ALICE, { cost: 7 });
    await limiter.refund('address', ALICE, { cost: 2 });
    expect(await left()).toBe(5);
    expect(await limiter.charge('address', ALICE, { cost: 30 })).toMatchObject({ allowed: true });
    expect(await left()).toBe(0);
    await limiter.reset(['address', 'hourly'], ALICE);
    expect(await left()).toBe(10);
  });

  it.each([
    ['less than thought', { estimated: 5, actual: 2 }, 8],
    ['nothing', { estimated: 5, actual: 0 }, 10],
    ['just that', { estimated: 5, actual: 5 }, 5],
    ['more than thought', { estimated: 5, actual: 8 }, 2],
    ['more than there is', { estimated: 5, actual: 500 }, 0],
  ])('settles a check that cost %s', async (_what, costs, expected) => {
    const { limiter, left } = start();
    await limiter.check('address', ALICE, { cost: costs.estimated });
    await limiter.settle('address', ALICE, costs);
    expect(await left()).toBe(expected);
  });

  it('counts a network by the address, and everybody without being told who', async () => {
    const { limiter } = openEngine(POLICIES);
    const remaining = async (ip: string) =>
      (await limiter.check('signup', { ip })).limits.map((limit) => limit.remaining);
    expect(await remaining('192.0.2.1')).toEqual([4, 7, 8]);
    expect(await remaining('192.0.2.2')).toEqual([4, 6, 7]);
    expect(await remaining('198.51.100.1')).toEqual([4, 7, 6]);
    expect(
      (await limiter.peek('signup', { ip: '192.0.2.1', network: '198.51.100.9' })).limits[1],
    ).toMatchObject({ remaining: 7 });
  });

  it('takes names of any length and any characters', async () => {
    const { limiter } = openEngine(POLICIES);
    for (const user of ['', '\u0000', '😀', 'a\nb', '__proto__', 'x'.repeat(100_000)])
      expect((await limiter.check('hourly', { user })).limits[0]?.remaining).toBe(19);
  });

  describe('refuses, and asks Redis nothing for', () => {
    const open = () => openEngine<PolicyTable>(POLICIES);

    it.each([0, -1, 1.5, NaN, Infinity, 2 ** 53, '2' as unknown as number])('a cost of %s', async (cost) => {
      const { limiter, asked } = open();
      for (const operation of ['check', 'peek', 'refund', 'charge'] as const)
        await expect(limiter[operation]('address', ALICE, { cost })).rejects.toThrow(RangeError);
      expect(asked).toEqual([]);
    });

    it.each([
      { estimated: 1, actual: -1 },
      { estimated: 1, actual: 0.5 },
      { estimated: 1, actual: NaN },
      { estimated: NaN, actual: 1 },
      { estimated: 0.5, actual: 1 },
      { estimated: -1, actual: 1 },
    ])('a settlement of %j', async (costs) => {
      const { limiter, asked } = open();
      await expect(limiter.settle('address', ALICE, costs)).rejects.toThrow(RangeError);
      expect(asked).toEqual([]);
    });

    it.each([
      ['an unknown policy', ['nobody'], ALICE, /no rate-limit policy "nobody"/],
      ['one unknown policy among others', ['address', 'toString'], ALICE, /no rate-limit policy "toString"/],
      ['no policy', [], ALICE, /at least one policy/],
      [
        'a subject that is not told',
        ['address', 'hourly'],
        { ip: '192.0.2.1' },
        /"hourly" counts by user, and no user/,
      ],
    ] as const)('%s', async (_what, names, subjects, message) => {
      const { limiter, asked } = open();
      await expect(limiter.check(names, subjects)).rejects.toThrow(RangeError);
      await expect(limiter.check(names, subjects)).rejects.toThrow(message);
      expect(asked).toEqual([]);
    });
  });
});

describe('A limiter of a feature’s own', () => {
  const options = (client: ScriptClient) => ({
    client,
    prefix: 'auth:{rl}',
    secret: new Secret('k'.repeat(32)),
    metrics: new Metrics(),
    clock: new ManualClock(),
  });
  const away = new RedisUnavailableError({
    purpose: 'authCache',
    reason: 'refused',
    retryAfterMs: 1000,
    maybeExecuted: false,
  });
  const lost = (): Promise<never> => Promise.reject(away);
  const client: ScriptClient = { evalsha: lost, eval: lost, callBuffer: lost };

  it('does not degrade: what Redis cannot decide, nobody decides', async () => {
    const policies = {
      login: { limits: [{ per: 'user', quota: 5, windowMs: 60_000, burst: 5, outage: 'local' }] },
    } as const;
    const limiter = createRateLimiter({ ...options(client), policies });
    expect(limiter).toBeInstanceOf(RateLimiter);
    await expect(limiter.check('login', { user: 'alice' })).rejects.toBe(away);
    await expect(limiter.refund('login', { user: 'alice' })).rejects.toBe(away);
  });

  it('refuses faulty policies at once', () => {
    const policies = { login: { limits: [{ per: 'user', quota: 0, windowMs: 1, burst: 1 }] } } as const;
    expect(() => createRateLimiter({ ...options(client), policies })).toThrow(PolicyError);
  });
});
