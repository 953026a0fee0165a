import { describe, expect, it } from 'vitest';
import type { Fate } from './substitute.rig.js';
import { openFleet } from './substitute.rig.js';

const TEN = { per: 'user', quota: 60, windowMs: 60_000, burst: 10 } as const;
const DAY = { kind: 'window', per: 'user', quota: 1000, windowMs: 86_400_000 } as const;

function alone(row: typeof TEN | typeof DAY | (typeof TEN & { outage: 'deny' | 'allow' })) {
  const { fleet, ...rest } = openFleet(1, row);
  const [instance] = fleet;
  if (!instance) throw new Error('A fleet of one has no instance');
  const times = (count: number, subject?: string) =>
    Array.from({ length: count }, () => instance.spend(subject)).filter(Boolean).length;
  return { instance, times, ...rest };
}

describe('In the place of Redis', () => {
  it('an instance goes on from what Redis said last, and says so', () => {
    const { instance, times } = alone(TEN);
    expect(times(4)).toBe(4);
    instance.leave();
    expect(times(10)).toBe(6);
    const { allowed, state, backend, degraded, retryAfterMs } = instance.do('spend');
    expect({ allowed, state, backend, degraded }).toEqual({
      allowed: false,
      state: 'throttle',
      backend: 'memory',
      degraded: true,
    });
    expect(retryAfterMs).toBe(1000);
    expect(instance.substitutes).toHaveLength(11);
  });

  it('a limit may let nobody pass, or everybody', () => {
    const denying = alone({ ...TEN, outage: 'deny' }).instance;
    denying.leave();
    const denied = denying.do('spend');
    expect([denied.allowed, denied.state, denied.retryAfterMs]).toEqual([false, 'unavailable', 1000]);
    const allowing = alone({ ...TEN, outage: 'allow' });
    allowing.instance.leave();
    expect(allowing.times(50)).toBe(50);
  });

  it('a denial of Redis is no answer while Redis is away', () => {
    const { instance, times } = alone({ ...TEN, outage: 'deny' });
    times(10);
    expect(instance.do('spend').state).toBe('throttle');
    instance.leave();
    expect(instance.do('spend')).toMatchObject({ backend: 'memory', degraded: true, state: 'unavailable' });
  });

  describe('when Redis is back, it is told', () => {
    it('what was granted, before the next decision about the same subject', () => {
      const { instance, redis, times } = alone(TEN);
      times(4);
      instance.leave();
      times(3);
      instance.comeBack();
      expect(redis.asked).toEqual(['raise 4', 'charge 3']);
      expect([times(10), redis.spent(instance.meter())]).toEqual([3, 10]);
    });

    it('only what is not earned back by then', () => {
      const { instance, redis, clock, times } = alone(TEN);
      times(4);
      instance.leave();
      times(3);
      clock.advance(5000);
      instance.comeBack();
      expect(redis.asked).toEqual(['charge 2']);
      expect(redis.spent(instance.meter())).toBe(2);
      instance.leave();
      clock.advance(60_000);
      instance.comeBack();
      expect(redis.asked).toEqual(['charge 2']);
    });

    it.each([TEN, DAY])('all that it has forgotten meanwhile, by whoever was asked ($windowMs ms)', (row) => {
      const { instance, redis, times } = alone(row);
      times(6);
      instance.leave();
      times(2);
      redis.forgetAll();
      instance.comeBack();
      expect(redis.spent(instance.meter())).toBe(8);
    });

    it.each<Fate>(['reply lost', 'lost', 'refused', 'not sent'])(
      'of a call whose fate was "%s" exactly once',
      (fate) => {
        const { instance, redis, times } = alone(DAY);
        times(5);
        redis.fate = fate;
        expect(instance.do('spend')).toMatchObject({ allowed: true, backend: 'memory', degraded: true });
        redis.fate = 'answered';
        instance.spend();
        expect(redis.spent(instance.meter())).toBe(5 + 1 + 1);
      },
    );

    it('nothing twice where it is lost again while it is being told', () => {
      const { instance, redis, times } = alone(DAY);
      times(5);
      for (const fate of ['reply lost', 'not sent', 'reply lost', 'answered'] as const) {
        instance.leave();
        times(2);
        redis.fate = fate;
        instance.comeBack();
        redis.fate = 'answered';
      }
      instance.spend();
      expect(redis.spent(instance.meter())).toBe(5 + 8 + 1);
    });

    it('what was given back, charged and made full without it', () => {
      const { instance, redis, times } = alone(DAY);
      instance.leave();
      times(5);
      instance.do('refund', 'one', 2);
      instance.do('charge', 'one', 4);
      times(3, 'other');
      instance.do('reset', 'other');
      instance.comeBack();
      expect(redis.asked).toEqual(['charge 7', 'reset 1']);
    });
  });
});
