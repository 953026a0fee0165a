/**
 * The policy table: one row is one limit, and its name is what appears in `@RateLimit`, in the headers, in the
 * metrics and in the keys. Several limits are several names in one check. Rows that belong to one feature may
 * stand in a table of its own, given to a RateLimiter of its own.
 */

/** Whom a limit counts: a client address, an account, or everybody together. */
export type Dimension = 'ip' | 'user' | 'global';

export interface Policy {
  readonly per: Dimension;
  /** Units per window in the long run. */
  readonly quota: number;
  readonly windowSeconds: number;
  /** Units at once. Within one window at most quota + burst pass. */
  readonly burst: number;
}

export type PolicyTable = Readonly<Record<string, Policy>>;

// prettier-ignore
export const POLICIES = {
  /** Every route below /v1. */
  default: { per: 'ip', quota: 300, windowSeconds:    60, burst: 60 },
  /** Creating an account: each one costs a slow password hash and an e-mail. */
  signup:  { per: 'ip', quota:  10, windowSeconds: 3_600, burst:  5 },
} as const satisfies PolicyTable;

export type PolicyName = keyof typeof POLICIES;

/** Policies whose key the guard knows from the request alone; one per user is checked by its feature. */
export type GuardedPolicy = {
  [Name in PolicyName]: (typeof POLICIES)[Name]['per'] extends 'ip' | 'global' ? Name : never;
}[PolicyName];

const NAME = /^[a-z][a-z0-9-]{0,31}$/;
const LONGEST_WINDOW_SECONDS = 35 * 86_400;

/** Rounded up: a quota that does not divide its window admits a little less, never more. */
export function intervalUs({ quota, windowSeconds }: Policy): number {
  return Math.ceil((windowSeconds * 1_000_000) / quota);
}

/** @throws RangeError for a row that could not be counted, kept or written into a header */
export function assertPolicies(policies: PolicyTable): void {
  for (const [name, policy] of Object.entries(policies)) {
    const { quota, windowSeconds, burst } = policy;
    const fault =
      (!NAME.test(name) && 'the name must be lower-case letters, digits and hyphens') ||
      (![quota, windowSeconds, burst].every((n) => Number.isSafeInteger(n) && n > 0) &&
        'quota, window and burst must be whole numbers above zero') ||
      (windowSeconds > LONGEST_WINDOW_SECONDS && 'the window must be at most 35 days') ||
      (quota > windowSeconds * 1_000_000 && 'the quota must be at most one unit per microsecond') ||
      (burst > quota && 'the burst must not exceed the quota');
    if (fault) throw new RangeError(`Rate-limit policy "${name}": ${fault}`);
  }
}
