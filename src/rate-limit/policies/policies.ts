import type { PolicyTable } from './policy.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** The policies of the house. A feature's own stand under `rateLimit.policies` in src/app.features.ts. */
// prettier-ignore
export const POLICIES = {
  /** Every route below /v1. */
  default: { limits: [
    { per: 'ip',      quota:   300, windowMs: MINUTE_MS, burst:  60, outage: 'local' },
  ] },
  /** Creating an account: each one costs a slow password hash and an e-mail. */
  signup: { limits: [
    { per: 'ip',      quota:    10, windowMs: HOUR_MS,   burst:   5, outage: 'local' },
    { per: 'network', quota:   100, windowMs: HOUR_MS,   burst:  30, outage: 'local' },
    { per: 'global',  quota: 3_000, windowMs: HOUR_MS,   burst: 300, outage: 'local' },
  ] },
  /** Opening an event stream, whatever it carries: a client whose connection flaps must not flood. */
  'stream-connect': { limits: [
    { per: 'ip',      quota:    60, windowMs: MINUTE_MS, burst:  20, outage: 'local' },
  ] },
  /** Webhook deliveries that were refused for their signature, or before it was looked at. Those that are signed well count nowhere. */
  'webhook-signature': { limits: [
    { per: 'ip',      quota:    60, windowMs: MINUTE_MS, burst:  20, outage: 'local' },
  ] },
} as const satisfies PolicyTable;

type BuiltInPolicies = typeof POLICIES;

/**
 * The policies that the compiler knows. A feature augments this interface beside its rows, which
 * src/app.features.ts names under `rateLimit.policies`; a misspelt name does not compile.
 */
export interface RateLimitPolicyMap extends BuiltInPolicies {}

export type PolicyName = keyof RateLimitPolicyMap & string;
