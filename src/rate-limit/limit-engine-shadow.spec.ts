import { describe, expect, it } from 'vitest';
import { openEngine } from './engine.rig.js';
import { ALICE, POLICIES, namesOf } from './limit-engine.rig.js';

describe('The engine in shadow mode', () => {
  it('counts a policy beside the others, reports what it would deny, and never denies', async () => {
    const { limiter, metrics } = openEngine(POLICIES, { shadowed: ['person'] });
    for (let at = 0; at < 12; at += 1) {
      const decision = await limiter.check(['person', 'all'], ALICE);
      expect(decision).toMatchObject({ allowed: true });
      expect(namesOf(decision)).toEqual([`all ${99 - at}`]);
    }
    expect(await metrics.registry.metrics()).toMatch(/shadow\w*\{policy="person"\} 2\b/);
  });

  it('spends nothing of what is enforced where the shadow would deny, and counts where the others do', async () => {
    const { limiter, redis, asked } = openEngine(POLICIES, { shadowed: ['person'] });
    for (let at = 0; at < 3; at += 1) await limiter.check(['person', 'address'], ALICE, { cost: 6 });
    const spent = asked.flatMap(({ meters }) => meters.map((meter) => redis.spent(meter)));
    expect(Math.max(...spent)).toBe(6);
  });

  it('asks Redis nothing for a flood, and counts nothing of it: neither beside a known denial nor by itself', async () => {
    const { limiter, asked, metrics } = openEngine(POLICIES, { shadowed: ['slow'] });
    const wouldDeny = async () =>
      /shadow\w*\{policy="slow"\} (\d+)/.exec(await metrics.registry.metrics())?.[1];
    await limiter.check(['person', 'slow'], ALICE, { cost: 1 });
    for (let at = 0; at < 5; at += 1) await limiter.check('slow', ALICE);
    expect([asked.length, await wouldDeny()]).toEqual([2, '5']);
    await limiter.charge('person', ALICE, { cost: 10 });
    const questions = asked.length;
    for (let at = 0; at < 5; at += 1)
      expect(await limiter.check(['person', 'slow'], ALICE)).toMatchObject({ backend: 'cache' });
    expect([asked.length, await wouldDeny()]).toEqual([questions, '5']);
  });

  it('reports what would be denied of what is spent, not of what is only asked', async () => {
    const { limiter, asked, metrics } = openEngine(POLICIES, { shadowed: ['slow'] });
    await limiter.check('slow', ALICE);
    for (let at = 0; at < 3; at += 1) await limiter.peek('slow', ALICE);
    await limiter.charge('slow', ALICE);
    expect(asked).toHaveLength(2);
    expect(await metrics.registry.metrics()).toMatch(/shadow\w*\{policy="slow"\} 0\b/);
  });

  it('does not fail where only shadows apply and Redis is closed', async () => {
    const { limiter, redis, state } = openEngine(POLICIES, { shadowed: ['person'] });
    state.closed = true;
    redis.fate = 'lost';
    expect(await limiter.check('person', ALICE)).toMatchObject({ allowed: true, limits: [] });
  });
});
