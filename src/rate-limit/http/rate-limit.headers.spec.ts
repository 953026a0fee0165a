import { describe, expect, it } from 'vitest';
import { type LimitOutcome, UNAVAILABLE } from '../counting/outcome.js';
import { type Grounds, RateLimitDecision } from '../decision.js';
import { type CompiledLimit, compileLimit } from '../policies/compiled-limit.js';
import { POLICIES } from '../policies/policies.js';
import type { Policy } from '../policies/policy.js';
import { RateLimitExceededError } from './rate-limit.errors.js';
import { RateLimitFields, rateLimitHeaders } from './rate-limit.headers.js';

function limitOf(name: string, policy: Policy): CompiledLimit {
  const [row] = policy.limits;
  if (!row) throw new Error('a policy without limits');
  return compileLimit(name, policy, row);
}

const DEFAULT = limitOf('default', POLICIES.default);
const SIGNUP = limitOf('signup', { limits: [{ per: 'ip', quota: 10, windowMs: 3_600_000, burst: 5 }] });
const DIGEST = 'abc-defg_hijklmn';

type Row = readonly [remaining: number, resetUs: number, waitUs: number];
type Told = Partial<Grounds> & { readonly limits?: readonly CompiledLimit[] };

function decide(allowed: boolean, rows: readonly (Row | LimitOutcome)[], told: Told = {}) {
  const { limits = [DEFAULT, SIGNUP], ...grounds } = told;
  const outcomes = rows.map((row) =>
    'length' in row ? { remaining: row[0], resetUs: row[1], waitUs: row[2] } : row,
  );
  const meters = limits.slice(0, rows.length).map((limit) => ({ limit, field: limit.tag + DIGEST }));
  return new RateLimitDecision({ meters, allowed, outcomes, backend: 'redis', degraded: false, ...grounds });
}

