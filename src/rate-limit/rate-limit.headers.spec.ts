import { describe, expect, it } from 'vitest';
import type { BackendDecision } from './rate-limit.backend.js';
import { decisionOf } from './rate-limit.decision.js';
import { RateLimitExceededError } from './rate-limit.errors.js';
import { rateLimitHeaders } from './rate-limit.headers.js';
import { POLICIES } from './rate-limit.policies.js';

const both = [
  ['default', POLICIES.default],
  ['signup', POLICIES.signup],
] as const;

function decide(allowed: boolean, ...rows: [remaining: number, resetUs: number, waitUs: number][]) {
  const outcomes = rows.map(([remaining, resetUs, waitUs]) => ({ remaining, resetUs, waitUs }));
  const answer: BackendDecision = { allowed, outcomes, backend: 'redis', degraded: false };
  return decisionOf(both.slice(0, rows.length), answer);
}

describe('the RateLimit headers', () => {
  it('are structured-field lists of the draft, one item per limit', () => {
    expect(rateLimitHeaders(decide(true, [59, 200_000, 0], [4, 360_000_000, 0]))).toEqual({
      'ratelimit-policy': '"default";q=300;w=60, "signup";q=10;w=3600',
      ratelimit: '"default";r=59;t=12, "signup";r=4;t=1440',
    });
  });

  it('never suggest a faster pace than the policy has', () => {
    for (let remaining = 0; remaining <= 60; remaining += 1) {
      const { ratelimit = '' } = rateLimitHeaders(decide(true, [remaining, (60 - remaining) * 200_000, 0]));
      const [, r, t] = /r=(\d+);t=(\d+)/.exec(ratelimit) ?? [];
      expect(Number(r) / Number(t)).toBeLessThanOrEqual(300 / 60);
    }
  });

  it('name only the violated limits of a denial, so that Retry-After is not earlier than any of them', () => {
    const decision = decide(false, [59, 200_000, 0], [0, 1_800_000_000, 359_000_001]);
    expect(rateLimitHeaders(decision)).toEqual({
      'ratelimit-policy': '"default";q=300;w=60, "signup";q=10;w=3600',
      ratelimit: '"signup";r=0;t=360',
    });
    expect(Math.ceil((decision.retryAfterMs ?? 0) / 1000)).toBe(360);
  });

  it('do not depend on the backend', () => {
    const answer = { allowed: true, outcomes: [{ remaining: 1, resetUs: 1, waitUs: 0 }] };
    const [redis, memory] = (['redis', 'memory'] as const).map((backend) =>
      rateLimitHeaders(decisionOf(both.slice(0, 1), { ...answer, backend, degraded: backend === 'memory' })),
    );
    expect(memory).toEqual(redis);
  });

  it('give no window to a request that will never fit', () => {
    expect(rateLimitHeaders(decide(false, [60, 0, -1]))['ratelimit']).toBe('"default";r=60');
  });
});

describe('the decision', () => {
  it('reports, when allowed, the limit with the least left', () => {
    expect(decide(true, [59, 200_000, 0], [4, 360_000_000, 0])).toMatchObject({
      allowed: true,
      state: 'allow',
      limit: 'signup',
      remaining: 4,
      resetMs: 360_000,
      retryAfterMs: 0,
    });
  });

  it('reports, when denied, the limit to be waited for longest', () => {
    const decision = decide(false, [0, 12_000_000, 200_000], [2, 1, 359_000_000]);
    expect(decision).toMatchObject({ state: 'throttle', limit: 'signup', retryAfterMs: 359_000 });
  });

  it('is block when no wait helps, whatever the other limits say', () => {
    const decision = decide(false, [60, 0, -1], [0, 1_800_000_000, 360_000_000]);
    expect(decision).toMatchObject({ state: 'block', limit: 'default', retryAfterMs: undefined });
  });

  it('becomes a 429 that names every violated policy', () => {
    const error = new RateLimitExceededError(decide(false, [0, 12_000_000, 1], [0, 1, 359_000_000]));
    expect(error).toMatchObject({ status: 429, slug: 'quota-exceeded', retryAfterMs: 359_000 });
    expect(error.extensions).toEqual({ violated_policies: ['default', 'signup'] });
  });
});
