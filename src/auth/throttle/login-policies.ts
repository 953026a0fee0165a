import type { Policy } from '../../rate-limit/index.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

declare module '../../rate-limit/index.js' {
  interface RateLimitDimensionMap {
    /** An account from one address, in one text. */
    accountAddress: string;
    /** A device that an owner has logged in with. */
    knownDevice: string;
  }
}

/**
 * What a login attempt spends before its password is looked at: `login-origin`, and `login-account` or, from a known
 * device, `login-device`. Networks have eight times what an address has. The burst at once, the quota evenly.
 *
 * The account is guarded by the lockout first of all; its limit here is what a flood of attempts costs it. Denials of
 * policies that give back on success are not remembered by the process (`counts: 'failures'`).
 */
// prettier-ignore
export const LOGIN_POLICIES = {
  'login-origin': { credential: true, limits: [
    { per: 'ip',             quota:   120, windowMs: HOUR_MS,   burst:    20, outage: 'deny' },
    { per: 'network',        quota:   960, windowMs: HOUR_MS,   burst:   160, outage: 'deny' },
    /** What the password hashes of a few processes bear. */
    { per: 'global',         quota: 6_000, windowMs: MINUTE_MS, burst: 1_000, outage: 'deny' },
  ] },
  'login-account': { credential: true, counts: 'failures', limits: [
    { per: 'account',        quota:    60, windowMs: HOUR_MS,   burst:    20, outage: 'deny' },
    { per: 'accountAddress', quota:    20, windowMs: HOUR_MS,   burst:    10, outage: 'deny' },
  ] },
  'login-device': { credential: true, counts: 'failures', limits: [
    { per: 'knownDevice',    quota:    10, windowMs: HOUR_MS, kind: 'window', outage: 'deny' },
  ] },
} as const satisfies Readonly<Record<string, Policy>>;
