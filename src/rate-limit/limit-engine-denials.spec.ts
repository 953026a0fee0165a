import { describe, expect, it } from 'vitest';
import { openEngine } from './engine.rig.js';
import { ALICE, BOB, POLICIES, namesOf, rulings } from './limit-engine.rig.js';

describe('The engine denies without a question what Redis would still deny', () => {
  it('counts it as the decision says: a cost that never fits is no matter of waiting', async () => {
    const { limiter, metrics } = openEngine(POLICIES);
    await limiter.check('slow', ALICE);
    for (const [cost, state] of [
      [1, 'throttle'],
      [2, 'block'],
    ] as const) {
      expect(await limiter.check('slow', ALICE, { cost })).toMatchObject({ state, backend: 'cache' });
      expect(await metrics.registry.metrics()).toContain(
        `rate_limit_decisions_total{policy="slow",state="${state}",backend="cache"} 1`,
      );
    }
  });

  it('at no cost to Redis, exactly until the cost fits, and says who knew', async () => {
    const { limiter, asked, clock } = openEngine(POLICIES);
    await limiter.check('person', ALICE, { cost: 10 });
    const questions = asked.length;
    const denied = await limiter.check('person', ALICE, { cost: 2 });
    expect(denied).toMatchObject({ allowed: false, state: 'throttle', backend: 'cache', degraded: false });
    expect(denied.retryAfterMs).toBe(2000);
    clock.advance(1999);
    expect(await limiter.check('person', ALICE, { cost: 2 })).toMatchObject({
      backend: 'cache',
      retryAfterMs: 1,
    });
    expect(asked).toHaveLength(questions);
    expect(await limiter.check('person', ALICE)).toMatchObject({ allowed: true, backend: 'redis' });
  });

  it('with the longest wait of all limits that deny, as Redis does', async () => {
    for (const forget of [false, true]) {
      const { limiter, decider } = openEngine(POLICIES);
      await limiter.check('person', ALICE, { cost: 10 });
      await limiter.check('slow', ALICE);
      if (forget) decider.distrust();
      const denied = await limiter.check(['person', 'slow'], ALICE);
      expect([denied.backend, denied.retryAfterMs]).toEqual([forget ? 'redis' : 'cache', 60_000]);
      expect(denied.limits.map(({ state, retryAfterMs }) => [state, retryAfterMs])).toEqual([
        ['throttle', 1000],
        ['throttle', 60_000],
      ]);
    }
  });

  it('in all checks that the limit stands in, and nothing of them is spent', async () => {
    const { limiter, asked } = openEngine(POLICIES);
    await limiter.check('person', ALICE, { cost: 10 });
    const denied = await limiter.check(['address', 'person'], ALICE);
    expect(denied.limits.map(({ state }) => state)).toEqual(['allow', 'throttle']);
    expect(asked).toHaveLength(1);
    expect(namesOf(await limiter.peek('address', ALICE))).toEqual(['address 10']);
  });

  it.each([
    ['it was distrusted', 'person', (rig: ReturnType<typeof openEngine>) => rig.decider.distrust()],
    ['Redis came back', 'person', (rig: ReturnType<typeof openEngine>) => rig.decider.returned()],
    ['a success may lift it', 'login', () => undefined],
  ] as const)('but not where %s', async (_why, policy, happen) => {
    const rig = openEngine(POLICIES);
    await rig.limiter.check(policy, ALICE, { cost: 10 });
    happen(rig as never);
    expect(await rig.limiter.check(policy, ALICE)).toMatchObject({ allowed: false, backend: 'redis' });
  });

  it('again and again by the same limit, until it is given back, put into shadow mode or overruled', async () => {
    const { ruling, change } = rulings();
    const { limiter, engine, asked } = openEngine(POLICIES, { ruling });
    const both = ['slow', 'address'] as const;
    const flood = async (subjects = ALICE) => {
      const said = await limiter.check(both, subjects);
      const limits = said.limits.map(({ limit, state }) => `${limit.name} ${state}`);
      return [said.state, said.backend, ...limits].join(', ');
    };
    const denied = 'throttle, cache, slow throttle, address allow';
    await flood();
    for (let n = 0; n < 3; n += 1) expect(await flood()).toBe(denied);
    expect(asked).toHaveLength(1);
    // Somebody else at the same address, and the same one at another.
    expect(await flood(BOB)).toBe('allow, redis, slow allow, address allow');
    expect(await flood({ ...ALICE, ip: BOB.ip })).toBe(denied);

    engine.book.shadow('slow', true);
    expect(await flood()).toBe('allow, redis, address allow');
    engine.book.shadow('slow', false);
    for (let n = 0; n < 2; n += 1) expect(await flood()).toBe(denied);

    change({ blockedUntilMs: (dimension) => (dimension === 'ip' ? 1e9 : 0) });
    expect(await flood()).toBe('block, cache, slow block, address block');
    change({ blockedUntilMs: () => 0, limitFor: (limit) => ({ ...limit, spared: 'exempt' }) });
    expect(await flood()).toContain('allow');
    change({ limitFor: (limit) => limit });
    for (let n = 0; n < 2; n += 1) expect(await flood()).toBe(denied);

    await limiter.reset('slow', ALICE);
    expect(await flood()).toBe('allow, redis, slow allow, address allow');
  });

  it.each(['slow', 'window'] as const)('again and again, and not a moment longer: %s', async (policy) => {
    const { limiter, asked, clock } = openEngine(POLICIES);
    const said = async () => {
      const { backend, retryAfterMs } = await limiter.check(policy, ALICE);
      return [backend, retryAfterMs];
    };
    await limiter.check(policy, ALICE);
    for (let n = 0; n < 3; n += 1) expect(await said()).toEqual(['cache', 60_000]);
    clock.advance(59_999);
    expect(await said()).toEqual(['cache', 1]);
    clock.advance(0.999);
    for (let n = 0; n < 2; n += 1) expect(await said()).toEqual(['cache', 1]);
    expect(asked).toHaveLength(1);
    clock.advance(0.001);
    expect(await said()).toEqual(['redis', 0]);
  });

  it('again and again, but a cheaper request that still fits is none of them', async () => {
    const { limiter } = openEngine(POLICIES);
    await limiter.check('person', ALICE, { cost: 9 });
    for (let n = 0; n < 3; n += 1)
      expect(await limiter.check('person', ALICE, { cost: 2 })).toMatchObject({ backend: 'cache' });
    expect(await limiter.check('person', ALICE)).toMatchObject({ allowed: true, backend: 'redis' });
  });

  it('again and again, until Redis is lost, and not by its word of before when it is back', async () => {
    const { limiter, state, decider } = openEngine(POLICIES);
    for (let n = 0; n < 3; n += 1) await limiter.check('slow', ALICE);
    state.lost = 'disconnected';
    decider.left();
    expect(await limiter.check('slow', ALICE)).toMatchObject({ allowed: false, backend: 'memory' });
    state.lost = undefined;
    decider.returned();
    expect(await limiter.check('slow', ALICE)).toMatchObject({ allowed: false, backend: 'redis' });
    expect(await limiter.check('slow', ALICE)).toMatchObject({ allowed: false, backend: 'cache' });
  });

  it('but what is given back, charged or made full goes to Redis, and lifts it here at once', async () => {
    const { limiter } = openEngine(POLICIES);
    await limiter.check('person', ALICE, { cost: 10 });
    expect(await limiter.check('person', ALICE)).toMatchObject({ backend: 'cache' });
    await limiter.refund('person', ALICE);
    expect(await limiter.check('person', ALICE)).toMatchObject({ allowed: true, backend: 'redis' });
    await limiter.charge('person', ALICE, { cost: 5 });
    await limiter.reset('person', ALICE);
    expect(namesOf(await limiter.check('person', ALICE))).toEqual(['person 9']);
  });
});
