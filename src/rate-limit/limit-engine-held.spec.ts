import { describe, expect, it } from 'vitest';
import { OPERATION } from './counting/outcome.js';
import { RateLimitDecision } from './decision.js';
import { type OpenEngineOptions, openEngine } from './engine.rig.js';
import type { Held } from './held.js';
import { ALICE, POLICIES, namesOf, rulings } from './limit-engine.rig.js';
import { ONE_UNIT } from './request.js';

const { spend, peek, refund } = OPERATION;

/** A request that is told by its address first, and by its person later. */
function open(policies = ['person', 'address'], options: OpenEngineOptions = {}) {
  const rig = openEngine(POLICIES, options);
  const { engine } = rig;
  const plan = engine.book.plan(policies);
  const values = (subjects: Partial<typeof ALICE>) =>
    plan.dimensions.map((dimension) => subjects[dimension as keyof typeof ALICE]);
  const hold = async () => engine.hold(plan, values({ ip: ALICE.ip }), ONE_UNIT);
  const held = async (): Promise<Held> => {
    const said = await hold();
    if (said instanceof RateLimitDecision) throw new Error(`nothing was held: ${said.state}`);
    return said;
  };
  const decide = async (one: Held) => engine.decide(plan, values(ALICE), ONE_UNIT, one);
  const operations = () => rig.asked.map(({ operation }) => operation);
  return { ...rig, plan, values, hold, held, decide, operations };
}

describe('What is held of a request', () => {
  it('stays spent where the request is allowed, so that only the rest is asked for', async () => {
    const { held, decide, asked, limiter } = open();
    const one = await held();
    expect(namesOf(await limiter.peek('address', ALICE))).toEqual(['address 9']);
    const decision = await decide(one);
    expect(decision).toMatchObject({ allowed: true, backend: 'redis', degraded: false });
    expect(namesOf(decision)).toEqual(['person 9', 'address 9']);
    expect(asked.map(({ operation, meters }) => [operation, meters.length])).toEqual([
      [spend, 1],
      [peek, 1],
      [spend, 1],
    ]);
    expect(namesOf(await limiter.peek(['person', 'address'], ALICE))).toEqual(['person 9', 'address 9']);
  });

  it('is given back in the same turn as all is asked for, where Redis denies the rest', async () => {
    const { held, decide, operations, limiter, decider, metrics } = open();
    const one = await held();
    await limiter.check('person', ALICE, { cost: 10 });
    // As if another instance had spent it.
    decider.distrust();
    const denied = await decide(one);
    expect(operations().slice(-3)).toEqual([spend, refund, spend]);
    expect(denied).toMatchObject({ allowed: false, backend: 'redis', retryAfterMs: 1000 });
    expect(namesOf(denied)).toEqual(['person 0', 'address 10']);
    const text = await metrics.registry.metrics();
    expect(text).toContain('rate_limit_decisions_total{policy="person",state="throttle",backend="redis"} 1');
    expect(text).toContain('rate_limit_decisions_total{policy="address",state="allow",backend="redis"} 0');
    expect(namesOf(await limiter.peek('address', ALICE))).toEqual(['address 10']);
  });

  it('is all that is asked for where nobody is told later', async () => {
    const { held, asked, engine, plan } = open();
    const one = await held();
    const decision = await engine.decide(plan, [undefined, ALICE.ip], ONE_UNIT, one);
    expect(namesOf(decision)).toEqual(['address 9']);
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['costs more than was known', { ...ONE_UNIT, cost: 3 }, ['person 7', 'address 7']],
    [
      'costs less than was known',
      { ...ONE_UNIT, cost: 1, costs: new Map([['address', 2]]) },
      ['person 9', 'address 8'],
    ],
  ])('is given back where the request %s', async (_what, request, names) => {
    const { engine, plan, values, operations } = open();
    const one = await engine.hold(plan, values({ ip: ALICE.ip }), {
      ...ONE_UNIT,
      cost: request.cost === 1 ? 5 : 1,
    });
    if (one instanceof RateLimitDecision) throw new Error('nothing was held');
    expect(namesOf(await engine.decide(plan, values(ALICE), request, one))).toEqual(names);
    expect(operations()).toEqual([spend, refund, spend]);
  });

  it('is given back where an operator has made its subject free meanwhile', async () => {
    const { ruling, change } = rulings();
    const { held, decide, operations } = open(undefined, { ruling });
    const one = await held();
    change({
      limitFor: (limit) => (limit.policy === 'address' ? { ...limit, spared: 'exempt' } : limit) as never,
    });
    expect(namesOf(await decide(one))).toEqual(['person 9']);
    expect(operations()).toEqual([spend, refund, spend]);
  });

  it('does not deny the request itself its last unit, whoever else is denied meanwhile', async () => {
    const { held, hold, decide, limiter } = open();
    await limiter.check('address', ALICE, { cost: 9 });
    const one = await held();
    expect(await hold()).toMatchObject({ allowed: false, backend: 'cache' });
    expect(namesOf(await decide(one))).toEqual(['person 9', 'address 0']);
    expect(await hold()).toMatchObject({ allowed: false, state: 'throttle' });
  });

  it('is given back as well where another limit is known to deny, which alone is named', async () => {
    const { held, decide, limiter, operations } = open();
    await limiter.check('person', ALICE, { cost: 10 });
    await limiter.check('address', ALICE, { cost: 9 });
    const denied = await decide(await held());
    expect(denied).toMatchObject({ allowed: false, backend: 'cache', retryAfterMs: 1000 });
    expect(denied.limits.map(({ limit, state }) => `${limit.name} ${state}`)).toEqual([
      'person throttle',
      'address allow',
    ]);
    expect(operations().slice(-2)).toEqual([spend, refund]);
    expect(namesOf(await limiter.check('address', ALICE))).toEqual(['address 0']);
  });

  it('is nothing where no limit applies', async () => {
    const { hold, asked } = open(['person']);
    expect(await hold()).toMatchObject({ allowed: true, limits: [] });
    expect(asked).toEqual([]);
  });

  it.each([false, true])('is counted once while Redis is away (decided: %s)', async (decided) => {
    const { held, decide, state, limiter } = open();
    state.lost = 'refused';
    const one = await held();
    expect(one.decision).toMatchObject({ backend: 'memory', degraded: true });
    if (decided) await decide(one);
    expect(namesOf(await limiter.peek('address', ALICE))).toEqual(['address 9']);
  });
});

describe('A denial that is known', () => {
  it('does not hide that another subject of the check is blocked, for longer', async () => {
    const { ruling, change } = rulings();
    const { limiter, clock } = openEngine(POLICIES, { ruling });
    const untilMs = clock.monotonicMs() + 3_600_000;
    change({ blockedUntilMs: (_dimension, digest) => (digest.startsWith('ip_192.0.2.1_') ? untilMs : 0) });
    const elsewhere = { ...ALICE, ip: '192.0.2.9' };
    for (let at = 0; at < 3; at += 1) await limiter.check(['slow', 'address'], elsewhere);
    expect(await limiter.check(['slow', 'address'], elsewhere)).toMatchObject({ state: 'throttle' });
    expect(await limiter.check(['slow', 'address'], ALICE)).toMatchObject({
      state: 'block',
      retryAfterMs: 3_600_000,
    });
  });
});
