import { describe, expect, it } from 'vitest';
import type { Ruling } from './counting/subject.js';
import type { RateLimitDecision } from './decision.js';
import { openEngine } from './engine.rig.js';
import type { PolicyTable } from './policies/policy.js';

const TEN = { quota: 10, windowMs: 10_000, burst: 10 } as const;
const POLICIES = {
  address: { limits: [{ per: 'ip', ...TEN }] },
  person: { limits: [{ per: 'user', ...TEN }] },
  all: { limits: [{ per: 'global', quota: 100, windowMs: 100_000, burst: 100 }] },
  login: { limits: [{ per: 'user', ...TEN }], counts: 'failures' },
  slow: { limits: [{ per: 'user', quota: 1, windowMs: 60_000, burst: 1 }] },
} as const satisfies PolicyTable;

const ALICE = { ip: '192.0.2.1', user: 'alice' };
const BOB = { ip: '192.0.2.2', user: 'bob' };

const namesOf = ({ limits }: RateLimitDecision) =>
  limits.map(({ limit, remaining }) => `${limit.name} ${remaining}`);

/** What operators have set; a test changes it. */
function rulings() {
  const set = {
    edition: 0,
    blockedUntilMs: (_dimension: string, _digest: string) => 0,
    limitFor: ((limit) => limit) as Ruling['limitFor'],
  };
  return {
    ruling: set satisfies Ruling,
    change: (next: Partial<typeof set>) => Object.assign(set, next, { edition: set.edition + 1 }),
  };
}

