import { beforeEach, describe, expect, it } from 'vitest';
import { RedisUnavailableError } from '../../redis/index.js';
import { openEngine } from '../engine.rig.js';
import { PolicyBook } from '../policies/plan.js';
import type { PolicyTable } from '../policies/policy.js';
import { ProcessRulingStore } from './process-ruling-store.js';
import { RateLimitControl } from './rate-limit-control.js';
import { RulingSync } from './ruling-sync.js';
import { Rulings } from './rulings.js';

const HOUR_MS = 3_600_000;
const TABLE = {
  api: { limits: [{ per: 'tenant', quota: 10, windowMs: HOUR_MS, burst: 10 }] },
  strict: { limits: [{ per: 'tenant', quota: 10, windowMs: HOUR_MS, burst: 10, outage: 'deny' }] },
} as const satisfies PolicyTable;
const ACME = { tenant: 'acme' };

const refused = () =>
  new RedisUnavailableError({
    purpose: 'rateLimit',
    reason: 'refused',
    retryAfterMs: 1000,
    maybeExecuted: false,
  });

/** A store of rulings that can be away, as Redis can. */
class StoreOfRulings extends ProcessRulingStore {
  away = false;

  override load() {
    return this.away ? Promise.reject(refused()) : super.load();
  }

  override version() {
    return this.away ? Promise.reject(refused()) : super.version();
  }

  override change(change: Parameters<ProcessRulingStore['change']>[0]) {
    return this.away ? Promise.reject(refused()) : super.change(change);
  }
}

describe('What an operator orders while Redis is away', () => {
  let rig: ReturnType<typeof openEngine<typeof TABLE>>;
  let store: StoreOfRulings;
  let control: RateLimitControl;

  beforeEach(async () => {
    rig = openEngine(TABLE);
    const { engine, clock } = rig;
    const rulings = new Rulings(new PolicyBook(TABLE), clock);
    store = new StoreOfRulings(clock);
    const ignore = () => undefined;
    const reachable = () => !store.away;
    const sync = new RulingSync({ store, rulings, clock, reachable, installed: ignore, failed: ignore });
    await sync.onApplicationBootstrap();
    control = new RateLimitControl({ engine, rulings, sync, clock });
  });

  const leave = () => {
    rig.state.lost = 'refused';
    rig.redis.fate = 'not sent';
    store.away = true;
    rig.decider.left();
  };
  const comeBack = () => {
    rig.state.lost = undefined;
    rig.redis.fate = 'answered';
    store.away = false;
    rig.decider.returned();
    rig.redis.flush();
  };
  const spend = (cost: number) => rig.limiter.check('api', ACME, { cost });
  const left = async () => (await rig.limiter.peek('api', ACME)).limits[0]?.remaining;

  it.each(['api', 'strict'] as const)(
    'a reset of %s is refused, and nothing of it is done',
    async (policy) => {
      await rig.limiter.check(policy, ACME, { cost: 7 });
      leave();
      const reset = control.reset([policy], ACME);
      await expect(reset).rejects.toBeInstanceOf(RedisUnavailableError);
      comeBack();
      expect((await rig.limiter.peek(policy, ACME)).limits[0]?.remaining).toBe(3);
      expect(await control.reset([policy], ACME)).toMatchObject({ backend: 'redis', degraded: false });
      expect((await rig.limiter.peek(policy, ACME)).limits[0]?.remaining).toBe(10);
    },
  );

  it('a reset that nobody answered is refused, though it may have been done; asked again it is right', async () => {
    await spend(7);
    rig.redis.fate = 'reply lost';
    await expect(control.reset(['api'], ACME)).rejects.toMatchObject({ maybeExecuted: true });
    rig.redis.fate = 'answered';
    expect(await control.reset(['api'], ACME)).toMatchObject({ backend: 'redis' });
    expect(await left()).toBe(10);
  });

  it('a reset comes after what was granted in an outage before it', async () => {
    await spend(4);
    leave();
    await spend(3);
    comeBack();
    await control.reset(['api'], ACME);
    expect(await left()).toBe(10);
  });

  it('a reset is about policies in shadow mode as well', async () => {
    rig.engine.book.shadow('api', true);
    leave();
    await expect(control.reset(['api'], ACME)).rejects.toBeInstanceOf(RedisUnavailableError);
  });

  it('a block, an override and their ends are refused', async () => {
    const { id } = await control.block('tenant', 'acme', HOUR_MS);
    await control.override('api', 'api', { pattern: '*' }, { exempt: true });
    leave();
    for (const order of [
      () => control.block('tenant', 'other', HOUR_MS),
      () => control.unblock('tenant', 'acme'),
      () => control.unblock('tenant', 'never-blocked'),
      () => control.unblock('tenant', { id }),
      // Perhaps another instance has blocked it a moment ago.
      () => control.unblock('tenant', { id: 'wrVHtGivwNPwRKA3' }),
      () => control.override('api', 'api', { pattern: 'a*' }, { exempt: true }),
      () => control.removeOverride('api', 'api', { pattern: '*' }),
      () => control.setMode('api', 'shadow'),
      () => control.setMode('api', undefined),
    ])
      await expect(order()).rejects.toBeInstanceOf(RedisUnavailableError);
    expect([control.blocked().length, control.overrides().length]).toEqual([1, 1]);
  });

  it('and by an id that another instance has just made is found when Redis is there', async () => {
    await store.change({ kind: 'block', member: 'tenant:wrVHtGivwNPwRKA3:ac***', forMs: HOUR_MS });
    expect(control.blocked()).toEqual([]);
    expect(await control.unblock('tenant', { id: 'wrVHtGivwNPwRKA3' })).toBe(true);
    expect(await control.unblock('tenant', { id: 'wrVHtGivwNPwRKA3' })).toBe(false);
  });
});