describe('the RateLimit headers', () => {
  it('are structured-field lists of the draft, one item per limit', () => {
    const decision = decide(true, [
      [59, 200_000, 0],
      [4, 360_000_000, 0],
    ]);
    expect(rateLimitHeaders(decision)).toEqual({
      'ratelimit-policy': '"default";q=300;w=60, "signup";q=10;w=3600',
      ratelimit: '"default";r=59;t=12, "signup";r=4;t=1440',
    });
  });

  it('never suggest a faster pace than the policy has', () => {
    for (let remaining = 0; remaining <= 60; remaining += 1) {
      const { ratelimit = '' } = rateLimitHeaders(decide(true, [[remaining, (60 - remaining) * 200_000, 0]]));
      const [, r, t] = /r=(\d+);t=(\d+)/.exec(ratelimit) ?? [];
      expect(Number(r) / Number(t)).toBeLessThanOrEqual(300 / 60);
    }
  });

  it('say whole seconds, rounded up, of windows that are shorter, too', () => {
    const limit = limitOf('fast', { limits: [{ per: 'ip', quota: 5, windowMs: 200, burst: 5 }] });
    expect(rateLimitHeaders(decide(false, [[0, 200_000, 40_000]], { limits: [limit] }))).toEqual({
      'ratelimit-policy': '"fast";q=5;w=1',
      ratelimit: '"fast";r=0;t=1',
    });
  });

  it.each([1, 999_999, 1_000_000, 1_000_001, 359_000_001])(
    'of a denial name the violated limits only, and Retry-After is not earlier than any of them (%d µs)',
    (waitUs) => {
      const decision = decide(false, [
        [59, 200_000, 0],
        [0, 1_800_000_000, waitUs],
      ]);
      const { ratelimit } = rateLimitHeaders(decision);
      const t = Number(/^"signup";r=0;t=(\d+)$/.exec(ratelimit ?? '')?.[1]);
      expect(t * 1e6).toBeGreaterThanOrEqual(waitUs);
      expect(t * 1e6).toBeLessThan(waitUs + 1e6);
      const retryAfter = Math.ceil(new RateLimitExceededError(decision).retryAfterMs / 1000);
      expect(retryAfter).toBeGreaterThanOrEqual(t);
    },
  );

  it('do not depend on the backend', () => {
    const [redis, memory] = (['redis', 'memory'] as const).map((backend) =>
      rateLimitHeaders(decide(true, [[1, 1, 0]], { backend, degraded: backend === 'memory' })),
    );
    expect(memory).toEqual(redis);
  });

  it('give no window to a request that will never fit', () => {
    const decision = decide(false, [[60, 0, -1]]);
    expect(rateLimitHeaders(decision)['ratelimit']).toBe('"default";r=60');
    // No wait helps; once per window is how often a client may find that out.
    expect(new RateLimitExceededError(decision).retryAfterMs).toBe(60_000);
  });

  it('leave nothing to who is blocked', () => {
    const decision = decide(
      false,
      [
        [59, 200_000, 0],
        [5, 0, 0],
      ],
      { blockedForMs: 90_001 },
    );
    expect(rateLimitHeaders(decision)['ratelimit']).toBe('"default";r=0;t=91, "signup";r=0;t=91');
    expect(new RateLimitExceededError(decision).retryAfterMs).toBe(90_001);
  });

  it('say the unit where it is not requests', () => {
    const limit = limitOf('upload', {
      unit: 'content-bytes',
      limits: [{ per: 'ip', quota: 1e6, windowMs: 1000, burst: 1e6 }],
    });
    const { 'ratelimit-policy': policy } = rateLimitHeaders(decide(true, [[1e6, 0, 0]], { limits: [limit] }));
    expect(policy).toBe('"upload";q=1000000;qu="content-bytes";w=1');
  });

  it('say whose limit it is only where the policy wants it, as a byte sequence of the digest', () => {
    const shared = limitOf('shared', { ...POLICIES.default, partitionKey: true });
    const decision = decide(
      true,
      [
        [59, 200_000, 0],
        [58, 400_000, 0],
      ],
      { limits: [DEFAULT, shared] },
    );
    expect(rateLimitHeaders(decision)).toEqual({
      'ratelimit-policy': '"default";q=300;w=60, "shared";q=300;w=60;pk=:abc+defg/hijklmn:',
      ratelimit: '"default";r=59;t=12, "shared";r=58;t=12;pk=:abc+defg/hijklmn:',
    });
    expect(Buffer.from('abc+defg/hijklmn', 'base64').toString('base64')).toBe('abc+defg/hijklmn');
  });

  it('follow the limits in force when they are written for one route again and again', () => {
    const fields = new RateLimitFields();
    const raised = { ...DEFAULT, quota: 600 };
    const both: Row[] = [
      [59, 200_000, 0],
      [4, 360_000_000, 0],
    ];
    for (const limits of [[DEFAULT, SIGNUP], [raised, SIGNUP], [SIGNUP], [DEFAULT, SIGNUP]]) {
      const decision = decide(true, both.slice(0, limits.length), { limits });
      const written = { 'ratelimit-policy': fields.policy(decision), ratelimit: fields.limits(decision) };
      expect(written).toEqual(rateLimitHeaders(decision));
      expect(written['ratelimit-policy']).toContain(`;q=${limits[0]?.quota};`);
    }
  });
});

describe('a denial', () => {
  const rows: Row[] = [
    [59, 200_000, 0],
    [0, 1_800_000_000, 359_000_000],
  ];

  it('is told as an exceeded quota', () => {
    const error = new RateLimitExceededError(decide(false, rows));
    expect(error).toMatchObject({
      status: 429,
      slug: 'quota-exceeded',
      message: 'The limit "signup" is exceeded.',
      extensions: { 'violated-policies': ['signup'] },
      retryAfterMs: 359_000,
    });
  });

  it('is told as reduced capacity where nobody can count', () => {
    const error = new RateLimitExceededError(
      decide(false, [rows[0] as Row, UNAVAILABLE], { backend: 'memory' }),
    );
    expect(error).toMatchObject({
      status: 503,
      slug: 'temporary-reduced-capacity',
      extensions: { 'violated-policies': ['signup'] },
      retryAfterMs: 1000,
    });
    expect(error.headers['ratelimit']).toBe('"signup";r=0;t=1');
  });

  it('is told as abnormal usage where an operator has blocked the client', () => {
    const error = new RateLimitExceededError(decide(false, [[59, 200_000, 0]], { blockedForMs: 5000 }));
    expect(error).toMatchObject({
      status: 429,
      slug: 'abnormal-usage-detected',
      extensions: { 'violated-policies': ['default'] },
      retryAfterMs: 5000,
    });
  });
});
