import { describe, expect, it } from 'vitest';
import type { LimitRow } from './policies/policy.js';
import { type Fate, openFleet } from './substitute.rig.js';

const TEN = { per: 'user', quota: 60, windowMs: 60_000, burst: 10 } as const;
const DAY = { kind: 'window', per: 'user', quota: 1000, windowMs: 86_400_000 } as const;

function alone(row: LimitRow) {
  const { fleet, redis, clock } = openFleet(1, row);
  const [instance] = fleet;
  if (!instance) throw new Error('A fleet of one has no instance');
  const times = (count: number) => Array.from({ length: count }, () => instance.spend());
  /** As Redis has it. */
  const spent = () => redis.spent(instance.meter());
  /** Redis comes back, and what it is told then has this fate. */
  const comeBack = (fate: Fate = 'answered') => {
    redis.fate = fate;
    instance.comeBack();
    redis.fate = 'answered';
  };
  return { instance, redis, clock, times, spent, comeBack };
}

describe('What is given back while Redis is away', () => {
  it('is given back there when it is back, where Redis had counted it', () => {
    const { instance, redis, times, spent, comeBack } = alone(DAY);
    times(5);
    instance.leave();
    instance.do('refund', 'one', 2);
    comeBack();
    expect(redis.asked).toEqual(['raise 5', 'refund 2']);
    expect(spent()).toBe(3);
    comeBack();
    expect(spent()).toBe(3);
  });

  it('is first what was granted meanwhile, of which Redis has never heard', () => {
    const { instance, redis, times, spent, comeBack } = alone(DAY);
    times(5);
    instance.leave();
    times(3);
    instance.do('refund', 'one', 4);
    times(2);
    comeBack();
    expect(redis.asked).toEqual(['raise 5', 'refund 1', 'charge 2']);
    expect(spent()).toBe(5 - 1 + 2);
  });

  it('is no more than what is not earned back by then: the rest others may have spent', () => {
    const { instance, redis, clock, times, spent, comeBack } = alone(TEN);
    times(4);
    instance.leave();
    instance.do('refund', 'one', 3);
    clock.advance(2500);
    comeBack();
    expect(redis.asked).toEqual(['raise 1', 'refund 1']);
    expect(spent()).toBeCloseTo(0.5);
  });

  it('is not invented: what Redis never said to be spent stays as it is', () => {
    const { instance, redis, comeBack } = alone(DAY);
    instance.leave();
    instance.do('refund', 'one', 3);
    comeBack();
    expect(redis.asked).toEqual([]);
  });

  it('is given back to a server that has lost its data, after that has been reminded', () => {
    const { instance, redis, times, spent, comeBack } = alone(DAY);
    times(5);
    instance.leave();
    instance.do('refund', 'one', 2);
    redis.forgetAll();
    comeBack();
    expect(spent()).toBe(3);
  });

  it.each<[Fate, number]>([
    // Given once; that it is not known leaves it at that.
    ['reply lost', 3],
    ['lost', 5],
    ['not sent', 3],
  ])('is never given twice, where the telling has the fate "%s"', (fate, left) => {
    const { instance, times, spent, comeBack } = alone(DAY);
    times(5);
    instance.leave();
    instance.do('refund', 'one', 2);
    comeBack(fate);
    times(1);
    expect(spent()).toBe(left + 1);
    comeBack();
    expect(spent()).toBe(left + 1);
  });

  it.each<[Fate, number]>([
    ['reply lost', 3],
    ['lost', 5],
    ['not sent', 3],
  ])('is never given twice, where Redis seemed to be there and the call has the fate "%s"', (fate, left) => {
    const { instance, redis, times, spent } = alone(DAY);
    times(5);
    redis.fate = fate;
    instance.do('refund', 'one', 2);
    redis.fate = 'answered';
    times(1);
    expect(spent()).toBe(left + 1);
  });

  it('and was spent by a call whose answer was lost counts as nothing', () => {
    for (const fate of ['reply lost', 'lost'] as const) {
      const { instance, redis, times, spent } = alone(DAY);
      times(5);
      redis.fate = fate;
      times(1);
      instance.leave();
      instance.do('refund');
      redis.fate = 'answered';
      instance.comeBack();
      expect(spent()).toBe(5);
    }
  });
});

describe('A limit that is made full while Redis is away', () => {
  it('is made full there as well, and what was granted since is counted', () => {
    const { instance, redis, times, spent, comeBack } = alone(DAY);
    times(8);
    instance.leave();
    times(4);
    instance.do('reset');
    times(2);
    comeBack();
    expect(redis.asked).toEqual(['reset 1', 'charge 2']);
    expect(spent()).toBe(2);
  });

  it.each<Fate>(['reply lost', 'lost', 'not sent', 'refused'])(
    'is so for certain, and what was granted since counts once, where the telling has the fate "%s"',
    (fate) => {
      const { instance, times, spent, comeBack } = alone(DAY);
      times(8);
      instance.leave();
      instance.do('reset');
      times(2);
      comeBack(fate);
      times(1);
      expect(spent()).toBe(2 + 1);
    },
  );

  it('is so once only', () => {
    const { instance, redis, times, comeBack } = alone(DAY);
    times(8);
    instance.leave();
    instance.do('reset');
    comeBack();
    instance.leave();
    times(1);
    comeBack();
    expect(redis.asked.filter((one) => one.startsWith('reset'))).toHaveLength(1);
  });
});

describe('While Redis is away, a limit that nobody passes uncounted', () => {
  it('is corrected when Redis is back, as its units were counted there', () => {
    const { instance, times, spent, comeBack } = alone({ ...DAY, outage: 'deny' });
    times(5);
    instance.leave();
    instance.do('refund', 'one', 2);
    instance.do('charge', 'one', 6);
    comeBack();
    expect(spent()).toBe(9);
    instance.leave();
    instance.do('reset');
    comeBack();
    expect(spent()).toBe(0);
  });

  it('that lets everybody pass is given nothing back, since nothing was counted', () => {
    const { instance, times, spent, comeBack } = alone({ ...DAY, outage: 'allow' });
    times(5);
    instance.leave();
    times(10);
    instance.do('refund', 'one', 10);
    instance.do('charge', 'one', 3);
    comeBack();
    expect(spent()).toBe(5);
    instance.leave();
    instance.do('reset');
    comeBack();
    expect(spent()).toBe(0);
  });
});
