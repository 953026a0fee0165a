import { describe, expect, it } from 'vitest';
import { POLICIES, type Policy, assertPolicies, intervalUs } from './rate-limit.policies.js';

const row: Policy = { per: 'ip', quota: 10, windowSeconds: 60, burst: 5 };

describe('the policy table', () => {
  it('is countable', () => expect(() => assertPolicies(POLICIES)).not.toThrow());

  it.each<[string, string, Partial<Policy>]>([
    ['a name that does not fit a header', 'Sign up', {}],
    ['a quota of zero', 'p', { quota: 0 }],
    ['half a second', 'p', { windowSeconds: 0.5 }],
    ['a burst above the quota', 'p', { burst: 11 }],
    ['a window of two months', 'p', { windowSeconds: 5_184_000 }],
    ['units faster than the clock', 'p', { quota: 60_000_001, burst: 1 }],
  ])('refuses %s', (_what, name, over) => {
    expect(() => assertPolicies({ [name]: { ...row, ...over } })).toThrow(`"${name}"`);
  });

  it('rounds a quota that does not divide its window down', () => {
    expect(intervalUs({ ...row, quota: 7 })).toBe(8_571_429);
    expect(intervalUs(POLICIES.default)).toBe(200_000);
  });
});
