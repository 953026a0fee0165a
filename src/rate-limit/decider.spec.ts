import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { RedisCommandError, RedisUnavailableError } from '../redis/index.js';
import { Check } from './check.js';
import { Meter } from './counting/meter.js';
import { type Cost, OPERATION } from './counting/outcome.js';
import { Decider } from './decider.js';
import type { RateLimitDecision } from './decision.js';
import { compileLimit } from './policies/compiled-limit.js';
import type { LimitOutage, Policy } from './policies/policy.js';
import { StandIn } from './substitute.rig.js';

/** Ten units, one of which comes back in a second. */
function limitOf(name: string, outage: LimitOutage = 'local', policy: Partial<Policy> = {}) {
  const row = { per: 'user', quota: 10, windowMs: 10_000, burst: 10, name, outage } as const;
  return compileLimit('p', { limits: [row], ...policy }, row);
}

const meterOf = (name: string, outage?: LimitOutage, policy?: Partial<Policy>): Meter => {
  const limit = limitOf(name, outage, policy);
  return new Meter(limit, limit, 'of-16-characters');
};

describe('The decider', () => {
  let clock: ManualClock;
  let redis: StandIn;
  let state: { lost: string | undefined; closed: boolean; instances: number };
  let reasons: string[];
  let decider: Decider;

  beforeEach(() => {
    clock = new ManualClock();
    clock.advance(60_000);
    redis = new StandIn(clock);
    state = { lost: undefined, closed: false, instances: 1 };
    reasons = [];
    decider = new Decider({
      redis,
      clock,
      lost: () => state.lost,
      closed: () => state.closed,
      instances: () => state.instances,
      chosenIsDegraded: true,
      onSubstitute: (reason) => reasons.push(reason),
    });
  });

  interface Put {
    readonly operation?: keyof typeof OPERATION;
    readonly cost?: Cost;
    readonly inRedis?: boolean;
  }

  /** @returns the decision, or the error where there is none */
  function decide(meters: readonly Meter[], { operation = 'spend', cost = 1, inRedis = true }: Put = {}) {
    let decided: RateLimitDecision | undefined;
    const check = new Check(
      {
        decided: (_check, decision) => void (decided = decision),
        undecided: (failed, error) => decider.afterFailure(failed, error),
      },
      { operation: OPERATION[operation], cost, meters, inRedis, startMs: clock.monotonicMs() },
    );
    let failure: unknown;
    check.reject = (error) => void (failure = error);
    decided = decider.decideNow(check);
    if (!decided) {
      decider.ask(check);
      redis.flush();
    }
    return decided ?? failure;
  }
  const known = (meters: readonly Meter[], cost: Cost = 1): number =>
    decider.knownDenial(meters, cost, clock.monotonicMs());

  describe('while Redis is lost, follows the rule of each limit:', () => {
    it.each<[title: string, outages: LimitOutage[], allowed: boolean, state: string, left: number[]]>([
      ['local counts here', ['local'], true, 'allow', [9]],
      ['allow lets everybody pass, and shows as full', ['allow'], true, 'allow', [10]],
      ['deny lets nobody pass', ['deny'], false, 'unavailable', [0]],
      ['local and allow', ['local', 'allow'], true, 'allow', [9, 10]],
      [
        'deny decides for all, and the others are not spent',
        ['local', 'deny', 'allow'],
        false,
        'unavailable',
        [10, 0, 10],
      ],
    ])('%s', (_title, outages, ...[allowed, said, left]) => {
      state.lost = 'refused';
      const meters = outages.map((outage, at) => meterOf(`limit-${at}`, outage));
      const first = decide(meters) as RateLimitDecision;
      expect(first).toMatchObject({ allowed, state: said, backend: 'memory', degraded: true });
      expect(first.limits.map(({ remaining }) => remaining)).toEqual(left);
      expect(first.retryAfterMs).toBe(allowed ? 0 : 1000);
      expect(reasons).toEqual(['refused']);
    });

    it('what is given back or known afterwards is taken in by a limit that lets nobody pass', () => {
      state.lost = 'refused';
      const meter = meterOf('limit', 'deny');
      for (const operation of ['refund', 'charge', 'reset'] as const)
        expect(decide([meter], { operation })).toMatchObject({ allowed: true, degraded: true });
    });

    it('a full share denies, and is labelled as what it is', () => {
      state.lost = 'timeout';
      state.instances = 5;
      const meter = meterOf('limit');
      meter.heard(1, clock.monotonicMs());
      const answers = Array.from({ length: 3 }, () => decide([meter]) as RateLimitDecision);
      expect(answers.map(({ allowed }) => allowed)).toEqual([true, true, false]);
      expect(answers[2]).toMatchObject({ state: 'throttle', backend: 'memory', degraded: true });
      expect(known([meter])).toBe(-1);
    });
  });

  it('counts here by choice what a canary leaves here, whatever becomes of Redis', () => {
    const meter = meterOf('limit');
    for (const lost of [undefined, 'refused', undefined]) {
      state.lost = lost;
      expect(decide([meter], { inRedis: false })).toMatchObject({ backend: 'memory', degraded: true });
    }
    expect(decide([meter], { inRedis: false })).toMatchObject({ limits: [{ remaining: 6 }] });
    expect([reasons, redis.asked, redis.spent(meter)]).toEqual([[], [], 0]);
  });

  describe('where the purpose is closed', () => {
    beforeEach(() => {
      state.closed = true;
    });

    it('asks Redis although it is lost, whose client refuses at once', () => {
      state.lost = 'refused';
      redis.fate = 'not sent';
      const error = decide([meterOf('limit', 'allow')]);
      expect(error).toBeInstanceOf(RedisUnavailableError);
      expect(reasons).toEqual([]);
    });

    it.each(['lost', 'refused'] as const)('substitutes nothing for a call that was %s', (fate) => {
      redis.fate = fate;
      expect(decide([meterOf('limit')])).toBeInstanceOf(
        fate === 'lost' ? RedisUnavailableError : RedisCommandError,
      );
    });
  });

  it.each([
    ['lost', 'timeout'],
    ['refused', 'other'],
  ] as const)('substitutes one call that was %s, and says why', (fate, reason) => {
    redis.fate = fate;
    expect(decide([meterOf('limit')])).toMatchObject({ allowed: true, backend: 'memory', degraded: true });
    expect(reasons).toEqual([reason]);
    redis.fate = 'answered';
    expect(decide([meterOf('limit')])).toMatchObject({ backend: 'redis', degraded: false });
  });

  it('passes on what is a mistake of this program', () => {
    const mistake = new TypeError('a mistake');
    const meters = [meterOf('limit')];
    const nobody = { decided: () => undefined, undecided: () => undefined };
    const check = new Check(nobody, {
      operation: OPERATION.spend,
      cost: 1,
      meters,
      inRedis: true,
      startMs: clock.monotonicMs(),
    });
    expect(decider.afterFailure(check, mistake)).toBeUndefined();
  });

  describe('a denial of Redis is known here', () => {
    it('until the very microsecond at which the cost fits, and for that cost only', () => {
      const meter = meterOf('limit');
      decide([meter], { cost: 8 });
      expect([1, 2, 3, 10, 11].map((cost) => known([meter], cost))).toEqual([-1, -1, 0, 0, 0]);
      clock.advance(999.999);
      expect([2, 3, 4].map((cost) => known([meter], cost))).toEqual([-1, 0, 0]);
      clock.advance(0.001);
      expect([3, 4].map((cost) => known([meter], cost))).toEqual([-1, 0]);
      expect(decide([meter], { cost: 3 })).toMatchObject({ allowed: true, backend: 'redis' });
    });

    it('by the first limit that denies, and each limit by its own cost', () => {
      const meters = [meterOf('one'), meterOf('two'), meterOf('three')];
      decide(meters, { cost: [1, 9, 10] });
      expect(known(meters)).toBe(2);
      expect(known(meters, [1, 2, 1])).toBe(1);
      expect(known(meters.slice(0, 2), [9, 1])).toBe(-1);
    });

    it('not once it was distrusted, nor by an answer that was under way then', () => {
      const meter = meterOf('limit');
      decide([meter], { cost: 10 });
      expect(known([meter])).toBe(0);
      decider.distrust();
      expect(known([meter])).toBe(-1);

      const nobody = { decided: () => undefined, undecided: () => undefined };
      decider.ask(
        new Check(nobody, {
          operation: OPERATION.peek,
          cost: 1,
          meters: [meter],
          inRedis: true,
          startMs: clock.monotonicMs(),
        }),
      );
      decider.distrust();
      redis.flush();
      expect(known([meter])).toBe(-1);
      decide([meter], { operation: 'peek' });
      expect(known([meter])).toBe(0);
    });

    it('not where a success may lift it', () => {
      const meter = meterOf('limit', 'local', { counts: 'failures' });
      decide([meter], { cost: 10 });
      expect(known([meter])).toBe(-1);
    });

    it('not of a limit that Redis has not spoken of, and not while it is away', () => {
      const [meter, stranger] = [meterOf('limit'), meterOf('stranger')];
      stranger.setAhead(stranger.limit.capacity, clock.monotonicMs() * 1000);
      expect(known([stranger])).toBe(-1);
      decide([meter], { cost: 10 });
      state.lost = 'timeout';
      expect(known([meter])).toBe(-1);
      state.closed = true;
      expect(known([meter])).toBe(0);
    });

    it('not once something was counted here, of which Redis may know nothing', () => {
      const meter = meterOf('limit');
      decide([meter], { cost: 9 });
      redis.fate = 'refused';
      expect(decide([meter])).toMatchObject({ backend: 'memory', allowed: true });
      expect(known([meter])).toBe(-1);
    });
  });
});
