const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** From so many failures in a row on, each further one locks the account for so long; 0 failures: no lock. */
// prettier-ignore
export const LOCKOUT_TIERS = [
  { failures:   5, lockMs:  30 * SECOND_MS },
  { failures:  10, lockMs:   5 * MINUTE_MS },
  { failures:  20, lockMs:  30 * MINUTE_MS },
  { failures:  50, lockMs:   4 * HOUR_MS },
  /** NIST SP 800-63B-4, 3.2.2: at most 100 in a row. Held until a reset or an administrator lifts it. */
  { failures: 100, lockMs: undefined },
] as const satisfies readonly LockoutTierRow[];

interface LockoutTierRow {
  readonly failures: number;
  /** Undefined: held. */
  readonly lockMs: number | undefined;
}

/** The first failures count of a tier; 0: below all of them. */
export type LockoutTier = 0 | (typeof LOCKOUT_TIERS)[number]['failures'];

export const HELD_TIER = 100 satisfies LockoutTier;

/** From this tier on a lock is written to SQL as well, so that a Redis that lost its data gives nobody new guesses. */
export const LEAST_DURABLE_TIER = 20 satisfies LockoutTier;

/** Failures are forgotten when none was added for so long. */
export const LOCKOUT_IDLE_MS = 24 * HOUR_MS;

/**
 * Failures in a row that known devices of an owner have together, whatever the lock. Beyond them they are strangers: a
 * stolen device is worth no more guesses than these.
 */
export const MOST_DEVICE_FAILURES = 20;

/** @returns the tier that so many failures have reached */
export function tierOf(failures: number): LockoutTier {
  return LOCKOUT_TIERS.findLast((tier) => tier.failures <= failures)?.failures ?? 0;
}