describe('The engine', () => {
  it('asks Redis one question about all limits of a check, in the order of the policies', async () => {
    const { limiter, asked } = openEngine(POLICIES);
    const decision = await limiter.check(['all', 'address', 'person'], ALICE);
    expect(decision).toMatchObject({ allowed: true, state: 'allow', backend: 'redis', degraded: false });
    expect(namesOf(decision)).toEqual(['all 99', 'address 9', 'person 9']);
    expect(asked).toHaveLength(1);
  });

  it('leaves out limits whose subject nobody tells, and allows what no limit applies to', async () => {
    const { engine, asked } = openEngine(POLICIES);
    const plan = engine.book.plan(['address', 'person']);
    expect(namesOf(await engine.decide(plan, [undefined, 'alice']))).toEqual(['person 9']);
    expect(await engine.decide(plan, [undefined, undefined])).toMatchObject({ allowed: true, limits: [] });
    expect(asked).toHaveLength(1);
  });

  it('takes all notations of an address for one client', async () => {
    const { limiter } = openEngine(POLICIES);
    for (const ip of ['2001:db8::1', '2001:db8::2', '[2001:DB8::3]:443'])
      await limiter.check('address', { ip });
    expect(namesOf(await limiter.peek('address', { ip: '2001:db8::ffff' }))).toEqual(['address 7']);
  });

  it('costs of policies may differ', async () => {
    const { engine } = openEngine(POLICIES);
    const plan = engine.book.plan(['address', 'person']);
    const request = { operation: 0, cost: 1, costs: new Map([['person', 4]]) } as const;
    expect(namesOf(await engine.decide(plan, ['192.0.2.1', 'alice'], request))).toEqual([
      'address 9',
      'person 6',
    ]);
  });

  describe('denies without a question what Redis would still deny', () => {
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

  describe('in shadow mode', () => {
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

  describe('follows what operators have set', () => {
    it('a block: until its end, for whom it is about, whatever is left', async () => {
      const { ruling, change } = rulings();
      const { limiter, asked, clock } = openEngine(POLICIES, { ruling });
      await limiter.check('person', ALICE);
      const untilMs = clock.monotonicMs() + 5000;
      change({
        blockedUntilMs: (dimension, digest) =>
          dimension === 'user' && digest.includes('alice') ? untilMs : 0,
      });
      const blocked = await limiter.check(['address', 'person'], ALICE);
      expect(blocked).toMatchObject({ allowed: false, state: 'block', blocked: true, retryAfterMs: 5000 });
      expect(await limiter.check(['address', 'person'], BOB)).toMatchObject({ allowed: true });
      expect(await limiter.check('address', ALICE)).toMatchObject({ allowed: true });
      clock.advance(4999.5);
      expect(await limiter.peek('person', ALICE)).toMatchObject({ state: 'block', retryAfterMs: 1 });
      const questions = asked.length;
      await limiter.refund('person', ALICE);
      expect(asked).toHaveLength(questions + 1);
      clock.advance(0.5);
      expect(await limiter.check('person', ALICE)).toMatchObject({ allowed: true });
    });

    it('a block: told in whole microseconds, whatever the clock says', async () => {
      const window = { limits: [{ kind: 'window', per: 'user', quota: 10, windowMs: 10_000 }] } as const;
      const { ruling, change } = rulings();
      const { limiter, clock } = openEngine({ window }, { ruling });
      await limiter.check('window', ALICE);
      clock.advance(1234.5678);
      change({ blockedUntilMs: () => clock.monotonicMs() + 5000 });
      const { blocked, outcomes } = await limiter.check('window', ALICE);
      expect(blocked).toBe(true);
      expect(outcomes.every(({ resetUs }) => Number.isInteger(resetUs))).toBe(true);
    });

    it('another limit, an exemption, and a limit that only watches', async () => {
      const { ruling, change } = rulings();
      const { limiter } = openEngine(POLICIES, { ruling });
      await limiter.check(['address', 'person'], ALICE, { cost: 10 });
      change({
        limitFor: (limit) =>
          limit.per === 'user' ? { ...limit, burst: 20, quota: 20, capacity: 20_000_000 } : limit,
      });
      expect(namesOf(await limiter.peek('person', ALICE))).toEqual(['person 10']);
      change({ limitFor: (limit) => (limit.per === 'ip' ? { ...limit, spared: 'exempt' } : limit) });
      expect(namesOf(await limiter.peek(['address', 'person'], BOB))).toEqual(['person 10']);
      change({ limitFor: (limit) => ({ ...limit, spared: 'shadow' }) });
      expect(await limiter.check(['address', 'person'], ALICE)).toMatchObject({ allowed: true, limits: [] });
    });
  });

  describe('with a canary', () => {
    const inRedis = ({ value }: { readonly value: string }): boolean => !value.startsWith('192.0.2.9');

    it('counts each client in one place, always the same', async () => {
      const { limiter, asked } = openEngine(POLICIES, { inRedis });
      for (let at = 0; at < 3; at += 1) {
        expect(await limiter.check('address', { ip: '192.0.2.9' })).toMatchObject({ backend: 'memory' });
        expect(await limiter.check('address', { ip: '::ffff:192.0.2.9' })).toMatchObject({
          backend: 'memory',
        });
        expect(await limiter.check('address', ALICE)).toMatchObject({ backend: 'redis' });
      }
      expect(asked).toHaveLength(3);
      expect(namesOf(await limiter.peek('address', { ip: '192.0.2.9' }))).toEqual(['address 4']);
    });

    it('keeps what both share apart: neither side sees or overwrites what the other one counted', async () => {
      const { limiter } = openEngine(POLICIES, { inRedis });
      const left = async (ip: string) =>
        (await limiter.check(['all', 'address'], { ip })).limits[0]?.remaining;
      for (let at = 1; at <= 4; at += 1) {
        expect(await left(`192.0.2.${at}`)).toBe(100 - at);
        expect(await left('192.0.2.9')).toBe(101 - 2 * at);
        expect(await left('192.0.2.9')).toBe(100 - 2 * at);
      }
    });
  });

  it('is not moved by a clock that is set on this host', async () => {
    for (const inMemory of [false, true]) {
      const { limiter, clock } = openEngine(POLICIES, { inMemory });
      let jumpMs = 0;
      clock.nowMs = () => 1_700_000_000_000 + clock.monotonicMs() + jumpMs;
      for (let at = 0; at < 10; at += 1) {
        jumpMs = [-1, 1][at % 2]! * at * 86_400_000;
        expect(namesOf(await limiter.check('person', ALICE))).toEqual([`person ${9 - at}`]);
      }
      expect(await limiter.check('person', ALICE)).toMatchObject({ allowed: false, retryAfterMs: 1000 });
    }
  });
});
