import type { PolicyTable } from '../../../src/rate-limit/index.js';

/** The rules for an outage, each in a policy of its own. */
export const OUTAGE_RULES = ['local', 'deny', 'allow'] as const;
export type OutageRule = (typeof OUTAGE_RULES)[number];

/** What one client may do under each of the rules: a burst at once, and so many units a second in the long run. */
export const GRANT = { burst: 40, perSecond: 20 } as const;

const RATE = { per: 'account', quota: 60 * GRANT.perSecond, windowMs: 60_000, burst: GRANT.burst } as const;
const AUDIT_QUOTA = 1_000_000;

/** `audit` never denies, and its one window outlives every test: what it has counted is what Redis was told. */
export const OUTAGE_POLICIES = {
  local: { limits: [{ ...RATE, outage: 'local' }] },
  deny: { limits: [{ ...RATE, outage: 'deny' }] },
  allow: { limits: [{ ...RATE, outage: 'allow' }] },
  audit: { limits: [{ kind: 'window', per: 'account', quota: AUDIT_QUOTA, windowMs: 30 * 86_400_000 }] },
} as const satisfies PolicyTable;

export type OutagePolicy = keyof typeof OUTAGE_POLICIES;

/** Units that the audit has counted, from what it says is left. */
export function audited(remaining: number): number {
  return AUDIT_QUOTA - remaining;
}
