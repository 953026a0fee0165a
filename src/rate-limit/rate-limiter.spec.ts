import { describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { Secret } from '../kernel/redact.js';
import { Metrics } from '../telemetry/index.js';
import { MemoryBackend } from './memory-backend.js';
import type { PolicyTable } from './rate-limit.policies.js';
import { RateLimiter } from './rate-limiter.js';
import { SubjectKeys } from './subject-keys.js';

const TABLE = {
  address: { per: 'ip', quota: 100, windowSeconds: 86_400, burst: 5 },
  account: { per: 'user', quota: 100, windowSeconds: 86_400, burst: 3 },
  everybody: { per: 'global', quota: 100, windowSeconds: 86_400, burst: 100 },
} as const satisfies PolicyTable;

function setUp() {
  const clock = new ManualClock();
  const metrics = new Metrics();
  const backend = new MemoryBackend({ clock, maxKeys: 1000, degraded: true });
  const keys = new SubjectKeys('rl:g', new Secret('x'.repeat(32)));
  const limiter = new RateLimiter({ policies: TABLE, backend, keys, metrics, clock });
  const counted = async (): Promise<string[]> =>
    (await metrics.registry.metrics())
      .split('\n')
      .filter((line) => line.startsWith('rate_limit_decisions_total{') && !line.endsWith(' 0'));
  return { clock, metrics, limiter, counted };
}

const all = (ip: string, user: string) =>
  [
    { policy: 'address', key: ip },
    { policy: 'account', key: user },
    { policy: 'everybody', key: 'all' },
  ] as const;

describe('the rate limiter', () => {
  it('decides an address, an account and everybody together, all or none', async () => {
    const { limiter } = setUp();
    for (let at = 0; at < 3; at += 1) {
      expect((await limiter.check(all('192.0.2.1', 'ada'))).allowed).toBe(true);
    }
    const denied = await limiter.check(all('192.0.2.1', 'ada'));
    expect(denied).toMatchObject({ allowed: false, state: 'throttle', limit: 'account', remaining: 0 });
    expect(denied.limits.map(({ remaining }) => remaining)).toEqual([2, 0, 97]);
    // Another account behind the same address still has what the denied checks did not spend.
    expect(await limiter.check(all('192.0.2.1', 'bob'))).toMatchObject({
      allowed: true,
      limit: 'address',
      remaining: 1,
    });
  });

  it('counts all notations of one address as one', async () => {
    const { limiter } = setUp();
    await limiter.check([{ policy: 'address', key: '::ffff:192.0.2.1' }]);
    expect((await limiter.check([{ policy: 'address', key: '192.0.2.1' }])).remaining).toBe(3);
  });

  it('blocks a cost that no wait will make fit', async () => {
    const { limiter } = setUp();
    const decision = await limiter.check([{ policy: 'account', key: 'ada', cost: 4 }]);
    expect(decision).toMatchObject({ allowed: false, state: 'block', retryAfterMs: undefined, remaining: 3 });
  });

  it('says when the next unit comes back and when all have', async () => {
    const { limiter, clock } = setUp();
    await limiter.check([{ policy: 'account', key: 'ada', cost: 3 }]);
    clock.advance(64_000);
    const decision = await limiter.check([{ policy: 'account', key: 'ada' }]);
    expect(decision).toMatchObject({ retryAfterMs: 800_000, resetMs: 2_528_000 });
    clock.advance(800_000);
    expect((await limiter.check([{ policy: 'account', key: 'ada' }])).allowed).toBe(true);
  });

  it('exposes every series as zero before the first decision', async () => {
    const { metrics } = setUp();
    const text = await metrics.registry.metrics();
    for (const policy of Object.keys(TABLE)) {
      expect(text).toContain(
        `rate_limit_decisions_total{policy="${policy}",state="block",backend="redis"} 0`,
      );
    }
    expect(text).toContain('rate_limit_decision_duration_seconds_count{backend="memory"} 0');
  });

  it('counts a denial for the limits that denied, not for those it spared', async () => {
    const { limiter, counted } = setUp();
    await limiter.check(all('192.0.2.1', 'ada'));
    await limiter.check([{ policy: 'account', key: 'ada', cost: 2 }]);
    await limiter.check(all('192.0.2.1', 'ada'));
    expect(await counted()).toEqual([
      'rate_limit_decisions_total{policy="address",state="allow",backend="memory"} 1',
      'rate_limit_decisions_total{policy="account",state="allow",backend="memory"} 2',
      'rate_limit_decisions_total{policy="account",state="throttle",backend="memory"} 1',
      'rate_limit_decisions_total{policy="everybody",state="allow",backend="memory"} 1',
    ]);
  });

  it.each([0, -1, 1.5, NaN, 2 ** 53])('refuses the cost %d', async (cost) => {
    await expect(setUp().limiter.check([{ policy: 'account', key: 'ada', cost }])).rejects.toThrow(
      RangeError,
    );
  });

  it('refuses a check without limits and a policy that is not in the table', async () => {
    const { limiter } = setUp();
    await expect(limiter.check([])).rejects.toThrow(RangeError);
    // @ts-expect-error a misspelt policy does not compile
    await expect(limiter.check([{ policy: 'acount', key: 'ada' }])).rejects.toThrow('"acount"');
  });
});
