import { describe, expect, it } from 'vitest';
import { type LimitOutcome, UNAVAILABLE } from './counting/outcome.js';
import { Meter } from './counting/meter.js';
import { NOTHING_APPLIES, RateLimitDecision, type RateLimitState } from './decision.js';
import { compileLimit } from './policies/compiled-limit.js';

const ROW = { per: 'user', quota: 10, windowMs: 10_000, burst: 10 } as const;
const LIMIT = compileLimit('p', { limits: [ROW] }, ROW);

const free: LimitOutcome = { remaining: 4, resetUs: 5_500_001, waitUs: 0 };
const waiting = (waitUs: number): LimitOutcome => ({ remaining: 0, resetUs: 10_000_000, waitUs });
const tooDear: LimitOutcome = { remaining: 10, resetUs: 0, waitUs: -1 };

function decisionOf(outcomes: LimitOutcome[], allowed: boolean, blockedForMs?: number) {
  const meters = Array.from({ length: outcomes.length }, () => new Meter(LIMIT, LIMIT, ''));
  const blocked = blockedForMs === undefined ? {} : { blockedForMs };
  return new RateLimitDecision({ meters, allowed, outcomes, backend: 'redis', degraded: false, ...blocked });
}

interface Said {
  readonly what: string;
  readonly outcomes: LimitOutcome[];
  readonly allowed?: boolean;
  readonly blockedForMs?: number;
  readonly state: RateLimitState;
  readonly retryAfterMs: number | undefined;
  readonly states: RateLimitState[];
}

const SAID: readonly Said[] = [
  {
    what: 'allowed',
    outcomes: [free, free],
    allowed: true,
    state: 'allow',
    retryAfterMs: 0,
    states: ['allow', 'allow'],
  },
  {
    what: 'denied by one',
    outcomes: [free, waiting(1_000_000)],
    state: 'throttle',
    retryAfterMs: 1000,
    states: ['allow', 'throttle'],
  },
  {
    what: 'denied by two: the longest wait',
    outcomes: [waiting(5_000_000), waiting(3_000_000)],
    state: 'throttle',
    retryAfterMs: 5000,
    states: ['throttle', 'throttle'],
  },
  {
    what: 'denied for part of a millisecond, never too early',
    outcomes: [waiting(1)],
    state: 'throttle',
    retryAfterMs: 1,
    states: ['throttle'],
  },
  {
    what: 'a cost that never fits',
    outcomes: [tooDear],
    state: 'block',
    retryAfterMs: undefined,
    states: ['block'],
  },
  {
    what: 'a wait that does not help',
    outcomes: [waiting(9_000_000), tooDear],
    state: 'block',
    retryAfterMs: undefined,
    states: ['throttle', 'block'],
  },
  {
    what: 'nobody can count',
    outcomes: [free, UNAVAILABLE],
    state: 'unavailable',
    retryAfterMs: 1000,
    states: ['allow', 'unavailable'],
  },
  {
    what: 'blocked by an operator',
    outcomes: [free],
    blockedForMs: 1500.5,
    state: 'block',
    retryAfterMs: 1501,
    states: ['block'],
  },
];

describe('A decision', () => {
  it.each(SAID)(
    'says it: $what',
    ({ outcomes, allowed = false, blockedForMs, state, retryAfterMs, states }) => {
      const decision = decisionOf(outcomes, allowed, blockedForMs);
      expect(decision).toMatchObject({ allowed, state, blocked: blockedForMs !== undefined });
      expect(decision.retryAfterMs).toBe(retryAfterMs);
      expect(decision.limits.map((limit) => limit.state)).toEqual(states);
    },
  );

  it('tells of each limit what is left and when it is full, in milliseconds that are never too few', () => {
    expect(decisionOf([free], true).limits).toEqual([
      { limit: LIMIT, state: 'allow', remaining: 4, resetMs: 5501, retryAfterMs: 0 },
    ]);
    expect(decisionOf([tooDear], false).limits[0]?.retryAfterMs).toBeUndefined();
  });

  it('works out what nobody looks at neither at once nor twice', () => {
    let worked = 0;
    const meters = [new Meter(LIMIT, LIMIT, '')];
    const decision = new RateLimitDecision({
      meters,
      allowed: false,
      get outcomes() {
        worked += 1;
        return [waiting(1000)];
      },
      backend: 'cache',
      degraded: false,
    });
    expect([decision.allowed, decision.blocked, worked]).toEqual([false, false, 0]);
    expect([decision.state, decision.retryAfterMs, decision.limits.length, worked]).toEqual([
      'throttle',
      1,
      1,
      1,
    ]);
  });

  it('of nothing is an allowance', () => {
    expect(NOTHING_APPLIES).toMatchObject({
      allowed: true,
      state: 'allow',
      retryAfterMs: 0,
      limits: [],
      degraded: false,
    });
  });
});
